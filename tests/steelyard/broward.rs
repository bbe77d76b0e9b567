//! Seven thousand real histories: that a file which nobody wrote for Steelyard
//! is imported whole, and how well the order agrees with what these people went
//! on to do. See `examples/broward/README.md`.
//!
//! The file is not part of the project; without it these tests say so and pass.
//! Bounds are wide on purpose: the figures are to be read, and nothing is tuned
//! to them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use steelyard::domain::dossier::Dossier;
use steelyard::domain::{Date, Revision};
use steelyard::evaluation::measure::delong::Area;
use steelyard::intake::{Form, Mapping, Row, Rows};
use steelyard::pb;
use steelyard::pb::record::Kind;
use steelyard::policy::Policy;
use steelyard::reference;
use steelyard::scoring::harm::Catalogue;
use steelyard::scoring::{Case, Rules, composite, risk};
use steelyard::service::record;

use crate::harness::{Server, steelyard};

/// Everybody in the file.
const PEOPLE: usize = 7_214;
/// The day of the last screening: nothing in the file that is imported is later.
const LAST_SCREENING: &str = "2014-12-31";
/// Of those screened after this day the file holds only people who reoffended, 998 of them, which no forecast could
/// match. Up to it, both kinds are there.
const LAST_FOLLOWED: &str = "2014-04-01";

/// The file, under `$STEELYARD_SHARED` or beside the project; `None`, with a message, where it is not.
fn people() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("STEELYARD_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("reference/people/broward_two_years.csv");
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is not here; set STEELYARD_SHARED to the folder that holds reference/", path.display());
    None
}

fn mapping() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/broward/mapping.toml")
}

/// What `steelyard import` said and left behind.
struct Import {
    exit: Option<i32>,
    said: String,
    rejects: Vec<csv::StringRecord>,
}

impl Import {
    fn run(file: &Path, server: &Server, folder: &Path, more: &[&str]) -> Self {
        let rejects = folder.join("rejects.csv");
        let output = steelyard()
            .current_dir(folder)
            .args(["import", "--server", &server.url(), "--mapping"])
            .arg(mapping())
            .arg("--rejects")
            .arg(&rejects)
            .args(more)
            .arg(file)
            .output()
            .expect("the import must start");
        let mut reader = csv::Reader::from_path(rejects).expect("the rejects must be there");
        let columns = reader.headers().expect("the rejects have a header");
        assert_eq!(columns.iter().take(4).collect::<Vec<_>>(), ["line", "record_id", "field", "reason"]);
        Self {
            exit: output.status.code(),
            said: String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
            rejects: reader.records().map(|row| row.expect("a reject must read")).collect(),
        }
    }

    /// A number of the summary.
    fn told(&self, name: &str) -> usize {
        let line = self.said.lines().find_map(|line| line.trim_start().strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("no {name:?} in {:?}", self.said))
    }
}

/// Everybody of the file in a server that has nobody.
pub fn import_everybody(file: &Path, server: &Server) {
    let folder = tempfile::tempdir().expect("must make a folder");
    let import = Import::run(file, server, folder.path(), &[]);
    assert_eq!((import.exit, import.told("rows read")), (Some(65), PEOPLE), "{}", import.said);
}

#[tokio::test]
async fn seven_thousand_histories_are_imported_whole_and_once() {
    let Some(file) = people() else { return };
    let folder = tempfile::tempdir().expect("must make a folder");
    let server = Server::with(&["--memory", "--as-of", LAST_SCREENING]);
    let import = Import::run(&file, &server, folder.path(), &[]);

    assert_eq!(import.exit, Some(65), "{}", import.said);
    assert_eq!(import.told("rows read"), PEOPLE);
    let refused: BTreeSet<usize> = import
        .rejects
        .iter()
        .map(|reject| {
            assert!(!reject[2].is_empty() && !reject[3].is_empty(), "{reject:?} names no field or no reason");
            assert!(reject[1].ends_with("-offence"), "{reject:?}: nothing but a charge may be refused");
            reject[0].parse().expect("a line must be a number")
        })
        .collect();
    assert!(refused.iter().all(|line| (2..=PEOPLE + 1).contains(line)));
    assert_eq!(import.told("refused"), refused.len(), "one charge a row is refused, each in the rejects");
    assert_eq!(import.told("created") + refused.len(), import.told("records"), "the rest is written");
    let mapped = PEOPLE - refused.len();
    assert!(mapped * 10 >= PEOPLE * 9, "{mapped} charges of {PEOPLE} mapped");

    let mut client = server.client().await;
    let whole = client.whole(pb::List::All, 1_000).await;
    let names: BTreeSet<&str> = whole.iter().map(|standing| standing.subject_ref.as_str()).collect();
    assert_eq!((whole.len(), names.len()), (PEOPLE, PEOPLE));

    let again = Import::run(&file, &server, folder.path(), &[]);
    assert_eq!(again.exit, Some(65), "{}", again.said);
    assert_eq!(again.rejects, import.rejects);
    assert_eq!((again.told("created"), again.told("superseded")), (0, 0));
    assert_eq!(again.told("unchanged"), import.told("created"));
    assert_eq!(client.whole(pb::List::All, 1_000).await, whole, "what changed nothing moves nobody");
}

/// One person on the day of their screening, and what they did in the two years after it.
struct Followed {
    female: bool,
    screened: Date,
    weighed: composite::Weighed,
    /// As published; `None` without a charge that has a code.
    arp: Option<f64>,
    reoffended: bool,
}

