//! What a server leaves on the machine is for its own user's eyes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Server, on_directory, steelyard};
use crate::people::AS_OF;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_that_a_server_makes_are_closed_to_others() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (home, backups, restored) =
        (folder.path().join("home"), folder.path().join("backups"), folder.path().join("restored"));
    let beside = backups.to_str().expect("a temporary path must be text");
    let server = Server::with(&on_directory(&home, &["--as-of", AS_OF, "--backup-directory", beside]));
    let made = steelyard().args(["backup", "--server", &server.url()]).output().expect("must run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made = steelyard().arg("restore").arg("--from").arg(&backups).arg("--data-dir").arg(&restored).output();
    assert!(made.expect("must run").status.success());
    for directory in [&home, &backups, &restored] {
        let mode = fs::metadata(directory).expect("it must have been made").permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", directory.display());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_leaves_no_core_file() {
    let server = Server::in_memory();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).expect("a process has limits");
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("one is on core files");
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[..2], ["0", "0"], "neither now nor raised later: {core}");
}
