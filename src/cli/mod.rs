//! Subcommands, one file each: they read arguments, call what does the work, and print.

pub mod generate;
