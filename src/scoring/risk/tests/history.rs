use super::fixture::{alleged, clock, convicted, date, filed, history, sentence, summary};
use crate::domain::Date;
use crate::domain::evidence::{Custody, Other};
use crate::domain::offence::Category;
use crate::domain::word::{CustodyKind, Outcome, PersonCategory, Sex};
use crate::scoring::clock::Clock;
use crate::scoring::risk::history::{History, Own};

#[test]
fn an_occasion_is_a_date_whatever_the_number_of_offences() {
    let own = [
        convicted("a", "2020-01-01"),
        Own { violent: true, ..convicted("b", "2020-01-01") },
        convicted("c", "2021-01-01"),
        Own { outcome: Outcome::Cautioned, ..convicted("d", "2018-01-01") },
        Own { outcome: Outcome::CommunityResolution, ..convicted("e", "2022-01-01") },
        Own { outcome: Outcome::Acquitted, ..convicted("f", "2023-01-01") },
    ];
    let history = history(&own, &[], "2026-01-01");
    assert_eq!((history.occasions, history.violent), (3, 1));
    assert_eq!(history.first, Some(date("2018-01-01")));
    assert_eq!(history.latest, Some(date("2021-01-01")));
}

#[test]
fn occasions_do_not_depend_on_the_order_in_which_records_come() {
    let dates = ["2020-03-01", "2018-02-01", "2021-05-01", "2018-02-01", "2019-04-01", "2021-05-01", "2017-01-01"];
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    let mut own: Vec<_> =
        ids.iter().zip(dates).map(|(id, on)| Own { violent: *id == "d", ..convicted(id, on) }).collect();
    let expected = history(&own, &[], "2026-01-01");
    assert_eq!((expected.occasions, expected.violent), (5, 1));
    for _ in 0..own.len() {
        own.rotate_left(1);
        assert_eq!(history(&own, &[], "2026-01-01"), expected);
    }
}

#[test]
fn more_occasions_than_are_kept_in_place_are_all_counted() {
    let own: Vec<_> = (0..200)
        .map(|week| Own { outcome_date: Some(date("2020-01-01") + week * 7), ..convicted("a", "2019-01-01") })
        .collect();
    assert_eq!(history(&own, &[], "2026-01-01").occasions, 200);
}

#[test]
fn the_current_offence_has_most_harm_days_on_the_latest_occasion() {
    let own = [
        Own { days: 900.0, ..convicted("a", "2019-01-01") },
        Own { days: 10.0, ..convicted("z", "2020-01-01") },
        Own { days: 10.0, ..convicted("y", "2020-01-01") },
        Own { days: 5.0, ..convicted("b", "2020-01-01") },
        Own { days: 5_000.0, category: None, ..convicted("c", "2020-01-01") },
    ];
    let found = history(&own, &[], "2026-01-01");
    assert_eq!(found.current.map(|current| current.id), Some("y"));
    assert!(!found.current_is_earlier());
    let earlier = history(&[own[0], own[4]], &[], "2026-01-01");
    assert_eq!(earlier.current.map(|current| current.id), Some("a"));
    assert!(earlier.current_is_earlier());
    assert_eq!(earlier.latest, Some(date("2020-01-01")));
    assert_eq!(history(&own[4..], &[], "2026-01-01").current, None);
}

#[test]
fn a_summary_counts_what_is_not_dated_and_later_dates_add_to_it() {
    let own = [convicted("a", "2018-01-01"), convicted("b", "2019-01-01"), convicted("c", "2021-01-01")];
    let of = |totals| history(&own, &[totals], "2026-01-01").occasions;
    assert_eq!(of(summary("2020-01-01", 7, 0, None)), 8);
    assert_eq!(of(summary("2020-01-01", 1, 0, None)), 3, "a summary never takes away dated occasions");
    assert_eq!(of(summary("2021-01-01", 7, 0, None)), 7, "its own day is up to it");
    let totals = [summary("2020-01-01", 7, 3, Some("2001-05-01"))];
    let found = history(&own, &totals, "2026-01-01");
    assert_eq!((found.violent, found.first), (3, Some(date("2001-05-01"))));
    assert!(!found.first_is_doubtful);
    assert!(history(&own, &[summary("2020-01-01", 7, 3, None)], "2026-01-01").first_is_doubtful);
}

#[test]
fn the_latest_summary_counts_and_a_victims_never_does() {
    let older = summary("2019-01-01", 40, 0, None);
    let victims =
        crate::domain::dossier::Filed { category: PersonCategory::Victim, ..summary("2025-01-01", 99, 0, None) };
    let others = [older, summary("2020-01-01", 7, 0, None), victims];
    assert_eq!(history(&[], &others, "2026-01-01").occasions, 7);
}

#[test]
fn violent_occasions_are_at_most_all_occasions() {
    let own = [Own { violent: true, ..convicted("a", "2021-01-01") }];
    let totals = [summary("2020-01-01", 2, 9, None)];
    let found = history(&own, &totals, "2026-01-01");
    assert_eq!((found.occasions, found.violent), (3, 3));
}

#[test]
fn an_age_at_the_first_sanction_serves_where_its_date_is_unknown() {
    let mut totals = summary("2020-01-01", 5, 0, None);
    if let Other::SanctionSummary(totals) = &mut totals.kind {
        totals.age_at_first = Some(14);
    }
    let (own, others) = ([convicted("a", "2020-06-01")], [totals]);
    let found = history(&own, &others, "2026-01-01");
    assert_eq!(found.years_between(date("1990-01-01")), 30 - 14);
    assert!(!found.first_is_doubtful);
}

