//! The ledger in files, so that it outlives the disk that it is on.
//!
//! A file holds the stored bytes of a run of events, unchanged, with the chain
//! that binds them. It is written aside ([`write`]), then really restored into a
//! scratch directory and compared with the live store ([`check`]); only then does
//! it get its name, and only a file with its name counts ([`Catalogue`]). A full
//! one begins with the first event, an incremental one after the last event of
//! another. [`restore`] makes a new data directory from them; it never touches one
//! that holds anything. The same files carry a ledger between stores and versions.
//!
//! Nothing here copies an engine's files, and nothing here knows what an event tells of.

mod catalogue;
mod check;
pub mod error;
pub mod format;
mod plan;
pub mod read;
mod restore;
mod write;

pub use catalogue::{BackupFile, Catalogue, Misfit, sweep};
pub use check::{Verified, check};
pub use error::{BackupError, FileFault};
pub use format::{Header, Kind, Trailer};
pub use plan::{Plan, Until};
pub use read::Reader;
pub use restore::{Incarnation, Restored, Tail, examine, restore};
pub use write::{Unverified, write};
