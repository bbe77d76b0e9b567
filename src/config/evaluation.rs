//! What lists are compared with beside what they are weighed by.

use std::io;
use std::path::{Path, PathBuf};

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;
use crate::reference::tables;
use crate::scoring::harm::table::{self, HarmTable};

/// What lists are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// The force's own tables of harm, in order of name.
    pub harm_tables: Vec<HarmTableFile>,
}

/// A table of harm that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HarmTableFile {
    /// Its name: the file's, without `.csv`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    text: String,
}

pub(super) const HARM_TABLES: Key = Key {
    name: "evaluation.harm_tables",
    flag: "evaluation-harm-tables",
    variable: "STEELYARD_EVALUATION_HARM_TABLES",
    shape: Shape::Value("DIR"),
    takes: "a directory of CSV files",
    default: None,
    meaning: "The force's own tables of harm. Each `*.csv` file is one, named by the file, under the header \
              `code,harm_days`: a CJS code, a Home Office code or a Home Office class, and its days in any unit. \
              `GetStanding` tells which rank each gives, beside the index and the maximum sentence; nobody is weighed \
              by them otherwise. Every wrong line is told at the start.",
};

pub(super) const CONCERN: Concern = Concern { title: "Evaluation", keys: &[&HARM_TABLES] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Evaluation> {
    let harm_tables = reader.optional(&HARM_TABLES, |text| if text.is_empty() { Ok(Vec::new()) } else { files(text) });
    Some(Evaluation { harm_tables: harm_tables?.unwrap_or_default() })
}

impl HarmTableFile {
    /// The table, which was read once when the settings were settled.
    ///
    /// # Panics
    /// Never: a file that does not read is refused with the settings.
    pub fn table(&self) -> HarmTable {
        let source = format!("The force's own table, from {}.csv.", self.name);
        table::read(&self.name, &source, &self.text, tables()).expect("a table that was settled must read")
    }
}

fn files(text: &str) -> Result<Vec<HarmTableFile>, String> {
    let unreadable = |error: io::Error| format!("is a directory that cannot be read: {error}");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(text).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        // A mounted volume has links and folders of its own beside the files.
        if path.extension().is_some_and(|ending| ending == "csv") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let (mut held, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match file(&path) {
            Ok(file) => held.push(file),
            Err(problem) => wrong.push(format!("{}: {problem}", path.display())),
        }
    }
    if wrong.is_empty() {
        return Ok(held);
    }
    Err(format!("holds tables of harm that do not read:\n    {}", wrong.join("\n    ")))
}

fn file(path: &Path) -> Result<HarmTableFile, String> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    table::check_name(&name)?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    table::read(&name, "", &text, tables()).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        told.join("\n    ")
    })?;
    Ok(HarmTableFile { name, path: path.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_csv_file_is_a_table_named_by_it_and_what_is_none_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("second.csv"), "code,harm_days\n046,3\n").unwrap();
        std::fs::write(home.path().join("first.csv"), "code,harm_days\n034/01,40\n").unwrap();
        std::fs::write(home.path().join("notes.txt"), "not a table").unwrap();
        std::fs::create_dir(home.path().join("folder.csv")).unwrap();
        let held = files(home.path().to_str().unwrap()).unwrap();
        assert_eq!(held.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
        let table = held[0].table();
        assert_eq!((table.name(), table.source()), ("first", "The force's own table, from first.csv."));
    }

    #[test]
    fn every_wrong_line_of_every_file_is_told_at_once() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("one.csv"), "code,harm_days\nNOPE,3\n046,-1\n").unwrap();
        std::fs::write(home.path().join("two.csv"), "offence,days\n").unwrap();
        std::fs::write(home.path().join("maximum_sentence.csv"), "code,harm_days\n046,3\n").unwrap();
        let problem = files(home.path().to_str().unwrap()).unwrap_err();
        for told in ["one.csv: line 2: \"NOPE\"", "line 3: \"-1\"", "two.csv: line 1", "a table that is built in"] {
            assert!(problem.contains(told), "{told} is not in {problem}");
        }
        assert!(files("/nowhere/at/all").unwrap_err().contains("cannot be read"));
    }
}
