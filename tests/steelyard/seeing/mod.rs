//! What whoever watches a server relies on: figures that are there and move rightly,
//! traces that follow a call through writer and store, and log lines that join both.

mod metrics;
mod receiver;
mod traces;
