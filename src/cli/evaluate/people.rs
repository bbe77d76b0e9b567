//! Rows about people: what they did after their index date, their groups, and the
//! force's own list. They are held until every file is found right, then sent.

use std::path::Path;

use super::line::{LONGEST_REFERENCE, LONGEST_VALUE, Line, SUBJECT, Seen};
use super::sheet::{Faults, Sheet};
use crate::cli::exit::Failure;
use crate::domain::id::check_reference;
use crate::pb;

/// Most characteristics of a person.
const MOST_CHARACTERISTICS: usize = 8;

/// What people did.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Rows.
    pub rows: Vec<pb::OutcomeRow>,
    /// Whether each row states its index date.
    pub dated: bool,
}

/// Reads outcomes: `subject_ref,index_date,any,violent,serious_violent,harm_days`.
///
/// # Errors
/// The file cannot be read. What is wrong with its lines is told.
pub fn outcomes(path: &Path, faults: &mut Faults) -> Result<Outcomes, Failure> {
    let allowed = ["index_date", "violent", "serious_violent", "harm_days"];
    let Some(mut sheet) = Sheet::open(path, &[SUBJECT, "any"], Some(&allowed), faults)? else {
        return Ok(Outcomes::default());
    };
    let place = |column: &str| sheet.place(column);
    let [date, violent, serious, harm] = allowed.map(place);
    let (subject, any) = (place(SUBJECT).unwrap_or_default(), place("any").unwrap_or_default());
    let mut read = Outcomes { rows: Vec::new(), dated: date.is_some() };
    let mut seen = Seen::default();
    while let Some(row) = sheet.next_row(faults)? {
        let mut line = Line { path, row: &row, faults };
        let subject_ref = line.reference(subject);
        let outcome = pb::OutcomeRow {
            subject_ref,
            index_date: date.map(|column| line.date(column)).unwrap_or_default(),
            any: line.truth(any, "any"),
            violent: violent.map(|column| line.truth(column, "violent")),
            serious_violent: serious.map(|column| line.truth(column, "serious_violent")),
            harm_days: harm.and_then(|column| line.harm(column)),
        };
        line.agree(&outcome);
        let key = format!("{}\u{0}{}", outcome.subject_ref, outcome.index_date);
        seen.once(key, &mut line);
        read.rows.push(outcome);
    }
    Ok(read)
}

/// Reads groups: `subject_ref` and a column for each characteristic.
///
/// # Errors
/// The file cannot be read. What is wrong with its lines is told.
pub fn groups(path: &Path, faults: &mut Faults) -> Result<Vec<pb::GroupRow>, Failure> {
    let Some(mut sheet) = Sheet::open(path, &[SUBJECT], None, faults)? else { return Ok(Vec::new()) };
    let subject = sheet.place(SUBJECT).unwrap_or_default();
    let columns: Vec<(usize, String)> =
        sheet.columns().iter().cloned().enumerate().filter(|(at, _)| *at != subject).collect();
    if columns.is_empty() || columns.len() > MOST_CHARACTERISTICS {
        let reason = format!("has {} characteristics; 1 to {MOST_CHARACTERISTICS} are taken", columns.len());
        faults.add(path, 1, "", reason);
    }
    for (_, name) in columns.iter().filter(|(_, name)| name.chars().count() > LONGEST_VALUE) {
        faults.add(path, 1, name, format!("has a name of more than {LONGEST_VALUE} characters"));
    }
    let mut rows = Vec::new();
    let mut seen = Seen::default();
    while let Some(row) = sheet.next_row(faults)? {
        let mut line = Line { path, row: &row, faults };
        let subject_ref = line.reference(subject);
        seen.once(subject_ref.clone(), &mut line);
        let values = columns.iter().filter_map(|(at, name)| Some((name.clone(), line.group(*at, name)?)));
        let values = values.collect();
        rows.push(pb::GroupRow { subject_ref, values });
    }
    Ok(rows)
}

/// The force's own list.
#[derive(Debug, Default, PartialEq)]
pub struct ForceList {
    /// References, best first.
    pub references: Vec<String>,
    /// Their scores, higher further up; empty where the file has none.
    pub scores: Vec<f64>,
}

/// Reads the force's own list, best first: a reference a line, under a header or none; or references and scores, under one.
///
/// # Errors
/// The file cannot be read. What is wrong with its lines is told.
pub fn force_list(path: &Path, faults: &mut Faults) -> Result<ForceList, Failure> {
    // The first line may be a person: it is read as a header of one column, whatever its name.
    let Some(mut sheet) = Sheet::open(path, &[], None, faults)? else { return Ok(ForceList::default()) };
    let mut list = ForceList::default();
    let mut seen = Seen::default();
    let columns = sheet.columns();
    let first = columns.first().cloned().unwrap_or_default();
    let scored = columns.len() == 2 && first == SUBJECT && columns[1] == SCORE;
    if columns.len() != 1 && !scored {
        let told =
            format!("has more than one cell; a line is one reference, or under {SUBJECT},{SCORE} one and a score");
        faults.add(path, 1, "", told);
        return Ok(list);
    }
    if first != SUBJECT {
        if let Err(why) = check_reference(&first, LONGEST_REFERENCE) {
            faults.add(path, 1, "", format!("the reference {why}"));
        }
        seen.first(first.clone());
        list.references.push(first);
    }
    while let Some(row) = sheet.next_row(faults)? {
        let mut line = Line { path, row: &row, faults };
        let reference = line.reference(0);
        seen.once(reference.clone(), &mut line);
        list.references.push(reference);
        if scored {
            let score = row.cell(1).parse::<f64>().ok().filter(|score| score.is_finite());
            if score.is_none() {
                faults.add(path, row.line, SCORE, format!("{:?} is no number", row.cell(1)));
            }
            list.scores.push(score.unwrap_or_default());
        }
    }
    Ok(list)
}

