//! The `steelyard` command. Everything it does is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// A third faster on small replies than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    steelyard::cli::main()
}
