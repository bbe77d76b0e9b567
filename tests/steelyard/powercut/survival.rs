//! How much of what was not synced reaches the disk all the same.

use rand::Rng;
use rand::rngs::StdRng;

/// What becomes of writes that no sync covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing of them is there.
    Strict,
    /// Each sector is as it was at some moment since.
    Subset,
    /// They are there in the order made, up to some operation, which is torn.
    Prefix,
}

/// Every mode.
pub const MODES: [Mode; 3] = [Mode::Strict, Mode::Subset, Mode::Prefix];

/// Decides, for one cut.
pub struct Survival<'a> {
    mode: Mode,
    sector: usize,
    eagerness: f64,
    last: usize,
    random: &'a mut StdRng,
}

/// As [`Mode`], for one file.
pub enum Uncertain {
    Lost,
    Prefix { last: usize, sector: usize },
    Sectors { sector: usize },
}

impl<'a> Survival<'a> {
    /// Sectors of 512 or 4,096 bytes, and a disk that was quick or slow to write back, by chance.
    pub fn new(mode: Mode, random: &'a mut StdRng) -> Self {
        let sector = if random.random() { 512 } else { 4_096 };
        let eagerness = [0.1, 0.5, 0.9][random.random_range(0..3)];
        Self { mode, sector, eagerness, last: 0, random }
    }

    /// Chooses, of the operations that are uncertain, the last one that is in order on the disk.
    pub fn begin(&mut self, uncertain: &[usize]) {
        self.last = match self.mode {
            Mode::Strict => 0,
            Mode::Subset | Mode::Prefix => {
                let chosen = self.random.random_range(0..=uncertain.len());
                chosen.checked_sub(1).map_or(0, |index| uncertain[index])
            }
        };
    }

    /// Whether a change of names made by this operation is on the disk. They get there in the order made.
    pub fn keeps_name(&self, operation: usize) -> bool {
        operation <= self.last
    }

    pub fn uncertain(&self) -> Uncertain {
        match self.mode {
            Mode::Strict => Uncertain::Lost,
            Mode::Subset => Uncertain::Sectors { sector: self.sector },
            Mode::Prefix => Uncertain::Prefix { last: self.last, sector: self.sector },
        }
    }

    /// Any of `0..=most`.
    pub fn up_to(&mut self, most: usize) -> usize {
        self.random.random_range(0..=most)
    }

    /// One of `0..=most`, nearer to `most` on a disk that was quick.
    pub fn eagerly_up_to(&mut self, most: usize) -> usize {
        (0..most).find(|_| !self.random.random_bool(self.eagerness)).unwrap_or(most)
    }
}
