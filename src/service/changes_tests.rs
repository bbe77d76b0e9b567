use super::*;
use crate::ranking::sample::{People, person};

/// Lists of a person: COHORT, OUTSTANDING, or both.
fn lists(cohort: bool, outstanding: bool) -> Lists {
    Lists::default().and(List::Cohort, cohort).and(List::Outstanding, outstanding)
}

fn entry(revision: u64, subject: u32, before: Lists, after: Lists) -> Entry {
    Entry { revision: Revision(revision), subject: SubjectId(subject), before, after, earlier: None }
}

/// A record that begins at revision 1, in small blocks.
fn changes(entries: usize) -> Changes {
    let changes = Changes::with(Limits { entries, publications: 2, block: 2 });
    changes.lock().oldest = Some(Revision(1));
    changes
}

/// People from an id on who stood on COHORT since a revision: ids, with a `+` behind those who were there at its beginning.
fn found(changes: &Changes, since: u64, from: u32, most: usize) -> (String, bool) {
    let span = changes.since(Revision(since)).expect("must be kept");
    let Candidates { first, more } =
        span.candidates((List::Cohort, &Sight::EVERYBODY), |_| true, SubjectId(from), Revision(u64::MAX), most);
    let told = first.iter().map(|found| format!("{}{}", found.subject.0, if found.was { "+" } else { "" }));
    (told.collect::<Vec<_>>().join(" "), more)
}

#[test]
fn each_is_told_once_and_as_they_stood_at_the_beginning() {
    let (on, off) = (lists(true, false), lists(false, true));
    let changes = changes(100);
    changes.keep(Revision(2), false, vec![entry(2, 7, off, on), entry(2, 9, on, on)]);
    changes.keep(Revision(3), false, vec![entry(3, 7, on, off), entry(3, 8, off, off)]);
    changes.keep(Revision(5), false, vec![entry(5, 3, on, off)]);
    assert_eq!(found(&changes, 1, 0, 10), ("3+ 7 9+".to_owned(), false));
    assert_eq!(found(&changes, 2, 0, 10), ("3+ 7+".to_owned(), false));
    assert_eq!(found(&changes, 3, 0, 10), ("3+".to_owned(), false));
    assert_eq!(found(&changes, 5, 0, 10), (String::new(), false));
    assert_eq!(found(&changes, 1, 4, 10), ("7 9+".to_owned(), false));
    assert_eq!(found(&changes, 1, 0, 2), ("3+ 7".to_owned(), true));
    assert_eq!(found(&changes, 1, 8, 1), ("9+".to_owned(), false));
}

#[test]
fn what_falls_out_raises_the_oldest_revision() {
    let on = lists(true, false);
    let changes = changes(4);
    assert_eq!(changes.since(Revision(0)).map(|_| ()), Err(Compacted { oldest: Revision(1) }));
    for revision in 2..=20 {
        changes.keep(Revision(revision), false, vec![entry(revision, u32::try_from(revision).unwrap(), on, on)]);
        let oldest = changes.oldest();
        assert!(oldest.0 + 5 >= revision, "{oldest} at {revision}");
        assert!(changes.since(oldest).is_ok());
        let before = Revision(oldest.0 - 1);
        assert_eq!(changes.since(before).map(|_| ()), Err(Compacted { oldest }));
        // Nothing is lost between what is told apart and what is kept.
        let kept = found(&changes, oldest.0, 0, 100).0;
        let due: Vec<String> = (oldest.0 + 1..=revision).map(|revision| format!("{revision}+")).collect();
        assert_eq!(kept, due.join(" "));
    }
}

#[test]
fn a_publication_pushes_out_no_writes_and_the_third_pushes_out_the_first() {
    let on = lists(true, false);
    let changes = changes(4);
    changes.keep(Revision(2), false, vec![entry(2, 1, on, on)]);
    let everybody = |revision| (0..50).map(|subject| entry(revision, subject, on, on)).collect();
    changes.keep(Revision(3), true, everybody(3));
    changes.keep(Revision(4), false, vec![entry(4, 1, on, on)]);
    changes.keep(Revision(5), true, everybody(5));
    assert_eq!(changes.oldest(), Revision(1));
    changes.keep(Revision(6), true, everybody(6));
    assert_eq!(changes.oldest(), Revision(3));
    let of =
        |since| changes.since(Revision(since)).expect("must be kept").publication(List::Cohort, |_| true, Revision(6));
    assert_eq!((of(3), of(5), of(6)), (Some(101), Some(50), None));
    assert_eq!(
        changes.since(Revision(4)).unwrap().publication(List::Cohort, |_| true, Revision(4)),
        None,
        "not come yet"
    );
    assert_eq!(found(&changes, 4, 10, 3), ("10+ 11+ 12+".to_owned(), true));
}

#[test]
fn only_who_differs_is_kept_and_a_moved_day_is_a_publication() {
    let people = People::of([person("A", "managed composite=26000"), person("B", "managed"), person("C", "")]);
    let first = people.standings();
    let changes = Changes::default();
    changes.record(None, &first);
    let same = people.change(SubjectId(0), &person("A", "managed composite=26000"));
    let managed = people.change(SubjectId(2), &person("C", "managed"));
    let second = first.with(&[same, managed], people.meta(2));
    changes.record(Some(&first), &second);
    assert_eq!(found(&changes, 1, 0, 10), ("2".to_owned(), false));
    assert_eq!(changes.since(Revision(1)).unwrap().publication(List::Cohort, |_| true, Revision(2)), None);
    let mut meta = people.meta(3);
    meta.as_of = meta.as_of + 1;
    let gone = people.change(SubjectId(1), &person("B", ""));
    let third = second.with(&[gone], meta);
    changes.record(Some(&second), &third);
    assert_eq!(found(&changes, 2, 0, 10), ("1+".to_owned(), false));
    assert_eq!(changes.since(Revision(2)).unwrap().publication(List::Cohort, |_| true, Revision(3)), Some(1));
}
