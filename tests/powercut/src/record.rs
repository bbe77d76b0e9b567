//! The log of operations: written by the shim while a process runs, read by the
//! drill that rebuilds the disk from it.
//!
//! A header of two numbers (operations so far, length in bytes), then records,
//! each as its length, its kind in one byte, its numbers, and its texts with
//! their lengths before them. All numbers are u64, little-endian. A file is named
//! by its inode number: a [`Record::Create`] of a number seen before is a new
//! file, because numbers are used again.

/// Bytes of the header.
pub const HEADER: usize = 16;

/// How a process ends whose power was cut.
pub const CUT_EXIT: i32 = 86;

/// One operation that was performed, in the order performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A file or directory came to be, under a name.
    Create {
        /// Its inode.
        file: u64,
        /// Whether it is a directory.
        directory: bool,
        /// The directory that names it.
        parent: u64,
        /// Its name there.
        name: Vec<u8>,
    },
    /// A second name for a file.
    Link {
        /// Its inode.
        file: u64,
        /// The directory that names it.
        parent: u64,
        /// Its name there.
        name: Vec<u8>,
    },
    /// A name, of a file or a directory, was removed.
    Remove {
        /// The directory that named it.
        parent: u64,
        /// Its name there.
        name: Vec<u8>,
    },
    /// A name was moved, replacing what had the new name.
    Rename {
        /// The directory of the old name.
        from: u64,
        /// The old name.
        old: Vec<u8>,
        /// The directory of the new name.
        to: u64,
        /// The new name.
        new: Vec<u8>,
    },
    /// Bytes written.
    Write {
        /// The file's inode.
        file: u64,
        /// Where.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was given a length.
    Resize {
        /// The file's inode.
        file: u64,
        /// The length.
        length: u64,
    },
    /// A file or directory was synced.
    Sync {
        /// Its inode.
        file: u64,
    },
    /// Said to be synced, and was not: `POWERCUT_DEAF`, or a call that is no promise (`sync_file_range`).
    Deaf {
        /// Its inode.
        file: u64,
    },
    /// The power went before this operation was performed.
    Cut {
        /// The operation and its path under the root.
        before: Vec<u8>,
    },
}
