//! A disk that is full under a real server: lists go on, the refusal says what to do, and nothing acknowledged is lost.

use steelyard::pb;
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::{Client, Server, new_id, told};
use crate::people::{AS_OF, Somebody};

/// People in one request.
const TOGETHER: usize = 200;
/// Blocks of 512 bytes that no file may outgrow: 4 MiB.
const BLOCKS: u32 = 8_192;
/// Requests by which that must have happened.
const MOST_REQUESTS: usize = 400;

fn request(number: usize) -> pb::WriteEvidenceRequest {
    let records = (0..TOGETHER)
        .flat_map(|place| Somebody::man(&format!("FULL-{number}-{place}"), "1990-01-01").records())
        .collect();
    pb::WriteEvidenceRequest { request_id: new_id(), records, ..Default::default() }
}

async fn people(client: &mut Client) -> usize {
    client.whole(pb::List::All, 1_000).await.len()
}

#[tokio::test]
async fn on_a_full_disk_lists_go_on_and_nothing_acknowledged_is_lost() {
    let directory = tempfile::tempdir().expect("must make a directory");
    let server = Server::on_a_disk_of(BLOCKS, directory.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    let mut acknowledged = 0;
    let (unanswered, refusal) = loop {
        assert!(acknowledged < MOST_REQUESTS, "the limit must have been met by now");
        let request = request(acknowledged);
        match client.evidence.write_evidence(request.clone()).await {
            Ok(_) => acknowledged += 1,
            Err(status) => break (request, status),
        }
    };
    let details = refusal.get_error_details();
    assert_eq!(refusal.code(), Code::Unavailable, "{}", told(&refusal));
    assert_eq!(details.error_info().expect("must have a reason").reason, "STORE_READ_ONLY");
    assert!(details.retry_info().is_some(), "it must say when to try again");
    assert!(acknowledged > 0);
    // Opened again in process, the store may have kept what it could not acknowledge.
    if let Err(refusal) = client.try_whole(pb::List::All, pb::View::Basic, 100).await {
        panic!("lists must go on: {}\n{}", told(&refusal), server.log());
    }
    let served = people(&mut client).await;
    assert!([acknowledged, acknowledged + 1].contains(&(served / TOGETHER)), "{served} of {acknowledged} requests");
    server.kill();

    let server = Server::on(directory.path(), &[]);
    let mut client = server.client().await;
    for number in 0..acknowledged {
        client.standing(&format!("FULL-{number}-{}", number % TOGETHER)).await.expect("what was acknowledged is there");
    }
    let again = client.evidence.write_evidence(unanswered.clone()).await.expect("there is room now").into_inner();
    assert!(again.verdicts.iter().all(|verdict| verdict.verdict == i32::from(pb::Verdict::Created)));
    let repeated = client.evidence.write_evidence(unanswered).await.expect("asked again").into_inner();
    assert_eq!(repeated, again, "it is done once");
    assert_eq!(people(&mut client).await, (acknowledged + 1) * TOGETHER);
}
