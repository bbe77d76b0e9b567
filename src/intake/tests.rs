//! The Broward example on the real file, where it is at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::pb::record::Kind;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mapping() -> Mapping {
    Mapping::load(&project().join("examples/broward/mapping.toml"))
        .unwrap_or_else(|violations| panic!("{violations:?}"))
}

/// The file, under `$STEELYARD_SHARED` or beside the project; `None`, with a message, where it is not.
fn people() -> Option<PathBuf> {
    let shared = std::env::var_os("STEELYARD_SHARED").map_or_else(|| project().join("../shared"), PathBuf::from);
    let path = shared.join("reference/people/broward_two_years.csv");
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here; set STEELYARD_SHARED to the folder that holds reference/", path.display());
    None
}

fn rows() -> Option<Vec<Row>> {
    let rows = Rows::open(&people()?, &Form::Csv(Arc::new(mapping())), None).expect("must open");
    Some(rows.map(|row| row.expect("must read")).collect())
}

#[test]
fn broward_reads_neither_race_nor_what_came_after() {
    let mapping = mapping();
    let read: BTreeSet<_> = mapping.columns().iter().map(String::as_str).collect();
    let expected = [
        "c_arrest_date",
        "c_charge_desc",
        "c_offense_date",
        "compas_screening_date",
        "dob",
        "id",
        "juv_fel_count",
        "juv_misd_count",
        "juv_other_count",
        "priors_count",
        "sex",
    ];
    assert_eq!(read, BTreeSet::from(expected));
}

#[test]
fn every_code_of_the_broward_table_is_in_the_published_one() {
    let column = |path: &Path, name: &str| -> Vec<String> {
        let mut reader = csv::Reader::from_path(path).expect("must open");
        let place = reader.headers().expect("must have a header").iter().position(|column| column == name);
        let place = place.expect("must have the column");
        reader.records().map(|row| row.expect("must read")[place].to_owned()).collect()
    };
    let published = column(&project().join("reference/offences/home_office_codes.csv"), "ho_code");
    let published: BTreeSet<_> = published.into_iter().collect();
    for code in column(&project().join("examples/broward/charges.csv"), "ho_code") {
        assert!(published.contains(&code), "{code}");
    }
}

#[test]
fn broward_charges_are_coded_for_at_least_nine_rows_in_ten() {
    let Some(rows) = rows() else { return };
    assert_eq!(rows.len(), 7_214);
    let has = |row: &&Row, wanted: fn(&Kind) -> bool| row.records.iter().filter_map(|r| r.kind.as_ref()).any(wanted);
    let persons = rows.iter().filter(|row| has(row, |kind| matches!(kind, Kind::Person(_)))).count();
    let coded = rows.iter().filter(|row| has(row, |kind| matches!(kind, Kind::Offence(_)))).count();
    println!("{coded} of {} rows have a code: {:.2} %", rows.len(), 100.0 * coded as f64 / rows.len() as f64);
    assert_eq!(persons, 7_214, "everybody is imported, with or without a charge");
    assert!(coded * 10 >= rows.len() * 9, "{coded} of {}", rows.len());
}

#[test]
fn broward_rows_without_a_code_are_refused_with_the_reason() {
    let Some(rows) = rows() else { return };
    let mut reasons: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.refused.is_empty()) {
        assert_eq!(row.refused.len(), 1, "of line {} more than the offence is refused", row.line);
        assert!(row.refused[0].record_id.ends_with("-offence"));
        assert!(!row.records.is_empty(), "the person on line {} is written all the same", row.line);
        for fault in &row.refused[0].faults {
            *reasons.entry((fault.field.clone(), fault.reason)).or_default() += 1;
        }
    }
    let expected = [
        (("event_date".to_owned(), "REQUIRED"), 22),
        (("offence.ho_code".to_owned(), "NOT_IN_TABLE"), 24),
        (("offence.ho_code".to_owned(), "REQUIRED"), 29),
    ];
    assert_eq!(reasons, BTreeMap::from(expected));
}

#[test]
fn a_broward_history_gives_what_the_predictors_need() {
    let header = "id,sex,dob,race,juv_fel_count,juv_misd_count,juv_other_count,priors_count,compas_screening_date,\
                  c_offense_date,c_arrest_date,c_charge_desc,two_year_recid";
    // Invented people.
    let text = format!(
        "{header}\n\
         a,Female,1980-05-01,x,0,1,0,4,2014-02-03,,2014-02-01,Battery,1\n\
         b,Male,1990-05-01,x,0,0,0,0,2014-02-03,2013-12-24,,Possession of Cocaine,0\n"
    );
    let input = Box::new(std::io::Cursor::new(text.into_bytes()));
    let form = Form::Csv(Arc::new(mapping()));
    let rows: Vec<_> =
        Rows::read(Path::new("x"), input, &form).expect("must open").map(|row| row.expect("must read")).collect();
    let [earlier, first] = rows.as_slice() else { panic!("must be two rows") };
    assert_eq!((earlier.refused.len(), earlier.records.len()), (0, 3));
    let (Some(Kind::SanctionSummary(history)), Some(Kind::Offence(offence))) =
        (&earlier.records[1].kind, &earlier.records[2].kind)
    else {
        panic!("must be a history and an offence");
    };
    assert_eq!((history.sanction_occasions, history.age_at_first_sanction), (5, 15));
    assert_eq!(earlier.records[1].event_date, "2014-02-02", "the day before: the current sanction is one more");
    assert_eq!((offence.ho_code.as_str(), offence.outcome_date.as_str()), ("105/01", "2014-02-03"));
    assert_eq!(earlier.records[2].event_date, "2014-02-01");
    assert_eq!(first.records.len(), 2, "who has no earlier charge has no history");
}