fn follow(file: &Path) -> Vec<Followed> {
    let rules = {
        let policy = Policy::reference();
        Rules { catalogue: Catalogue::new(reference::tables(), &policy), policy }
    };
    let mapping = Mapping::load(&mapping()).expect("the mapping must load");
    let rows = Rows::open(file, &Form::Csv(Arc::new(mapping)), None).expect("the file must open");
    let mut outcomes = csv::Reader::from_path(file).expect("the file must open");
    let outcome = outcomes.headers().expect("must have a header").iter().position(|name| name == "two_year_recid");
    let outcome = outcome.expect("the file must say who reoffended");
    let followed = rows.zip(outcomes.records()).map(|(row, outcome_row)| {
        let (row, outcome_row) = (row.expect("a row must read"), outcome_row.expect("a row must read"));
        let followed = weigh(&row, &rules, &outcome_row[outcome] == "1");
        assert_eq!(row.records[0].subject_ref, format!("BRW-{}", &outcome_row[0]), "both readings must keep step");
        followed
    });
    followed.collect()
}

fn weigh(row: &Row, rules: &Rules, reoffended: bool) -> Followed {
    let Some(Kind::Person(person)) = &row.records[0].kind else { panic!("the first record is the person") };
    let screened: Date = row.records[0].event_date.parse().expect("a mapped date must read");
    let evidence = row.records.iter().map(|record| {
        let taken = record::take_in(record, reference::tables(), screened.london_midnight());
        taken.unwrap_or_else(|violations| panic!("line {}: {violations:?}", row.line)).evidence
    });
    let dossier = Dossier::from_evidence(&row.records[0].subject_ref, Revision(1), evidence);
    let arp = risk::report(&Case::new(&dossier, rules, screened)).swap_remove(0);
    assert_eq!(arp.instrument, "ARP");
    Followed {
        female: person.sex == i32::from(pb::Sex::Female),
        screened,
        weighed: composite::weigh(&dossier, rules, screened),
        arp: arp.value.ok().map(|(probability, _)| probability),
        reoffended,
    }
}

type Measure = fn(&Followed) -> Option<f64>;
type Belongs = fn(&Followed, Date) -> bool;

/// What is measured, with its name: the two that matter, then what the composite is made of.
const MEASURES: [(&str, Measure); 5] = [
    ("composite", |one| Some(f64::from(one.weighed.cohort.point.get()))),
    ("ARP", |one| one.arp),
    ("risk", |one| Some(f64::from(one.weighed.risk.point.get()))),
    ("harm", |one| Some(f64::from(one.weighed.harm.point.get()))),
    ("threat", |one| Some(f64::from(one.weighed.threat.point.get()))),
];

/// Prints a measure's area under the curve over a group, with its interval.
fn area(name: &str, group: &str, people: &[&Followed], measure: Measure) -> Area {
    let scored: Vec<(f64, bool)> =
        people.iter().filter_map(|one| measure(one).map(|score| (score, one.reoffended))).collect();
    let area = Area::under(&scored).expect("both outcomes must be there");
    let (low, high) = area.interval();
    println!("{name:<10} {group:<22} {:.3}  (95 % {low:.3} to {high:.3})  {:>5} people", area.value, scored.len());
    area
}

/// Prints how many of a group an ARP taken at its word expects to reoffend, and how many did.
fn calibration(group: &str, people: &[&Followed]) {
    let known: Vec<(f64, bool)> = people.iter().filter_map(|one| one.arp.map(|arp| (arp, one.reoffended))).collect();
    let number = known.len() as f64;
    let expected = known.iter().map(|(arp, _)| arp).sum::<f64>() / number;
    let observed = known.iter().filter(|(_, reoffended)| *reoffended).count() as f64 / number;
    println!(
        "{group:<33} ARP expects {:>4.1} %, {:>4.1} % did  {number:>5} people",
        100.0 * expected,
        100.0 * observed
    );
}

#[test]
fn the_order_agrees_with_what_people_went_on_to_do() {
    let Some(file) = people() else { return };
    let followed = follow(&file);
    assert_eq!(followed.len(), PEOPLE);
    let last: Date = LAST_FOLLOWED.parse().expect("must be a date");
    let groups: [(&str, Belongs); 4] = [
        ("everybody", |_, _| true),
        ("men", |one, _| !one.female),
        ("women", |one, _| one.female),
        ("screened by 2014-04-01", |one, last| one.screened <= last),
    ];
    println!("Area under the curve on two-year reoffending, each person weighed on the day of their screening:");
    let mut everybody = Vec::new();
    for (group, belongs) in groups {
        let people: Vec<&Followed> = followed.iter().filter(|one| belongs(one, last)).collect();
        let areas = MEASURES.map(|(name, measure)| area(name, group, &people, measure));
        if everybody.is_empty() {
            everybody.extend(areas);
        }
    }
    println!("Two-year reoffending, as expected and as it came:");
    for (group, belongs) in groups {
        calibration(group, &followed.iter().filter(|one| belongs(one, last)).collect::<Vec<_>>());
    }
    let mut by_arp: Vec<&Followed> = followed.iter().filter(|one| one.arp.is_some()).collect();
    by_arp.sort_by(|a, b| a.arp.partial_cmp(&b.arp).expect("a probability must compare"));
    for (fifth, people) in (1..).zip(by_arp.chunks(by_arp.len().div_ceil(5))) {
        calibration(&format!("fifth {fifth} by ARP"), people);
    }

    let [composite, arp, ..] = everybody[..] else { panic!("everything must be measured") };
    assert!(arp.value > 0.70, "{arp:?}");
    assert!(composite.value > 0.50 && composite.interval().0 > 0.50, "no better than chance: {composite:?}");
    assert!(everybody.iter().all(|area| area.value < 0.95), "too good to be true: something later was read");
}