#[test]
fn follow_up_starts_at_release_from_the_sentence_for_the_latest_sanction() {
    let own = [convicted("a", "2018-01-01"), convicted("b", "2020-01-01")];
    let start = |custody| history(&own, &[custody], "2026-01-01").start;
    let sanction = Some(date("2020-01-01"));
    assert_eq!(start(sentence("c", "2020-01-01", Some("2021-06-01"), &["b"])), Some(date("2021-06-01")));
    assert_eq!(start(sentence("c", "2019-11-01", Some("2021-06-01"), &["x", "b"])), Some(date("2021-06-01")));
    assert_eq!(start(sentence("c", "2020-01-01", Some("2021-06-01"), &[])), Some(date("2021-06-01")));
    assert_eq!(start(sentence("c", "2019-11-01", Some("2021-06-01"), &[])), sanction, "begun before it");
    assert_eq!(start(sentence("c", "2020-01-01", Some("2021-06-01"), &["a"])), sanction, "for another occasion");
    let remand = Custody {
        kind: CustodyKind::Remand,
        start: date("2020-02-01"),
        planned_release: None,
        ended: Some(date("2021-06-01")),
        offence_ids: vec!["b".into()],
    };
    assert_eq!(start(filed("c", Other::Custody(remand))), sanction, "remand restarts nothing");
}

#[test]
fn who_serves_that_sentence_has_been_free_for_no_month() {
    let own = [convicted("b", "2020-01-01")];
    let others = [sentence("c", "2020-01-01", None, &["b"])];
    let off = vec![(date("2020-01-01"), date("2026-01-01"))];
    let found = History::gather(own.into_iter(), &others, &Clock::new(date("2026-01-01"), off));
    assert_eq!((found.start, found.months), (Some(date("2026-01-01")), 0));
    assert_eq!(found.started_by, Some("c"));
}

#[test]
fn a_charge_moves_the_start_until_it_ends_without_conviction() {
    let conviction = convicted("a", "2020-01-01");
    let start = |outcome, alleged_on| {
        let later = Own { outcome, ..alleged("b", alleged_on) };
        history(&[conviction, later], &[], "2026-01-01").start
    };
    for outcome in [Outcome::Charged, Outcome::Summonsed, Outcome::PostalRequisition] {
        assert_eq!(start(outcome, "2024-03-01"), Some(date("2024-03-01")));
        assert_eq!(start(outcome, "2019-03-01"), Some(date("2020-01-01")), "alleged before the sanction");
    }
    for outcome in [Outcome::Suspected, Outcome::Arrested, Outcome::Bailed, Outcome::Acquitted, Outcome::Discontinued] {
        assert_eq!(start(outcome, "2024-03-01"), Some(date("2020-01-01")), "{outcome:?}");
    }
}

#[test]
fn the_latest_of_several_charges_moves_the_start() {
    let charged = |id, on| Own { outcome: Outcome::Charged, ..alleged(id, on) };
    let own = [convicted("a", "2020-01-01"), charged("c", "2024-03-01"), charged("b", "2022-03-01")];
    let found = history(&own, &[], "2026-01-01");
    assert_eq!((found.start, found.started_by), (Some(date("2024-03-01")), Some("c")));
    assert!(!found.undated_charge);
    let undated = [own[0], Own { dated: false, ..own[1] }];
    assert!(history(&undated, &[], "2026-01-01").undated_charge);
}

#[test]
fn months_are_whole_and_run_on_the_clock() {
    let own = [convicted("a", "2023-01-31")];
    let months = |as_of: &str, off: Vec<(Date, Date)>| {
        History::gather(own.iter().copied(), &[], &Clock::new(date(as_of), off)).months
    };
    assert_eq!(months("2023-02-28", Vec::new()), 0);
    assert_eq!(months("2023-03-31", Vec::new()), 2);
    assert_eq!(months("2026-01-31", Vec::new()), 36);
    let inside = vec![(date("2023-06-01"), date("2024-06-01"))];
    assert_eq!(months("2026-01-31", inside), 23, "366 days inside do not count");
}

#[test]
fn a_sanction_dated_after_as_of_counts_as_if_dated_then() {
    let own = [convicted("a", "2026-01-03"), convicted("b", "2026-01-04")];
    let found = history(&own, &[], "2026-01-01");
    assert_eq!((found.occasions, found.latest, found.months), (1, Some(date("2026-01-01")), 0));
}

#[test]
fn a_published_age_is_that_at_the_start_of_follow_up() {
    let own = [convicted("a", "2010-06-01"), Own { violent: true, ..convicted("b", "2020-06-01") }];
    let found = history(&own, &[], "2026-01-01");
    let facts = found.facts(date("1990-06-02"), Sex::Male, 10).expect("must have a category");
    assert_eq!((facts.age, facts.years_between, facts.months), (29, 10, 67));
    assert_eq!((facts.occasions, facts.violent, facts.category), (2, 1, Category::TheftNonMotor));
    let impossible = found.facts(date("2019-01-01"), Sex::Male, 10).expect("must have a category");
    assert_eq!(impossible.age, 10, "a birth date that cannot be gives the least age, not a negative one");
}

#[test]
fn nobody_without_a_sanction_has_a_start() {
    let found = history(&[alleged("a", "2025-01-01")], &[], "2026-01-01");
    assert_eq!((found.occasions, found.start, found.months), (0, None, 0));
    assert_eq!(found.moved_back, clock("2026-01-01").as_of());
    assert_eq!(found.facts(date("1990-01-01"), Sex::Male, 10), None);
}
