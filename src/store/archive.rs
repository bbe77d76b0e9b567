//! Published generations in files of their own, and the part-way state of a run:
//! bytes in frames, each with a checksum, read back one frame at a time. What is
//! in a frame is for others to say. The ledger tells which generations there
//! are, and their digests: whoever reads one whole compares.
//!
//! | bytes | a generation's file |
//! |---|---|
//! | 8 | magic `SYGENER1` |
//! | 4 | frames |
//! | 4, 4, n, 4 | each frame: length of the next two, length uncompressed, zstd, crc32c of all |
//! | 8 each | where each frame begins |
//! | 4 | crc32c of magic, frames and places |
//!
//! A run's file is appended to, and read up to the first record that does not
//! hold: length, bytes, crc32c of both.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::StoreError;
use super::sled_files::{make_private, sync};

const MAGIC: &[u8; 8] = b"SYGENER1";
const LEVEL: i32 = 3;
/// Longest record of a run, and longest frame uncompressed: more is damage.
const MOST_BYTES: usize = 64 << 20;
const RUN: &str = "run-";
const GENERATION: &str = "g-";
const STAGED: &str = "staged";
const REWRITTEN: &str = "rewritten";

/// Where generations are kept.
#[derive(Debug)]
pub enum Archive {
    /// In a directory.
    Directory(PathBuf),
    /// In memory alone, as the store is.
    Memory(Mutex<BTreeMap<String, Arc<Vec<u8>>>>),
}

/// Something kept, opened for reading.
#[derive(Debug)]
enum Bytes {
    File(File, PathBuf),
    Memory(Arc<Vec<u8>>),
}

/// A generation's file.
#[derive(Debug)]
pub struct Kept {
    bytes: Bytes,
    places: Vec<u64>,
}

/// A run's file, being appended to.
#[derive(Debug)]
pub struct Partial<'a> {
    archive: &'a Archive,
    name: String,
    file: Option<File>,
}

