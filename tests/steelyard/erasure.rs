//! A person is erased, and what is left of them is looked for byte by byte: in a
//! sealed store, in its backups, after a kill, and where nothing is sealed. Each
//! search finds the person first, where they should be found.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use steelyard::pb;
use steelyard::pb::record::Kind;
use tempfile::TempDir;

use crate::harness::{Client, Server, new_id, on_directory, reason, steelyard};
use crate::people::{AS_OF, Somebody};

/// The person to be erased, and texts that stand in their records alone.
const PERSON: &str = "CANARY-REF-7731";
const CANARIES: [&str; 9] = [
    PERSON,
    "Canaryname Quillfeather",
    "CANARY-PNC-44/1",
    "CANARY-VICTIM-1",
    "CANARY-SOURCE-9",
    "CANARY-MANAGER-5",
    "CANARY-OFFICER-3",
    "CANARY-RATIONALE: he was seen at the house",
    "CANARY-REASON: the file was opened in error",
];
/// A victim of theirs and of somebody else.
const SHARED: &str = "VICTIM-SHARED-1";

/// Directories of one store and its keys.
struct Ground {
    home: TempDir,
    sealed: bool,
}

impl Ground {
    fn new(sealed: bool) -> Self {
        Self { home: tempfile::tempdir().expect("there must be room"), sealed }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a temporary path must be text").to_owned()
    }

    fn keys(&self) -> Vec<String> {
        if !self.sealed {
            return Vec::new();
        }
        let flags = ["--encryption-directory", "--encryption-kek-file", "--encryption-backup-directory"];
        flags
            .into_iter()
            .zip(["keys", "kek/kek", "key-copies"])
            .flat_map(|(flag, name)| [flag.to_owned(), self.text(name)])
            .collect()
    }

    fn server(&self, more: &[&str]) -> Server {
        self.server_on("data", more)
    }

    fn server_on(&self, data: &str, more: &[&str]) -> Server {
        let keys = self.keys();
        let mut arguments: Vec<&str> = keys.iter().map(String::as_str).collect();
        arguments.extend(more);
        let backups = self.text("backups");
        arguments.extend(["--backup-directory", &backups, "--backup-every-minutes", "0", "--store-ballast-mb", "0"]);
        Server::with(&on_directory(&self.path(data), &arguments))
    }

    /// Files below a directory that hold a text.
    fn holding(&self, directory: &str, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        search(&self.path(directory), text.as_bytes(), &mut found);
        found
    }

    /// Canaries found anywhere below directories.
    fn found(&self, directories: &[&str]) -> Vec<(PathBuf, &'static str)> {
        let mut found = Vec::new();
        for directory in directories {
            for canary in CANARIES {
                found.extend(self.holding(directory, canary).into_iter().map(|path| (path, canary)));
            }
        }
        found
    }

    fn verified(&self, data: &str) {
        let mut command = steelyard();
        command.arg("verify").arg("--data-dir").arg(self.path(data)).arg("--backups").arg(self.path("backups"));
        if self.sealed {
            command.arg("--keys").arg(self.path("keys")).arg("--kek-file").arg(self.path("kek/kek"));
        }
        let output = command.arg("--standings").output().expect("must run");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    fn restore(&self, backups: &str, data: &str) {
        let output = steelyard()
            .arg("restore")
            .arg("--from")
            .arg(self.path(backups))
            .arg("--data-dir")
            .arg(self.path(data))
            .output();
        let output = output.expect("must run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn search(path: &Path, text: &[u8], found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a directory can be listed") {
            search(&entry.expect("as above").path(), text, found);
        }
    } else if let Ok(bytes) = fs::read(path) {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        if holds(&bytes) || packed(&bytes).iter().any(|plain| holds(plain)) {
            found.push(path.to_owned());
        }
    }
}

/// What is compressed in a file, such as in a backup or a generation, wherever it begins.
fn packed(bytes: &[u8]) -> Vec<Vec<u8>> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let begins = bytes.windows(4).enumerate().filter(|(_, part)| *part == MAGIC);
    let plain = |(at, _): (usize, &[u8])| {
        let mut plain = Vec::new();
        let frame = zstd::stream::read::Decoder::new(&bytes[at..]).map(zstd::stream::read::Decoder::single_frame);
        // What comes out before it breaks off is looked through too.
        let _ = frame.and_then(|mut frame| frame.read_to_end(&mut plain));
        plain
    };
    begins.map(plain).collect()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("there must be room");
        for entry in fs::read_dir(from).expect("a directory can be listed") {
            let entry = entry.expect("as above");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("a file can be copied");
    }
}

