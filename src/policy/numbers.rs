//! A policy text as keys and values, and what differs between two: for people who
//! must see which number was changed, whichever way a file is laid out.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// A value that differs between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its key, such as `bands.very_high`.
    pub key: String,
    /// Value before; `None`: there was none.
    pub from: Option<String>,
    /// Value after; `None`: there is none.
    pub to: Option<String>,
}

/// Keys and values of a TOML text, in order, as `section.key`; nothing of a text that is no TOML.
pub fn numbers(text: &str) -> Vec<(String, String)> {
    text.parse().map(flat).unwrap_or_default()
}

/// What differs between two policies, in order of keys. The versions always do, and are left out; a section that a policy
/// takes from the reference policy by not having it is compared as if it stood there.
pub fn changes(from: &str, to: &str) -> Vec<Changed> {
    let (before, mut after) = (effective(from), effective(to));
    let mut changes: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    for (key, from) in before {
        let to = after.remove(&key);
        if to.as_ref() != Some(&from) {
            changes.insert(key, (Some(from), to));
        }
    }
    changes.extend(after.into_iter().map(|(key, to)| (key, (None, Some(to)))));
    changes.into_iter().map(|(key, (from, to))| Changed { key, from, to }).collect()
}

/// The version that a text states, whatever else is wrong with it.
pub fn stated_version(text: &str) -> Option<String> {
    let table: Table = text.parse().ok()?;
    table.get("version").and_then(Value::as_str).map(str::to_owned)
}

fn effective(text: &str) -> BTreeMap<String, String> {
    let Ok(mut table) = text.parse::<Table>() else { return BTreeMap::new() };
    table.remove("version");
    for section in super::file::FROM_REFERENCE {
        if !table.contains_key(section)
            && let Some(reference) = super::file::reference().get(section)
        {
            table.insert(section.to_owned(), reference.clone());
        }
    }
    flat(table).into_iter().collect()
}

fn flat(table: Table) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
        let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Table(table) => table.iter().for_each(|(key, value)| walk(&at(key), value, into)),
            Value::Array(array) => {
                for (place, value) in array.iter().enumerate() {
                    walk(&format!("{path}[{place}]"), value, into);
                }
            }
            Value::String(text) => into.push((path.to_owned(), text.clone())),
            // 1 and 1.0 are the same number, whichever way a force writes it.
            Value::Float(number) => into.push((path.to_owned(), number.to_string())),
            Value::Integer(_) | Value::Boolean(_) | Value::Datetime(_) => {
                into.push((path.to_owned(), value.to_string()));
            }
        }
    }
    let mut numbers = Vec::new();
    walk("", &Value::Table(table), &mut numbers);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn only_values_that_differ_are_told_with_what_they_were() {
        let reference = Policy::default_text();
        let other = reference
            .replace("version = \"thr-2026.1\"", "version = \"thr-2026.2\"")
            .replace("very_high = 60", "very_high = 55.0")
            .replace("ST19004 = {", "COMLA03 = {");
        let changes = changes(reference, &other);
        let told: Vec<(&str, Option<&str>, Option<&str>)> =
            changes.iter().map(|it| (it.key.as_str(), it.from.as_deref(), it.to.as_deref())).collect();
        assert!(told.contains(&("bands.very_high", Some("60"), Some("55"))), "{told:?}");
        assert!(
            told.iter().any(|(key, from, to)| *key == "harm_override.COMLA03.days" && from.is_none() && to.is_some())
        );
        assert!(
            told.iter().any(|(key, from, to)| *key == "harm_override.ST19004.days" && from.is_some() && to.is_none())
        );
        assert!(
            told.iter().all(|(key, ..)| *key == "bands.very_high" || key.starts_with("harm_override.")),
            "{told:?}"
        );
    }

    #[test]
    fn the_same_numbers_laid_out_otherwise_do_not_differ() {
        let reference = Policy::default_text();
        let mut table: Table = reference.parse().unwrap();
        table.remove("supervision");
        let other = toml::to_string(&table).unwrap().replace("medium = 0.5\n", "medium = 5e-1\n");
        assert!(Policy::parse(&other).is_ok());
        assert_eq!(changes(reference, &other), []);
        assert_eq!(stated_version(&other).as_deref(), Some("thr-2026.1"));
        assert_eq!((numbers("= no TOML"), stated_version("= no TOML")), (Vec::new(), None));
    }
}