/// Column of scores.
const SCORE: &str = "score";

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.csv");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn outcomes_are_read_with_every_column_and_with_the_two_that_must_be_there() {
        let (_folder, path) = written(
            "any,subject_ref,index_date,violent,serious_violent,harm_days\n1,S-1,2023-01-01,true,0,365\nfalse,S-1,2023-07-01,0,0,\n",
        );
        let mut faults = Faults::default();
        let read = outcomes(&path, &mut faults).unwrap();
        assert_eq!(faults.told(), "");
        assert!(read.dated);
        let expected = pb::OutcomeRow {
            subject_ref: "S-1".to_owned(),
            index_date: "2023-01-01".to_owned(),
            any: true,
            violent: Some(true),
            serious_violent: Some(false),
            harm_days: Some(365.0),
        };
        assert_eq!(read.rows[0], expected);
        assert_eq!((read.rows[1].any, read.rows[1].harm_days), (false, None));

        let (_folder, path) = written("subject_ref,any\nS-1,1\n");
        let read = outcomes(&path, &mut Faults::default()).unwrap();
        assert!(!read.dated && read.rows[0].violent.is_none() && read.rows[0].index_date.is_empty());
    }

    #[test]
    fn everything_wrong_with_outcomes_is_told_at_once() {
        let (_folder, path) = written(
            "subject_ref,index_date,any,violent,serious_violent,harm_days\n\
             S-1,2023-02-30,1,0,0,1\n,2023-01-01,yes,0,1,-1\nS-2,2023-01-01,0,1,0,3\nS-3,2023-01-01,1,0\nS-2,2023-01-01,0,0,0,inf\n",
        );
        let mut faults = Faults::default();
        outcomes(&path, &mut faults).unwrap();
        let told = faults.told();
        for part in [
            "line 2, column index_date: is \"2023-02-30\": not a calendar date",
            "line 3, column subject_ref: is empty",
            "line 3, column any: is \"yes\"; 0, 1, true or false is taken",
            "line 3, column harm_days: is \"-1\"",
            "line 3, column serious_violent: is true where violent is false",
            "line 4, column violent: is true where any is false",
            "line 4, column harm_days: is above 0 where any is false",
            "line 5: has 4 cells where the header has 6",
            "line 6, column harm_days: is \"inf\"",
            "line 6, column subject_ref: stands on line 4 already",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert_eq!(told.lines().count() - 1, 10, "{told}");
    }

    #[test]
    fn a_column_beside_the_reference_is_a_characteristic_and_an_empty_cell_is_not_stated() {
        let (_folder, path) = written("sex,subject_ref,ethnicity\nF,S-1,\n,S-2,Asian\n");
        let mut faults = Faults::default();
        let rows = groups(&path, &mut faults).unwrap();
        assert_eq!(faults.told(), "");
        assert_eq!(rows[0].values.iter().map(|(name, it)| format!("{name}={it}")).collect::<Vec<_>>(), ["sex=F"]);
        assert_eq!(rows[1].values.get("ethnicity").map(String::as_str), Some("Asian"));
        assert_eq!(rows[1].values.len(), 1);
    }

    #[test]
    fn groups_have_one_to_eight_characteristics_and_a_person_once() {
        let (_folder, path) = written("subject_ref,a,b,c,d,e,f,g,h,i\nS-1,1,,,,,,,,\nS-1,2,,,,,,,, x\n");
        let mut faults = Faults::default();
        groups(&path, &mut faults).unwrap();
        let told = faults.told();
        assert!(told.starts_with("3 faults"), "{told}");
        assert!(told.contains("line 1: has 9 characteristics; 1 to 8 are taken"), "{told}");
        assert!(told.contains("line 3, column subject_ref: stands on line 2 already"), "{told}");
        assert!(told.contains("line 3, column i: holds a control character, or white space at an end"), "{told}");
        let (_folder, path) = written("subject_ref\nS-1\n");
        let mut faults = Faults::default();
        groups(&path, &mut faults).unwrap();
        assert!(faults.told().contains("has 0 characteristics"));
    }

    #[test]
    fn a_list_of_the_force_may_have_a_header_and_names_nobody_twice() {
        for text in ["subject_ref\nS-1\nS-2\n", "S-1\nS-2\n"] {
            let (_folder, path) = written(text);
            let mut faults = Faults::default();
            assert_eq!(force_list(&path, &mut faults).unwrap().references, ["S-1", "S-2"]);
            assert_eq!(faults.told(), "");
        }
        let (_folder, path) = written("subject_ref,score\nS-1,9.5\nS-2,-1\nS-3,high\n");
        let mut faults = Faults::default();
        let scored = force_list(&path, &mut faults).unwrap();
        assert_eq!((scored.references.len(), &scored.scores[..2]), (3, &[9.5, -1.0][..]));
        assert!(faults.told().contains("line 4, column score: \"high\" is no number"));
        let (_folder, path) = written("S-1\nS-2,2\nS-1\n");
        let mut faults = Faults::default();
        force_list(&path, &mut faults).unwrap();
        let told = faults.told();
        assert!(told.contains("line 2: has 2 cells where the header has 1"), "{told}");
        assert!(told.contains("line 3, column subject_ref: stands on line 1 already"), "{told}");
    }
}