impl Archive {
    /// The archive in this directory, made where it is not there.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        if !directory.exists() {
            make_private(directory).map_err(StoreError::io("creating the directory", directory))?;
            if let Some(parent) = directory.parent() {
                sync(parent)?;
            }
        }
        Ok(Self::Directory(directory.to_owned()))
    }

    /// An archive that ends with the process.
    pub fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// Writes the frames of a generation aside; they are on the disk itself when this returns. Nothing shows them before
    /// [`name`](Self::name).
    ///
    /// # Errors
    /// What the file system refused.
    pub fn stage(&self, frames: &[Vec<u8>]) -> Result<u64, StoreError> {
        let bytes = whole(frames);
        let length = bytes.len() as u64;
        match self {
            Self::Directory(directory) => {
                let path = directory.join(STAGED);
                let written = File::create(&path).and_then(|mut file| {
                    file.write_all(&bytes)?;
                    file.sync_all()
                });
                if let Err(error) = written {
                    // Half a file serves nobody, and takes the room that others need.
                    drop(fs::remove_file(&path));
                    return Err(StoreError::io("writing a generation", &path)(error));
                }
            }
            Self::Memory(held) => {
                lock(held).insert(STAGED.to_owned(), Arc::new(bytes));
            }
        }
        Ok(length)
    }

    /// Gives what was staged its number. Whatever had that number was never published.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn name(&self, generation: u64) -> Result<(), StoreError> {
        let name = file_name(generation);
        match self {
            Self::Directory(directory) => {
                let path = directory.join(&name);
                match fs::rename(directory.join(STAGED), &path) {
                    // Staging comes first, so it has this name already: asked again after a refusal behind it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound && path.exists() => {}
                    renamed => renamed.map_err(StoreError::io("naming a generation", &path))?,
                }
                sync(directory)
            }
            Self::Memory(held) => {
                let mut held = lock(held);
                if let Some(bytes) = held.remove(STAGED) {
                    held.insert(name, bytes);
                }
                Ok(())
            }
        }
    }

    /// A generation. `None`: it is not kept.
    ///
    /// # Errors
    /// What the file system refused, or damage.
    pub fn generation(&self, generation: u64) -> Result<Option<Kept>, StoreError> {
        self.bytes(&file_name(generation))?.map(Kept::read).transpose()
    }

    /// Puts other frames in the place of those of a generation that is kept; they are on the disk itself when this
    /// returns, and the old ones have no name any more.
    ///
    /// # Errors
    /// What the file system refused. The old ones are there still.
    pub fn rewrite(&self, generation: u64, frames: &[Vec<u8>]) -> Result<(), StoreError> {
        let (bytes, name) = (whole(frames), file_name(generation));
        match self {
            Self::Directory(directory) => {
                let (aside, path) = (directory.join(REWRITTEN), directory.join(&name));
                let written = File::create(&aside).and_then(|mut file| {
                    file.write_all(&bytes)?;
                    file.sync_all()
                });
                if let Err(error) = written {
                    drop(fs::remove_file(&aside));
                    return Err(StoreError::io("writing a generation", &aside)(error));
                }
                fs::rename(&aside, &path).map_err(StoreError::io("naming a generation", &path))?;
                sync(directory)
            }
            Self::Memory(held) => {
                lock(held).insert(name, Arc::new(bytes));
                Ok(())
            }
        }
    }

    /// Whether every checksum of a generation that is kept holds.
    pub fn is_sound(&self, generation: u64) -> bool {
        self.generation(generation)
            .ok()
            .flatten()
            .is_some_and(|kept| (0..kept.frames()).all(|number| kept.frame(number).is_ok()))
    }

    /// Numbers of the generations kept.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn generations(&self) -> Result<Vec<u64>, StoreError> {
        let number = |name: &str| name.strip_prefix(GENERATION)?.parse::<u64>().ok();
        let mut numbers: Vec<u64> = self.names()?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Lets go of a generation.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn remove(&self, generation: u64) -> Result<(), StoreError> {
        self.removed(&file_name(generation))
    }

    /// Removes what was staged and never named.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn forget_staged(&self) -> Result<(), StoreError> {
        self.removed(STAGED)
    }

    /// Lets go of the files of every run but this one.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn forget_runs_but(&self, run: Option<&str>) -> Result<(), StoreError> {
        let keep = run.map(|run| format!("{RUN}{run}"));
        for name in self.names()?.iter().filter(|name| name.starts_with(RUN) && keep.as_deref() != Some(name)) {
            self.removed(name)?;
        }
        Ok(())
    }

    /// The records of a run that were whole, and the file to append more to.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn run(&self, run: &str) -> Result<(Vec<Vec<u8>>, Partial<'_>), StoreError> {
        let name = format!("{RUN}{run}");
        let mut bytes = Vec::new();
        if let Some(kept) = self.bytes(&name)? {
            bytes = kept.all()?;
        }
        let (records, end) = records(&bytes);
        let file = match self {
            Self::Directory(directory) => {
                let path = directory.join(&name);
                let opened = File::options().create(true).append(true).open(&path).and_then(|file| {
                    // What an interrupted write left is cut off, so that what is appended can be read.
                    file.set_len(end as u64)?;
                    Ok(file)
                });
                let file = opened.map_err(StoreError::io("opening a run's file", &path))?;
                sync(directory)?;
                Some(file)
            }
            Self::Memory(_) => None,
        };
        Ok((records, Partial { archive: self, name, file }))
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Directory(directory) => {
                let mut names = Vec::new();
                for entry in fs::read_dir(directory).map_err(StoreError::io("listing", directory))? {
                    let entry = entry.map_err(StoreError::io("listing", directory))?;
                    names.extend(entry.file_name().into_string().ok());
                }
                Ok(names)
            }
            Self::Memory(held) => Ok(lock(held).keys().cloned().collect()),
        }
    }

    fn removed(&self, name: &str) -> Result<(), StoreError> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                match fs::remove_file(&path) {
                    Ok(()) => sync(directory),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    Err(error) => Err(StoreError::io("removing", &path)(error)),
                }
            }
            Self::Memory(held) => {
                lock(held).remove(name);
                Ok(())
            }
        }
    }

    fn bytes(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                match File::open(&path) {
                    Ok(file) => Ok(Some(Bytes::File(file, path))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(StoreError::io("opening", &path)(error)),
                }
            }
            Self::Memory(held) => Ok(lock(held).get(name).map(|bytes| Bytes::Memory(Arc::clone(bytes)))),
        }
    }
}

impl Partial<'_> {
    /// Appends a record; it is on the disk itself when this returns.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn append(&mut self, record: &[u8]) -> Result<(), StoreError> {
        let framed = framed(record);
        match (&mut self.file, self.archive) {
            (Some(file), Archive::Directory(directory)) => {
                let written = file.write_all(&framed).and_then(|()| file.sync_data());
                written.map_err(StoreError::io("writing a run's file", &directory.join(&self.name)))
            }
            (_, Archive::Memory(held)) => {
                let mut held = lock(held);
                Arc::make_mut(held.entry(self.name.clone()).or_default()).extend(framed);
                Ok(())
            }
            (None, Archive::Directory(_)) => Ok(()),
        }
    }

    /// Removes the records that are there: nothing of them can be used.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        match (&self.file, self.archive) {
            (Some(file), Archive::Directory(directory)) => {
                file.set_len(0).map_err(StoreError::io("emptying a run's file", &directory.join(&self.name)))
            }
            (_, Archive::Memory(held)) => {
                lock(held).remove(&self.name);
                Ok(())
            }
            (None, Archive::Directory(_)) => Ok(()),
        }
    }
}