fn canary() -> Vec<pb::Record> {
    let mut person = Somebody::man(PERSON, "1980-05-05");
    if let Some(Kind::Person(told)) = &mut person.last().kind {
        CANARIES[1].clone_into(&mut told.name);
        CANARIES[2].clone_into(&mut told.pnc_id);
    }
    let mut person = person
        .convicted("TH68010", "2025-02-01", "2025-06-01")
        .domestic(CANARIES[3], true)
        .convicted("OF61016", "2025-03-01", "2025-07-01")
        .domestic(SHARED, true)
        .wanted("2026-01-10");
    if let Some(Kind::Outstanding(told)) = &mut person.last().kind {
        CANARIES[6].clone_into(&mut told.officer);
    }
    let mut person = person
        .intelligence(pb::ThreatIndicator::AccessToWeapon, "2026-02-01", (1, "A"), CANARIES[4])
        .managed(pb::CohortStatus::Fixed, "2025-08-01");
    if let Some(Kind::CohortMembership(told)) = &mut person.last().kind {
        CANARIES[5].clone_into(&mut told.offender_manager);
    }
    person.records()
}

fn others() -> Vec<pb::Record> {
    let linked = Somebody::man("S-LINKED", "1985-05-05")
        .convicted("OF61016", "2025-04-01", "2025-08-01")
        .domestic(SHARED, true)
        .wanted("2026-02-10");
    let plain = Somebody::woman("S-PLAIN", "1990-01-01").convicted("TH68010", "2025-02-01", "2025-06-01");
    [linked.records(), plain.records()].concat()
}

/// Two people and the canary, with a rationale and a withdrawal, a published generation and another day.
async fn settle(client: &mut Client) {
    client.write(canary()).await;
    client.write(others()).await;
    let band = pb::BandOverride {
        band: pb::Band::High.into(),
        scope: pb::OverrideScope::Both.into(),
        rationale: CANARIES[7].to_owned(),
        officer: CANARIES[6].to_owned(),
        expires_on: "2026-06-01".to_owned(),
        second_officer: "INSP-1".to_owned(),
    };
    let mut decided = Somebody::new(PERSON).record("2026-03-01", Kind::BandOverride(band)).records();
    "CANARY-REF-7731-decided".clone_into(&mut decided[0].id);
    client.write(decided).await;
    let extra = Somebody::new(PERSON).marker(pb::MarkerKind::Weapons, "2025-01-01", "");
    let mut extra = extra.records();
    "CANARY-REF-7731-extra".clone_into(&mut extra[0].id);
    client.write(extra).await;
    let request = pb::WithdrawEvidenceRequest {
        request_id: new_id(),
        subject_ref: PERSON.to_owned(),
        record_id: "CANARY-REF-7731-extra".to_owned(),
        reason: CANARIES[8].to_owned(),
        etag: String::new(),
    };
    client.evidence.withdraw_evidence(request).await.expect("a withdrawal must be taken");
}

/// A server whose store is settled so.
async fn settled(ground: &Ground) -> (Server, Client) {
    let server = ground.server(&["--as-of", AS_OF]);
    let mut client = server.client().await;
    settle(&mut client).await;
    (server, client)
}

/// A server is stopped as an operator would.
async fn ended(server: Server, client: Client) {
    drop(client);
    assert!(server.stop().await.success());
}

fn erasure(request_id: &str) -> pb::EraseSubjectRequest {
    pb::EraseSubjectRequest {
        request_id: request_id.to_owned(),
        subject_ref: PERSON.to_owned(),
        officer: "DI-100".to_owned(),
        second_officer: "SUPT-7".to_owned(),
        reason: "held without a ground, as the review found".to_owned(),
        legal_ground: "DPA 2018 s47(1)".to_owned(),
    }
}

