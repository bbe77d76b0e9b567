//! To be written.

pub mod offence;
pub mod policy;
pub mod sheet;
