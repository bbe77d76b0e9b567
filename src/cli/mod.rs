//! To be written.

pub mod offence;
pub mod policy;
pub mod predict;
pub mod sheet;
