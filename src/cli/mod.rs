//! To be written.

pub mod predict;
