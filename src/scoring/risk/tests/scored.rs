use proptest::prelude::*;

use super::fixture::{alleged, clock, convicted, date, from_probation, history, risk_policy, sentence};
use crate::domain::Date;
use crate::domain::offence::Category;
use crate::domain::word::{AssessmentKind, Sex};
use crate::scoring::clock::Clock;
use crate::scoring::risk::assess::{Assessed, held, points, scored_facts};
use crate::scoring::risk::fallback::Contacts;
use crate::scoring::risk::history::{History, Own};
use crate::scoring::risk::interval::{Range, assumed_births};
use crate::scoring::risk::supplied::supplied;
use crate::scoring::risk::two_year::Instrument;

const NONE: [Option<crate::scoring::risk::supplied::Supplied<'static>>; 3] = [None; 3];

fn assessed(history: &History<'_>, birth: Date, sex: Sex) -> Assessed {
    Assessed::new(history, &NONE, &Contacts::default(), &[birth], &[sex], &risk_policy())
}

#[test]
fn points_rise_evenly_between_the_bands_and_stop_at_100() {
    let policy = risk_policy();
    let arp =
        [(0.0, 0.0), (0.25, 12.5), (0.5, 25.0), (0.75, 50.0), (0.825, 62.5), (0.9, 75.0), (0.95, 87.5), (1.0, 100.0)];
    for (probability, expected) in arp {
        assert!((points(&policy.arp, probability) - expected).abs() < 1e-9, "{probability}");
    }
    for (probability, expected) in
        [(0.005, 12.5), (0.01, 25.0), (0.02, 37.5), (0.069, 75.0), (0.15, 100.0), (0.9, 100.0)]
    {
        assert!((points(&policy.svrp, probability) - expected).abs() < 1e-9, "{probability}");
    }
}

#[test]
fn the_instruments_are_weighted_by_policy() {
    let own = [Own { violent: true, ..convicted("a", "2024-01-01") }];
    let found = assessed(&history(&own, &[], "2026-01-01"), date("1995-01-01"), Sex::Male);
    let of = |place: usize| found.instruments[place].expect("must be computed").points.low;
    // In order of name: ARP, SVRP, VRP.
    let expected = 0.40 * of(0) + 0.35 * of(1) + 0.25 * of(2);
    assert!((found.actuarial.low - expected).abs() < 1e-9);
    assert_eq!((found.risk, found.missing), (found.actuarial, 0.0));
    assert!(expected > 1.0);
}

#[test]
fn risk_is_never_below_the_contact_fallback() {
    let (policy, birth) = (risk_policy(), [date("1950-01-01")]);
    let own = [convicted("a", "1990-01-01")];
    let found = history(&own, &[], "2026-01-01");
    let contacts = Contacts { dates: 7, last: None, points: 28.0, undated: false };
    let with = Assessed::new(&found, &NONE, &contacts, &birth, &[Sex::Female], &policy);
    assert!(with.actuarial.high < 28.0);
    assert_eq!(with.risk, Range::at(28.0));
}

#[test]
fn a_missing_instrument_adds_to_the_top_alone() {
    let policy = risk_policy();
    let others = [from_probation("p", AssessmentKind::Arp, "2025-01-01", 0.5, None)];
    let found = history(&[], &others, "2026-01-01");
    let given = supplied(&others, &found, date("2026-01-01"));
    let with = Assessed::new(&found, &given, &Contacts::default(), &[date("1990-01-01")], &[Sex::Male], &policy);
    assert_eq!(with.risk, Range::at(0.4 * 25.0));
    assert!((with.missing - 0.6 * 25.0).abs() < 1e-9);
}

#[test]
fn a_caution_at_20_does_not_score_a_man_of_71_as_20() {
    let own = [convicted("a", "1975-01-01")];
    let found = history(&own, &[], "2026-01-01");
    let birth = date("1955-01-01");
    let scored = scored_facts(&found, birth, Sex::Male, &risk_policy()).expect("must have a category");
    assert_eq!(scored.age, 71 - 3);
    assert_eq!(found.facts(birth, Sex::Male, 10).expect("must have a category").age, 20, "as published");
}

#[test]
fn occasions_are_held_where_a_formula_turns_over() {
    let policy = risk_policy();
    let own: Vec<_> = (0..120)
        .map(|week| Own {
            outcome_date: Some(date("2015-01-01") + week * 7),
            violent: true,
            ..convicted("a", "2015-01-01")
        })
        .collect();
    let found = history(&own, &[], "2018-01-01");
    for (sex, expected) in [(Sex::Male, [120, 37, 92]), (Sex::Female, [120, 34, 75])] {
        let facts = scored_facts(&found, date("1980-01-01"), sex, &policy).expect("must have a category");
        assert_eq!(Instrument::ALL.map(|instrument| held(facts, instrument, &policy).occasions), expected);
        assert_eq!(Instrument::ALL.map(|instrument| held(facts, instrument, &policy).violent), [120; 3]);
    }
}

#[test]
fn a_womans_age_is_held_where_growing_older_would_raise_her_risk() {
    let own = [convicted("a", "1950-01-01")];
    let found = history(&own, &[], "2026-01-01");
    let facts = scored_facts(&found, date("1930-01-01"), Sex::Female, &risk_policy()).expect("must have a category");
    assert_eq!(facts.age, 93);
    let ages = Instrument::ALL.map(|instrument| held(facts, instrument, &risk_policy()).age);
    assert_eq!(ages, [93, 93, 77]);
}

#[test]
fn a_predictor_from_probation_takes_the_place_of_ours_while_it_stands() {
    let own = [convicted("a", "2024-01-01")];
    let stands = |others: &[crate::domain::dossier::Filed], as_of: &str| {
        let found = history(&own, &[], as_of);
        supplied(others, &found, date(as_of)).map(|given| given.map(|given| (given.id.to_owned(), given.probability)))
    };
    let vrp = |id: &str, made, expires| from_probation(id, AssessmentKind::Vrp, made, 0.7, expires);
    let given = Some(("v".to_owned(), 0.7));
    assert_eq!(stands(&[vrp("v", "2024-01-02", None)], "2026-01-01"), [None, None, given.clone()]);
    assert_eq!(
        stands(&[vrp("v", "2024-01-01", None)], "2026-01-01"),
        [None, None, None],
        "not newer than the sanction"
    );
    let expiring = [vrp("v", "2025-01-01", Some("2026-01-01"))];
    assert_eq!(stands(&expiring, "2026-01-01"), [None, None, given], "its last day");
    assert_eq!(stands(&expiring, "2026-01-02"), [None, None, None]);
    let renewed = [vrp("u", "2024-06-01", None), vrp("v", "2025-01-01", Some("2025-02-01"))];
    assert_eq!(stands(&renewed, "2026-01-01"), [None, None, None], "an older one does not come back");
}

#[test]
fn contacts_give_points_by_distinct_dates_that_fade_with_the_last() {
    let policy = risk_policy();
    let points = |days_ago: &[i32]| {
        let dates = days_ago.iter().map(|days| date("2026-01-01") - *days);
        Range::at(Contacts::count(dates, &clock("2026-01-01"), &policy).points)
    };
    assert_eq!(points(&[]), Range::at(0.0));
    assert_eq!(points(&[0]), Range::at(6.0));
    assert_eq!(points(&[0, 0]), Range::at(6.0));
    assert_eq!(points(&[0, 5]), Range::at(12.0));
    assert_eq!(points(&[2, 1, 0]), Range::at(12.0));
    assert_eq!(points(&[0, 1, 2, 3]), Range::at(20.0));
    assert_eq!(points(&[0, 1, 2, 3, 4, 5]), Range::at(20.0));
    assert_eq!(points(&[0, 1, 2, 3, 4, 5, 6]), Range::at(28.0));
    assert_eq!(points(&[365]), Range::at(3.0));
    assert_eq!(points(&[365, 730]), Range::at(6.0));
}

#[test]
fn an_unknown_birth_date_is_every_age_that_the_first_sanction_allows() {
    let policy = risk_policy();
    let (as_of, first) = (date("2026-03-01"), date("2000-03-01"));
    let all = assumed_births(None, as_of, None, &policy);
    assert_eq!((all.len(), all[0], all[42]), (43, date("1966-03-01"), date("2008-03-01")));
    let able = assumed_births(None, as_of, Some(first), &policy);
    assert_eq!(able.last(), Some(&date("1990-03-01")), "ten on the day of the first sanction");
    let none_able = assumed_births(None, as_of, Some(date("1960-01-01")), &policy);
    assert_eq!(none_able, [date("1966-03-01")], "the oldest is kept");
}

#[test]
fn unknown_birth_and_sex_give_the_ends_of_every_answer() {
    let own = [convicted("a", "2015-01-01"), Own { violent: true, ..convicted("b", "2024-01-01") }];
    let found = history(&own, &[], "2026-01-01");
    let policy = risk_policy();
    let births = assumed_births(None, date("2026-01-01"), found.first, &policy);
    let sexes = [Sex::Female, Sex::Male];
    let whole = Assessed::new(&found, &NONE, &Contacts::default(), &births, &sexes, &policy);
    let each: Vec<f64> =
        births.iter().flat_map(|birth| sexes.map(|sex| assessed(&found, *birth, sex).risk.low)).collect();
    let low = each.iter().copied().fold(f64::MAX, f64::min);
    let high = each.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(whole.risk, Range { low, high });
    assert!(whole.risk.low < whole.risk.high);
    let arp = whole.arp().expect("must be computed");
    assert!(arp.low < arp.point && arp.point < arp.high);
}

/// A history of up to 60 occasions, some violent, the last sometimes with a sentence.
fn careers() -> impl Strategy<Value = (Vec<Own<'static>>, Option<u16>)> {
    let occasion = (1..900_i32, any::<bool>(), 0..Category::ALL.len());
    let occasions = prop::collection::vec(occasion, 1..60);
    (occasions, prop::option::of(1..2_000_u16)).prop_map(|(gaps, sentence)| {
        let mut on = date("1975-01-01");
        let own = gaps.into_iter().map(|(gap, violent, category)| {
            on = on + gap / 3;
            let category = Some(Category::ALL[category]).filter(|category| *category != Category::Unknown);
            Own { outcome_date: Some(on), violent, category, ..convicted("a", "1975-01-01") }
        });
        (own.collect(), sentence)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Forty years free of offending, month by month, from the latest sanction on: at liberty, after a sentence,
    /// or with a year of remand on the way.
    #[test]
    fn risk_never_rises_with_time_free_of_offending(
        (own, months_inside) in careers(),
        age in 12..80_i32,
        female in any::<bool>(),
        remanded in any::<bool>(),
    ) {
        let latest = own.iter().filter_map(|offence| offence.outcome_date).max().expect("must have a sanction");
        let released = latest + months_inside.map_or(0, i32::from);
        let sentence = months_inside.map(|_| sentence("c", &latest.to_string(), Some(&released.to_string()), &[]));
        let others: Vec<_> = sentence.into_iter().collect();
        let birth = own[0].outcome_date.unwrap_or(latest).plus_years(-age);
        let sex = if female { Sex::Female } else { Sex::Male };
        let mut off = vec![(latest, released)];
        if remanded {
            off.push((released + 200, released + 565));
        }
        let mut before = f64::MAX;
        for days in (0..40 * 365).step_by(30) {
            let clock = Clock::new(released + days, off.clone());
            let found = History::gather(own.iter().copied(), &others, &clock);
            let risk = assessed(&found, birth, sex).risk.high;
            prop_assert!(risk <= before, "{risk} after {before}, {days} days on");
            before = risk;
        }
        // Forty years on, the months have been worth something, if there was a risk to lower.
        let at_release = History::gather(own.iter().copied(), &others, &Clock::new(released, off));
        let first = assessed(&at_release, birth, sex);
        prop_assert!(before < first.risk.high || first.instruments.iter().all(Option::is_none));
    }

    /// One more sanction occasion never lowers an instrument's points by itself once there are three,
    /// all else held: the caps see to it.
    #[test]
    fn occasions_beyond_three_never_lower_the_violent_instruments(
        occasions in 3..300_u32, violent in 0..3_u32, age in 15..75_i32, gap in 0..40_i32, female in any::<bool>(),
    ) {
        let policy = risk_policy();
        let sex = if female { Sex::Female } else { Sex::Male };
        for instrument in [Instrument::Vrp, Instrument::Svrp] {
            let probability = |occasions| {
                let facts = crate::scoring::risk::two_year::Facts {
                    sex, age, category: Category::OtherOffences, occasions, violent, years_between: gap, months: 0,
                };
                instrument.assess(&held(facts, instrument, &policy)).map(|parts| parts.probability())
            };
            prop_assert!(probability(occasions) <= probability(occasions + 1));
        }
    }

    /// The fallback only fades as days pass without another contact.
    #[test]
    fn contacts_never_gain_points_with_time(days_ago in prop::collection::vec(0..730_i32, 0..12), later in 0..800_i32) {
        let (policy, today) = (risk_policy(), date("2026-01-01"));
        let on = |as_of: Date| {
            let clock = Clock::new(as_of, Vec::new());
            let dates = days_ago.iter().map(|days| today - *days).filter(|day| clock.age(*day) <= 730);
            Contacts::count(dates, &clock, &policy).points
        };
        let (now, then) = (on(today), on(today + later));
        prop_assert!(then <= now && (0.0..=28.0).contains(&now));
    }
}

#[test]
fn suspicion_alone_gives_the_predictors_nothing() {
    let found = history(&[alleged("a", "2025-01-01"), alleged("b", "2025-02-01")], &[], "2026-01-01");
    let with = assessed(&found, date("1990-01-01"), Sex::Male);
    assert_eq!((with.instruments, with.risk, with.missing), ([None; 3], Range::at(0.0), 25.0));
}
