//! One file of the disk: what it holds for certain, and what was written since.

use std::collections::BTreeMap;

use super::survival::{Survival, Uncertain};

/// A file.
pub struct File {
    synced: Vec<u8>,
    now: Vec<u8>,
    pending: Vec<Pending>,
}

/// A change that no sync has covered yet.
struct Pending {
    operation: usize,
    change: Change,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize { length: usize },
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Resize { length } => content.resize(*length, 0),
        }
    }
}

impl File {
    /// A file that is on the disk.
    pub fn of(content: Vec<u8>) -> Self {
        Self { now: content.clone(), synced: content, pending: Vec::new() }
    }

    /// As the process sees it.
    pub fn now(&self) -> &[u8] {
        &self.now
    }

    pub fn write(&mut self, operation: usize, offset: u64, bytes: &[u8]) {
        let offset = usize::try_from(offset).expect("a file must fit in memory");
        self.change(operation, Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub fn resize(&mut self, operation: usize, length: u64) {
        let length = usize::try_from(length).expect("a file must fit in memory");
        self.change(operation, Change::Resize { length });
    }

    fn change(&mut self, operation: usize, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(Pending { operation, change });
    }

    pub fn sync(&mut self) {
        for pending in self.pending.drain(..) {
            pending.change.apply(&mut self.synced);
        }
    }

    /// Operations that no sync has covered.
    pub fn uncertain(&self) -> Vec<usize> {
        self.pending.iter().map(|pending| pending.operation).collect()
    }

    /// What the disk holds of it after the cut.
    pub fn after_the_cut(&self, survival: &mut Survival) -> Vec<u8> {
        match survival.uncertain() {
            Uncertain::Lost => self.synced.clone(),
            Uncertain::Prefix { last, sector } => self.prefix(last, sector, survival),
            Uncertain::Sectors { sector } => self.sectors(sector, survival),
        }
    }

    /// Everything before operation `last`, and of that one as many sectors as it got to write.
    fn prefix(&self, last: usize, sector: usize, survival: &mut Survival) -> Vec<u8> {
        let mut content = self.synced.clone();
        for Pending { operation, change } in self.pending.iter().filter(|pending| pending.operation <= last) {
            match change {
                Change::Write { offset, bytes } if *operation == last => {
                    let sectors = (offset % sector + bytes.len()).div_ceil(sector);
                    let end = (offset / sector + survival.up_to(sectors)) * sector;
                    let written = end.saturating_sub(*offset).min(bytes.len());
                    if written > 0 {
                        Change::Write { offset: *offset, bytes: bytes[..written].to_vec() }.apply(&mut content);
                    }
                }
                Change::Write { .. } | Change::Resize { .. } => change.apply(&mut content),
            }
        }
        content
    }

    /// Each sector as it was at some moment since the sync, and the length as it was at another. What lies between is
    /// zeros, as a file system gives them for blocks that it never wrote.
    fn sectors(&self, sector: usize, survival: &mut Survival) -> Vec<u8> {
        let mut touching: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        let mut lengths = vec![self.synced.len()];
        for Pending { change, .. } in &self.pending {
            let before = *lengths.last().expect("there must be a first length");
            let (from, until, after) = match change {
                Change::Write { offset, bytes } => {
                    let end = offset + bytes.len();
                    (*offset, end, before.max(end))
                }
                Change::Resize { length } => (*length, before, *length),
            };
            lengths.push(after);
            for index in from / sector..until.div_ceil(sector) {
                touching.entry(index).or_default().push(change);
            }
        }
        let length = lengths[survival.up_to(lengths.len() - 1)];
        let mut content = self.synced.clone();
        content.resize(length, 0);
        for (index, changes) in touching {
            let start = index * sector;
            let mut piece: Vec<u8> = self.synced.iter().skip(start).take(sector).copied().collect();
            piece.resize(sector, 0);
            for change in &changes[..survival.eagerly_up_to(changes.len())] {
                change.apply_within(start, &mut piece);
            }
            let end = (start + sector).min(length);
            if start < end {
                content[start..end].copy_from_slice(&piece[..end - start]);
            }
        }
        content
    }
}

impl Change {
    /// Applies the part that concerns the piece beginning at `start`.
    fn apply_within(&self, start: usize, piece: &mut [u8]) {
        let end = start + piece.len();
        match self {
            Self::Write { offset, bytes } => {
                let (from, until) = (start.max(*offset), end.min(offset + bytes.len()));
                piece[from - start..until - start].copy_from_slice(&bytes[from - offset..until - offset]);
            }
            Self::Resize { length } => {
                let from = (*length).clamp(start, end);
                piece[from - start..].fill(0);
            }
        }
    }
}