impl Kept {
    fn read(bytes: Bytes) -> Result<Self, StoreError> {
        let mut head = [0; 12];
        bytes.exact(&mut head, 0)?;
        let (magic, count) = head.split_at(8);
        let count = u64::from(u32::from_be_bytes(count.try_into().expect("4 of 12 bytes remain after 8")));
        let length = bytes.length()?;
        let tail_length = count * 8 + 4;
        if magic != MAGIC || length < 12 + tail_length {
            return Err(bytes.damaged());
        }
        let mut tail = vec![0; usize::try_from(tail_length).map_err(|_| bytes.damaged())?];
        bytes.exact(&mut tail, length - tail_length)?;
        let (places, sum) = tail.split_last_chunk::<4>().ok_or_else(|| bytes.damaged())?;
        if crc32c::crc32c_append(crc32c::crc32c(&head), places) != u32::from_be_bytes(*sum) {
            return Err(bytes.damaged());
        }
        let places = places.as_chunks::<8>().0.iter().map(|place| u64::from_be_bytes(*place)).collect();
        Ok(Self { bytes, places })
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.places.len()
    }

    /// A frame, as it was staged.
    ///
    /// # Errors
    /// What the file system refused, or damage.
    pub fn frame(&self, number: usize) -> Result<Vec<u8>, StoreError> {
        let place = *self.places.get(number).ok_or_else(|| self.bytes.damaged())?;
        let mut length = [0; 4];
        self.bytes.exact(&mut length, place)?;
        let bytes = u32::from_be_bytes(length) as usize;
        if bytes > MOST_BYTES {
            return Err(self.bytes.damaged());
        }
        let mut framed = vec![0; bytes + 4];
        self.bytes.exact(&mut framed, place + 4)?;
        let (compressed, sum) = framed.split_last_chunk::<4>().ok_or_else(|| self.bytes.damaged())?;
        if crc32c::crc32c_append(crc32c::crc32c(&length), compressed) != u32::from_be_bytes(*sum) {
            return Err(self.bytes.damaged());
        }
        let (raw, compressed) = compressed.split_first_chunk::<4>().ok_or_else(|| self.bytes.damaged())?;
        let raw = u32::from_be_bytes(*raw) as usize;
        if raw > MOST_BYTES {
            return Err(self.bytes.damaged());
        }
        zstd::bulk::decompress(compressed, raw).map_err(|_| self.bytes.damaged())
    }
}

impl Bytes {
    fn exact(&self, buffer: &mut [u8], at: u64) -> Result<(), StoreError> {
        match self {
            Self::File(file, path) => file.read_exact_at(buffer, at).map_err(StoreError::io("reading", path)),
            Self::Memory(bytes) => {
                let from = usize::try_from(at).map_err(|_| self.damaged())?;
                let part = bytes.get(from..).and_then(|rest| rest.get(..buffer.len()));
                buffer.copy_from_slice(part.ok_or_else(|| self.damaged())?);
                Ok(())
            }
        }
    }

