//! Steelyard weighs, by threat, risk and harm, the managed cohort of Integrated
//! Offender Management and the outstanding suspects of one police force.
//!
//! Floors, each importing only from those below it:
//!
//! - [`cli`]: one file a subcommand; every one but `serve` and `demo` is a client
//! - [`api`]: the gRPC edge: parse, authorise, call, map
//! - [`service`]: use cases and the single writer; time enters here
//! - [`ranking`]: ordered lists in memory, snapshots, pages
//! - [`store`]: the ledger and its views, behind `trait Store`
//! - [`scoring`]: pure weighing: harm, risk, threat, composite, explanation
//! - [`evaluation`]: how an order agreed with what people went on to do, and the report of it
//! - [`supervision`]: pure clocks, counts and returns; nothing of it is ever in a score
//! - [`intake`]: files into records: NDJSON, and CSV through a mapping
//! - [`policy`] and [`reference`]: every figure that the scorer may use
//! - [`domain`]: words of the field
//!
//! Beside them: [`config`], [`telemetry`], [`access`], [`guarded`], [`telling`], and [`demonstration`], an invented force.
#![forbid(unsafe_code)]

pub mod access;
pub mod api;
pub mod cli;
pub mod config;
pub mod demonstration;
pub mod domain;
pub mod evaluation;
pub mod guarded;
pub mod intake;
pub mod policy;
pub mod ranking;
pub mod reference;
pub mod scoring;
pub mod service;
pub mod store;
pub mod supervision;
pub mod telemetry;
pub mod telling;

pub use generated::v1 as pb;

/// Encoded descriptors of every proto, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/steelyard.descriptors.bin"));

/// Rust as generated from `proto/`, laid out as the packages are.
#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
mod generated {
    /// The contract, `steelyard.v1`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/steelyard.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/steelyard.v1.serde.rs"));
    }
    /// What the store keeps, `steelyard.store.v1`.
    pub mod store {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/steelyard.store.v1.rs"));
        }
    }
}
