//! Reads the record that the shim kept.

use std::path::Path;

#[path = "../../powercut/src/record.rs"]
mod record;

pub use record::{CUT_EXIT, Record};

/// Every operation, in the order performed.
pub fn read(log: &Path) -> Vec<Record> {
    let log = std::fs::read(log).unwrap_or_default();
    let Some(end) = log.get(8..record::HEADER) else { return Vec::new() };
    let end = u64::from_le_bytes(end.try_into().expect("eight bytes must be a number"));
    let end = usize::try_from(end).expect("a log must fit in memory");
    let mut rest = Fields(&log[record::HEADER..end]);
    let mut records = Vec::new();
    while !rest.0.is_empty() {
        records.push(rest.record());
    }
    records
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn number(&mut self) -> u64 {
        let (number, rest) = self.0.split_at(8);
        self.0 = rest;
        u64::from_le_bytes(number.try_into().expect("eight bytes must be a number"))
    }

    fn text(&mut self) -> Vec<u8> {
        let length = usize::try_from(self.number()).expect("a text must fit in memory");
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text.to_vec()
    }

    fn record(&mut self) -> Record {
        self.number();
        let (kind, rest) = self.0.split_first().expect("a record must have a kind");
        self.0 = rest;
        match kind {
            0 => Record::Create {
                file: self.number(),
                directory: self.number() == 1,
                parent: self.number(),
                name: self.text(),
            },
            1 => Record::Link { file: self.number(), parent: self.number(), name: self.text() },
            2 => Record::Remove { parent: self.number(), name: self.text() },
            3 => Record::Rename { from: self.number(), to: self.number(), old: self.text(), new: self.text() },
            4 => Record::Write { file: self.number(), offset: self.number(), bytes: self.text() },
            5 => Record::Resize { file: self.number(), length: self.number() },
            6 => Record::Sync { file: self.number() },
            7 => Record::Deaf { file: self.number() },
            8 => Record::Cut { before: self.text() },
            kind => panic!("{kind} is no kind of record"),
        }
    }
}
