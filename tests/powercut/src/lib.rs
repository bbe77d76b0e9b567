//! A power cut for one process: a library to preload (`LD_PRELOAD`) that records,
//! in order, everything that changes files and names under one directory and
//! everything that syncs them, and ends the process before a chosen operation.
//! From that record a disk can be rebuilt that holds what syncs covered and as
//! little or as much of the rest as one likes.
//!
//! | variable | |
//! |---|---|
//! | `POWERCUT_ROOT` | the directory watched, as a canonical path; without it nothing is done |
//! | `POWERCUT_LOG` | the record, outside that directory; appended to |
//! | `POWERCUT_CUT` | the operation, from 1, before which the power goes; 0 or none: never |
//! | `POWERCUT_BOOT_ID` | a file read in the place of the kernel's boot id, because a machine whose power went has another |
//! | `POWERCUT_DEAF` | syncs of files whose path contains this succeed and cover nothing |
//!
//! Syncs under the directory are recorded and not performed: only the record
//! decides what would have been on the disk. What this library cannot record (a
//! file copied by the kernel, a symbolic link, a hole punched) it refuses, so that
//! callers take the way that they have for it, or ends the process loudly. What
//! passes it by altogether (a shared writable mapping, a raw system call) shows as
//! a difference between the record and the directory, for which the drill looks
//! after each round.
//!
//! It changes no content and keeps nothing from the process.

mod log;
mod place;
mod record;

use std::ffi::CStr;

use libc::{c_char, c_int, c_long, c_uint, iovec, mode_t, off_t, size_t, ssize_t};

use log::{BOOT_ID, SETTINGS, Turn};
use place::{inode, named, opened};
use record::Record;

fn fail(code: c_int) -> c_int {
    // SAFETY: the C library gives every thread its own.
    unsafe { *libc::__errno_location() = code };
    -1
}

fn not_modelled(what: &str) -> ! {
    eprintln!("powercut: {what} is not modelled");
    std::process::abort()
}

fn small(result: c_long) -> c_int {
    c_int::try_from(result).expect("a result must be a C int")
}

fn size(result: c_long) -> ssize_t {
    ssize_t::try_from(result).expect("a result must be a size")
}

/// What calls have in common that change names: an entry, a turn, the call, its record if it succeeded.
unsafe fn naming(
    directory: c_int,
    path: *const c_char,
    what: &str,
    call: impl FnOnce() -> c_long,
    record: impl FnOnce(u64, Vec<u8>) -> Option<Record>,
) -> c_int {
    let Some(named) = (unsafe { named(directory, path) }) else { return small(call()) };
    let mut turn = Turn::take(named.settings, what, &named.path);
    let result = call();
    if result >= 0
        && let Some(record) = record(named.parent, named.name)
    {
        turn.keep(&record);
    }
    small(result)
}

/// After a power cut the machine runs anew, and the kernel says so.
unsafe fn this_run(path: *const c_char) -> *const c_char {
    // SAFETY: the caller's promise to the C library.
    if path.is_null() || unsafe { CStr::from_ptr(path) } != BOOT_ID {
        return path;
    }
    SETTINGS.as_ref().and_then(|settings| settings.boot_id.as_ref()).map_or(path, |other| other.as_ptr())
}

