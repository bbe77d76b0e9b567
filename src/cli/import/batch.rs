//! Rows gathered into batches: what is sent at once, and what each row of it
//! has to answer for when the answer comes.

use prost::Message as _;
use uuid::Uuid;

use crate::intake::{Place, Refused, Row, Rows, Unreadable};
use crate::pb;

/// Most bytes of records in one batch, well under the 4 MiB that a server takes by default.
const MOST_BYTES: usize = 3 << 20;

/// Most rows in one batch, so that a file of nothing but bad rows is not gathered in memory.
const MOST_ROWS: usize = 4_000;

/// Namespace of the request ids of imports.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2f1e_3a57_4b8e_9d41_7c6a_5b20_e913);

/// What the request ids of one import are made from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// BLAKE3 of the file; zero for standard input, which can be read only once.
    pub file: [u8; 32],
    /// BLAKE3 of the mapping and its tables; zero without one.
    pub mapping: [u8; 32],
    /// Judge everything, write nothing.
    pub dry_run: bool,
    /// BLAKE3 of the mark of the store that takes the records: what one took, another has not.
    pub store: [u8; 32],
    /// Random, the same while one import is resumed: a finished import that is run again is judged anew.
    pub run: [u8; 16],
}

impl Origin {
    /// The id of one batch: the same rows of the same file through the same mapping, for the same store, have the
    /// same id however often one import is resumed.
    fn request_id(&self, begin: Place, after: Place, records: &[pb::Record]) -> Uuid {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.file).update(&self.mapping).update(&[u8::from(self.dry_run)]);
        hasher.update(&self.store).update(&self.run);
        hasher.update(&begin.offset.to_le_bytes()).update(&after.offset.to_le_bytes());
        // The records too: should another release read the same rows otherwise, that is another request.
        for record in records {
            hasher.update(&record.encode_length_delimited_to_vec());
        }
        Uuid::new_v5(&NAMESPACE, hasher.finalize().as_bytes())
    }
}

/// What one row of a batch has to answer for.
#[derive(Debug)]
pub struct Share {
    /// Line that the row begins on.
    pub line: u64,
    /// The row as it stands in the file.
    pub raw: Box<str>,
    /// What was refused here, before sending.
    pub refused: Vec<Refused>,
    /// Place in the batch of its first record.
    pub first: usize,
    /// Number of its records in the batch.
    pub count: usize,
}

/// Rows that are sent at once.
#[derive(Debug)]
pub struct Batch {
    /// What is sent. Without records nothing is sent, and the batch settles itself.
    pub request: pb::ImportEvidenceRequest,
    /// Its rows, in order.
    pub shares: Vec<Share>,
    /// The place in the file after them.
    pub after: Place,
}

/// Gathers rows into batches.
pub struct Batches {
    rows: Rows,
    held: Option<Row>,
    most: usize,
    origin: Origin,
    sequence: u64,
    place: Place,
}

impl Batches {
    /// Batches of at most `most` records, from `place` on; a row's records are never parted.
    pub fn new(rows: Rows, most: usize, origin: Origin, place: Place) -> Self {
        Self { rows, held: None, most, origin, sequence: 0, place }
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// When reading fails.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, Unreadable> {
        let begin = self.place;
        let mut records = Vec::new();
        let mut bytes = 0;
        let mut shares = Vec::new();
        while let Some(row) = match self.held.take() {
            Some(row) => Some(row),
            None => self.rows.next_row()?,
        } {
            let size: usize = row.records.iter().map(|record| record.encoded_len() + 8).sum();
            let full = records.len() + row.records.len() > self.most || bytes + size > MOST_BYTES;
            if full && !records.is_empty() || shares.len() >= MOST_ROWS {
                self.held = Some(row);
                break;
            }
            bytes += size;
            self.place = row.after;
            shares.push(Share {
                line: row.line,
                raw: row.raw,
                refused: row.refused,
                first: records.len(),
                count: row.records.len(),
            });
            records.extend(row.records);
        }
        if shares.is_empty() {
            return Ok(None);
        }
        self.sequence += 1;
        let request = pb::ImportEvidenceRequest {
            request_id: self.origin.request_id(begin, self.place, &records).to_string(),
            sequence: self.sequence,
            records,
            validate_only: self.origin.dry_run,
        };
        Ok(Some(Batch { request, shares, after: self.place }))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Cursor;
    use std::path::Path;

    use super::*;
    use crate::intake::Form;

    const ORIGIN: Origin = Origin { file: [1; 32], mapping: [0; 32], dry_run: false, store: [4; 32], run: [5; 16] };

    fn batches(text: &str, most: usize, origin: Origin) -> Vec<Batch> {
        let input = Box::new(Cursor::new(text.to_owned().into_bytes()));
        let rows = Rows::read(Path::new("x"), input, &Form::Ndjson).expect("must open");
        let mut batches = Batches::new(rows, most, origin, Place::default());
        std::iter::from_fn(|| batches.next_batch().expect("must read")).collect()
    }

    fn lines(number: usize) -> String {
        (0..number).fold(String::new(), |mut text, n| {
            writeln!(text, r#"{{"id":"r{n}","subjectRef":"s","sourceSystem":"t","person":{{}}}}"#).expect("must write");
            text
        })
    }

    #[test]
    fn batches_hold_every_record_once_and_in_order() {
        let found = batches(&lines(7), 3, ORIGIN);
        let sizes: Vec<_> = found.iter().map(|batch| batch.request.records.len()).collect();
        assert_eq!(sizes, [3, 3, 1]);
        let ids: Vec<_> = found.iter().flat_map(|batch| &batch.request.records).map(|record| &record.id).collect();
        assert_eq!(ids, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
        assert_eq!(found.last().expect("must be there").after.offset, lines(7).len() as u64);
    }

    #[test]
    fn the_same_rows_have_the_same_request_id_and_others_another() {
        let ids = |text: &str, most, origin| -> Vec<String> {
            batches(text, most, origin).into_iter().map(|batch| batch.request.request_id).collect()
        };
        let first = ids(&lines(6), 3, ORIGIN);
        assert_eq!(first, ids(&lines(6), 3, ORIGIN));
        assert_ne!(first[0], first[1]);
        for other in [
            ids(&lines(6), 3, Origin { dry_run: true, ..ORIGIN }),
            ids(&lines(6), 3, Origin { file: [2; 32], ..ORIGIN }),
            ids(&lines(6), 3, Origin { mapping: [2; 32], ..ORIGIN }),
            ids(&lines(6), 2, ORIGIN),
            ids(&lines(6).replace("\"s\"", "\"t\""), 3, ORIGIN),
        ] {
            assert!(other.iter().all(|id| !first.contains(id)));
        }
    }

    #[test]
    fn rows_that_give_nothing_still_stand_in_a_batch() {
        let found = batches("x\ny\n", 3, ORIGIN);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].shares.len(), found[0].request.records.len()), (2, 0));
    }

    #[test]
    fn no_batch_outgrows_what_a_server_takes() {
        let long = "n".repeat(900_000);
        let line = format!(r#"{{"id":"a","subjectRef":"s","sourceSystem":"t","person":{{"name":"{long}"}}}}"#);
        let found = batches(&format!("{line}\n").repeat(7), 500, ORIGIN);
        assert!(found.iter().all(|batch| batch.request.encoded_len() < 4 << 20));
        assert_eq!(found.iter().map(|batch| batch.request.records.len()).sum::<usize>(), 7);
    }
}
