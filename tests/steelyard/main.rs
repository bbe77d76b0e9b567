//! Tests of the whole: a real server, real sockets, and the rules that its users rely on.

mod auc;
mod bad_input;
mod broward;
mod evidence;
mod fuzz_sample;
mod harness;
mod lists;
mod people;
mod persona_tests;
mod personas;
#[cfg(target_os = "linux")]
mod powercut;
mod worked_person;
