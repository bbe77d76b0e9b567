//! Which descriptors and paths lie under the watched directory.
//!
//! Descriptors are looked up each time, not tracked: a duplicate, or one that a
//! parent process left open, is then as good as any.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use libc::{c_char, c_int};

use crate::log::{SETTINGS, Settings};

/// An open file under the root.
pub struct Opened {
    pub settings: &'static Settings,
    pub file: u64,
    pub length: u64,
    /// Relative to the root.
    pub path: Vec<u8>,
}

/// A name under the root, of something that need not exist.
pub struct Named {
    pub settings: &'static Settings,
    pub parent: u64,
    pub name: Vec<u8>,
    /// Relative to the root.
    pub path: Vec<u8>,
}

/// The file behind a descriptor, if it lies under the root.
pub fn opened(fd: c_int) -> Option<Opened> {
    let settings = SETTINGS.as_ref()?;
    let path = under(settings, &path_of(fd)?)?;
    let status = status(fd)?;
    let length = u64::try_from(status.st_size).expect("a length must not be negative");
    Some(Opened { settings, file: status.st_ino, length, path })
}

/// What a path names, if its directory lies under the root.
///
/// # Safety
/// `path` must be null or a C string.
pub unsafe fn named(directory: c_int, path: *const c_char) -> Option<Named> {
    let settings = SETTINGS.as_ref()?;
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let mut path = unsafe { CStr::from_ptr(path) }.to_bytes();
    while path.len() > 1 && path.ends_with(b"/") {
        path = &path[..path.len() - 1];
    }
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (&b"/"[..], &path[1..]),
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b"."[..], path),
    };
    let mut parent_path = parent.to_vec();
    parent_path.push(0);
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the path ends in a zero and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_openat, directory, parent_path.as_ptr(), flags, 0) };
    let fd = c_int::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    let found = path_of(fd).zip(status(fd));
    // SAFETY: a descriptor of our own.
    unsafe { libc::syscall(libc::SYS_close, fd) };
    let (parent_path, status) = found?;
    let mut path = under(settings, &parent_path)?;
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend(name);
    Some(Named { settings, parent: status.st_ino, name: name.to_vec(), path })
}

/// Whether a name exists, and the inode that it leads to.
///
/// # Safety
/// `path` must be a C string.
pub unsafe fn inode(directory: c_int, path: *const c_char) -> Option<u64> {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: the caller's promise, and a buffer of the right size.
    let found = unsafe { libc::syscall(libc::SYS_newfstatat, directory, path, status.as_mut_ptr(), flags) };
    // SAFETY: filled by the kernel where it succeeded.
    (found == 0).then(|| unsafe { status.assume_init() }.st_ino)
}

fn status(fd: c_int) -> Option<libc::stat> {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: a buffer of the right size.
    let found = unsafe { libc::syscall(libc::SYS_fstat, fd, status.as_mut_ptr()) };
    // SAFETY: filled by the kernel where it succeeded.
    (found == 0).then(|| unsafe { status.assume_init() })
}

fn path_of(fd: c_int) -> Option<Vec<u8>> {
    let link = format!("/proc/self/fd/{fd}\0");
    let mut path = vec![0; 4096];
    let length = path.len();
    // SAFETY: the link's path ends in a zero, and the buffer is as long as told.
    let read = unsafe { libc::syscall(libc::SYS_readlinkat, libc::AT_FDCWD, link.as_ptr(), path.as_mut_ptr(), length) };
    path.truncate(usize::try_from(read).ok()?);
    Some(path)
}

fn under(settings: &Settings, path: &[u8]) -> Option<Vec<u8>> {
    let rest = path.strip_prefix(&settings.root[..])?;
    match rest {
        [] => Some(Vec::new()),
        [b'/', relative @ ..] => Some(relative.to_vec()),
        _ => None,
    }
}
