//! Stand-in.
use crate::domain::Date;
use crate::pb;
/// Stand-in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Stand-in.
    pub subjects: u32,
    /// Stand-in.
    pub seed: u64,
    /// Stand-in.
    pub as_of: Date,
}
/// Stand-in.
pub fn records(config: &Config) -> Box<dyn Iterator<Item = pb::Record>> {
    let _ = config;
    Box::new(std::iter::empty())
}
