//! A force's own table, from CSV under the header `code,harm_days`: a line a
//! code. Every wrong line is told at once, so that a table of a thousand lines
//! is not mended a line a start.

use hashbrown::HashMap;

use super::{CAMBRIDGE_INDEX, HarmTable, MAXIMUM_SENTENCE, Told};
use crate::reference::Tables;

/// Most harm days that a line may give.
const MOST_DAYS: f64 = 1_000_000.0;
/// Most characters of a name.
const NAME: usize = 64;

/// A line that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TableFault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
}

/// Whether a force's table may have this name.
///
/// # Errors
/// In words, what a name must be.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-');
    if !fits {
        return Err(format!("a table's name has 1 to {NAME} of the characters a-z, 0-9, _ and -, not {name:?}"));
    }
    if [MAXIMUM_SENTENCE, CAMBRIDGE_INDEX].contains(&name) {
        return Err(format!("{name} is the name of a table that is built in"));
    }
    Ok(())
}

/// Reads a table. A code is a CJS code (`TH68010`), a Home Office code (`046/00`) or a Home Office class (`046`);
/// the most exact line that fits an offence speaks for it.
///
/// # Errors
/// Everything wrong with it, in order of line.
pub fn read(name: &str, source: &str, text: &str, tables: &Tables) -> Result<HarmTable, Vec<TableFault>> {
    let mut table = HarmTable::new(name, source);
    let mut faults = Vec::new();
    let mut lines: HashMap<String, u64> = HashMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut headed = false;
    for row in rows.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                faults.push(TableFault { line, problem: "is no CSV".to_owned() });
                continue;
            }
        };
        let line = row.position().map_or(1, csv::Position::line);
        let cells: Vec<&str> = row.iter().collect();
        if !std::mem::replace(&mut headed, true) {
            if cells != ["code", "harm_days"] {
                return Err(vec![TableFault { line, problem: "the header must be code,harm_days".to_owned() }]);
            }
            continue;
        }
        if let Err(problem) = take(&mut table, &mut lines, line, &cells, tables) {
            faults.push(TableFault { line, problem });
        }
    }
    if lines.is_empty() && faults.is_empty() {
        faults.push(TableFault { line: 1, problem: "no code stands below the header".to_owned() });
    }
    if faults.is_empty() { Ok(table) } else { Err(faults) }
}

fn take(
    table: &mut HarmTable,
    lines: &mut HashMap<String, u64>,
    line: u64,
    cells: &[&str],
    tables: &Tables,
) -> Result<(), String> {
    let [code, days] = *cells else {
        return Err(format!("has {} cells, not two: code,harm_days", cells.len()));
    };
    if let Some(first) = lines.insert(code.to_owned(), line) {
        lines.insert(code.to_owned(), first);
        return Err(format!("{code} stands on line {first} already"));
    }
    let told = harm_days(days).map(Told::exactly);
    // A wrong code must not hide wrong days.
    let placed = match (tables.cjs(code), tables.ho(code)) {
        (Some(place), _) if !tables.cjs_offence(place).is_offence() => Err(format!("{code} is not an offence")),
        (_, Some(place)) if tables.ho_offence(place).is_no_code() => Err(format!("{code} stands for no code")),
        (Some(place), _) => Ok(told.as_ref().ok().and_then(|told| table.cjs.insert(place, *told))),
        (None, Some(place)) => Ok(told.as_ref().ok().and_then(|told| table.ho.insert(place, *told))),
        (None, None) if tables.has_class(code) => {
            Ok(told.as_ref().ok().and_then(|told| table.classes.insert(code.into(), *told)))
        }
        (None, None) => Err(format!("{code:?} is no CJS code, Home Office code or Home Office class that is known")),
    };
    match (placed, told) {
        (Ok(_), Ok(_)) => Ok(()),
        (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => Err(problem),
        (Err(code), Err(days)) => Err(format!("{code}; {days}")),
    }
}

/// Harm days in plain decimal.
fn harm_days(text: &str) -> Result<f64, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let days = text.parse::<f64>().ok().filter(|days| plain && (0.0..=MOST_DAYS).contains(days));
    days.ok_or_else(|| format!("{text:?} is no number of harm days from 0 to {MOST_DAYS}"))
}
