//! A look at sled's log before sled replays it.
//!
//! sled 0.34.7 keeps its tree as a log of segments. As it opens, it replays what
//! was logged since its last snapshot, which is all that was written since it was
//! last opened. A message there whose checksum does not hold it takes for the
//! end of its segment, and goes on with the next one: the changes between are
//! gone without an error. Pages are then older than others that refer to them. A
//! dossier is an old one with a sound checksum; keys are found when asked for
//! and not met by a scan. It then writes a snapshot, and nothing shows any more
//! that there was something else. A segment whose header does not hold is passed
//! over in the same way, whole.
//!
//! So every checksum that the replay relies on is tried here first. Each segment
//! begins with how far the log was on the disk by then. Up to the highest of
//! these marks each message must hold. What follows it may be torn: sled ends
//! there, the tree is that of an earlier moment, and the journal fills it. Pages
//! that the snapshot tells of are not replayed; sled checks each as it reads it.
//!
//! Nothing here writes, and what sled itself refuses is left to it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::StoreError;

/// Bytes that a segment begins with.
const SEGMENT_HEADER: usize = 20;
/// A message does not begin where fewer bytes than this are left in its segment.
const MESSAGE_HEADER: usize = 32;
/// Sizes of segments that sled admits.
const SEGMENT_SIZES: std::ops::RangeInclusive<usize> = 256..=1 << 24;
/// Kinds of messages: 0 stands for bytes that were never one, and above the last there is none.
const KINDS: std::ops::RangeInclusive<u8> = 1..=11;
/// The message after which nothing more is written to its segment.
const LAST_IN_SEGMENT: u8 = 2;

/// Something in the log that was on the disk is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine's log is damaged at byte {offset} of `db`: opening it would lose what follows there, silently")]
pub(super) struct LogDamage {
    offset: u64,
}

/// Checks what sled would replay of the log in `directory`.
///
/// # Errors
/// [`LogDamage`], or what the file system refused.
pub(super) fn check(directory: &Path, data: &File) -> Result<(), StoreError> {
    let read = |source: io::Error| StoreError::io("reading the engine's log", &directory.join("db"))(source);
    let Some(size) = segment_size(directory)? else { return Ok(()) };
    let log = Log { data, size, length: data.metadata().map_err(read)?.len() };
    let from = replayed_from(directory)?;
    match log.damage(from).map_err(read)? {
        Some(offset) => Err(StoreError::Engine { doing: "opening the engine", source: LogDamage { offset }.into() }),
        None => Ok(()),
    }
}

/// Bytes of a segment, as sled noted them; `None` where it noted nothing that it would take itself.
fn segment_size(directory: &Path) -> Result<Option<usize>, StoreError> {
    let path = directory.join("conf");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("reading", &path)(error)),
    };
    let text = String::from_utf8_lossy(&text);
    let size = text.lines().find_map(|line| line.strip_prefix("segment_size: ")?.parse().ok());
    Ok(size.filter(|size: &usize| size.is_power_of_two() && SEGMENT_SIZES.contains(size)))
}

/// The place in the log that the newest snapshot, by its name, reaches to.
fn replayed_from(directory: &Path) -> Result<i64, StoreError> {
    let mut newest = 0;
    for entry in fs::read_dir(directory).map_err(StoreError::io("listing", directory))? {
        let name = entry.map_err(StoreError::io("listing", directory))?.file_name();
        let reaches = name.to_str().and_then(|name| i64::from_str_radix(name.strip_prefix("snap.")?, 16).ok());
        newest = newest.max(reaches.unwrap_or(0));
    }
    Ok(newest)
}

/// The engine's data file, as a log.
struct Log<'a> {
    data: &'a File,
    /// Bytes of a segment.
    size: usize,
    length: u64,
}

/// A segment that is replayed.
struct Segment {
    /// Where it lies in the file.
    offset: u64,
    /// Where it lies in the log.
    at: i64,
}

/// A message that holds.
struct Message {
    kind: u8,
    /// Number of the segment in the log that it was written for.
    segment: u64,
    /// Its bytes, header and all.
    length: usize,
}

