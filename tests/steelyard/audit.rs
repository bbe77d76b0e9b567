//! The audit of a real server, over restarts and from the command line.

use std::fs;
use std::path::Path;
use std::process::Output;

use prost::Message;
use steelyard::pb;
use tonic::transport::Channel;

use crate::harness::{Server, steelyard};
use crate::issuer::Issuer;
use crate::people::AS_OF;
use crate::raw::{Means, call};

fn audit(server: &Server, arguments: &[&str]) -> Output {
    let mut command = steelyard();
    command.arg("audit").args(arguments).args(["--server", &server.url()]);
    command.output().expect("the command must start")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn segment(directory: &Path) -> std::path::PathBuf {
    directory.join("audit/00000000000000000001.audit")
}

#[test]
fn a_server_keeps_its_audit_over_a_kill_and_shows_that_it_is_sound() {
    let home = tempfile::tempdir().expect("must have a directory");
    let directory = home.path().join("data");
    let server = Server::on(&directory, &["--as-of", AS_OF]);
    let head = said(&audit(&server, &["head"]));
    assert_eq!(head.trim().split_once(' ').map(|(_, hash)| hash.len()), Some(64), "{head}");
    server.kill();
    let log = fs::read(segment(&directory)).expect("the audit must be beside the store");
    assert_eq!(log[..8], *b"SYAUDITS");
    let server = Server::on(&directory, &["--health-listen", "127.0.0.1:0"]);
    let verified = audit(&server, &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    assert!(said(&verified).contains("SOUND"), "{}", said(&verified));
    let (code, ready) = server.http("/readyz");
    assert!(code == 200 && ready.contains("\"audit\":{\"writable\":true"), "{ready}");
}

#[test]
fn a_server_refuses_to_append_to_an_audit_that_is_damaged() {
    let home = tempfile::tempdir().expect("must have a directory");
    let directory = home.path().join("data");
    Server::on(&directory, &["--as-of", AS_OF]).kill();
    let path = segment(&directory);
    let mut log = fs::read(&path).expect("the audit must be beside the store");
    log[20] ^= 1;
    log.resize(log.len() + 40, 7);
    fs::write(&path, log).expect("must write");
    let (_, refusal) = Server::refused(&crate::harness::on_directory(&directory, &[]));
    assert!(refusal.contains("audit segment") && refusal.contains("damaged at offset 0"), "{refusal}");
}

#[tokio::test]
async fn calls_that_were_turned_away_are_told_before_the_server_ends() {
    let home = tempfile::tempdir().expect("must have a directory");
    let directory = home.path().join("data");
    let issuer = Issuer::new();
    let mut arguments = ["--as-of", AS_OF, "--limits-calls-per-second", "10"].map(str::to_owned).to_vec();
    arguments.extend(issuer.arguments());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let connected = async |server: &Server| {
        Channel::from_shared(server.url()).expect("a URI").connect().await.expect("must be served")
    };
    let server = Server::on(&directory, &arguments);
    let channel = connected(&server).await;
    let list = pb::ListStandingsRequest { list: pb::List::All.into(), ..Default::default() }.encode_to_vec();
    let hasty = Means { token: Some(issuer.token("hasty", &["reader"], &["*"])), ..Means::default() };
    let mut turned_away = 0;
    for _ in 0..60 {
        let answer = call(&channel, "/steelyard.v1.RankingService/ListStandings", list.clone(), &hasty).await;
        turned_away += u64::from(answer.is_err());
    }
    assert!(turned_away > 5, "sixty calls at once are more than twenty");
    drop(channel);
    assert!(server.stop().await.success());
    let server = Server::on(&directory, &arguments);
    let channel = connected(&server).await;
    let asked = pb::ListAuditEventsRequest {
        filter: Some(pb::AuditFilter {
            actors: vec!["hasty".to_owned()],
            outcomes: vec![pb::AuditOutcome::Refused.into()],
            ..Default::default()
        }),
        page_size: 1_000,
        ..Default::default()
    };
    let reader = Means { token: Some(issuer.token("auditor", &["auditor"], &["*"])), ..Means::default() };
    let path = "/steelyard.v1.AuditService/ListAuditEvents";
    let answer = call(&channel, path, asked.encode_to_vec(), &reader).await.expect("must be told");
    let page = pb::ListAuditEventsResponse::decode(&*answer[0]).expect("an answer of the contract");
    let told: u64 = page.events.iter().map(|event| event.rows.max(1)).sum();
    assert_eq!(told, turned_away, "{:?}", page.events);
    assert!(page.events.len() as u64 <= turned_away / 2, "the most of them together");
    server.kill();
}
