use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const STORE: [u8; 16] = [5; 16];

struct Ground {
    directory: TempDir,
}

impl Ground {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn site(&self) -> Site {
        let root = self.directory.path();
        Site {
            kek_file: root.join("elsewhere/kek"),
            backups: Some(root.join("copies")),
            ..Site::within(&root.join("keys"))
        }
    }

    fn ring(&self) -> KeyRing {
        let ring = KeyRing::open(&self.site()).unwrap();
        ring.bind(STORE, false).unwrap();
        ring
    }

    /// Every file of keys, by name.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for place in ["keys", "elsewhere", "copies"] {
            for entry in fs::read_dir(self.directory.path().join(place)).unwrap() {
                let path = entry.unwrap().path();
                let bytes = fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
        found.sort();
        found
    }
}

fn key(subject: u32) -> KeyId {
    KeyId::of(SubjectId(subject)).unwrap()
}

#[test]
fn what_a_ring_sealed_opens_after_it_was_opened_again() {
    let ground = Ground::new();
    let ring = ground.ring();
    let sealed = ring.seal(key(7), &Bound::Body(3), b"evidence").unwrap();
    drop(ring);
    let ring = ground.ring();
    assert_eq!(ring.unseal(key(7), &Bound::Body(3), &sealed).as_deref(), Ok(&b"evidence"[..]));
    assert_eq!(ring.unseal(key(7), &Bound::Body(4), &sealed), Err(Unopened::Broken));
    assert_eq!(ring.unseal(key(7), &Bound::Answer(3), &sealed), Err(Unopened::Broken));
    assert_eq!(ring.unseal(key(8), &Bound::Body(3), &sealed), Err(Unopened::Broken));
    assert_eq!(ring.unseal(KeyId::STORE, &Bound::Body(3), &sealed), Err(Unopened::Broken));
}

#[test]
fn a_destroyed_key_is_gone_from_every_file_and_stays_gone() {
    let ground = Ground::new();
    let ring = ground.ring();
    let mine = ring.seal(key(7), &Bound::Body(3), b"evidence").unwrap();
    let other = ring.seal(key(8), &Bound::Body(4), b"other").unwrap();
    let before = ground.files();
    let kek = ring.status().kek;
    assert_eq!(ring.destroy(&[SubjectId(7)]).unwrap(), 1);
    assert_eq!(ring.destroy(&[SubjectId(7)]).unwrap(), 0, "there is nothing left to destroy");
    assert_ne!(ring.status().kek, kek, "an erasure wraps the ring under a new key");
    assert_eq!(ring.status().destroyed, 1);
    drop(ring);
    let after = ground.files();
    for (path, bytes) in before.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        assert!(!after.iter().any(|(_, left)| left == bytes), "{} is as it was", path.display());
    }
    let ring = ground.ring();
    assert!(ring.is_destroyed(SubjectId(7)));
    assert_eq!(ring.unseal(key(7), &Bound::Body(3), &mine), Err(Unopened::Destroyed));
    assert_eq!(ring.unseal(key(8), &Bound::Body(4), &other).as_deref(), Ok(&b"other"[..]));
    assert!(ring.seal(key(7), &Bound::Body(5), b"more").is_err());
}

#[test]
fn an_older_ring_opens_only_with_its_own_key_encryption_key() {
    let ground = Ground::new();
    let ring = ground.ring();
    let sealed = ring.seal(key(7), &Bound::Body(3), b"evidence").unwrap();
    let site = ground.site();
    let old = [site.ring(), site.kek_file.clone()].map(|path| fs::read(path).unwrap());
    ring.destroy(&[SubjectId(7)]).unwrap();
    drop(ring);
    fs::write(site.ring(), &old[0]).unwrap();
    assert!(matches!(KeyRing::open(&site), Err(KeyRingError::OtherKek { .. })));
    fs::write(&site.kek_file, &old[1]).unwrap();
    let ring = KeyRing::open(&site).unwrap();
    assert_eq!(ring.unseal(key(7), &Bound::Body(3), &sealed).as_deref(), Ok(&b"evidence"[..]));
}

/// The ring, the key and the key aside, as a step leaves them, and whether the erasure then is done.
type Left<'a> = (&'a [u8], &'a [u8], Option<&'a [u8]>, bool);

