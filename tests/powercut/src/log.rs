//! Writes the log. One operation at a time, over all threads and all processes
//! that share the log: the order recorded is the order performed.
//!
//! It speaks to the kernel by raw system calls alone. Any other way would lead
//! back into the functions that this library replaces.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use libc::c_int;

use crate::record::{CUT_EXIT, HEADER, Record};

/// What the environment asks for.
pub struct Settings {
    /// Canonical path of the directory that is watched.
    pub root: Vec<u8>,
    log: CString,
    /// Read in the place of [`BOOT_ID`].
    pub boot_id: Option<CString>,
    cut: u64,
    deaf: Option<Vec<u8>>,
}

/// Where the kernel tells one run of the machine from the next.
pub const BOOT_ID: &std::ffi::CStr = c"/proc/sys/kernel/random/boot_id";

/// `None`: this process is not watched.
pub static SETTINGS: LazyLock<Option<Settings>> = LazyLock::new(|| {
    let get = |name| std::env::var_os(name).map(OsStringExt::into_vec);
    Some(Settings {
        root: get("POWERCUT_ROOT")?,
        log: CString::new(get("POWERCUT_LOG")?).ok()?,
        boot_id: get("POWERCUT_BOOT_ID").and_then(|path| CString::new(path).ok()),
        cut: get("POWERCUT_CUT").and_then(|cut| String::from_utf8(cut).ok()?.parse().ok()).unwrap_or(0),
        deaf: get("POWERCUT_DEAF").filter(|deaf| !deaf.is_empty()),
    })
});

impl Settings {
    /// Whether syncs of this path are to cover nothing.
    pub fn is_deaf_to(&self, path: &[u8]) -> bool {
        self.deaf.as_ref().is_some_and(|deaf| path.windows(deaf.len()).any(|part| part == deaf))
    }
}

static TURN: Mutex<Option<c_int>> = Mutex::new(None);

/// The turn of one operation. Nobody else's is performed or recorded while it lives.
pub struct Turn {
    log: c_int,
    operations: u64,
    end: u64,
    _process: MutexGuard<'static, Option<c_int>>,
}

impl Turn {
    /// Waits for the turn of the operation `what` on `path`, and ends the process if its power goes before it.
    pub fn take(settings: &Settings, what: &str, path: &[u8]) -> Self {
        let mut process = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let log = *process.get_or_insert_with(|| open_log(settings));
        // SAFETY: a plain system call on a descriptor of our own.
        while unsafe { libc::syscall(libc::SYS_flock, log, libc::LOCK_EX) } != 0 {}
        let mut header = [0; HEADER];
        // SAFETY: the buffer is as long as told.
        let read = unsafe { libc::syscall(libc::SYS_pread64, log, header.as_mut_ptr(), HEADER, 0) };
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let (operations, end) =
            if usize::try_from(read) == Ok(HEADER) { (number(0), number(8)) } else { (0, HEADER as u64) };
        let mut turn = Self { log, operations: operations + 1, end, _process: process };
        if settings.cut != 0 && turn.operations >= settings.cut {
            // Where processes share a log, the first says what was cut; the others only end.
            if operations < settings.cut {
                let mut before = format!("{what} ").into_bytes();
                before.extend(path);
                turn.keep(&Record::Cut { before });
                turn.close();
            }
            // SAFETY: ends every thread at once, running nothing more of this process.
            unsafe { libc::syscall(libc::SYS_exit_group, CUT_EXIT) };
        }
        turn
    }

    /// Records what was performed.
    pub fn keep(&mut self, record: &Record) {
        let bytes = encoded(record);
        write_whole(self.log, &bytes, self.end);
        self.end += bytes.len() as u64;
    }

    /// Only now does what was recorded count.
    fn close(&self) {
        let mut header = self.operations.to_le_bytes().to_vec();
        header.extend(self.end.to_le_bytes());
        write_whole(self.log, &header, 0);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.close();
        // SAFETY: a plain system call on a descriptor of our own.
        unsafe { libc::syscall(libc::SYS_flock, self.log, libc::LOCK_UN) };
    }
}

/// Under a high number, so that the process's own descriptors are numbered as without us.
fn open_log(settings: &Settings) -> c_int {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC;
    // SAFETY: the path is a C string that outlives the call.
    let low = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, settings.log.as_ptr(), flags, 0o600) };
    // SAFETY: plain system calls on a descriptor of our own.
    let high = unsafe { libc::syscall(libc::SYS_fcntl, low, libc::F_DUPFD_CLOEXEC, 700) };
    unsafe { libc::syscall(libc::SYS_close, low) };
    assert!(high >= 0, "the log of operations cannot be opened");
    c_int::try_from(high).expect("a descriptor must be a C int")
}

fn write_whole(log: c_int, mut bytes: &[u8], mut at: u64) {
    while !bytes.is_empty() {
        // SAFETY: the buffer is as long as told.
        let written = unsafe { libc::syscall(libc::SYS_pwrite64, log, bytes.as_ptr(), bytes.len(), at) };
        let written = usize::try_from(written).expect("the log of operations must take what happened");
        bytes = &bytes[written..];
        at += written as u64;
    }
}

/// The record's bytes, with its length in front.
fn encoded(record: &Record) -> Vec<u8> {
    let (kind, numbers, texts): (u8, Vec<u64>, Vec<&[u8]>) = match record {
        Record::Create { file, directory, parent, name } => {
            (0, vec![*file, u64::from(*directory), *parent], vec![name])
        }
        Record::Link { file, parent, name } => (1, vec![*file, *parent], vec![name]),
        Record::Remove { parent, name } => (2, vec![*parent], vec![name]),
        Record::Rename { from, old, to, new } => (3, vec![*from, *to], vec![old, new]),
        Record::Write { file, offset, bytes } => (4, vec![*file, *offset], vec![bytes]),
        Record::Resize { file, length } => (5, vec![*file, *length], vec![]),
        Record::Sync { file } => (6, vec![*file], vec![]),
        Record::Deaf { file } => (7, vec![*file], vec![]),
        Record::Cut { before } => (8, vec![], vec![before]),
    };
    let mut body = vec![kind];
    for number in numbers {
        body.extend(number.to_le_bytes());
    }
    for text in texts {
        body.extend((text.len() as u64).to_le_bytes());
        body.extend(text);
    }
    let mut encoded = (body.len() as u64).to_le_bytes().to_vec();
    encoded.append(&mut body);
    encoded
}
