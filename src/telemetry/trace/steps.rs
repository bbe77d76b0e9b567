//! What a thread did and when, gathered while something that is traced is done on
//! it. Whoever does it says so without knowing for whom; where nothing is traced
//! that is one look at the thread's own memory, and no look at the clock.

use std::cell::RefCell;
use std::time::Instant;

thread_local! {
    static GATHERED: RefCell<Option<Vec<Step>>> = const { RefCell::new(None) };
}

/// Most steps that are gathered at once.
const MOST: usize = 64;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub name: &'static str,
    /// When it began.
    pub from: Instant,
    /// When it had ended.
    pub until: Instant,
}

/// Begins to gather what this thread does.
pub fn gather() {
    GATHERED.with_borrow_mut(|gathered| *gathered = Some(Vec::with_capacity(8)));
}

/// What it did since, and no more of it.
pub fn gathered() -> Vec<Step> {
    GATHERED.take().unwrap_or_default()
}

/// Something was done.
pub fn did(name: &'static str, from: Instant, until: Instant) {
    GATHERED.with_borrow_mut(|gathered| {
        if let Some(steps) = gathered
            && steps.len() < MOST
        {
            steps.push(Step { name, from, until });
        }
    });
}

/// Does something, timed where it is gathered.
pub fn timed<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    if GATHERED.with_borrow(Option::is_none) {
        return work();
    }
    let from = Instant::now();
    let made = work();
    did(name, from, Instant::now());
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_gathered_while_asked_for_and_not_otherwise() {
        timed("before", || ());
        gather();
        assert_eq!(timed("first", || 7), 7);
        timed("second", || timed("within", || ()));
        let names: Vec<_> = gathered().iter().map(|step| step.name).collect();
        assert_eq!(names, ["first", "within", "second"]);
        timed("after", || ());
        assert!(gathered().is_empty());
    }
}
