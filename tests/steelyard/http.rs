//! What whoever calls over HTTP relies on: that it is the same as over gRPC, that
//! streams can be followed and taken up again, and that no page of another site and
//! no form that was not meant gets anything.

mod edge;
mod same;
mod streams;
mod unchanged;
