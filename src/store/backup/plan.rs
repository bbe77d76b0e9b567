//! Which files give a ledger up to where, and their events as one run. Each file
//! is read to its end even where its last events are not wanted: until then it
//! is not proved.

use std::fmt;
use std::fs::File;
use std::io::BufReader;

use jiff::Timestamp;
use uuid::Uuid;

use super::catalogue::BackupFile;
use super::error::BackupError;
use super::format::Kind;
use super::read::Reader;
use crate::domain::Revision;
use crate::store::{Head, Identity, StoredEvent};

/// How far to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Everything there is.
    End,
    /// Up to this revision.
    Revision(Revision),
    /// Up to the last event recorded at or before this moment.
    Moment(Timestamp),
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
            Self::Moment(moment) => write!(f, "{moment}"),
        }
    }
}

/// A full backup and incremental ones that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    files: Vec<BackupFile>,
}

impl Plan {
    /// The files of `chain` that are needed for `until`; `None` where they do not reach it.
    pub(super) fn of(chain: &[&BackupFile], until: Until) -> Option<Self> {
        let reaches = chain.last()?.trailer.head.revision;
        let last = match until {
            Until::End | Until::Moment(_) => reaches,
            Until::Revision(revision) => revision,
        };
        let needed = |file: &&&BackupFile| file.header.kind == Kind::Full || file.header.before.revision < last;
        let files = chain.iter().filter(needed).map(|file| (*file).clone()).collect();
        (last <= reaches).then_some(Self { files })
    }

    /// A plan of exactly these files, in this order.
    ///
    /// # Errors
    /// [`BackupError::NoFull`], [`BackupError::OtherStore`], [`BackupError::Gap`].
    pub fn exactly(files: Vec<BackupFile>) -> Result<Self, BackupError> {
        let mut ends = Head::EMPTY;
        let Some(first) = files.first().filter(|file| file.header.kind == Kind::Full) else {
            return Err(BackupError::NoFull { incrementals: files.len() });
        };
        let expected = first.header.identity.store_id;
        for file in &files {
            let path = || file.path.clone();
            let found = file.header.identity.store_id;
            if found != expected {
                let (found, expected) = (Uuid::from_bytes(found), Uuid::from_bytes(expected));
                return Err(BackupError::OtherStore { path: path(), found, expected });
            }
            if file.header.before != ends {
                return Err(BackupError::Gap { path: path(), begins: file.header.before, ends });
            }
            ends = file.trailer.head;
        }
        Ok(Self { files })
    }

    /// The files, in order.
    pub fn files(&self) -> &[BackupFile] {
        &self.files
    }

    /// The last event of the last file.
    pub fn reaches(&self) -> Head {
        self.last().trailer.head
    }

    /// The store that the files are of, and its incarnation when the last of them was written.
    pub fn identity(&self) -> Identity {
        self.last().header.identity
    }

    /// When the last of them was written.
    pub fn created(&self) -> Timestamp {
        self.last().header.created
    }

    fn last(&self) -> &BackupFile {
        self.files.last().expect("a plan must have a full backup")
    }

    /// Every event of the files, from the first on, each checked; an error ends it. When it ends without one, every
    /// file has been proved.
    pub fn events(&self) -> Events<'_> {
        Events { files: self.files.iter(), reader: None, walked: Head::EMPTY }
    }
}

/// See [`Plan::events`].
#[derive(Debug)]
pub struct Events<'a> {
    files: std::slice::Iter<'a, BackupFile>,
    reader: Option<(&'a BackupFile, Reader<BufReader<File>>)>,
    walked: Head,
}

impl Events<'_> {
    fn turn(&mut self) -> Result<bool, BackupError> {
        if let Some((file, reader)) = self.reader.take()
            && reader.trailer() != Some(&file.trailer)
        {
            let (what, restored, live) =
                ("another end than when it was chosen:", reader.walked().to_string(), file.trailer.head.to_string());
            return Err(BackupError::Differs { path: file.path.clone(), what, restored, live });
        }
        let Some(file) = self.files.next() else { return Ok(false) };
        let reader = Reader::open(&file.path)?;
        let before = reader.header().before;
        if before != self.walked {
            return Err(BackupError::Gap { path: file.path.clone(), begins: before, ends: self.walked });
        }
        self.reader = Some((file, reader));
        Ok(true)
    }
}

impl Iterator for Events<'_> {
    type Item = Result<StoredEvent, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((_, reader)) = &mut self.reader {
                match reader.next() {
                    Some(Ok(event)) => {
                        self.walked = reader.walked();
                        return Some(Ok(event));
                    }
                    Some(Err(error)) => {
                        self.reader = None;
                        self.files = [].iter();
                        return Some(Err(error));
                    }
                    None => {}
                }
            }
            match self.turn() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.files = [].iter();
                    return Some(Err(error));
                }
            }
        }
    }
}
