//! What whoever watches a server relies on: figures that are there and move rightly.

mod metrics;
