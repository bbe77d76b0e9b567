//! Where values come from: defaults, file, environment, flags, each a layer above
//! the one before. A name that is no setting is a violation, not a shrug: a
//! misspelt limit would otherwise silently not limit.

use std::path::PathBuf;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::key::Key;
use super::{CONCERNS, Flags, Violation};

/// Key of the table that the TOML reader makes of a date written without quotes.
pub(super) const DATE_IN_TOML: &str = "$__toml_private_datetime";

const PREFIX: &str = "STEELYARD_";

/// Variables with the prefix that are read elsewhere: the file's path, and how commands reach a server.
const OTHER_VARIABLES: [&str; 8] = [
    "STEELYARD_CONFIG",
    "STEELYARD_SERVER",
    "STEELYARD_SERVER_CA",
    "STEELYARD_TOKEN",
    "STEELYARD_TOKEN_FILE",
    "STEELYARD_CLIENT_CERTIFICATE",
    "STEELYARD_CLIENT_KEY",
    "STEELYARD_PURPOSE",
];

/// Everything given, before it is judged.
pub(super) struct Sources {
    /// TOML file, if one is named.
    pub(super) file: Option<PathBuf>,
    /// Environment variables, whatever their names.
    pub(super) environment: Vec<(String, String)>,
    /// Flags given.
    pub(super) flags: Vec<(&'static Key, String)>,
}

/// A layer whose values are all texts.
struct Layer {
    name: &'static str,
    values: Vec<(&'static Key, String)>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut root = Dict::new();
        for (key, text) in &self.values {
            place(&mut root, key.name, Value::from(text.clone()));
        }
        Ok(Profile::Default.collect(root))
    }
}

fn place(table: &mut Dict, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = inner {
                place(inner, rest, value);
            }
        }
    }
}

fn keys() -> impl Iterator<Item = &'static Key> {
    CONCERNS.iter().flat_map(|concern| concern.keys.iter().copied())
}

impl Sources {
    /// What this process was given.
    pub(super) fn of_process(flags: &Flags) -> Self {
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Self { file: flags.file.clone(), environment, flags: flags.given.clone() }
    }

    /// All layers merged, with what is wrong about names, texts and the file itself.
    pub(super) fn merge(&self) -> (Figment, Vec<Violation>) {
        let mut violations = Vec::new();
        let defaults = keys().filter_map(|key| key.default.map(|text| (key, text.to_owned()))).collect();
        let mut figment = Figment::from(Layer { name: "defaults", values: defaults });
        if let Some(path) = &self.file {
            match file(path) {
                Ok(layer) => {
                    unknown_names(&layer.values, &mut Vec::new(), &layer.source(), &mut violations);
                    figment = figment.merge(layer);
                }
                Err(problem) => violations.push(Violation {
                    key: "config".to_owned(),
                    value: Some(path.display().to_string()),
                    source: Some("flag --config or environment STEELYARD_CONFIG".to_owned()),
                    problem,
                }),
            }
        }
        figment = figment.merge(Layer { name: "environment", values: self.variables(&mut violations) });
        figment = figment.merge(Layer { name: "flags", values: self.flags.clone() });
        (figment, violations)
    }

    /// Variables that are set, an empty one counting as not set.
    fn variables(&self, violations: &mut Vec<Violation>) -> Vec<(&'static Key, String)> {
        let mut values = Vec::new();
        for (name, value) in &self.environment {
            if !name.starts_with(PREFIX) || value.is_empty() || OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let known = keys().find(|key| key.variable == name);
            let problem = match known {
                Some(_) if value.contains(char::REPLACEMENT_CHARACTER) => "is not valid UTF-8".to_owned(),
                Some(key) => {
                    values.push((key, value.clone()));
                    continue;
                }
                None if is_service_link(name) => continue,
                None => format!("is no setting{}", nearest(name, keys().map(|key| key.variable))),
            };
            violations.push(Violation {
                key: known.map_or(name.as_str(), |key| key.name).to_owned(),
                value: Some(value.clone()),
                source: Some(format!("environment {name}")),
                problem,
            });
        }
        values
    }
}

/// The TOML file, read and parsed.
struct File {
    path: PathBuf,
    values: Dict,
}

impl File {
    fn source(&self) -> String {
        format!("file {}", self.path.display())
    }
}

impl Provider for File {
    fn metadata(&self) -> Metadata {
        Metadata::from("file", self.path.as_path())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(known_only(&self.values, "")))
    }
}

fn file(path: &std::path::Path) -> Result<File, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut data = Toml::string(&text).data().map_err(|error| format!("is not valid TOML: {error}"))?;
    Ok(File { path: path.to_owned(), values: data.remove(&Profile::Default).unwrap_or_default() })
}

/// What of a table names settings: the rest was told as violations and must not hide a value below.
fn known_only(table: &Dict, above: &str) -> Dict {
    let mut kept = Dict::new();
    for (name, value) in table {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Dict(tag, inner) if !is_key(&path) => {
                kept.insert(name.clone(), Value::Dict(*tag, known_only(inner, &path)));
            }
            value if is_key(&path) => {
                kept.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    kept
}

fn is_key(path: &str) -> bool {
    keys().any(|key| key.name == path)
}

fn unknown_names(table: &Dict, above: &mut Vec<String>, source: &str, violations: &mut Vec<Violation>) {
    for (name, value) in table {
        above.push(name.clone());
        let path = above.join(".");
        match value {
            _ if is_key(&path) => {}
            Value::Dict(_, inner) if !inner.contains_key(DATE_IN_TOML) => {
                unknown_names(inner, above, source, violations);
            }
            _ => violations.push(Violation {
                problem: format!("is no setting{}", nearest(&path, keys().map(|key| key.name))),
                key: path,
                value: None,
                source: Some(source.to_owned()),
            }),
        }
        above.pop();
    }
}

/// Variables that Kubernetes sets in every pod beside a Service named `steelyard`.
fn is_service_link(name: &str) -> bool {
    let rest = &name[PREFIX.len()..];
    rest.contains("SERVICE_HOST") || rest.contains("SERVICE_PORT") || rest == "PORT" || rest.starts_with("PORT_")
}

/// A hint, where a known name is near enough to be what was meant.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (edits(name, candidate), candidate))
        .min()
        .filter(|(edits, candidate)| *edits * 3 <= candidate.len())
        .map_or_else(String::new, |(_, candidate)| format!("; did you mean {candidate}?"))
}

/// Levenshtein distance in bytes.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (place, left) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, right) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