#[test]
fn a_kill_between_any_two_writes_of_an_erasure_leaves_a_ring_that_opens() {
    let ground = Ground::new();
    let site = ground.site();
    let ring = ground.ring();
    let sealed = ring.seal(key(8), &Bound::Body(3), b"other").unwrap();
    let (old_ring, old_kek) = (fs::read(site.ring()).unwrap(), fs::read(&site.kek_file).unwrap());
    ring.destroy(&[SubjectId(7)]).unwrap();
    drop(ring);
    let (new_ring, new_kek) = (fs::read(site.ring()).unwrap(), fs::read(&site.kek_file).unwrap());
    let put = |path: &Path, bytes: Option<&[u8]>| {
        let _ = fs::remove_file(path);
        if let Some(bytes) = bytes {
            files::write(path, bytes).unwrap();
        }
    };
    let half = &new_kek[..20];
    let zeros = vec![0; old_kek.len()];
    let steps: [Left<'_>; 6] = [
        (&old_ring, &old_kek, Some(half), false),
        (&old_ring, &old_kek, Some(&new_kek), false),
        (&new_ring, &old_kek, Some(&new_kek), true),
        (&new_ring, &zeros[..30], Some(&new_kek), true),
        (&new_ring, &zeros, Some(&new_kek), true),
        (&new_ring, &new_kek, None, true),
    ];
    for (number, (ring, kek, aside, done)) in steps.into_iter().enumerate() {
        put(&site.ring(), Some(ring));
        put(&site.kek_file, Some(kek));
        put(&files::aside(&site.kek_file), aside);
        for again in 0..2 {
            let ring = KeyRing::open(&site).unwrap_or_else(|error| panic!("step {number}.{again}: {error}"));
            assert_eq!(ring.is_destroyed(SubjectId(7)), done, "step {number}.{again}");
            assert_eq!(ring.unseal(key(8), &Bound::Body(3), &sealed).as_deref(), Ok(&b"other"[..]));
            assert!(!files::aside(&site.kek_file).exists());
        }
    }
}

#[test]
fn keys_are_made_ahead_and_never_again_for_the_erased() {
    let ground = Ground::new();
    let ring = ground.ring();
    let sequence = ring.status().sequence;
    ring.cover(SubjectId(4_000)).unwrap();
    assert_eq!(ring.status().sequence, sequence, "the first keys are there already");
    ring.destroy(&[SubjectId(1)]).unwrap();
    ring.cover(SubjectId(10_000)).unwrap();
    assert!(ring.status().keys > 14_000, "{:?}", ring.status());
    let sealed = ring.seal(key(10_000), &Bound::Body(1), b"late").unwrap();
    drop(ring);
    let ring = ground.ring();
    assert_eq!(ring.unseal(key(10_000), &Bound::Body(1), &sealed).as_deref(), Ok(&b"late"[..]));
    assert!(ring.is_destroyed(SubjectId(1)));
    assert_eq!(ring.unseal(key(200_000), &Bound::Body(1), &sealed), Err(Unopened::Unknown));
}

#[test]
fn a_ring_is_of_one_store_and_a_new_one_is_refused_beside_sealed_events() {
    let ground = Ground::new();
    let ring = KeyRing::open(&ground.site()).unwrap();
    assert!(ring.is_new());
    assert!(matches!(ring.bind(STORE, true), Err(KeyRingError::NewBesideSealed { .. })));
    ring.bind(STORE, false).unwrap();
    ring.bind(STORE, true).unwrap();
    assert!(matches!(ring.bind([6; 16], false), Err(KeyRingError::OtherStore { .. })));
}

#[test]
fn files_that_others_may_read_are_refused_and_a_missing_one_is_never_made_anew() {
    let ground = Ground::new();
    drop(ground.ring());
    let site = ground.site();
    for path in [site.ring(), site.kek_file.clone()] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(KeyRing::open(&site), Err(KeyRingError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let refused = KeyRing::open(&site);
        assert!(matches!(refused, Err(KeyRingError::NoRing { .. } | KeyRingError::NoKek { .. })), "{refused:?}");
        files::write(&path, &bytes).unwrap();
    }
    let mut bytes = fs::read(site.ring()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(site.ring(), &bytes).unwrap();
    assert!(matches!(KeyRing::open(&site), Err(KeyRingError::Damaged { .. })));
}

#[test]
fn one_process_at_a_time_has_the_ring() {
    let ground = Ground::new();
    let ring = ground.ring();
    assert!(matches!(KeyRing::open(&ground.site()), Err(KeyRingError::InUse { .. })));
    assert_eq!(KeyRing::look(&ground.site()).unwrap(), ring.status());
    ring.rotate().unwrap();
    assert_eq!(KeyRing::look(&ground.site()).unwrap(), ring.status());
}
