//! The data dictionary of exported lists: `docs/DATA-DICTIONARY.md` for people, and the
//! same as JSON for programs, in the words of "CSV on the Web". Both are made from the
//! columns and the comments of the contract.

use std::fmt::Write;

use serde_json::{Value, json};

use super::columns::{COLUMNS, Kind};
use crate::api::http::shape::{EnumValue, contract};

/// What of a column's values is told to people.
fn told(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Word { .. } => "word",
        Kind::Date => "date",
        Kind::Whole => "whole number",
        Kind::Truth => "true or false",
    }
}

/// What a column is in Parquet.
fn in_parquet(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Word { .. } => "STRING",
        Kind::Date => "DATE",
        Kind::Whole => "INT64",
        Kind::Truth => "BOOLEAN",
    }
}

/// Values of an enum that a column may hold.
fn words(of: &str) -> impl Iterator<Item = &'static EnumValue> {
    let values = contract().enums.get(of).map_or(&[][..], |(_, values)| values);
    values.iter().filter(|value| value.number != 0)
}

const HEAD: &str = "# Data dictionary of exported lists

A whole list as CSV or Parquet has these columns, in this order, one row for each person:
`GET /v1/RankingService/ExportStandings?list=wanted&format=csv`. Names stay and keep their meaning; a new column comes last.
The same is served for programs at `/data-dictionary.json`. This page is made from the code by `just keep`.

In CSV a date is YYYY-MM-DD, `true` and `false` are written so, and what is empty is an empty cell; in Parquet it is null.
A text that a spreadsheet would take for a formula has an apostrophe before it in CSV, see [API](API.md).

| column | values | in Parquet | unit | empty where | meaning |
|---|---|---|---|---|---|
";

/// The page for people.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut enums: Vec<(&str, &str)> = Vec::new();
    for column in COLUMNS {
        let values = match column.kind {
            Kind::Word { of, prefix } => {
                if !enums.iter().any(|(known, _)| *known == of) {
                    enums.push((of, prefix));
                }
                format!("one of [{0}](#{1})", short(of), short(of).to_ascii_lowercase())
            }
            kind => told(kind).to_owned(),
        };
        writeln!(
            page,
            "| `{}` | {values} | {} | {} | {} | {} |",
            column.name,
            in_parquet(column.kind),
            column.unit,
            column.empty.unwrap_or_default(),
            column.meaning().replace('|', "\\|"),
        )
        .expect(WRITTEN);
    }
    for (of, prefix) in enums {
        let meaning = contract().enums.get(of).map_or("", |(meaning, _)| meaning);
        write!(page, "\n## {}\n\n{meaning}\n\n| word | meaning |\n|---|---|\n", short(of)).expect(WRITTEN);
        for value in words(of) {
            let word = crate::api::standing::ended(&value.name, prefix);
            writeln!(page, "| `{word}` | {} |", value.meaning.replace('|', "\\|")).expect(WRITTEN);
        }
    }
    page
}

const WRITTEN: &str = "writing to a String must succeed";

/// A name without its package.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The columns for programs: a schema of "CSV on the Web".
pub fn schema() -> Value {
    let columns = COLUMNS.iter().map(|column| {
        let datatype = match column.kind {
            Kind::Text => json!("string"),
            Kind::Word { of, prefix } => {
                let words: Vec<_> = words(of).map(|value| crate::api::standing::ended(&value.name, prefix)).collect();
                json!({ "base": "string", "format": words.join("|") })
            }
            Kind::Date => json!({ "base": "date", "format": "yyyy-MM-dd" }),
            Kind::Whole => json!({ "base": "integer", "minimum": 0 }),
            Kind::Truth => json!({ "base": "boolean", "format": "true|false" }),
        };
        let mut told = json!({
            "name": column.name,
            "titles": column.name,
            "dc:description": column.meaning(),
            "datatype": datatype,
            "required": column.empty.is_none(),
        });
        if !column.unit.is_empty() {
            told["schema:unitText"] = column.unit.into();
        }
        if let Some(empty) = column.empty {
            told["rdfs:comment"] = format!("Empty where {empty}.").into();
        }
        told
    });
    json!({
        "@context": "http://www.w3.org/ns/csvw",
        "@type": "Schema",
        "columns": columns.collect::<Vec<_>>(),
        "primaryKey": ["list", "subject_ref"],
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_in_docs_is_the_one_the_code_makes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DATA-DICTIONARY.md");
        if std::env::var_os("STEELYARD_KEEP_DICTIONARY").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(held == page(), "docs/DATA-DICTIONARY.md is out of date: just keep");
    }

    #[test]
    fn programs_are_told_every_column_and_what_it_may_hold() {
        let schema = schema();
        let columns = schema["columns"].as_array().unwrap();
        assert_eq!(columns.len(), COLUMNS.len());
        let band = columns.iter().find(|column| column["name"] == "effective_band").unwrap();
        assert_eq!(band["datatype"]["format"], "LOW|MEDIUM|HIGH|VERY_HIGH");
        assert_eq!(band["required"], true);
        let since = columns.iter().find(|column| column["name"] == "outstanding_since").unwrap();
        assert_eq!(since["required"], false);
    }
}
