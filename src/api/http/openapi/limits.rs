//! What the comment of a field says of its limits. The contract's comments give unit
//! and range in a few set phrases; those, and nothing that needs understanding, are
//! read here, so that a schema says the limits that the comment says.

use crate::api::http::shape::{Field, Kind, Many};

/// Limits of a field, as far as its comment says them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// A request without it is refused.
    pub required: bool,
    /// A civil date.
    pub date: bool,
    /// A UUID.
    pub uuid: bool,
    /// Characters of the text, or of each text of a list, at least.
    pub shortest: Option<u64>,
    /// And at most.
    pub longest: Option<u64>,
    /// The number, or how many there are of a list, at least.
    pub least: Option<u64>,
    /// And at most.
    pub most: Option<u64>,
}

impl Limits {
    /// What the comment of a field says.
    pub fn of(field: &Field) -> Self {
        let words: Vec<&str> = field.meaning.split_whitespace().collect();
        let mut limits = Self { required: required(field, &words), ..Self::default() };
        let text = field.kind == Kind::Text;
        limits.date = text && field.meaning.contains("YYYY-MM-DD");
        limits.uuid = text && field.name == "request_id" && words.iter().any(|word| plain(word) == "UUID");
        for at in 1..words.len().saturating_sub(1) {
            let before = at.checked_sub(2).map(|at| words[at]);
            let after = words.get(at + 2).copied().unwrap_or_default();
            match words[at] {
                "to" if text && words[at - 1].eq_ignore_ascii_case("up") && after.starts_with("characters") => {
                    limits.longest = number(words[at + 1]);
                }
                "to" => {
                    let (Some(least), Some(most)) = (number(words[at - 1]), number(words[at + 1])) else { continue };
                    if after.starts_with("characters") {
                        if text {
                            (limits.shortest, limits.longest) = (Some(least), Some(most));
                        }
                    } else if counted(field) && begins(before) {
                        (limits.least, limits.most) = (Some(least), Some(most));
                    }
                }
                "most" if words[at - 1].eq_ignore_ascii_case("at") && counted(field) && limits.most.is_none() => {
                    limits.most = number(words[at + 1]);
                }
                _ => {}
            }
        }
        // What may be left out may be empty, and a number that is not given is 0.
        if field.many == Many::One && !limits.required {
            limits.shortest = None;
        }
        if field.many == Many::One {
            limits.least = None;
        } else {
            // An empty text in a list is never what its phrase allows; a list that may be empty has no least.
            limits.least = limits.least.filter(|least| *least > 0);
        }
        if text && field.many == Many::One && limits.required && !limits.date && !limits.uuid {
            limits.shortest = Some(limits.shortest.unwrap_or(1).max(1));
        }
        limits
    }
}

/// Whether a range can be how large it is, or how many there are.
fn counted(field: &Field) -> bool {
    field.many == Many::List || matches!(field.kind, Kind::Whole(..))
}

/// Whether a range stands by itself: not in words such as "an interval from 0 to 100".
fn begins(before: Option<&str>) -> bool {
    before.is_none_or(|word| word.ends_with([',', '.', ':']) || word == "milli-points")
}

/// Whether a sentence says that it is required, and not only sometimes. An instant may be filled in by the call that
/// holds its message.
fn required(field: &Field, words: &[&str]) -> bool {
    let said = |word: &&str| matches!(*word, "Required." | "Required;" | "Required:");
    field.many == Many::One && field.choice.is_none() && field.kind != Kind::Instant && words.iter().any(said)
}

fn plain(word: &str) -> &str {
    word.trim_end_matches(['.', ',', ';', ':', ')'])
}

/// A whole number such as `1,000`.
fn number(word: &str) -> Option<u64> {
    let digits = plain(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b',') {
        return None;
    }
    digits.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::http::shape::contract;

    fn of(message: &str, field: &str) -> Limits {
        let shape = contract().message(&format!("steelyard.v1.{message}"));
        Limits::of(shape.field(field).unwrap_or_else(|| panic!("{message} must have {field}")))
    }

    #[test]
    fn limits_are_what_the_comments_say() {
        let of_size = of("ListStandingsRequest", "page_size");
        assert_eq!(of_size, Limits { most: Some(1_000), ..Limits::default() });
        let reason = of("MergeSubjectsRequest", "reason");
        assert_eq!((reason.required, reason.shortest, reason.longest), (true, Some(10), Some(500)));
        let id = of("WriteEvidenceRequest", "request_id");
        assert!(id.required && id.uuid && id.shortest.is_none());
        let records = of("WriteEvidenceRequest", "records");
        assert_eq!((records.least, records.most), (Some(1), Some(1_000)));
        let areas = of("Person", "areas");
        assert_eq!((areas.most, areas.shortest, areas.longest), (Some(8), Some(1), Some(32)));
        assert_eq!(of("StandingFilter", "areas").most, Some(32));
        assert!(of("GetDemandRequest", "from").date && of("GetDemandRequest", "from").required);
        assert_eq!(of("Standing", "composite").most, Some(100_000));
        assert_eq!(of("SimulatePolicyRequest", "top_n").most, Some(10_000));
    }

    #[test]
    fn what_only_sounds_like_a_limit_is_none() {
        assert_eq!(of("RescoreCounters", "failed"), Limits::default());
        assert!(!of("OpenOutstandingRequest", "reason").required);
        assert!(!of("Assessment", "mappa_level").required);
        assert!(!of("Activity", "done_time").required, "left out it is now");
        let source = of("RecordDecisionRequest", "source_system");
        assert_eq!((source.shortest, source.longest), (None, Some(32)), "left out it is steelyard");
    }
}
