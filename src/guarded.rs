//! Who may read a file with a key or a secret in it: the one rule for every such file that the server is given. Its
//! owner alone may; or, as Kubernetes mounts a Secret for a process that is not root, root owns it and the process
//! reads it through one group of its own, which may not write it. The world never may.

use std::fs::Metadata;

/// What the rule asks for, as it ends the sentence of an error.
pub const WANTED: &str = "make it 600 and the server's own, or root's with mode 440 and a group of the server";

/// Permission bits of a file that others may read or write than whoever the rule allows. `None`: it is guarded.
#[cfg(unix)]
pub fn exposed(file: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let held = Held { mode: file.mode(), owner: file.uid(), group: file.gid() };
    let exposed = !held.is_guarded_from(rustix::process::geteuid().as_raw(), &groups());
    exposed.then_some(held.mode & 0o7777)
}

/// Systems without owners and modes are not asked.
#[cfg(not(unix))]
pub fn exposed(_file: &Metadata) -> Option<u32> {
    None
}

/// Groups of this process.
#[cfg(unix)]
fn groups() -> Vec<u32> {
    // A system that does not tell leaves the one group that is certain.
    let mut groups: Vec<u32> =
        rustix::process::getgroups().unwrap_or_default().into_iter().map(rustix::process::Gid::as_raw).collect();
    groups.push(rustix::process::getegid().as_raw());
    groups
}

/// Whose a file is.
#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
struct Held {
    mode: u32,
    owner: u32,
    group: u32,
}

#[cfg(unix)]
impl Held {
    fn is_guarded_from(self, user: u32, groups: &[u32]) -> bool {
        const ROOT: u32 = 0;
        match self.mode & 0o077 {
            0 => true,
            0o040 => self.owner == ROOT && user != ROOT && groups.contains(&self.group),
            _ => false,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const USER: u32 = 65_532;

    fn guarded(mode: u32, owner: u32, group: u32) -> bool {
        Held { mode, owner, group }.is_guarded_from(USER, &[USER, 7])
    }

    #[test]
    fn a_file_that_its_owner_alone_may_read_is_guarded() {
        for mode in [0o600, 0o400, 0o700, 0o100_600] {
            assert!(guarded(mode, USER, 0), "{mode:o}");
        }
    }

    #[test]
    fn a_secret_that_kubernetes_mounts_for_the_group_of_the_process_is_guarded() {
        assert!(guarded(0o440, 0, USER));
        assert!(guarded(0o640, 0, 7), "any of its groups");
    }

    #[test]
    fn the_world_never_reads_or_writes_and_the_group_never_writes() {
        for mode in [0o444, 0o442, 0o441, 0o460, 0o660, 0o450, 0o420, 0o404, 0o604] {
            assert!(!guarded(mode, 0, USER), "{mode:o}");
        }
    }

    #[test]
    fn a_group_reads_only_what_is_roots_and_only_where_the_process_is_of_it() {
        assert!(!guarded(0o440, USER, USER), "its owner could have kept the group out");
        assert!(!guarded(0o440, 1_000, USER), "somebody else's");
        assert!(!guarded(0o440, 0, 1_000), "somebody else's group");
        let roots = Held { mode: 0o440, owner: 0, group: 0 };
        assert!(!roots.is_guarded_from(0, &[0]), "root itself needs no group");
    }

    #[test]
    fn a_file_is_judged_by_what_the_system_says_of_it() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, told) in [(0o600, None), (0o640, Some(0o640)), (0o604, Some(0o604))] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            // Whoever made it owns it, so that no group may read it, root or not.
            assert_eq!(exposed(&file.path().metadata().unwrap()), told, "{mode:o}");
        }
    }
}