unsafe fn opening(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let path = unsafe { this_run(path) };
    let call = || unsafe { libc::syscall(libc::SYS_openat, directory, path, flags, mode) };
    if flags & libc::O_TMPFILE == libc::O_TMPFILE {
        // Callers fall back to a file with a name.
        return if unsafe { named(directory, path) }.is_some() { fail(libc::EOPNOTSUPP) } else { small(call()) };
    }
    if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 {
        return small(call());
    }
    let Some(named) = (unsafe { named(directory, path) }) else { return small(call()) };
    let mut turn = Turn::take(named.settings, "create", &named.path);
    let existed = unsafe { inode(directory, path) };
    let result = call();
    if result >= 0 {
        match (existed, unsafe { inode(directory, path) }) {
            (Some(_), _) if flags & libc::O_TRUNC == 0 => {}
            (Some(file), _) => turn.keep(&Record::Resize { file, length: 0 }),
            (None, Some(file)) => {
                turn.keep(&Record::Create { file, directory: false, parent: named.parent, name: named.name });
            }
            (None, None) => not_modelled("a file that vanishes as it is created"),
        }
    }
    small(result)
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opening(libc::AT_FDCWD, path, flags, mode) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opening(libc::AT_FDCWD, path, flags, mode) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opening(directory, path, flags, mode) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { opening(directory, path, flags, mode) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn creat(path: *const c_char, mode: mode_t) -> c_int {
    unsafe { opening(libc::AT_FDCWD, path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

/// Gathers what is to be written, so that what is recorded is what was there.
unsafe fn gathered(parts: *const iovec, count: c_int) -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the caller's promise to the C library.
        let part = unsafe { &*parts.add(index) };
        bytes.extend(unsafe { std::slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len) });
    }
    bytes
}

/// Writes at `offset`, or where the descriptor stands.
unsafe fn writing(fd: c_int, bytes: *const u8, length: size_t, offset: Option<off_t>) -> ssize_t {
    let call = || unsafe {
        match offset {
            Some(offset) => libc::syscall(libc::SYS_pwrite64, fd, bytes, length, offset),
            None => libc::syscall(libc::SYS_write, fd, bytes, length),
        }
    };
    let Some(first) = opened(fd) else { return size(call()) };
    let mut turn = Turn::take(first.settings, "write", &first.path);
    // The length and the place may have changed while the turn was waited for.
    let Some(file) = opened(fd) else { return size(call()) };
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFL) };
    let appends = flags & c_long::from(libc::O_APPEND) != 0;
    let at = match offset {
        _ if appends => file.length,
        Some(offset) => u64::try_from(offset).unwrap_or(0),
        None => u64::try_from(unsafe { libc::syscall(libc::SYS_lseek, fd, 0, libc::SEEK_CUR) }).unwrap_or(0),
    };
    let written = call();
    if let Ok(length) = usize::try_from(written)
        && length > 0
    {
        let bytes = unsafe { std::slice::from_raw_parts(bytes, length) }.to_vec();
        turn.keep(&Record::Write { file: file.file, offset: at, bytes });
    }
    size(written)
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const u8, length: size_t) -> ssize_t {
    unsafe { writing(fd, bytes, length, None) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, bytes: *const u8, length: size_t, offset: off_t) -> ssize_t {
    unsafe { writing(fd, bytes, length, Some(offset)) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const u8, length: size_t, offset: off_t) -> ssize_t {
    unsafe { writing(fd, bytes, length, Some(offset)) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    if opened(fd).is_none() {
        return size(unsafe { libc::syscall(libc::SYS_writev, fd, parts, count) });
    }
    let bytes = unsafe { gathered(parts, count) };
    unsafe { writing(fd, bytes.as_ptr(), bytes.len(), None) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev(fd: c_int, parts: *const iovec, count: c_int, offset: off_t) -> ssize_t {
    let bytes = unsafe { gathered(parts, count) };
    unsafe { writing(fd, bytes.as_ptr(), bytes.len(), Some(offset)) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev64(fd: c_int, parts: *const iovec, count: c_int, offset: off_t) -> ssize_t {
    unsafe { pwritev(fd, parts, count, offset) }
}

/// Refused under the root: callers then read and write, which is recorded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_offset: *mut off_t,
    to: c_int,
    to_offset: *mut off_t,
    length: size_t,
    flags: c_uint,
) -> ssize_t {
    if opened(to).is_some() {
        return size(fail(libc::ENOSYS).into());
    }
    size(unsafe { libc::syscall(libc::SYS_copy_file_range, from, from_offset, to, to_offset, length, flags) })
}

/// Refused under the root: callers then read and write, which is recorded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendfile64(to: c_int, from: c_int, offset: *mut off_t, length: size_t) -> ssize_t {
    if opened(to).is_some() {
        return size(fail(libc::ENOSYS).into());
    }
    size(unsafe { libc::syscall(libc::SYS_sendfile, to, from, offset, length) })
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendfile(to: c_int, from: c_int, offset: *mut off_t, length: size_t) -> ssize_t {
    unsafe { sendfile64(to, from, offset, length) }
}

/// Gives a file a length by `call`: exactly `length`, or at least that.
fn sizing(fd: c_int, length: off_t, exactly: bool, call: impl FnOnce() -> c_long) -> c_int {
    let Some(first) = opened(fd) else { return small(call()) };
    let mut turn = Turn::take(first.settings, "resize", &first.path);
    let Some(file) = opened(fd) else { return small(call()) };
    let result = call();
    let length = u64::try_from(length).unwrap_or(0);
    if result == 0 && (exactly || length > file.length) {
        turn.keep(&Record::Resize { file: file.file, length });
    }
    small(result)
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    sizing(fd, length, true, || unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) })
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    unsafe { ftruncate(fd, length) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate(fd: c_int, mode: c_int, offset: off_t, length: off_t) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_fallocate, fd, mode, offset, length) };
    match mode {
        0 => sizing(fd, offset + length, false, call),
        libc::FALLOC_FL_KEEP_SIZE => small(call()),
        _ if opened(fd).is_some() => fail(libc::EOPNOTSUPP),
        _ => small(call()),
    }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate64(fd: c_int, mode: c_int, offset: off_t, length: off_t) -> c_int {
    unsafe { fallocate(fd, mode, offset, length) }
}

/// As the C library's, which gives the error instead of setting it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_fallocate(fd: c_int, offset: off_t, length: off_t) -> c_int {
    // SAFETY: the C library gives every thread its own error.
    if unsafe { fallocate(fd, 0, offset, length) } == 0 { 0 } else { unsafe { *libc::__errno_location() } }
}

/// As the C library's, which gives the error instead of setting it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_fallocate64(fd: c_int, offset: off_t, length: off_t) -> c_int {
    unsafe { posix_fallocate(fd, offset, length) }
}

/// A sync, which under the root is recorded and not performed.
fn syncing(fd: c_int, what: &str, covers: bool, call: impl FnOnce() -> c_long) -> c_int {
    let Some(file) = opened(fd) else { return small(call()) };
    let mut turn = Turn::take(file.settings, what, &file.path);
    let covers = covers && !file.settings.is_deaf_to(&file.path);
    turn.keep(&if covers { Record::Sync { file: file.file } } else { Record::Deaf { file: file.file } });
    0
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    syncing(fd, "sync", true, || unsafe { libc::syscall(libc::SYS_fsync, fd) })
}

/// As the C library's. It covers the length too, without which what was written could not be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    syncing(fd, "sync", true, || unsafe { libc::syscall(libc::SYS_fdatasync, fd) })
}

/// Covers nothing: it leaves the length and the disk's own cache unwritten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sync_file_range(fd: c_int, offset: off_t, length: off_t, flags: c_uint) -> c_int {
    syncing(fd, "sync range", false, || unsafe { libc::syscall(libc::SYS_sync_file_range, fd, offset, length, flags) })
}

