//! The default policy held against public data, through the same call that a
//! force makes: 7,214 people of Broward County, Florida, and 378 careers of
//! Toronto. What comes out is published in `docs/EVALUATION.md`; kept anew with
//! `just evaluation`.
//!
//! The data are not part of the project; without them these tests say so and
//! pass. Nothing is tuned to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use steelyard::domain::Date;
use steelyard::pb;
use steelyard::pb::evaluate_policy_request::Part;

use crate::broward::import_everybody;
use crate::harness::Server;
use crate::people::Somebody;

/// Two-year outcome of the instrument that was used on these people, as others have measured it.
const THEIR_AREA: f64 = 0.702;

/// One row of the file, as far as an evaluation reads it.
struct Screened {
    subject_ref: String,
    index_date: String,
    reoffended: bool,
    violently: bool,
    race: String,
    sex: String,
    age: i32,
    decile: f64,
}

fn shared(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("STEELYARD_SHARED").map_or_else(beside, PathBuf::from);
    let path = root.join("reference/people").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is not here; set STEELYARD_SHARED to the folder that holds reference/", path.display());
    None
}

fn screened(file: &Path) -> Vec<Screened> {
    let mut rows = csv::Reader::from_path(file).expect("the file must open");
    let header = rows.headers().expect("must have a header").clone();
    let place = |name: &str| header.iter().position(|held| held == name).unwrap_or_else(|| panic!("no column {name}"));
    let columns =
        ["id", "compas_screening_date", "two_year_recid", "is_violent_recid", "race", "sex", "dob", "decile_score"]
            .map(place);
    let read = |row: csv::StringRecord| {
        let [id, screened, any, violent, race, sex, birth, decile] = columns.map(|place| row[place].to_owned());
        let day = |text: &str| text.parse::<Date>().expect("must be a date");
        Screened {
            subject_ref: format!("BRW-{id}"),
            age: day(&birth).completed_years(day(&screened)),
            index_date: screened,
            reoffended: any == "1",
            violently: violent == "1",
            race,
            sex,
            decile: decile.parse().expect("a decile must be a number"),
        }
    };
    rows.records().map(|row| read(row.expect("a row must read"))).collect()
}

fn parts(people: &[Screened]) -> Vec<Part> {
    let outcome = |one: &Screened| pb::OutcomeRow {
        subject_ref: one.subject_ref.clone(),
        index_date: one.index_date.clone(),
        any: one.reoffended,
        violent: Some(one.violently),
        ..Default::default()
    };
    let group = |one: &Screened| {
        let age = if one.age < 25 {
            "under 25"
        } else if one.age <= 45 {
            "25 to 45"
        } else {
            "over 45"
        };
        let values = [("race", one.race.as_str()), ("sex", one.sex.as_str()), ("age_band", age)];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        pb::GroupRow { subject_ref: one.subject_ref.clone(), values: BTreeMap::from(values) }
    };
    let mut by_decile: Vec<&Screened> = people.iter().collect();
    by_decile.sort_by(|a, b| b.decile.total_cmp(&a.decile));
    vec![
        Part::Outcomes(pb::OutcomeRows { rows: people.iter().map(outcome).collect() }),
        Part::Groups(pb::GroupRows { rows: people.iter().map(group).collect() }),
        Part::ForceList(pb::ForceListRows {
            subject_refs: by_decile.iter().map(|one| one.subject_ref.clone()).collect(),
            scores: by_decile.iter().map(|one| one.decile).collect(),
        }),
    ]
}

fn order<'a>(evaluation: &'a pb::Evaluation, name: &str) -> &'a pb::EvaluatedOrder {
    evaluation.orders.iter().find(|order| order.name == name).unwrap_or_else(|| panic!("no order {name}"))
}

fn area(order: &pb::EvaluatedOrder) -> &pb::Estimate {
    let over_all = order.measures.iter().find(|measures| measures.date.is_none()).expect("measures over all dates");
    over_all.auc.as_ref().expect("an area")
}

