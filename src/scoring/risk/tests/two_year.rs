use super::fixture::date;
use crate::domain::offence::Category;
use crate::domain::word::Sex;
use crate::scoring::risk::two_year::{Facts, Instrument, MOST_MONTHS, band, probability};

fn facts() -> Facts {
    Facts {
        sex: Sex::Male,
        age: 30,
        category: Category::OtherOffences,
        occasions: 2,
        violent: 0,
        years_between: 9,
        months: 36,
    }
}

fn logit(instrument: Instrument, facts: &Facts) -> f64 {
    instrument.assess(facts).expect("must have a coefficient").logit()
}

#[test]
fn arp_agrees_with_the_case_worked_in_the_method() {
    let birth = date("1991-07-17");
    let facts = Facts {
        age: birth.completed_years(date("2021-12-12")),
        years_between: birth.completed_years(date("2021-08-05")) - 21,
        ..facts()
    };
    assert!((logit(Instrument::Arp, &facts) - -3.109_291_542_898_093).abs() < 1e-9);
    assert!((probability(logit(Instrument::Arp, &facts)) - 0.0427).abs() < 5e-5);
}

#[test]
fn the_published_case_is_answered_to_1e_9() {
    let text = crate::reference::PREDICTOR_CASES;
    let cases: serde_json::Value = serde_json::from_str(text).expect("must be JSON");
    let case = &cases[0];
    assert_eq!((&case["ho_code"], &case["sanctions"]), (&"071/11".into(), &2.into()));
    let on = |field: &str| date(case[field].as_str().expect("must be a date"));
    let birth = on("date_of_birth");
    let facts = Facts {
        sex: Sex::Male,
        age: birth.completed_years(on("followup_start_date")),
        category: Category::SexualAgainstChild,
        occasions: 2,
        violent: 2,
        years_between: birth.completed_years(on("current_conviction_date"))
            - birth.completed_years(on("first_sanction_date")),
        months: 36,
    };
    for instrument in Instrument::ALL {
        let published = case[instrument.name()].as_f64().expect("must be a number");
        assert!((probability(logit(instrument, &facts)) - published).abs() < 1e-9, "{}", instrument.name());
    }
}

#[test]
fn three_and_more_sanctions_follow_the_copas_rate() {
    let facts = Facts { occasions: 700, violent: 600, years_between: 0, ..facts() };
    let named = |instrument: Instrument, term: &str| {
        let parts = instrument.assess(&facts).expect("must have a coefficient");
        parts.named().find(|(name, _)| *name == term).expect("must have the term").1
    };
    let expected = 1.552_983_030_837_17 * libm::log(700.0 / 26.0);
    assert!((named(Instrument::Arp, "copas") - expected).abs() < 1e-12);
    let expected = 0.620_598_396_891_494 * libm::log(700.0 / 12.0);
    assert!((named(Instrument::Vrp, "copas") - expected).abs() < 1e-12);
    let expected = 0.522_272_685_793_084 * libm::log(600.0 / 30.0);
    assert!((named(Instrument::Vrp, "violent_rate") - expected).abs() < 1e-12);
}

#[test]
fn terms_are_summed_to_the_logit_and_only_an_instruments_own_are_named() {
    for (instrument, terms) in [(Instrument::Arp, 11), (Instrument::Vrp, 14), (Instrument::Svrp, 14)] {
        for (occasions, violent) in [(1, 0), (1, 1), (2, 2), (7, 3)] {
            let parts = instrument.assess(&Facts { occasions, violent, ..facts() }).expect("must compute");
            let named: Vec<_> = parts.named().collect();
            assert_eq!(named.len(), terms, "{}", instrument.name());
            let sum = named.iter().fold(0.0, |sum, (_, part)| sum + part);
            assert_eq!(sum.to_bits(), parts.logit().to_bits(), "{}", instrument.name());
        }
    }
}

#[test]
fn every_category_but_unknown_has_a_coefficient_in_every_instrument() {
    for instrument in Instrument::ALL {
        for &category in Category::ALL {
            let assessed = instrument.assess(&Facts { category, ..facts() });
            assert_eq!(assessed.is_some(), category != Category::Unknown, "{} {category}", instrument.name());
        }
    }
}

#[test]
fn months_free_lower_every_instrument_and_count_no_further_than_36() {
    for instrument in Instrument::ALL {
        for month in 0..MOST_MONTHS {
            let [sooner, later] = [month, month + 1].map(|months| logit(instrument, &Facts { months, ..facts() }));
            assert!(later < sooner, "{} at {month}", instrument.name());
        }
        let [at, beyond] = [36, 500].map(|months| logit(instrument, &Facts { months, ..facts() }));
        assert_eq!(at.to_bits(), beyond.to_bits());
    }
}

#[test]
fn age_lowers_every_instrument_until_its_curve_turns() {
    for instrument in Instrument::ALL {
        for sex in [Sex::Female, Sex::Male] {
            let turns = instrument.coefficients().least_risk_age(sex);
            for age in 10..turns {
                let [younger, older] = [age, age + 1].map(|age| logit(instrument, &Facts { sex, age, ..facts() }));
                assert!(older < younger, "{} {sex:?} at {age}", instrument.name());
            }
        }
    }
    assert_eq!(Instrument::Vrp.coefficients().least_risk_age(Sex::Female), 77);
}

#[test]
fn a_band_begins_at_its_probability() {
    let begins = Instrument::Svrp.published_bands();
    assert_eq!([0.0, 0.009_999, 0.01, 0.03, 0.069, 1.0].map(|p| band(p, begins)), [0, 0, 1, 2, 3, 3]);
}
