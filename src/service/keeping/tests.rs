//! The rules of keeping, with a vault of the test's own in place of files.
