//! A power cut loses nothing that was acknowledged. The cut is emulated: a shim
//! ([`tests/powercut`](../../powercut/src/lib.rs)) records what a process writes
//! and syncs, ends it before a chosen operation, and the disk is rebuilt as it may
//! then be.
//!
//! - [`rules`]: that the emulation itself loses what it must and keeps what it must
//! - [`drill`]: rounds of cuts, of the store through the library and of the whole server
//!
//! Linux alone: elsewhere there is no such shim, and these tests are not built.

mod child;
mod disk;
mod drill;
mod file;
mod history;
mod log;
mod rules;
mod shim;
mod survival;