    fn length(&self) -> Result<u64, StoreError> {
        match self {
            Self::File(file, path) => Ok(file.metadata().map_err(StoreError::io("reading", path))?.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn all(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; usize::try_from(self.length()?).map_err(|_| self.damaged())?];
        self.exact(&mut bytes, 0)?;
        Ok(bytes)
    }

    fn damaged(&self) -> StoreError {
        let path = match self {
            Self::File(_, path) => path.clone(),
            Self::Memory(_) => PathBuf::from("memory"),
        };
        let source = io::Error::new(io::ErrorKind::InvalidData, "a checksum does not hold");
        StoreError::refused("reading a generation", &path)(source)
    }
}

fn lock(held: &Mutex<BTreeMap<String, Arc<Vec<u8>>>>) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Vec<u8>>>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn file_name(generation: u64) -> String {
    format!("{GENERATION}{generation:08}")
}

fn length_of(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("frames and records must be shorter than 4 GiB").to_be_bytes()
}

/// A record with its length and checksum.
fn framed(record: &[u8]) -> Vec<u8> {
    let length = length_of(record);
    let sum = crc32c::crc32c_append(crc32c::crc32c(&length), record);
    [&length[..], record, &sum.to_be_bytes()].concat()
}

/// Records up to the first that does not hold, and where that is.
fn records(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((record, after)) = after.split_at_checked(u32::from_be_bytes(*length) as usize) else { break };
        let Some((sum, after)) = after.split_first_chunk::<4>() else { break };
        if crc32c::crc32c_append(crc32c::crc32c(length), record) != u32::from_be_bytes(*sum) {
            break;
        }
        found.push(record.to_vec());
        rest = after;
    }
    (found, bytes.len() - rest.len())
}

/// A generation's file.
fn whole(frames: &[Vec<u8>]) -> Vec<u8> {
    use rayon::prelude::*;
    let compress = |frame: &Vec<u8>| {
        let compressed = zstd::bulk::compress(frame, LEVEL).expect("memory must take a compressed frame");
        [&length_of(frame)[..], &compressed].concat()
    };
    let compressed: Vec<Vec<u8>> = frames.par_iter().map(compress).collect();
    let count = u32::try_from(frames.len()).expect("a generation must have fewer than 2^32 frames");
    let mut bytes = Vec::with_capacity(compressed.iter().map(|frame| frame.len() + 16).sum::<usize>() + 16);
    bytes.extend_from_slice(MAGIC);
    bytes.extend(count.to_be_bytes());
    let mut places = Vec::with_capacity(frames.len() * 8);
    for frame in &compressed {
        places.extend((bytes.len() as u64).to_be_bytes());
        bytes.extend(framed(frame));
    }
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &places);
    bytes.extend(places);
    bytes.extend(sum.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archives(home: &Path) -> [Archive; 2] {
        [Archive::in_memory(), Archive::open(&home.join("generations")).unwrap()]
    }

    #[test]
    fn a_generation_reads_as_it_was_staged_and_shows_only_once_it_is_named() {
        let home = tempfile::tempdir().unwrap();
        for archive in archives(home.path()) {
            let frames: Vec<Vec<u8>> = (0..5_u8).map(|byte| vec![byte; 1_000 * usize::from(byte)]).collect();
            archive.stage(&frames).unwrap();
            assert!(archive.generation(1).unwrap().is_none());
            archive.name(1).unwrap();
            let kept = archive.generation(1).unwrap().unwrap();
            let read: Vec<Vec<u8>> = (0..kept.frames()).map(|number| kept.frame(number).unwrap()).collect();
            assert_eq!(read, frames);
            assert_eq!(archive.generations().unwrap(), [1]);
            archive.name(1).unwrap();
            assert!(archive.generation(1).unwrap().is_some(), "named again after a refusal behind it");
            archive.remove(1).unwrap();
            assert!(archive.generation(1).unwrap().is_none());
        }
    }

    #[test]
    fn every_changed_byte_of_a_generation_is_told() {
        let home = tempfile::tempdir().unwrap();
        let [_, archive] = archives(home.path());
        archive.stage(&[vec![7; 300], vec![9; 10]]).unwrap();
        archive.name(3).unwrap();
        let path = home.path().join("generations").join(file_name(3));
        let sound = fs::read(&path).unwrap();
        assert!(archive.is_sound(3));
        for place in 0..sound.len() {
            let mut spoilt = sound.clone();
            spoilt[place] ^= 0x10;
            fs::write(&path, spoilt).unwrap();
            let read = archive.generation(3).and_then(|kept| {
                let kept = kept.unwrap();
                (0..kept.frames()).map(|number| kept.frame(number)).collect::<Result<Vec<_>, _>>()
            });
            assert!(read.is_err() && !archive.is_sound(3), "byte {place}");
        }
    }

    #[test]
    fn a_run_is_read_up_to_what_was_torn_and_goes_on_from_there() {
        let home = tempfile::tempdir().unwrap();
        let [_, archive] = archives(home.path());
        let (records, mut partial) = archive.run("a").unwrap();
        assert!(records.is_empty());
        partial.append(b"one").unwrap();
        partial.append(b"two").unwrap();
        let path = home.path().join("generations/run-a");
        let length = fs::metadata(&path).unwrap().len();
        File::options().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        let (records, mut partial) = archive.run("a").unwrap();
        assert_eq!(records, [b"one".to_vec()]);
        partial.append(b"three").unwrap();
        assert_eq!(archive.run("a").unwrap().0, [b"one".to_vec(), b"three".to_vec()]);
        archive.forget_runs_but(Some("b")).unwrap();
        assert!(archive.run("a").unwrap().0.is_empty());
    }

    #[test]
    fn a_run_in_memory_is_kept_as_long_as_the_process() {
        let archive = Archive::in_memory();
        let (_, mut partial) = archive.run("a").unwrap();
        partial.append(b"one").unwrap();
        assert_eq!(archive.run("a").unwrap().0, [b"one".to_vec()]);
        archive.run("a").unwrap().1.clear().unwrap();
        assert!(archive.run("a").unwrap().0.is_empty());
    }
}
