//! Comparing: one order with another, one group of people with another, the
//! time before a selection with the time after. Every share carries an exact
//! interval, every difference an interval from resampling with a given seed,
//! and no number about a few people leaves the table that it would give away.

pub mod agreement;
pub mod before_after;
pub mod cost;
pub mod groups;
pub mod interval;
pub mod proportion;
mod resample;
pub mod suppress;
