//! Holds back work that nobody waits for, so that who is served does not feel
//! it, and lets such work be given up. It decides nothing else.

/// How fast work in the background may go. Asked between bounded portions of work.
pub trait Pace: Sync {
    /// Called after each portion of work, with about the bytes that it read: blocks for as long as the work is to rest.
    fn rest(&self, bytes: u64);

    /// Whether the work is to be given up: nobody wants its outcome any more.
    fn given_up(&self) -> bool {
        false
    }
}

/// No rest at all: for a stopped store, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct FullSpeed;

impl Pace for FullSpeed {
    fn rest(&self, _: u64) {}
}
