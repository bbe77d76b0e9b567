//! A data directory is lost; another is made from backups. Whoever asks sees the same lists.

use std::path::Path;
use std::process::Output;

use jiff::Timestamp;
use steelyard::pb;
use steelyard::store::backup::{check, write};
use steelyard::store::{Head, SledStore, Store, Unpaced};

use crate::harness::{Server, steelyard};
use crate::people::AS_OF;
use crate::personas::everybody;

const CACHE_BYTES: u64 = 16 << 20;

/// Backs up a directory that no server has open, after what was backed up before.
fn back_up(data: &Path, backups: &Path, before: Head) -> Head {
    let store = SledStore::open(data, CACHE_BYTES).expect("the store must open");
    let through = store.head().expect("it must have a head");
    let unverified = write(&store, before, through, backups, Timestamp::now(), &mut Unpaced).expect("must be written");
    let scratch = tempfile::tempdir().expect("there must be room");
    check(unverified, &store, scratch.path(), &mut Unpaced).expect("must be proved").trailer.head
}

fn restore(arguments: &[&str]) -> Output {
    steelyard().arg("restore").args(arguments).output().expect("the command must start")
}

#[tokio::test]
async fn lists_after_a_restore_are_those_before_the_loss() {
    let home = tempfile::tempdir().expect("there must be room");
    let path = |name: &str| home.path().join(name);
    let text = |name: &str| path(name).to_str().expect("a temporary path must be text").to_owned();
    let mut before = Head::EMPTY;
    let mut first = true;
    let mut standings = Vec::new();
    let (early, late) = everybody().into_iter().partition::<Vec<_>, _>(|_| std::mem::take(&mut first));
    for people in [early, late] {
        let server = Server::on(&path("data"), if before == Head::EMPTY { &["--as-of", AS_OF] } else { &[] });
        let mut client = server.client().await;
        for persona in people {
            for records in persona.somebody.records().chunks(500) {
                client.write(records.to_vec()).await;
            }
        }
        standings = client.whole(pb::List::All, 1_000).await;
        drop(client);
        assert!(server.stop().await.success());
        before = back_up(&path("data"), &path("backups"), before);
    }
    std::fs::remove_dir_all(path("data")).expect("the directory must be there");
    let doctor = steelyard()
        .args(["doctor", "--data-dir", &text("data"), "--backup-directory", &text("backups")])
        .args(["--grpc-listen", "127.0.0.1:0", "--http-listen", "off", "--health-listen", "off"])
        .output()
        .expect("the command must start");
    let told = String::from_utf8_lossy(&doctor.stdout).replace("\n           ", " ");
    assert_eq!(doctor.status.code(), Some(65), "{told}");
    assert!(told.contains("WRONG    There is no store in `data_dir`, and"), "{told}");

    let output = restore(&["--from", &text("backups"), "--data-dir", &text("data")]);
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains(&before.to_string()), "{report}");
    let again = restore(&["--from", &text("backups"), "--data-dir", &text("data")]);
    assert_eq!(again.status.code(), Some(64), "never over what is there");

    let server = Server::on(&path("data"), &[]);
    let mut client = server.client().await;
    assert_eq!(client.whole(pb::List::All, 1_000).await, standings);

    let served = ["--from", &text("backups"), "--journal", &text("data/journal"), "--data-dir", &text("other")];
    let refused = restore(&served);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("a server is writing this journal; stop it first"), "{told}");
    assert_eq!(refused.status.code(), Some(69));
    assert!(!path("other").exists());
}
