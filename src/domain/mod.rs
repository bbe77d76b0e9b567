//! Words of the field: the types that every floor above speaks in.
//!
//! Nothing here reads a clock, a file or a table of figures. Text from outside
//! becomes one of these types at the edge, or is refused there.

pub mod date;
pub mod dossier;
pub mod evidence;
pub mod id;
pub mod life;
pub mod moment;
pub mod offence;
pub mod retention;
pub mod word;

pub use date::Date;
pub use id::{MilliPoints, Revision, SubjectId};
pub use moment::Moment;
