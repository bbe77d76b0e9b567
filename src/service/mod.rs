//! Use cases: taking evidence in, the single writer, and what readers ask.

pub mod record;
