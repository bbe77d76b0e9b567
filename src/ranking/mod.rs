//! Ordered lists in memory: who comes first, at which rank, and who is next to
//! whom. Everything here reads immutable [`Standings`]; a write makes a new
//! one that shares all it did not touch with the old.
//!
//! This floor weighs nobody (that is `scoring`), touches no store and no clock,
//! and knows nothing of requests: time and keys are passed in.
//!
//! - [`row`], [`facets`], [`names`]: one person as the lists see them; [`files`]: their open files
//! - [`key`]: the order, as one number
//! - [`tree`], [`chunked`]: persistent structures, O(changes) a version
//! - [`references`], [`hash_index`]: from a reference to a subject
//! - [`snapshot`], [`change`]: the lists whole, and the lists after a write
//! - [`digest`]: the lists whole, as one number
//! - [`frame`]: the lists whole, as the bytes of a published generation
//! - [`movement`]: two snapshots side by side: who entered, left, rose, fell
//! - [`sight`]: whom a reader may see
//! - [`filter`], [`query`], [`place`], [`summary`], [`compare`]: what readers ask
//! - [`token`], [`pins`], [`retire`]: pages that neither repeat nor skip

pub mod change;
pub mod chunked;
pub mod compare;
pub mod digest;
pub mod facets;
pub mod files;
pub mod filter;
pub mod frame;
pub mod hash_index;
pub mod key;
pub mod movement;
pub mod names;
pub mod pins;
pub mod place;
pub mod query;
pub mod references;
pub mod retire;
pub mod row;
pub mod sight;
pub mod snapshot;
pub mod summary;
pub mod token;
pub mod tree;

#[cfg(test)]
pub(crate) mod sample;
mod scan;

pub use change::Change;
pub use compare::{Comparison, DecidedBy};
pub use digest::standings_digest;
pub use filter::Filter;
pub use names::Names;
pub use pins::Pins;
pub use place::Place;
pub use query::{Cursor, Page, Placed, Start};
pub use references::References;
pub use row::Row;
pub use sight::Sight;
pub use snapshot::{Meta, Standings};
pub use summary::Summary;
pub use token::Tokens;
