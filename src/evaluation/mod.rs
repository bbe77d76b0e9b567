//! Evaluation: how well an order of people agreed with what they went on to do, and
//! whether it was fair. Nothing here knows of a server, a clock or a store.

pub mod compare;
pub mod measure;
pub mod report;