/// Nobody asks for the person in vain, and nobody meets them.
async fn gone(client: &mut Client) {
    let status = client.standing(PERSON).await.expect_err("the person is not known any more");
    assert_eq!(reason(&status).as_deref(), Some("UNKNOWN_SUBJECT"));
    let status = client.try_held(PERSON, true, 100).await.expect_err("nor their records");
    assert_eq!(reason(&status).as_deref(), Some("UNKNOWN_SUBJECT"));
    for list in [pb::List::All, pb::List::Cohort, pb::List::Wanted, pb::List::Outstanding, pb::List::Candidates] {
        let whole = client.try_whole(list, pb::View::Full, 1).await.expect("pages must come");
        assert!(whole.iter().all(|standing| !standing.subject_ref.is_empty()), "{list:?}");
        assert!(!format!("{whole:?}").contains("CANARY"), "{list:?}: {whole:?}");
    }
    assert_eq!(client.whole(pb::List::All, 10).await.len(), 2);
    let asked = pb::ListRetentionDueRequest { due_on_or_before: "2126-01-01".to_owned(), ..Default::default() };
    let due = client.evidence.list_retention_due(asked).await.expect("must come").into_inner();
    assert_eq!(due.total, 2, "{due:?}");
}

/// As a client that asks for the first page of a past list.
async fn past(client: &mut Client, generation: u64) -> Vec<pb::Standing> {
    let request = pb::ListStandingsRequest {
        list: pb::List::All.into(),
        generation,
        view: pb::View::Full.into(),
        ..Default::default()
    };
    client.ranking.list_standings(request).await.expect("a generation must be read").into_inner().standings
}