impl Log<'_> {
    /// Where damage lies to what is replayed from this place in the log on.
    fn damage(&self, from: i64) -> io::Result<Option<u64>> {
        let first = self.start_of(from);
        let mut segments = Vec::new();
        let mut stable = from - 1;
        for offset in (0..self.length).step_by(self.size) {
            let mut header = [0; SEGMENT_HEADER];
            if self.read(&mut header, offset)? < SEGMENT_HEADER {
                break;
            }
            match segment(&header) {
                Some((at, reached)) if at >= first => {
                    stable = stable.max(reached);
                    segments.push(Segment { offset, at });
                }
                // Older than the snapshot, or never begun.
                Some(_) => {}
                None if header == [0; SEGMENT_HEADER] => {}
                None => return Ok(Some(offset)),
            }
        }
        let mut bytes = vec![0; self.size];
        for segment in segments.iter().filter(|segment| segment.at <= stable) {
            let read = self.read(&mut bytes, segment.offset)?;
            bytes[read..].fill(0);
            if let Some(within) = self.damage_within(&bytes, segment.at, stable) {
                return Ok(Some(segment.offset + within as u64));
            }
        }
        Ok(None)
    }

    /// Where the first message that does not hold begins in the segment that lies `at` this place in the log.
    fn damage_within(&self, bytes: &[u8], at: i64, stable: i64) -> Option<usize> {
        let number = self.number_of(at);
        let mut place = SEGMENT_HEADER;
        while place + MESSAGE_HEADER <= bytes.len() && at.saturating_add_unsigned(place as u64) <= stable {
            match message(&bytes[place..]) {
                Some(message) if message.segment == number && message.kind == LAST_IN_SEGMENT => return None,
                Some(message) if message.segment == number => place += message.length,
                Some(_) | None if is_reused(&bytes[place..], number) => return None,
                Some(_) | None => return Some(place),
            }
        }
        None
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            match self.data.read_at(&mut buffer[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// Number of the segment in the log that holds this place.
    fn number_of(&self, at: i64) -> u64 {
        at.unsigned_abs() / self.size as u64
    }

    fn start_of(&self, at: i64) -> i64 {
        at - at % i64::try_from(self.size).unwrap_or(i64::MAX)
    }
}

/// Whether a later segment was being written over this one when its writer ended: its end before its beginning. sled
/// lets go of a segment only once nothing in it counts.
fn is_reused(bytes: &[u8], number: u64) -> bool {
    let last = bytes.len().saturating_sub(MESSAGE_HEADER);
    (0..=last).any(|place| message(&bytes[place..]).is_some_and(|message| message.segment > number))
}

/// Where a segment lies in the log, and how far the log was on the disk when it was begun; `None` where its header does
/// not hold.
fn segment(header: &[u8; SEGMENT_HEADER]) -> Option<(i64, i64)> {
    let (sum, rest) = header.split_first_chunk::<4>()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let stable = rest.first_chunk::<8>()?;
    let holds = crc32fast::hash(&header[4..]) == u32::from_le_bytes(*sum) ^ u32::MAX;
    holds.then(|| (i64::from_le_bytes(*at) ^ i64::MAX, i64::from_le_bytes(*stable) ^ i64::MAX))
}

/// The message at the beginning of these bytes, the rest of its segment; `None` where there is none that holds.
fn message(bytes: &[u8]) -> Option<Message> {
    let (sum, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    if !KINDS.contains(kind) {
        return None;
    }
    let (body, rest) = number(rest)?;
    let (segment, rest) = number(rest)?;
    let (_page, rest) = number(rest)?;
    let header = bytes.len() - rest.len();
    let body = rest.get(..usize::try_from(body).ok()?)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(&bytes[4..header]);
    let holds = hasher.finalize() ^ u32::MAX == u32::from_le_bytes(*sum);
    holds.then_some(Message { kind: *kind, segment, length: header + body.len() })
}

/// A number as sled writes it, of one to nine bytes, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let first_value = u64::from(*first);
    match first {
        0..=240 => Some((first_value, rest)),
        241..=248 => {
            let (second, rest) = rest.split_first()?;
            Some((240 + 256 * (first_value - 241) + u64::from(*second), rest))
        }
        249 => {
            let (two, rest) = rest.split_first_chunk::<2>()?;
            Some((2_288 + u64::from(u16::from_be_bytes(*two)), rest))
        }
        250.. => {
            let (low, rest) = rest.split_at_checked(usize::from(*first) - 247)?;
            let mut value = [0; 8];
            value[..low.len()].copy_from_slice(low);
            Some((u64::from_le_bytes(value), rest))
        }
    }
}

#[cfg(test)]
mod tests;
