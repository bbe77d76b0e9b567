//! Tables of the force's own: harm days by code, and what crimes cost.

use std::path::Path;

use super::line::not_negative;
use super::sheet::{Faults, Sheet};
use crate::cli::exit::{Exit, Failure};
use crate::domain::id::check_reference;
use crate::pb;

/// Longest code or kind, characters.
const LONGEST: usize = 64;
/// Longest statement of where costs are from, characters.
const LONGEST_SOURCE: usize = 200;
/// Most rows of a table of costs.
const MOST_COSTS: usize = 1_000;

/// Reads a table of harm, `code,harm_days`, named by its file.
///
/// # Errors
/// The file cannot be read, or has no name to call it by. What is wrong with its lines is told.
pub fn harm(path: &Path, faults: &mut Faults) -> Result<pb::HarmTableRows, Failure> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    if check_reference(&name, LONGEST).is_err() {
        let told = format!("{} has no name that a table could be called by", path.display());
        return Err(Failure::new(Exit::Usage, told));
    }
    let mut table = pb::HarmTableRows { name, rows: Vec::new() };
    let Some(mut sheet) = Sheet::open(path, &["code", "harm_days"], Some(&[]), faults)? else { return Ok(table) };
    let places = ["code", "harm_days"].map(|column| sheet.place(column).unwrap_or_default());
    let mut seen = std::collections::HashMap::new();
    while let Some(row) = sheet.next_row(faults)? {
        let (code, days) = (row.cell(places[0]), row.cell(places[1]));
        if let Err(why) = check_reference(code, LONGEST) {
            faults.add(path, row.line, "code", why);
        }
        if let Some(before) = seen.insert(code.to_owned(), row.line) {
            faults.add(path, row.line, "code", format!("stands on line {before} already"));
        }
        match not_negative(days) {
            Some(harm_days) => table.rows.push(pb::HarmTableRow { code: code.to_owned(), harm_days }),
            None => faults.add(path, row.line, "harm_days", format!("is {days:?}; a number of 0 or more is taken")),
        }
    }
    if table.rows.is_empty() {
        faults.add(path, 1, "", "the table has no row");
    }
    Ok(table)
}

/// Reads a table of costs: `offence_kind,unit_cost_gbp,source,ho_classes`, classes parted by `|`.
///
/// # Errors
/// The file cannot be read. What is wrong with its lines is told.
pub fn costs(path: &Path, faults: &mut Faults) -> Result<pb::CostRows, Failure> {
    let columns = ["offence_kind", "unit_cost_gbp", "source", "ho_classes"];
    let mut table = pb::CostRows::default();
    let Some(mut sheet) = Sheet::open(path, &columns, Some(&[]), faults)? else { return Ok(table) };
    let [kind, cost, source, classes] = columns.map(|column| sheet.place(column).unwrap_or_default());
    let mut sources: Vec<String> = Vec::new();
    while let Some(row) = sheet.next_row(faults)? {
        if let Err(why) = check_reference(row.cell(kind), LONGEST) {
            faults.add(path, row.line, "offence_kind", why);
        }
        let from = row.cell(source).trim();
        if from.is_empty() {
            faults.add(path, row.line, "source", "is empty; say where the figure is from");
        } else if !sources.iter().any(|known| known == from) {
            sources.push(from.to_owned());
        }
        let named = row.cell(classes).split('|').map(str::trim).filter(|class| !class.is_empty());
        let ho_classes: Vec<String> = named.map(str::to_owned).collect();
        for class in ho_classes.iter().filter(|class| !is_class(class)) {
            let reason = format!("holds {class:?}; a class is 034, a code 028/03, and | parts them");
            faults.add(path, row.line, "ho_classes", reason);
        }
        if let Some(unit_cost_gbp) = not_negative(row.cell(cost)) {
            table.rows.push(pb::CostRow { offence_kind: row.cell(kind).to_owned(), ho_classes, unit_cost_gbp });
        } else {
            let reason = format!("is {:?}; pounds of 0 or more are taken", row.cell(cost));
            faults.add(path, row.line, "unit_cost_gbp", reason);
        }
    }
    if table.rows.is_empty() || table.rows.len() > MOST_COSTS {
        let reason = format!("the table has {} rows; 1 to {MOST_COSTS} are taken", table.rows.len());
        faults.add(path, 1, "", reason);
    }
    table.source = sources.join("; ");
    if table.source.chars().count() > LONGEST_SOURCE {
        let reason = format!("its different texts have more than {LONGEST_SOURCE} characters together");
        faults.add(path, 1, "source", reason);
    }
    Ok(table)
}

/// Whether a text is a Home Office class, three digits, or a code, three and two.
fn is_class(text: &str) -> bool {
    let (class, sub_class) = text.split_once('/').map_or((text, None), |(class, rest)| (class, Some(rest)));
    let digits = |text: &str, many: usize| text.len() == many && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(class, 3) && sub_class.is_none_or(|rest| digits(rest, 2))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_table_of_harm_is_named_by_its_file() {
        let (_folder, path) = written("our-harm.csv", "harm_days,code\n10,TH68036\n3.5,028/03\n");
        let mut faults = Faults::default();
        let table = harm(&path, &mut faults).unwrap();
        assert_eq!(faults.told(), "");
        assert_eq!((table.name.as_str(), table.rows.len()), ("our-harm", 2));
        assert_eq!(table.rows[1], pb::HarmTableRow { code: "028/03".to_owned(), harm_days: 3.5 });
    }

    #[test]
    fn everything_wrong_with_a_table_of_harm_is_told() {
        let (_folder, path) = written("t.csv", "code,harm_days\n,1\nTH68036,many\n034,1\n034,2\n");
        let mut faults = Faults::default();
        harm(&path, &mut faults).unwrap();
        let told = faults.told();
        for part in [
            "3 faults",
            "line 2, column code: is empty",
            "line 3, column harm_days: is \"many\"",
            "line 5, column code: stands on line 4",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }

    #[test]
    fn costs_are_read_with_their_classes_and_where_they_are_from() {
        let text = "offence_kind,unit_cost_gbp,source,ho_classes\nrobbery,11320,RR99,034\nburglary,5930,RR99,028/01|028/02\nfraud,1290,RR99 table 3,\n";
        let (_folder, path) = written("costs.csv", text);
        let mut faults = Faults::default();
        let table = costs(&path, &mut faults).unwrap();
        assert_eq!(faults.told(), "");
        assert_eq!(table.source, "RR99; RR99 table 3");
        assert_eq!(table.rows[1].ho_classes, ["028/01", "028/02"]);
        assert!(table.rows[2].ho_classes.is_empty());
    }

    #[test]
    fn everything_wrong_with_costs_is_told() {
        let text = "offence_kind,unit_cost_gbp,source,ho_classes\n,-1,,34|028-03\n";
        let (_folder, path) = written("costs.csv", text);
        let mut faults = Faults::default();
        costs(&path, &mut faults).unwrap();
        let told = faults.told();
        for part in [
            "column offence_kind: is empty",
            "column unit_cost_gbp: is \"-1\"",
            "column source: is empty",
            "column ho_classes: holds \"34\"",
            "column ho_classes: holds \"028-03\"",
            "line 1: the table has 0 rows",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}
