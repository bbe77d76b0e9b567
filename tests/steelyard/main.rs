//! Tests of the whole: a real server, real sockets, and the rules that its users rely on.

mod answers;
mod attack;
mod auc;
mod audit;
mod authorisation;
mod bad_input;
mod broward;
mod client;
mod cohort;
mod damage;
mod erasure;
mod evidence;
mod exports;
mod full_disk;
mod fuzz_sample;
mod harness;
mod http;
mod issuer;
mod keeping;
mod lifecycle;
mod lists;
mod movements;
mod pages;
mod papers;
mod people;
mod persona_tests;
mod personas;
mod policies;
#[cfg(target_os = "linux")]
#[expect(clippy::unwrap_used, reason = "whatever a drill does not expect ends it")]
mod powercut;
mod privacy;
mod raw;
mod recovery;
mod rescoring;
mod restore;
mod restore_drill;
mod retention;
mod safety_page;
mod small_disk;
mod supervision;
mod torture;
mod transport;
mod verify;
mod watching;
#[allow(dead_code, reason = "tests of the whole edge use the rest of it")]
mod web;
mod worked_person;
