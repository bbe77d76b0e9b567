//! Which calls tell of people, found in the contract's own descriptors: those
//! whose answer can hold a person's or a victim's reference. What each of them
//! then shows to whom is the access check's to decide, not told here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet};
use steelyard::access::table::{Does, RULES};
use steelyard::config::CONCERNS;

use super::facts::head;

/// Fields that hold a reference of somebody.
const REFERENCES: [&str; 3] = ["subject_ref", "subject_refs", "victim_ref"];

struct Contract {
    messages: BTreeMap<String, DescriptorProto>,
    answers: BTreeMap<String, String>,
}

impl Contract {
    fn read() -> Self {
        let files = FileDescriptorSet::decode(steelyard::DESCRIPTORS).expect("the descriptors must decode");
        let (mut messages, mut answers) = (BTreeMap::new(), BTreeMap::new());
        for file in files.file {
            let package = file.package().to_owned();
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{package}.{}/{}", service.name(), method.name());
                    answers.insert(path, method.output_type().to_owned());
                }
            }
            for message in file.message_type {
                nested(&format!(".{package}"), message, &mut messages);
            }
        }
        Self { messages, answers }
    }

    /// References that an answer to a call can hold.
    fn references(&self, path: &str) -> BTreeSet<&'static str> {
        let answer = self.answers.get(path).unwrap_or_else(|| panic!("{path} must be in the contract"));
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
        self.gather(answer, &mut found, &mut seen);
        found
    }

    fn gather<'a>(&'a self, name: &'a str, found: &mut BTreeSet<&'static str>, seen: &mut BTreeSet<&'a str>) {
        let Some(message) = self.messages.get(name).filter(|_| seen.insert(name)) else { return };
        for field in &message.field {
            found.extend(REFERENCES.into_iter().filter(|reference| *reference == field.name()));
            self.gather(field.type_name(), found, seen);
        }
    }
}

fn nested(within: &str, message: DescriptorProto, messages: &mut BTreeMap<String, DescriptorProto>) {
    let name = format!("{within}.{}", message.name());
    for inner in message.nested_type.clone() {
        nested(&name, inner, messages);
    }
    messages.insert(name, message);
}

/// Calls whose answers tell of people, with the permission and the roles that have it.
pub fn table() -> String {
    let contract = Contract::read();
    let mut table = head(["call", "does", "tells by", "permission", "roles"]);
    for rule in RULES {
        let references = contract.references(rule.path);
        if references.is_empty() {
            continue;
        }
        let does = match rule.does {
            Does::Reads => "reads",
            Does::Writes => "writes",
        };
        let tells: Vec<String> = references.iter().map(|reference| format!("`{reference}`")).collect();
        let roles: Vec<String> = rule.roles().map(|role| format!("`{role}`")).collect();
        writeln!(
            table,
            "| `{}` | {does} | {} | `{}` | {} |",
            rule.name(),
            tells.join(", "),
            rule.permission,
            roles.join(", ")
        )
        .expect("a text takes everything");
    }
    table
}

/// Calls that the Act's rights and duties rest on, by what they serve. Whether each is there yet, the contract says.
const DUTIES: [(&str, &str); 11] = [
    ("ListEvidence", "s.38 facts and opinions told apart, s.45 access"),
    ("MergeSubjects", "s.38 one person held twice"),
    ("UnmergeSubjects", "s.38 two people held as one"),
    ("ListRetentionDue", "s.39 periodic review"),
    ("ExportSubject", "s.45 access"),
    ("WithdrawEvidence", "s.46 rectification"),
    ("RestrictProcessing", "s.47 restriction"),
    ("EraseSubject", "s.47 erasure"),
    ("RecordDisclosure", "s.62 disclosure outside the force"),
    ("ListSubjectAccess", "s.62 consultation and disclosure of one person"),
    ("VerifyAudit", "s.62 the log is whole"),
];

/// Which of the calls that rights and duties rest on this version serves, and whether it encrypts.
pub fn duties() -> String {
    let mut table = head(["call", "for", "in this version"]);
    for (method, duty) in DUTIES {
        let served = RULES.iter().find(|rule| rule.path.ends_with(&format!("/{method}")));
        let served = served.map_or_else(|| "**not yet**".to_owned(), |rule| format!("yes, with `{}`", rule.permission));
        writeln!(table, "| `{method}` | {duty} | {served} |").expect("a text takes everything");
    }
    let encrypts = CONCERNS.iter().flat_map(|concern| concern.keys).any(|key| key.name.starts_with("encryption."));
    let encrypts = if encrypts { "yes, by the settings `encryption.…`" } else { "**not yet**" };
    writeln!(table, "| | s.66 values encrypted, a key for each person | {encrypts} |")
        .expect("a text takes everything");
    table
}

#[test]
fn a_call_that_tells_of_people_is_told_from_one_that_counts_them() {
    let contract = Contract::read();
    let of = |path| contract.references(&format!("/steelyard.v1.{path}"));
    assert!(of("RankingService/ListStandings").contains("subject_ref"));
    assert!(of("EvidenceService/ListEvidence").contains("victim_ref"));
    assert!(of("OutstandingService/GetOutstandingReturn").is_empty());
    assert!(of("RankingService/GetListSummary").is_empty());
    assert!(table().contains("RankingService.ExportStandings"));
    assert!(!table().contains("GetListSummary"));
}