/// Covers more than one can record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syncfs(fd: c_int) -> c_int {
    if opened(fd).is_some() {
        not_modelled("syncfs");
    }
    small(unsafe { libc::syscall(libc::SYS_syncfs, fd) })
}

unsafe fn renaming(from: c_int, old: *const c_char, to: c_int, new: *const c_char, flags: c_uint) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_renameat2, from, old, to, new, flags) };
    match unsafe { (named(from, old), named(to, new)) } {
        (None, None) => small(call()),
        (Some(source), Some(target)) => {
            if flags & !libc::RENAME_NOREPLACE != 0 {
                not_modelled("an exchange of names");
            }
            let mut turn = Turn::take(source.settings, "rename", &source.path);
            let result = call();
            if result == 0 {
                turn.keep(&Record::Rename {
                    from: source.parent,
                    old: source.name,
                    to: target.parent,
                    new: target.name,
                });
            }
            small(result)
        }
        (Some(_), None) | (None, Some(_)) => fail(libc::EXDEV),
    }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(old: *const c_char, new: *const c_char) -> c_int {
    unsafe { renaming(libc::AT_FDCWD, old, libc::AT_FDCWD, new, 0) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat(from: c_int, old: *const c_char, to: c_int, new: *const c_char) -> c_int {
    unsafe { renaming(from, old, to, new, 0) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat2(
    from: c_int,
    old: *const c_char,
    to: c_int,
    new: *const c_char,
    flags: c_uint,
) -> c_int {
    unsafe { renaming(from, old, to, new, flags) }
}

unsafe fn removing(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_unlinkat, directory, path, flags) };
    unsafe { naming(directory, path, "remove", call, |parent, name| Some(Record::Remove { parent, name })) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    unsafe { removing(libc::AT_FDCWD, path, 0) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    unsafe { removing(directory, path, flags) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    unsafe { removing(libc::AT_FDCWD, path, libc::AT_REMOVEDIR) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    unsafe { mkdirat(libc::AT_FDCWD, path, mode) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdirat(directory: c_int, path: *const c_char, mode: mode_t) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_mkdirat, directory, path, mode) };
    let record = |parent, name| {
        let file = unsafe { inode(directory, path) }?;
        Some(Record::Create { file, directory: true, parent, name })
    };
    unsafe { naming(directory, path, "make", call, record) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn link(old: *const c_char, new: *const c_char) -> c_int {
    unsafe { linkat(libc::AT_FDCWD, old, libc::AT_FDCWD, new, 0) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linkat(from: c_int, old: *const c_char, to: c_int, new: *const c_char, flags: c_int) -> c_int {
    let call = || unsafe { libc::syscall(libc::SYS_linkat, from, old, to, new, flags) };
    let record = |parent, name| {
        let file = unsafe { inode(to, new) }?;
        Some(Record::Link { file, parent, name })
    };
    unsafe { naming(to, new, "link", call, record) }
}

/// Refused under the root.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn symlink(target: *const c_char, path: *const c_char) -> c_int {
    if unsafe { named(libc::AT_FDCWD, path) }.is_some() {
        // SAFETY: the caller's promise to the C library.
        not_modelled(&format!("a symbolic link to {:?}", unsafe { CStr::from_ptr(target) }));
    }
    small(unsafe { libc::syscall(libc::SYS_symlinkat, target, libc::AT_FDCWD, path) })
}