fn back_up(server: &Server) {
    let made = steelyard().args(["backup", "--full", "--server", &server.url()]).output().expect("must run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Who erased somebody is in the audit, and whom nobody can tell any more.
fn told_in_the_audit(server: &Server) {
    let audit =
        steelyard().args(["audit", "list", "-o", "json", "--server", &server.url()]).output().expect("must run");
    let audit: serde_json::Value = serde_json::from_slice(&audit.stdout).expect("JSON");
    let events = audit["events"].as_array().expect("events");
    let of_it = |event: &&serde_json::Value| {
        event["rpc"] == "steelyard.v1.EvidenceService/EraseSubject" && event["outcome"] == "AUDIT_OUTCOME_ALLOWED"
    };
    let told: Vec<_> = events.iter().filter(of_it).collect();
    assert_eq!(told.len(), 2, "asked twice: {audit}");
    assert!(
        told.iter().any(|event| event["kind"] == "AUDIT_KIND_LIFECYCLE" && event["subjectCount"] == "1"),
        "{told:?}"
    );
    assert!(
        !audit.to_string().contains("CANARY") && told.iter().all(|event| event["subjectRefs"].is_null()),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_an_unsealed_store_finds_the_person_whom_a_sealed_one_never_shows() {
    let (open, sealed) = (Ground::new(false), Ground::new(true));
    for ground in [&open, &sealed] {
        let server = ground.server(&["--as-of", AS_OF]);
        let mut client = server.client().await;
        settle(&mut client).await;
        client.weigh_on(AS_OF).await;
        back_up(&server);
        ended(server, client).await;
    }
    for canary in CANARIES {
        assert!(!open.holding("data", canary).is_empty(), "{canary} must lie in an unsealed store");
    }
    assert_eq!(sealed.found(&["data", "backups", "keys", "kek", "key-copies"]), []);
    sealed.verified("data");
    open.verified("data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_person_is_gone_from_everything_and_only_the_old_keys_bring_them_back() {
    let ground = Ground::new(true);
    let (server, mut client) = settled(&ground).await;
    client.weigh_on(AS_OF).await;
    let linked = client.on_list("S-LINKED", pb::List::All).await;
    assert!(format!("{:?}", past(&mut client, 1).await).contains(PERSON), "the person is in the generation first");
    let first = client.ranking.list_standings(pb::ListStandingsRequest {
        list: pb::List::All.into(),
        page_size: 1,
        ..Default::default()
    });
    let first = first.await.expect("a page must come").into_inner();
    back_up(&server);
    ended(server, client).await;
    for name in ["keys", "kek", "backups"] {
        copy(&ground.path(name), &ground.path(&format!("old-{name}")));
    }

    let server = ground.server(&[]);
    let mut client = server.client().await;
    let alone = pb::EraseSubjectRequest { second_officer: "di-100".to_owned(), ..erasure(&new_id()) };
    let status = client.evidence.erase_subject(alone).await.expect_err("nobody erases alone");
    assert_eq!(reason(&status).as_deref(), Some("SECOND_PERSON_REQUIRED"));
    let naming = pb::EraseSubjectRequest {
        reason: format!("{PERSON} asked for it"),
        legal_ground: String::new(),
        ..erasure("")
    };
    let status = client.evidence.erase_subject(naming).await.expect_err("everything wrong is told");
    let told = crate::harness::told(&status);
    for wrong in ["request_id", "NAMES_THE_PERSON", "legal_ground"] {
        assert!(told.contains(wrong), "{told}");
    }
    let pinned = client.ranking.list_standings(pb::ListStandingsRequest {
        list: pb::List::All.into(),
        page_size: 1,
        ..Default::default()
    });
    let pinned = pinned.await.expect("a page must come").into_inner();
    let id = new_id();
    let erased = client.evidence.erase_subject(erasure(&id)).await.expect("must be erased").into_inner();
    assert!(erased.key_destroyed && erased.events_unsealed == 0, "{erased:?}");
    assert!(erased.events_erased >= 11 && erased.records_erased >= 7, "{erased:?}");
    assert_eq!((erased.generations_blanked, erased.people_weighed_anew), (1, 1), "{erased:?}");
    let again = client.evidence.erase_subject(erasure(&id)).await.expect("asked again").into_inner();
    assert_eq!((again.revision, again.events_erased), (erased.revision, erased.events_erased));
    for token in [first.next_page_token, pinned.next_page_token] {
        let request = pb::ListStandingsRequest {
            list: pb::List::All.into(),
            page_size: 1,
            page_token: token,
            ..Default::default()
        };
        let status = client.ranking.list_standings(request).await.expect_err("pages of before have expired");
        assert_eq!(reason(&status).as_deref(), Some("PAGE_TOKEN_EXPIRED"));
    }
    told_in_the_audit(&server);
    let after = client.on_list("S-LINKED", pb::List::All).await;
    assert!(after.harm < linked.harm, "the victim is no repeat victim any more: {} and {}", linked.harm, after.harm);
    gone(&mut client).await;
    let then = past(&mut client, 1).await;
    assert_eq!(then.len(), 2);
    assert!(!format!("{then:?}").contains("CANARY"), "{then:?}");
    let replayed = steelyard().args(["replay", "1", "--server", &server.url()]).output().expect("must run");
    let said = String::from_utf8_lossy(&replayed.stdout);
    assert!(replayed.status.success() && said.starts_with("the same: generation 1"), "{said}");
    assert!(said.contains("rows left out 1, people with repeat victims as published 1"), "{said}");
    ended(server, client).await;
    ground.verified("data");
    let server = ground.server(&[]);
    let mut client = server.client().await;
    gone(&mut client).await;
    assert_eq!(past(&mut client, 1).await.len(), 2);
    let written = client.write(Somebody::man(PERSON, "1980-05-05").records()).await;
    assert!(written.revision > erased.revision);
    assert_eq!(client.try_held(PERSON, true, 10).await.expect("somebody new").len(), 1, "with nothing of before");
    let verified = steelyard().args(["verify", "--standings", "--server", &server.url()]).output().expect("must run");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    ended(server, client).await;
    assert_eq!(ground.found(&["backups", "keys", "kek", "key-copies"]), []);

    // The backup of before, with the keys of now: everybody but the person.
    ground.restore("old-backups", "restored");
    let server = ground.server_on("restored", &[]);
    let mut client = server.client().await;
    gone(&mut client).await;
    ended(server, client).await;
    ground.verified("restored");
    // With the keys of before: the person.
    fs::remove_dir_all(ground.path("restored")).expect("must go");
    for name in ["keys", "kek"] {
        fs::remove_dir_all(ground.path(name)).expect("must go");
        copy(&ground.path(&format!("old-{name}")), &ground.path(name));
    }
    ground.restore("old-backups", "restored");
    let server = ground.server_on("restored", &[]);
    let mut client = server.client().await;
    let held = client.try_held(PERSON, true, 100).await.expect("the person is there");
    assert!(format!("{held:?}").contains(CANARIES[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_the_middle_of_an_erasure_ends_it_at_its_next_start() {
    let ground = Ground::new(true);
    let (server, mut client) = settled(&ground).await;
    client.weigh_on(AS_OF).await;
    ended(server, client).await;
    for name in ["keys", "kek"] {
        copy(&ground.path(name), &ground.path(&format!("old-{name}")));
    }
    let server = ground.server(&[]);
    let mut client = server.client().await;
    client.evidence.erase_subject(erasure(&new_id())).await.expect("must be erased");
    server.kill();
    // As if the kill had come after the event and before the key: the ring is that of before.
    for name in ["keys", "kek"] {
        fs::remove_dir_all(ground.path(name)).expect("must go");
        copy(&ground.path(&format!("old-{name}")), &ground.path(name));
    }
    let before = fs::read(ground.path("keys/ring")).expect("there is a ring");
    let server = ground.server(&[]);
    assert!(server.log().contains("ended an erasure that was interrupted"), "{}", server.log());
    assert_ne!(fs::read(ground.path("keys/ring")).expect("there is a ring"), before);
    let mut client = server.client().await;
    gone(&mut client).await;
    ended(server, client).await;
    ground.verified("data");
    let after = fs::read(ground.path("keys/ring")).expect("there is a ring");
    let server = ground.server(&[]);
    assert!(!server.log().contains("ended an erasure"), "there is nothing left to do");
    assert!(server.stop().await.success());
    assert_eq!(fs::read(ground.path("keys/ring")).expect("there is a ring"), after, "a second start changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_of_an_erasure_leave_all_of_the_person_or_nothing() {
    let ground = Ground::new(true);
    let (server, mut client) = settled(&ground).await;
    client.weigh_on(AS_OF).await;
    ended(server, client).await;
    for name in ["keys", "kek", "data"] {
        copy(&ground.path(name), &ground.path(&format!("old-{name}")));
    }
    for micros in [0, 300, 1_000, 2_000, 4_000, 8_000, 30_000] {
        for name in ["keys", "kek", "data"] {
            fs::remove_dir_all(ground.path(name)).expect("must go");
            copy(&ground.path(&format!("old-{name}")), &ground.path(name));
        }
        let server = ground.server(&[]);
        let mut client = server.client().await;
        let asked = tokio::spawn(async move { client.evidence.erase_subject(erasure(&new_id())).await.is_ok() });
        let asked_at = std::time::Instant::now();
        while asked_at.elapsed() < std::time::Duration::from_micros(micros) {
            std::hint::spin_loop();
        }
        server.kill();
        let acknowledged = asked.await.expect("a call must not panic");
        let server = ground.server(&[]);
        let mut client = server.client().await;
        match client.standing(PERSON).await {
            Ok(_) => assert!(!acknowledged, "erased, and there again after {micros} us"),
            Err(_) => gone(&mut client).await,
        }
        ended(server, client).await;
        ground.verified("data");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_begun_unsealed_is_sealed_from_then_on_and_says_what_lies_open() {
    let mut ground = Ground::new(false);
    let server = ground.server(&["--as-of", AS_OF]);
    let mut client = server.client().await;
    client.write(others()).await;
    ended(server, client).await;
    ground.sealed = true;
    let server = ground.server(&[]);
    let mut client = server.client().await;
    settle(&mut client).await;
    ended(server, client).await;
    assert_eq!(ground.found(&["data"]), []);
    assert!(!ground.holding("data", "S-PLAIN").is_empty(), "what was written before lies open");
    ground.verified("data");
    // Without the keys it is not served, and not taken for damaged.
    let directory = ground.text("data");
    let (code, said) = Server::refused(&["--data-dir", &directory]);
    assert_ne!(code, Some(0));
    assert!(said.contains("encryption.directory"), "{said}");
    assert!(!ground.path("data/quarantine").exists());
    let server = ground.server(&[]);
    let mut client = server.client().await;
    let erasing = pb::EraseSubjectRequest { subject_ref: "S-PLAIN".to_owned(), ..erasure(&new_id()) };
    let erased = client.evidence.erase_subject(erasing).await.expect("must be erased").into_inner();
    assert!(erased.key_destroyed && erased.events_unsealed > 0, "{erased:?}");
    let status = client.standing("S-PLAIN").await.expect_err("nobody is shown the person");
    assert_eq!(reason(&status).as_deref(), Some("UNKNOWN_SUBJECT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_follows_a_list_reads_it_anew_once_somebody_was_erased() {
    let ground = Ground::new(true);
    let (_server, mut client) = settled(&ground).await;
    let first =
        client.ranking.list_changes(pb::ListChangesRequest { list: pb::List::All.into(), ..Default::default() });
    let first = first.await.expect("changes must come").into_inner();
    assert!(format!("{first:?}").contains(PERSON), "the reader was told of the person first");
    client.evidence.erase_subject(erasure(&new_id())).await.expect("must be erased");
    let request = pb::ListChangesRequest {
        list: pb::List::All.into(),
        change_token: first.next_change_token,
        ..Default::default()
    };
    let status = client.ranking.list_changes(request).await.expect_err("nobody can be told who left");
    assert_eq!(reason(&status).as_deref(), Some("REVISION_COMPACTED"));
    let anew = client.ranking.list_changes(pb::ListChangesRequest { list: pb::List::All.into(), ..Default::default() });
    let anew = anew.await.expect("changes must come").into_inner();
    assert!(!format!("{anew:?}").contains("CANARY"), "{anew:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsealed_store_is_copied_without_the_person_at_its_next_start() {
    let ground = Ground::new(false);
    let (server, mut client) = settled(&ground).await;
    client.weigh_on(AS_OF).await;
    back_up(&server);
    let erased = client.evidence.erase_subject(erasure(&new_id())).await.expect("must be erased").into_inner();
    assert!(!erased.key_destroyed, "{erased:?}");
    assert!(erased.events_unsealed >= 11 && erased.events_unsealed == erased.events_erased, "{erased:?}");
    assert_eq!(erased.generations_blanked, 1);
    gone(&mut client).await;
    ended(server, client).await;
    for canary in CANARIES {
        assert!(!ground.holding("data", canary).is_empty(), "{canary} must lie there until the store is copied");
    }
    copy(&ground.path("data"), &ground.path("data-before"));

    let server = ground.server(&[]);
    let mut client = server.client().await;
    gone(&mut client).await;
    assert_eq!(past(&mut client, 1).await.len(), 2);
    assert_eq!(ground.found(&["data"]), []);
    assert!(!ground.found(&["backups"]).is_empty(), "until there is another, the backup of before counts");
    back_up(&server);
    assert_eq!(ground.found(&["backups"]), []);
    ended(server, client).await;
    assert_eq!(ground.found(&["data", "backups"]), []);
    ground.verified("data");
    ground.restore("backups", "restored");
    assert_eq!(ground.found(&["restored"]), []);

    copy(&ground.path("data"), &ground.path("data-after"));
    // A kill once the copy is whole: whatever it left of the old files goes before any of them is looked at.
    for left in [&["sled", "journal"][..], &["sled"], &["journal"], &[]] {
        fs::remove_dir_all(ground.path("data")).expect("must go");
        copy(&ground.path("data-before"), &ground.path("data"));
        copy(&ground.path("data-after/sled"), &ground.path("data/sled-erased"));
        for name in ["sled", "journal"].iter().filter(|name| !left.contains(name)) {
            fs::remove_dir_all(ground.path("data").join(name)).expect("must go");
        }
        if left.contains(&"sled") {
            fs::remove_file(ground.path("data/sled/db")).expect("a removal that was broken off");
        }
        let server = ground.server(&[]);
        let mut client = server.client().await;
        gone(&mut client).await;
        ended(server, client).await;
        assert_eq!(ground.found(&["data"]), [], "{left:?}");
        ground.verified("data");
    }
    let server = ground.server(&[]);
    let mut client = server.client().await;
    client.write(Somebody::woman("S-LATER", "1991-01-01").records()).await;
    ended(server, client).await;
    ground.verified("data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reference_of_a_person_is_erased_and_what_a_merge_told_of_them() {
    let ground = Ground::new(false);
    let (server, mut client) = settled(&ground).await;
    // One reference that stays the person's, and one that was only thought to be.
    client.write(Somebody::man("S-CANARY-OTHER", "1980-05-05").records()).await;
    for (merged, survivor, day) in [(PERSON, "S-PLAIN", AS_OF), ("S-CANARY-OTHER", PERSON, "2026-04-02")] {
        let request = pb::MergeSubjectsRequest {
            request_id: new_id(),
            survivor_ref: survivor.to_owned(),
            merged_ref: merged.to_owned(),
            officer: "DC-4".to_owned(),
            reason: "the same fingerprints, as found on Monday".to_owned(),
            ..Default::default()
        };
        if merged == PERSON {
            let naming = pb::MergeSubjectsRequest {
                request_id: new_id(),
                reason: format!("{PERSON} has the same fingerprints"),
                ..request.clone()
            };
            let status = client.evidence.merge_subjects(naming).await.expect_err("a reason names nobody");
            assert!(crate::harness::told(&status).contains("NAMES_THE_PERSON"));
        }
        client.evidence.merge_subjects(request).await.expect("must be merged");
        client.weigh_on(day).await;
        if merged == PERSON {
            let request = pb::UnmergeSubjectsRequest {
                request_id: new_id(),
                merged_ref: PERSON.to_owned(),
                officer: "DC-4".to_owned(),
                reason: "the fingerprints were of two people".to_owned(),
                ..Default::default()
            };
            client.evidence.unmerge_subjects(request).await.expect("must be taken apart");
        }
    }
    let joined = past(&mut client, 1).await;
    assert!(joined.iter().any(|standing| standing.subject_ref == "S-PLAIN"), "{joined:?}");
    let asked = pb::EraseSubjectRequest { subject_ref: "S-CANARY-OTHER".to_owned(), ..erasure(&new_id()) };
    let erased = client.evidence.erase_subject(asked).await.expect("by any of the references").into_inner();
    assert_eq!(erased.generations_blanked, 2, "{erased:?}");
    gone(&mut client).await;
    let status = client.standing("S-CANARY-OTHER").await.expect_err("neither is known any more");
    assert_eq!(reason(&status).as_deref(), Some("UNKNOWN_SUBJECT"));
    let now = past(&mut client, 1).await;
    assert!(now.iter().all(|standing| standing.subject_ref != "S-PLAIN"), "the row told of both: {now:?}");
    for generation in ["1", "2"] {
        let replayed = steelyard().args(["replay", generation, "--server", &server.url()]).output().expect("must run");
        let said = String::from_utf8_lossy(&replayed.stdout);
        assert!(replayed.status.success() && said.starts_with("the same: "), "{generation}: {said}");
    }
    ended(server, client).await;
    let server = ground.server(&[]);
    let mut client = server.client().await;
    gone(&mut client).await;
    let asked = pb::ExportSubjectRequest { subject_ref: "S-PLAIN".to_owned(), ..Default::default() };
    let mut parts = client.evidence.export_subject(asked).await.expect("what is left can be exported").into_inner();
    let mut told = 0;
    while let Some(part) = parts.message().await.expect("must come to its end") {
        assert!(!format!("{part:?}").contains("CANARY"), "{part:?}");
        told += u32::from(matches!(part.part, Some(pb::export_subject_response::Part::Event(_))));
    }
    assert_eq!(told, 0, "who it was thought to be is nobody's any more");
    // What was weighed since then was weighed without them: it is replayed from the ledger alone, kept or not.
    client.weigh_on("2026-04-03").await;
    fs::remove_file(ground.path("data/generations/g-00000003"))
        .expect("the third generation is kept in a file of its own");
    let replayed = steelyard().args(["replay", "3", "--server", &server.url()]).output().expect("must run");
    let said = String::from_utf8_lossy(&replayed.stdout);
    assert!(replayed.status.success() && said.starts_with("the same: ") && !said.contains("erased"), "{said}");
    ended(server, client).await;
    assert_eq!(ground.found(&["data"]), []);
    assert_eq!(ground.holding("data", "S-CANARY-OTHER"), Vec::<PathBuf>::new());
    ground.verified("data");
}