#[tokio::test]
async fn seven_thousand_real_people_are_forecast_as_well_as_by_the_instrument_used_on_them() {
    let Some(file) = shared("broward_two_years.csv") else { return };
    let people = screened(&file);
    let server = Server::with(&["--memory", "--as-of", "2014-12-31"]);
    import_everybody(&file, &server);
    let terms = pb::EvaluationTerms {
        declared_fairness: pb::FairnessStandard::EqualFalsePositiveRates.into(),
        capacity: 1_000,
        without: vec![pb::ScoringInput::UnprovedAllegations.into()],
        ..Default::default()
    };
    let mut client = server.client().await;
    let evaluation = client.evaluated_with(terms, parts(&people)).await;
    let evaluation = evaluation.unwrap_or_else(|refused| panic!("{refused:?}: {}", server.log()));

    assert_eq!(evaluation.dates[0].people, 7_214);
    assert_eq!(evaluation.rows_unused, 0);
    let reoffended = people.iter().filter(|one| one.reoffended).count();
    assert_eq!(evaluation.dates[0].with_outcome as usize, reoffended);
    let leakage = evaluation.leakage.as_ref().expect("must be checked");
    assert!(leakage.passed && leakage.people_weighed_again > 100, "{leakage:?}");
    let (theirs, arp) = (area(order(&evaluation, "force_list")), order(&evaluation, "arp"));
    assert!((theirs.value.expect("must be there") - THEIR_AREA).abs() < 5e-4, "{theirs:?}");
    let ours = area(arp);
    println!("area under the curve: ARP {ours:?}; the instrument used on them {theirs:?}");
    assert!(ours.value.expect("must be there") >= THEIR_AREA, "{ours:?}");
    let paired = arp.auc_over_force_list.as_ref().expect("on the same people");
    println!("paired difference: {paired:?}");
    assert_eq!(paired.verdict(), pb::Conclusion::Higher, "{paired:?}");
    assert!(
        evaluation.orders.iter().all(|order| area(order).value.is_some_and(|value| value < 0.95)),
        "something later was read"
    );

    let race = evaluation.fairness.iter().find(|it| it.characteristic == "race").expect("must be told");
    for group in &race.groups {
        println!("{:<20} {:?} false positive rate {:?}", group.group, group.people, group.false_positive_rate);
    }
    let named = |name: &str| race.groups.iter().find(|group| group.group == name).expect("must be told");
    for name in ["African-American", "Caucasian", "Hispanic"] {
        let rate = named(name).false_positive_rate.as_ref().expect("must be told");
        assert!(
            !rate.suppressed && rate.value.is_some() && rate.low < rate.value && rate.value < rate.high,
            "{rate:?}"
        );
    }
    keep("broward", &page(&evaluation));
}

/// Contacts with the court by person and year of age.
fn careers(file: &Path) -> BTreeMap<String, BTreeMap<i32, u32>> {
    let mut careers: BTreeMap<String, BTreeMap<i32, u32>> = BTreeMap::new();
    for row in csv::Reader::from_path(file).expect("the file must open").records() {
        let row = row.expect("a row must read");
        let (age, contacts) = (row[1].parse().expect("an age"), row[2].parse().expect("a number of contacts"));
        careers.entry(row[0].to_owned()).or_default().insert(age, contacts);
    }
    careers
}

/// Everybody as if born on one day: each contact a conviction of shop theft, those of a year of age spread evenly over it.
fn records(careers: &BTreeMap<String, BTreeMap<i32, u32>>) -> Vec<pb::Record> {
    let mut records = Vec::new();
    for (person, years) in careers {
        let mut somebody = Somebody::man(person, BORN);
        for (age, contacts) in years {
            for contact in 1..=*contacts {
                let days = 365 * contact / (contacts + 1);
                let day = birthday(*age) + i32::try_from(days).expect("a year must be short");
                somebody = somebody.offence("TH68010", &day.to_string(), pb::Outcome::Convicted, &day.to_string());
            }
        }
        records.extend(somebody.records());
    }
    records
}

const BORN: &str = "1960-01-01";

fn birthday(age: i32) -> Date {
    BORN.parse::<Date>().expect("must be a date").plus_years(age)
}

