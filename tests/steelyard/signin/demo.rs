//! The demonstration with signing in, as somebody at a terminal starts it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::browser::Browser;
use super::{DECISIONS, LIST};
use crate::harness::steelyard;
use crate::web::Web;

/// Ends a demonstration with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_demonstration_has_people_sign_in_and_each_sees_what_is_theirs() {
    let mut command = steelyard();
    command.args(["demo", "--sign-in", "--subjects", "150", "--port", "0", "--http-port", "0"]);
    let mut demo = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it must start"));
    let mut told = String::new();
    for line in BufReader::new(demo.0.stdout.take().expect("it is piped")).lines().map_while(Result::ok) {
        told.extend([line.as_str(), "\n"]);
        if line.starts_with("Serving gRPC") {
            break;
        }
    }
    let pages = told.lines().find_map(|line| line.trim().strip_prefix("http://")).unwrap_or_else(|| panic!("{told}"));
    let web = Web::at(pages.trim_end_matches('/'));
    let mut supervisor = Browser::new(&web);
    let (ended, page) = supervisor.sign_in("/lists/cohort", "DEMO-SUPERVISOR");
    assert_eq!((ended.as_str(), page.status), ("/lists/cohort", 200));
    assert!(String::from_utf8_lossy(&page.body).contains("data-ref=\""), "the force is there");
    assert_eq!(supervisor.reads(DECISIONS), 200);
    let mut reader = Browser::new(&web);
    reader.sign_in("/", "DEMO-READER");
    assert_eq!((reader.reads(LIST), reader.reads(DECISIONS)), (200, 403));
    // A command needs the token that it was told of.
    let words = told.lines().find(|line| line.contains(" list outstanding --server")).expect("it must be told");
    let flags: Vec<_> = words.split_whitespace().skip(1).collect();
    let listed = steelyard().args(&flags).output().expect("it must run");
    assert!(listed.status.success(), "{flags:?} {}", String::from_utf8_lossy(&listed.stderr));
    let without = steelyard().args(&flags[..flags.len() - 2]).output().expect("it must run");
    assert!(!without.status.success());
}
