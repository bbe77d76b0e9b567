//! The tables of facts, each made from what the code holds: the policy's text,
//! the published tables' checksums, roles, calls, settings, and trials of what
//! scoring reads. Holds no figure and no sentence of its own about people.

use std::fmt::Write as _;

use steelyard::access::table::{Does, RULES};
use steelyard::access::{Permission, Permissions, Role};
use steelyard::config::CONCERNS;
use steelyard::policy::Policy;
use steelyard::reference::{OGRS3, TWO_YEAR_PREDICTORS, tables};
use steelyard::scoring::Rules;
use steelyard::scoring::harm::Catalogue;
use steelyard::telemetry::metrics::FIGURES;
use toml::{Table, Value};

use super::{calls, trial};

/// One table, by the name that a marker gives it.
#[derive(Debug)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// Its rows in Markdown, each with a line end.
    pub table: String,
}

/// Every table, under a policy.
pub fn all(policy: &str) -> Vec<Fact> {
    let rules = rules(policy);
    let fact = |name, table| Fact { name, table };
    vec![
        fact("version", version(&rules.policy)),
        fact("inputs", inputs(&rules)),
        fact("words", words(&rules)),
        fact("person", moves(["field of a person", "moves"], &trial::person_fields(&rules))),
        fact("weights", weights(&rules.policy)),
        fact("instruments", instruments(&rules.policy)),
        fact("policy", figures(policy)),
        fact("reference", reference()),
        fact("calls", calls::table()),
        fact("duties", calls::duties()),
        fact("permissions", permissions()),
        fact("roles", roles()),
        fact("retention", retention()),
        fact("metrics", metrics()),
    ]
}

/// A policy with what follows from it.
pub fn rules(policy: &str) -> Rules {
    let policy = Policy::parse(policy).expect("the policy must be valid");
    Rules { catalogue: Catalogue::new(tables(), &policy), policy }
}

/// A table's head.
pub fn head<const N: usize>(cells: [&str; N]) -> String {
    format!("| {} |\n|{}\n", cells.join(" | "), "---|".repeat(N))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

/// Every figure that `/metrics` tells.
fn metrics() -> String {
    let mut table = head(["figure", "kind", "unit", "meaning"]);
    for figure in FIGURES {
        let labels = if figure.labels.is_empty() { String::new() } else { format!("{{{}}}", figure.labels.join(",")) };
        let (name, kind, unit, meaning) = (figure.name, figure.kind.word(), figure.unit, figure.meaning);
        writeln!(table, "| `{name}{labels}` | {kind} | {unit} | {meaning} |").expect("a text takes everything");
    }
    table
}

fn version(policy: &Policy) -> String {
    let mut table = head(["what", "which"]);
    let digest = hex(&tables().digest());
    for (what, which) in [
        ("engine", env!("CARGO_PKG_VERSION")),
        ("policy", &policy.version),
        ("published tables, BLAKE3 of all", &digest),
    ] {
        writeln!(table, "| {what} | `{which}` |").expect("a text takes everything");
    }
    table
}

fn moves(cells: [&str; 2], moves: &[trial::Moves]) -> String {
    let mut table = head(cells);
    for (word, moved) in moves {
        writeln!(table, "| `{word}` | {moved} |").expect("a text takes everything");
    }
    table
}

fn inputs(rules: &Rules) -> String {
    moves(["kind of record", "moves"], &trial::kinds(rules))
}

fn words(rules: &Rules) -> String {
    let mut table = head(["vocabulary", "moves", "words"]);
    let mut rows = |vocabulary: &str, moves: &[trial::Moves]| {
        for (moved, words) in trial::by_effect(moves) {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            writeln!(table, "| {vocabulary} | {moved} | {} |", words.join(", ")).expect("a text takes everything");
        }
    };
    rows("category of the person in an offence", &trial::categories(rules));
    rows("assessment of intelligence", &trial::grades(rules));
    for (kind, field) in trial::VOCABULARIES {
        rows(&format!("`{kind}.{field}`"), &trial::words(rules, kind));
    }
    table
}

fn weights(policy: &Policy) -> String {
    let mut table = head(["lists", "threat", "risk", "harm"]);
    for (lists, of) in [("the managed", policy.composite.cohort), ("the wanted", policy.composite.outstanding)] {
        writeln!(table, "| {lists} | {} % | {} % | {} % |", of.threat, of.risk, of.harm)
            .expect("a text takes everything");
    }
    table
}

/// The published instruments: share in risk, and how many figures each has. One without a share is shown and not scored.
fn instruments(policy: &Policy) -> String {
    let two_year: serde_json::Value = serde_json::from_str(TWO_YEAR_PREDICTORS).expect("the table must be JSON");
    let ogrs3: serde_json::Value = serde_json::from_str(OGRS3).expect("the table must be JSON");
    let mut table = head([
        "instrument",
        "share of risk",
        "medium, high, very high from",
        "held at occasions (men, women)",
        "figures",
    ]);
    for (name, of) in [("ARP", &policy.risk.arp), ("VRP", &policy.risk.vrp), ("SVRP", &policy.risk.svrp)] {
        let cap = |cap: Option<u32>| cap.map_or_else(|| "not held".to_owned(), |cap| cap.to_string());
        writeln!(
            table,
            "| {name} | {} % | {}, {}, {} | {}, {} | {} |",
            of.weight,
            of.medium,
            of.high,
            of.very_high,
            cap(of.cap_male),
            cap(of.cap_female),
            numbers(&two_year[name])
        )
        .expect("a text takes everything");
    }
    writeln!(table, "| OGRS3 | shown, not scored | | | {} |", numbers(&ogrs3)).expect("a text takes everything");
    table
}

fn numbers(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Number(_) => 1,
        serde_json::Value::Object(members) => members.values().map(numbers).sum(),
        serde_json::Value::Array(items) => items.iter().map(numbers).sum(),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_) => 0,
    }
}

