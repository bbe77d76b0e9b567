//! From a record of the contract to evidence that rules may read, or to a list
//! of everything wrong with it. What only the store can know (is this id
//! another subject's, was the person born by then) is judged by the writer.

mod check;
mod kind;
mod management;

use jiff::Timestamp;

use crate::domain::Revision;
use crate::domain::evidence::Evidence;
use crate::domain::word::PersonCategory;
use crate::pb;
use crate::reference::Tables;
use check::Check;

/// Most days that a source's clock may be ahead of ours.
const CLOCK_AHEAD_SECONDS: i64 = 24 * 60 * 60;

/// A record taken in.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The person.
    pub subject_ref: Box<str>,
    /// The evidence; its revision is set by the writer.
    pub evidence: Evidence,
    /// Instant at which the source recorded it, or `now`, in microseconds since 1970.
    pub recorded_micros: i64,
}

/// Judges a record by itself. `now` stands in for an absent `recorded_time`.
///
/// # Errors
/// Everything wrong with it.
pub fn take_in(record: &pb::Record, tables: &Tables, now: Timestamp) -> Result<Intake, Vec<pb::Violation>> {
    let (recorded, fault) = match recorded_time(record, now) {
        Ok(instant) => (instant, None),
        Err(fault) => (now, Some(fault)),
    };
    let mut check = Check::new(recorded, now);
    if let Some(why) = fault {
        check.wrong("recorded_time", "INVALID_TIME", why);
    }
    let id = check.reference("id", &record.id, 64);
    let subject_ref = check.reference("subject_ref", &record.subject_ref, 64);
    check.reference("source_system", &record.source_system, 32);
    if pb::Basis::try_from(record.basis).is_err() {
        check.wrong("basis", "UNKNOWN_VALUE", "basis holds a number that this version does not know");
    }
    let category = check.word_or("category", record.category, PersonCategory::Suspect, PersonCategory::from_proto);
    let kind = kind::read(&mut check, record, tables);
    let updated = check.recorded;
    check.finish(kind).map(|kind| Intake {
        subject_ref,
        evidence: Evidence { id, revision: Revision(0), category, updated, kind },
        recorded_micros: recorded.as_microsecond(),
    })
}

/// The instant a record was made at its source.
fn recorded_time(record: &pb::Record, now: Timestamp) -> Result<Timestamp, &'static str> {
    let Some(stated) = &record.recorded_time else { return Ok(now) };
    let instant = Timestamp::new(stated.seconds, stated.nanos)
        .map_err(|_| "recorded_time is not an instant between years 1 and 9999")?;
    if instant.as_second() > now.as_second() + CLOCK_AHEAD_SECONDS {
        return Err("recorded_time is more than a day ahead of this server's clock");
    }
    Ok(instant)
}

/// Instant at which the source recorded a record, or the server took it in: microseconds since 1970.
pub fn recorded_micros(record: &pb::Record, ingested_micros: i64) -> i64 {
    record
        .recorded_time
        .as_ref()
        .and_then(|stated| Timestamp::new(stated.seconds, stated.nanos).ok())
        .map_or(ingested_micros, Timestamp::as_microsecond)
}

/// Name of a record's kind: the field name in `Record`.
pub fn kind_name(record: &pb::Record) -> &'static str {
    use pb::record::Kind;
    match &record.kind {
        Some(Kind::Person(_)) => "person",
        Some(Kind::Offence(_)) => "offence",
        Some(Kind::SanctionSummary(_)) => "sanction_summary",
        Some(Kind::Custody(_)) => "custody",
        Some(Kind::Marker(_)) => "marker",
        Some(Kind::Intelligence(_)) => "intelligence",
        Some(Kind::Assessment(_)) => "assessment",
        Some(Kind::Order(_)) => "order",
        Some(Kind::Breach(_)) => "breach",
        Some(Kind::Exploitation(_)) => "exploitation",
        Some(Kind::Outstanding(_)) => "outstanding",
        Some(Kind::CohortMembership(_)) => "cohort_membership",
        Some(Kind::BandOverride(_)) => "band_override",
        Some(Kind::Activity(_)) => "activity",
        Some(Kind::Review(_)) => "review",
        Some(Kind::CohortDecision(_)) => "cohort_decision",
        None => "",
    }
}

/// Number of a record's kind, as in the key of the kind index: the field number in `Record`.
pub fn kind_number(record: &pb::Record) -> u8 {
    match kind_name(record) {
        "person" => 10,
        "offence" => 11,
        "sanction_summary" => 12,
        "custody" => 13,
        "marker" => 14,
        "intelligence" => 15,
        "assessment" => 16,
        "order" => 17,
        "breach" => 18,
        "exploitation" => 19,
        "outstanding" => OUTSTANDING,
        "cohort_membership" => 21,
        "band_override" => 22,
        "activity" => ACTIVITY,
        "review" => REVIEW,
        "cohort_decision" => COHORT_DECISION,
        _ => 0,
    }
}

/// Number of an outstanding file.
pub const OUTSTANDING: u8 = 20;
/// Number of an activity.
pub const ACTIVITY: u8 = 23;
/// Number of a review.
pub const REVIEW: u8 = 24;
/// Number of a decision about the cohort.
pub const COHORT_DECISION: u8 = 25;

/// Names of every kind.
pub const KINDS: [&str; 16] = [
    "person",
    "offence",
    "sanction_summary",
    "custody",
    "marker",
    "intelligence",
    "assessment",
    "order",
    "breach",
    "exploitation",
    "outstanding",
    "cohort_membership",
    "band_override",
    "activity",
    "review",
    "cohort_decision",
];

/// The record without the text that no rule reads: what the view of dossiers keeps.
pub fn stripped(record: &pb::Record) -> pb::Record {
    use pb::record::Kind;
    let mut stripped = record.clone();
    stripped.source_system = String::new();
    stripped.subject_ref = String::new();
    match &mut stripped.kind {
        Some(Kind::Person(person)) => {
            person.name = String::new();
            person.pnc_id = String::new();
        }
        Some(Kind::Order(order)) => order.title = String::new(),
        Some(Kind::Outstanding(file)) => {
            file.bail = None;
            file.overseas_convictions = None;
            file.immigration = None;
        }
        Some(Kind::Activity(activity)) => activity.note = String::new(),
        Some(Kind::Review(review)) => {
            review.findings = String::new();
            review.instructions = String::new();
        }
        Some(Kind::CohortDecision(decision)) => {
            **decision = pb::CohortDecision {
                decision: decision.decision,
                decided_time: decision.decided_time,
                ..pb::CohortDecision::default()
            };
        }
        Some(_) | None => {}
    }
    stripped
}

/// Evidence of a record that was judged when it was written: from the ledger or a view.
/// `None` where this version cannot read it, which a store of this version never holds.
pub fn from_stored(record: &pb::Record, recorded_micros: i64, revision: Revision, tables: &Tables) -> Option<Evidence> {
    let recorded = Timestamp::from_microsecond(recorded_micros).ok()?;
    let mut check = Check::new(recorded, recorded);
    let kind = kind::read(&mut check, record, tables)?;
    let category = PersonCategory::from_proto(record.category).unwrap_or(PersonCategory::Suspect);
    Some(Evidence { id: record.id.as_str().into(), revision, category, updated: check.recorded, kind })
}
