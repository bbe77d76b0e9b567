//! Builds the shim, and runs processes whose power it cuts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The shim. A workspace of its own that needs nothing that the project has not fetched already.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = here.join("target/powercut");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--offline", "--manifest-path"])
        .arg(here.join("tests/powercut/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the shim must build: see tests/powercut");
    target.join("debug/libpowercut.so")
});

/// What a process is to suffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut<'a> {
    /// The operation, from 1, before which the power goes. 0: never.
    pub at: u64,
    /// Syncs of files whose path contains this cover nothing.
    pub deaf: &'a str,
}

/// Has what `command` does under `root` recorded in `log`, and its power cut.
pub fn under<'c>(command: &'c mut Command, root: &Path, log: &Path, cut: Cut) -> &'c mut Command {
    // The machine runs anew after each cut, and every log is of one run.
    let boot_id = log.with_extension("boot_id");
    fs::write(&boot_id, log.as_os_str().as_encoded_bytes()).expect("a file beside the log must be writable");
    command
        .env("LD_PRELOAD", &*LIBRARY)
        .env("POWERCUT_ROOT", root.canonicalize().expect("the root must be there"))
        .env("POWERCUT_LOG", log)
        .env("POWERCUT_BOOT_ID", boot_id)
        .env("POWERCUT_CUT", cut.at.to_string())
        .env("POWERCUT_DEAF", cut.deaf)
}
