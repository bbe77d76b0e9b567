//! A force as lines of canonical proto3 JSON, one record a line, drawn on every core and written
//! in order, so that the bytes do not depend on how many cores there are.

use std::io::{self, Write};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::Config;
use super::thousand::Thousand;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// People.
    pub subjects: u64,
    /// Records, one a line.
    pub records: u64,
    /// Bytes, line ends included.
    pub bytes: u64,
}

/// Writes a force. Memory does not grow with it: a few thousand people are held at a time.
///
/// # Errors
/// Whatever the output refuses.
pub fn write_ndjson(config: Config, out: &mut impl Write) -> io::Result<Written> {
    let mut written = Written { subjects: u64::from(config.subjects()), ..Written::default() };
    let together = u32::try_from(rayon::current_num_threads() * 2).unwrap_or(2).max(2);
    let mut next = 0;
    while next < config.thousands() {
        let end = config.thousands().min(next.saturating_add(together));
        let pages: Vec<Page> = (next..end).into_par_iter().map(|number| Page::of(config, number)).collect();
        for page in &pages {
            out.write_all(&page.text)?;
            written.records += page.records;
            written.bytes += page.text.len() as u64;
        }
        next = end;
    }
    out.flush()?;
    Ok(written)
}

/// The lines of one thousand people.
struct Page {
    text: Vec<u8>,
    records: u64,
}

impl Page {
    fn of(config: Config, number: u32) -> Self {
        let mut page = Self { text: Vec::with_capacity(1 << 21), records: 0 };
        for record in config.of_thousand(Thousand::draw(config.seed, number)) {
            serde_json::to_writer(&mut page.text, &record).expect("a record must be writable as JSON");
            page.text.push(b'\n');
            page.records += 1;
        }
        page
    }
}
