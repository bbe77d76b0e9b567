//! To be written.

pub mod import;