/// Every figure of the policy, a row for each of its parts.
fn figures(policy: &str) -> String {
    let root: Table = policy.parse().expect("a policy must be TOML");
    let mut table = head(["part", "figures"]);
    part(&mut table, "policy", &root);
    table
}

fn part(table: &mut String, name: &str, of: &Table) {
    let is_figure = |value: &Value| !matches!(value, Value::Table(_));
    let told: Vec<String> = of
        .iter()
        .filter(|(_, value)| is_figure(value))
        .map(|(key, value)| format!("{key} = {}", figure(value)))
        .collect();
    if !told.is_empty() {
        writeln!(table, "| `{name}` | {} |", told.join("; ").replace('|', "/")).expect("a text takes everything");
    }
    for (key, value) in of {
        if let Value::Table(inner) = value {
            let name = if name == "policy" { key.clone() } else { format!("{name}.{key}") };
            part(table, &name, inner);
        }
    }
}

fn figure(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(figure).collect::<Vec<_>>().join(", "),
        Value::Table(inner) => {
            inner.iter().map(|(key, value)| format!("{key} {}", figure(value))).collect::<Vec<_>>().join(": ")
        }
        Value::String(text) => text.clone(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => value.to_string(),
    }
}

fn reference() -> String {
    let sums = include_str!("../../../reference/SHA256SUMS");
    let mut table = head(["published table", "sha256"]);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").expect("a line must hold a sum and a name");
        writeln!(table, "| `reference/{name}` | `{sum}` |").expect("a text takes everything");
    }
    table
}

/// What each call needs, and who has it by role.
fn permissions() -> String {
    let mut table = head(["call", "does", "permission", "roles"]);
    for rule in RULES {
        let does = match rule.does {
            Does::Reads => "reads",
            Does::Writes => "writes",
        };
        let roles = rule.roles().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
        writeln!(table, "| {} | {does} | `{}` | {roles} |", rule.name(), rule.permission)
            .expect("a text takes everything");
    }
    table
}

fn roles() -> String {
    let mut table = head(["role", "may"]);
    let may = |held: Permissions| held.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    for role in Role::ALL {
        writeln!(table, "| `{role}` | {} |", may(role.permissions())).expect("a text takes everything");
    }
    let held = Role::ALL.iter().fold(Permissions::NONE, |all, role| all.union(role.permissions()));
    let rest: Vec<Permission> = Permission::ALL.iter().copied().filter(|it| !held.hold(*it)).collect();
    writeln!(table, "| in no role, granted by name | {} |", may(Permissions::of(&rest)))
        .expect("a text takes everything");
    table
}

/// Settings that say how long something is kept, and whether it is written down or encrypted.
fn retention() -> String {
    const PARTS: [&str; 6] = ["audit.", "backup.keep", "encryption.", "keys.", "rescore.keep", "retention."];
    let mut table = head(["setting", "default", "takes", "meaning"]);
    for key in CONCERNS.iter().flat_map(|concern| concern.keys) {
        if PARTS.iter().any(|part| key.name.starts_with(part)) {
            let default = key.default.unwrap_or("none");
            writeln!(table, "| `{}` | `{default}` | {} | {} |", key.name, key.takes, key.meaning)
                .expect("a text takes everything");
        }
    }
    table
}
