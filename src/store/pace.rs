//! How long work over a whole ledger tells what it has done and is told whether
//! to go on, so that a backup behind a serving writer can be slowed or stopped.
//! Nothing here sleeps or knows the clock: whoever gives the pace decides.

use std::ops::ControlFlow;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A backup is written from the live store.
    Write,
    /// Events are read from backups or a journal, and nothing is written.
    Read,
    /// Events are put into a new store.
    Load,
    /// A store just filled is read back.
    Compare,
}

/// Work done since the last call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub stage: Stage,
    /// Events done with.
    pub events: u64,
    /// Bytes of them as stored.
    pub bytes: u64,
}

/// Called after every step of at most about a megabyte. May sleep; `Break` stops the work, which then leaves nothing
/// behind that counts.
pub trait Pace {
    /// What was done; whether to go on.
    fn step(&mut self, step: Step) -> ControlFlow<()>;
}

impl<F: FnMut(Step) -> ControlFlow<()>> Pace for F {
    fn step(&mut self, step: Step) -> ControlFlow<()> {
        self(step)
    }
}

/// As fast as it goes, to the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unpaced;

impl Pace for Unpaced {
    fn step(&mut self, _: Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Gathers single events into steps.
pub(super) struct Steps<'a> {
    pace: &'a mut dyn Pace,
    step: Step,
}

impl<'a> Steps<'a> {
    const BYTES: u64 = 1 << 20;
    const EVENTS: u64 = 4_096;

    pub(super) fn new(pace: &'a mut dyn Pace, stage: Stage) -> Self {
        Self { pace, step: Step { stage, events: 0, bytes: 0 } }
    }

    /// One event more. `Break`: the pace says stop.
    pub(super) fn event(&mut self, bytes: usize) -> ControlFlow<()> {
        self.step.events += 1;
        self.step.bytes += bytes as u64;
        if self.step.bytes < Self::BYTES && self.step.events < Self::EVENTS {
            return ControlFlow::Continue(());
        }
        self.end()
    }

    /// Tells of what is left.
    pub(super) fn end(&mut self) -> ControlFlow<()> {
        let done = Step { events: 0, bytes: 0, ..self.step };
        let step = std::mem::replace(&mut self.step, done);
        self.pace.step(step)
    }
}
