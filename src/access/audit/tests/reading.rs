//! Asking the log.

use super::*;

/// Every number that a question finds, page after page.
fn numbers(log: &AuditLog, query: &Query) -> Vec<u64> {
    let mut query = query.clone();
    let mut found = Vec::new();
    loop {
        let page = log.read(&query).unwrap();
        assert!(page.events.len() <= query.limit);
        found.extend(page.events.iter().map(|event| event.number));
        match page.next {
            Some(next) => query.start = Some(next),
            None => return found,
        }
    }
}

#[test]
fn pages_hold_every_entry_once_from_either_end() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path(), 23);
    let log = AuditLog::open(home.path(), small()).unwrap();
    for limit in [1, 4, 100] {
        let query = Query { limit, ..Query::default() };
        assert_eq!(numbers(&log, &query), (1..=23).rev().collect::<Vec<_>>());
        assert_eq!(numbers(&log, &Query { way: Way::Oldest, ..query }), (1..=23).collect::<Vec<_>>());
    }
}

#[test]
fn whoever_saw_a_person_is_found_in_sealed_segments_and_in_the_open_one() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), small()).unwrap();
    for number in 0..40 {
        let mut seen = entry("bob", if number % 7 == 0 { &[5, 9] } else { &[6] }, number);
        seen.attempted = (number == 39).then_some(SubjectId(9));
        log.record_blocking(seen).unwrap();
    }
    let query = Query { subject: Some(SubjectId(9)), limit: 2, ..Query::default() };
    let expected = [40, 36, 29, 22, 15, 8, 1];
    assert_eq!(numbers(&log, &query), expected);
    // Without an index it is made; with a damaged one, made anew.
    for (first, _) in segments(home.path()) {
        drop(fs::write(home.path().join(files::index_name(first)), b"damaged"));
    }
    assert_eq!(numbers(&log, &query), expected);
    assert_eq!(numbers(&log, &Query { subject: Some(SubjectId(7)), ..query }), [0; 0]);
}

#[test]
fn an_export_of_many_is_found_for_each_of_them() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), small()).unwrap();
    let everybody: Vec<u32> = (0..10_000).collect();
    log.record_blocking(entry("bob", &everybody, 1)).unwrap();
    log.record_blocking(entry("bob", &[1], 2)).unwrap();
    assert_eq!(segments(home.path()).len(), 2);
    let query = Query { subject: Some(SubjectId(9_999)), ..Query::default() };
    assert_eq!(numbers(&log, &query), [1]);
}

#[test]
fn every_filter_has_to_be_met() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), small()).unwrap();
    for (micros, actor) in (0..).zip(["ann", "bob", "ann", "bob", "ann", "bob", "ann", "bob"]) {
        let mut entry = entry(actor, &[], micros);
        entry.outcome = if micros < 4 { Outcome::Allowed } else { Outcome::Refused };
        log.record_blocking(entry).unwrap();
    }
    let begin = entry("", &[], 0).micros;
    let all = Query::default();
    let bob = Query { actors: vec!["bob".to_owned()], ..all.clone() };
    assert_eq!(numbers(&log, &bob), [8, 6, 4, 2]);
    let refused = Query { outcomes: vec![Outcome::Refused], ..bob };
    assert_eq!(numbers(&log, &refused), [8, 6]);
    assert_eq!(numbers(&log, &Query { to: Some(begin + 7), ..refused }), [6]);
    assert_eq!(numbers(&log, &Query { from: Some(begin + 2), to: Some(begin + 4), ..all.clone() }), [4, 3]);
    assert_eq!(numbers(&log, &Query { rpcs: vec!["another".to_owned()], ..all }), [0; 0]);
}

#[test]
fn a_page_that_finds_nothing_ends_and_says_where_to_go_on() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path(), 20);
    let log = AuditLog::open(home.path(), small()).unwrap();
    let query = Query { actors: vec!["nobody".to_owned()], most_examined: 6, ..Query::default() };
    let page = log.read(&query).unwrap();
    assert_eq!((page.events.len(), page.next), (0, Some(14)));
    assert_eq!(numbers(&log, &query), [0; 0]);
}

#[test]
fn reading_goes_on_while_entries_are_appended() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), small()).unwrap();
    let writing = log.clone();
    let writer = thread::spawn(move || {
        for number in 0..300 {
            writing.record_blocking(entry("ann", &[number], 1)).unwrap();
        }
    });
    let mut last = 0;
    while last < 300 {
        let page = log.read(&Query { limit: 3, ..Query::default() }).unwrap();
        let newest = page.events.first().map_or(0, |event| event.number);
        assert!(newest == page.head.entries && newest >= last, "the newest entry is the durable head");
        assert_eq!(log.verify(Some(5), None).unwrap().fault, None);
        last = newest;
    }
    writer.join().unwrap();
}
