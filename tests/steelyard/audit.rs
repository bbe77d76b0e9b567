//! The audit of a real server, over restarts and from the command line.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::harness::{Server, steelyard};
use crate::people::AS_OF;

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
