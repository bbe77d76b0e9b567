//! Compares two sets of any size in memory of a fixed size: of each part of
//! them, the sum of the hashes of what is in it. Parts whose sums are equal
//! hold the same; the others are worth a second look, entry by entry.

/// Parts. A lone difference sends one entry in so many to be looked at again.
const PARTS: usize = 4_096;

/// One set, taken from another.
#[derive(Clone)]
pub struct Sketch {
    sums: Vec<u128>,
}

impl Sketch {
    /// Nothing in either.
    pub fn new() -> Self {
        Self { sums: vec![0; PARTS] }
    }

    /// Adds an entry to the one set.
    pub fn add(&mut self, entry: &[u8]) {
        let (part, hash) = Self::place(entry);
        self.sums[part] = self.sums[part].wrapping_add(hash);
    }

    /// Adds an entry to the set that is taken from it.
    pub fn take(&mut self, entry: &[u8]) {
        let (part, hash) = Self::place(entry);
        self.sums[part] = self.sums[part].wrapping_sub(hash);
    }

    /// Whether both sets are the same.
    pub fn same(&self) -> bool {
        self.sums.iter().all(|sum| *sum == 0)
    }

    /// Whether the sets differ in the part that this entry would lie in.
    pub fn suspects(&self, entry: &[u8]) -> bool {
        self.sums[Self::place(entry).0] != 0
    }

    fn place(entry: &[u8]) -> (usize, u128) {
        let hash = blake3::hash(entry);
        let (low, rest) = hash.as_bytes().split_first_chunk::<16>().expect("32 bytes must begin with 16");
        (usize::from(u16::from_be_bytes([rest[0], rest[1]])) % PARTS, u128::from_be_bytes(*low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_matter_and_one_entry_too_few_or_too_many_does() {
        let entries: Vec<[u8; 8]> = (0..10_000_u64).map(u64::to_be_bytes).collect();
        let mut sketch = Sketch::new();
        entries.iter().for_each(|entry| sketch.add(entry));
        entries.iter().rev().skip(1).for_each(|entry| sketch.take(entry));
        assert!(!sketch.same());
        assert!(sketch.suspects(&entries[9_999]), "the one not taken");
        let suspected = entries.iter().filter(|entry| sketch.suspects(*entry)).count();
        assert!(suspected < 20, "{suspected} of 10,000 need a second look");
        sketch.take(&entries[9_999]);
        assert!(sketch.same());
        sketch.take(b"one more");
        assert!(sketch.suspects(b"one more"));
    }
}