#[tokio::test]
async fn a_history_that_fades_forecasts_better_than_a_count() {
    let Some(file) = shared("toronto_careers_1.csv") else { return };
    let careers = careers(&file);
    assert_eq!(careers.len(), 378);
    let server = Server::with(&["--memory", "--as-of", "2000-01-01"]);
    let mut client = server.client().await;
    for batch in records(&careers).chunks(1_000) {
        client.write(batch.to_vec()).await;
    }
    let mut published = "| at age | people | with a contact in the next two years | undecayed count | decayed history | difference |\n|---|---|---|---|---|---|\n".to_owned();
    for age in [25, 30] {
        let between =
            |years: &BTreeMap<i32, u32>, from, until| -> u32 { years.range(from..until).map(|(_, n)| n).sum() };
        let row = |(person, years): (&String, &BTreeMap<i32, u32>)| pb::OutcomeRow {
            subject_ref: person.clone(),
            index_date: (birthday(age) - 1).to_string(),
            any: between(years, age, age + 2) > 0,
            ..Default::default()
        };
        let counts = careers.iter().map(|(person, years)| (person.clone(), f64::from(between(years, 0, age))));
        let (subject_refs, scores) = counts.unzip();
        let more = vec![
            Part::Outcomes(pb::OutcomeRows { rows: careers.iter().map(row).collect() }),
            Part::ForceList(pb::ForceListRows { subject_refs, scores }),
        ];
        let evaluation = client.evaluated_with(pb::EvaluationTerms::default(), more).await.expect("must be evaluated");
        let (harm, count) = (order(&evaluation, "harm"), order(&evaluation, "count"));
        assert_eq!(
            area(count).value,
            area(order(&evaluation, "force_list")).value,
            "the ledger counts what the file does"
        );
        let difference = harm.auc_over_force_list.as_ref().expect("on the same people");
        println!("at {age}: count {:?}, decayed {:?}, difference {difference:?}", area(count), area(harm));
        assert!(area(harm).value > area(count).value, "{:?} {:?}", area(harm), area(count));
        let date = &evaluation.dates[0];
        let difference = difference.estimate.as_ref().map_or_else(String::new, told);
        let _ = writeln!(
            published,
            "| {age} | {} | {} | {} | {} | {difference} |",
            date.people,
            date.with_outcome,
            told(area(count)),
            told(area(harm))
        );
    }
    keep("toronto", &published);
}

/// What the page says of an evaluation, in tables.
fn page(evaluation: &pb::Evaluation) -> String {
    let mut page = String::new();
    let date = &evaluation.dates[0];
    let _ = writeln!(page, "{} people, {} of them with the outcome.\n", date.people, date.with_outcome);
    let _ =
        writeln!(page, "| order | area under the curve | less that of the instrument used on them |\n|---|---|---|");
    for order in &evaluation.orders {
        let over = order.auc_over_force_list.as_ref().and_then(|it| it.estimate.as_ref());
        let _ = writeln!(page, "| {} | {} | {} |", order.name, told(area(order)), over.map_or_else(String::new, told));
    }
    let _ = writeln!(
        page,
        "\n| predictor | people | expected | observed | observed over expected | slope | Brier score |\n|---|---|---|---|---|---|---|"
    );
    for it in &evaluation.calibrations {
        let estimate = |estimate: &Option<pb::Estimate>| estimate.as_ref().map_or_else(String::new, told);
        let _ = writeln!(
            page,
            "| {} | {} | {:.3} | {} | {} | {} | {} |",
            it.instrument,
            it.people,
            it.expected,
            estimate(&it.observed),
            estimate(&it.ratio),
            estimate(&it.slope),
            estimate(&it.brier)
        );
    }
    for fairness in &evaluation.fairness {
        let _ = writeln!(
            page,
            "\n| {} | people | selected | false positive rate | false negative rate | positive predictive value | observed less expected |\n|---|---|---|---|---|---|---|",
            fairness.characteristic
        );
        for group in &fairness.groups {
            let people = group.people.map_or_else(|| "withheld".to_owned(), |people| people.to_string());
            let numbers = [
                &group.selection_rate,
                &group.false_positive_rate,
                &group.false_negative_rate,
                &group.positive_predictive_value,
                &group.calibration,
            ];
            let numbers = numbers.map(|number| number.as_ref().map_or_else(String::new, told_of_group));
            let _ = writeln!(page, "| {} | {people} | {} |", group.group, numbers.join(" | "));
        }
    }
    page
}

fn told(estimate: &pb::Estimate) -> String {
    match (estimate.value, estimate.low, estimate.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.3} ({low:.3} to {high:.3})"),
        (Some(value), _, _) => format!("{value:.3}"),
        (None, _, _) => "not to be computed".to_owned(),
    }
}

fn told_of_group(number: &pb::GroupNumber) -> String {
    if number.suppressed {
        return "withheld".to_owned();
    }
    told(&pb::Estimate { value: number.value, low: number.low, high: number.high, n: number.of })
}

/// Keeps a part of the published page, or holds it against what is published.
pub fn keep(part: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/EVALUATION.md");
    let held = std::fs::read_to_string(&path).expect("the page must be there");
    let (begins, ends) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->\n"));
    let from = held.find(&begins).unwrap_or_else(|| panic!("{part} has no place on the page")) + begins.len();
    let until = held.find(&ends).unwrap_or_else(|| panic!("{part} does not end on the page"));
    let wanted = format!("\n{}\n", text.trim_end_matches('\n'));
    if std::env::var_os("STEELYARD_KEEP_EVALUATION").is_some() {
        std::fs::write(&path, format!("{}{wanted}\n{}", &held[..from], &held[until..]))
            .expect("the page must be written");
    } else {
        assert_eq!(held[from..until].trim(), wanted.trim(), "docs/EVALUATION.md is out of date: run `just evaluation`");
    }
}
