//! The columns of an exported list, once: CSV, Parquet and the data dictionary are all
//! made from this table, so that none of them can say something else. A column is a
//! field of the contract under its own name; nothing is computed here.

use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::api::error;
use crate::api::http::shape::contract;
use crate::api::standing::ended;
use crate::pb;
use crate::service::fault::Fault;

/// A part of an export: what all of its rows share, and the rows.
#[derive(Debug)]
pub struct Part {
    /// The list.
    pub list: pb::List,
    /// State exported.
    pub context: pb::ReadContext,
    /// Rows, best first.
    pub standings: Vec<pb::Standing>,
}

impl Part {
    /// The part in a message, if it is one.
    pub fn of(message: pb::ExportStandingsResponse) -> Option<Self> {
        Some(Self { list: message.list(), context: message.context?, standings: message.standings })
    }

    /// The part in the bytes of a message.
    ///
    /// # Errors
    /// It is none.
    pub fn read(message: Bytes, correlation_id: &str) -> Result<Self, Status> {
        let part = pb::ExportStandingsResponse::decode(message).ok().and_then(Self::of);
        part.ok_or_else(|| error::status(&Fault::Internal, correlation_id))
    }

    /// A name for a file of its list, such as `steelyard-bail-failed-2026-03-31`.
    pub fn file_name(&self) -> String {
        let list = ended(self.list.as_str_name(), "LIST_").to_ascii_lowercase().replace('_', "-");
        format!("steelyard-{list}-{}", self.context.as_of)
    }
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Name, which stays: that of its field in the contract.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Unit of a number; empty: it has none.
    pub unit: &'static str,
    /// When it is empty; `None`: it never is.
    pub empty: Option<&'static str>,
    /// Where its values come from.
    pub take: Take,
    /// Message of the contract that its field is of.
    of: &'static str,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text that somebody else wrote.
    Text,
    /// One of the names of an enum of the contract, without what stands before all of them.
    Word {
        /// Full name of the enum.
        of: &'static str,
        /// What stands before its names.
        prefix: &'static str,
    },
    /// A day.
    Date,
    /// A whole number, 0 or more.
    Whole,
    /// True or false.
    Truth,
}

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug)]
pub enum Take {
    /// From what all rows of a part share.
    Part(for<'a> fn(&'a Part) -> Cell<'a>),
    /// From each row.
    Row(for<'a> fn(&'a pb::Standing) -> Cell<'a>),
}

/// A value in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A text that somebody else wrote.
    Text(&'a str),
    /// A word of the contract.
    Word(&'static str),
    /// A day, as YYYY-MM-DD.
    Date(&'a str),
    /// A whole number.
    Whole(u64),
    /// True or false.
    Truth(bool),
    /// Empty.
    Nothing,
}

impl Column {
    /// What it means, as the contract says it.
    pub fn meaning(&self) -> &'static str {
        let field = contract().message(self.of).field(self.name);
        &field.expect("a column must be a field of the contract").meaning
    }

    /// Whether all rows of an export have the same value.
    pub const fn is_shared(&self) -> bool {
        matches!(self.take, Take::Part(_))
    }
}

const BAND: Kind = Kind::Word { of: "steelyard.v1.Band", prefix: "BAND_" };
const MILLI: &str = "milli-points";

/// Every column, in order. New ones come last; none is ever renamed, and none changes its meaning.
pub const COLUMNS: &[Column] = &[
    Column {
        of: "steelyard.v1.ExportStandingsResponse",
        ..shared("list", Kind::Word { of: "steelyard.v1.List", prefix: "LIST_" }, |part| {
            word(part.list.as_str_name(), "LIST_")
        })
    },
    each("subject_ref", Kind::Text, "", |row| Cell::Text(&row.subject_ref)),
    each("rank", Kind::Whole, "", |row| Cell::Whole(row.rank.into())),
    each("position", Kind::Whole, "", |row| Cell::Whole(row.position.into())),
    each("filtered_position", Kind::Whole, "", |row| Cell::Whole(row.filtered_position.into())),
    each("percentile", Kind::Whole, "ten-thousandths of the list", |row| Cell::Whole(row.percentile.into())),
    each("effective_band", BAND, "", |row| word(row.effective_band().as_str_name(), "BAND_")),
    each("computed_band", BAND, "", |row| word(row.computed_band().as_str_name(), "BAND_")),
    each("composite", Kind::Whole, MILLI, |row| Cell::Whole(row.composite.into())),
    each("threat", Kind::Whole, MILLI, |row| Cell::Whole(row.threat.into())),
    each("risk", Kind::Whole, MILLI, |row| Cell::Whole(row.risk.into())),
    each("harm", Kind::Whole, MILLI, |row| Cell::Whole(row.harm.into())),
    each("provisional", Kind::Truth, "", |row| Cell::Truth(row.provisional)),
    each("overridden", Kind::Truth, "", |row| Cell::Truth(row.overridden)),
    each("child", Kind::Truth, "", |row| Cell::Truth(row.child)),
    maybe("outstanding_since", Kind::Date, "not outstanding", |row| date(&row.outstanding_since)),
    maybe(
        "cohort_status",
        Kind::Word { of: "steelyard.v1.CohortStatus", prefix: "COHORT_STATUS_" },
        "not managed",
        |row| word(row.cohort_status().as_str_name(), "COHORT_STATUS_"),
    ),
    maybe("rag", Kind::Word { of: "steelyard.v1.Rag", prefix: "RAG_" }, "not managed, or not graded", |row| {
        word(row.rag().as_str_name(), "RAG_")
    }),
    maybe("custody", Kind::Word { of: "steelyard.v1.CustodyState", prefix: "CUSTODY_STATE_" }, "not stated", |row| {
        word(row.custody().as_str_name(), "CUSTODY_STATE_")
    }),
    maybe(
        "circulation",
        Kind::Word { of: "steelyard.v1.Circulation", prefix: "CIRCULATION_" },
        "not outstanding, or not stated",
        |row| word(row.circulation().as_str_name(), "CIRCULATION_"),
    ),
    shared("as_of", Kind::Date, |part| Cell::Date(&part.context.as_of)),
    shared("revision", Kind::Whole, |part| Cell::Whole(part.context.revision)),
    shared("generation", Kind::Whole, |part| Cell::Whole(part.context.generation)),
    shared("policy_version", Kind::Text, |part| Cell::Text(&part.context.policy_version)),
    shared("stale", Kind::Truth, |part| Cell::Truth(part.context.stale)),
];

const fn each(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    take: for<'a> fn(&'a pb::Standing) -> Cell<'a>,
) -> Column {
    Column { name, kind, unit, empty: None, take: Take::Row(take), of: "steelyard.v1.Standing" }
}

const fn maybe(
    name: &'static str,
    kind: Kind,
    empty: &'static str,
    take: for<'a> fn(&'a pb::Standing) -> Cell<'a>,
) -> Column {
    Column { empty: Some(empty), ..each(name, kind, "", take) }
}

const fn shared(name: &'static str, kind: Kind, take: for<'a> fn(&'a Part) -> Cell<'a>) -> Column {
    Column { name, kind, unit: "", empty: None, take: Take::Part(take), of: "steelyard.v1.ReadContext" }
}

/// A name of an enum without what stands before all of them; nothing for what is not stated.
fn word(name: &'static str, prefix: &str) -> Cell<'static> {
    match ended(name, prefix) {
        "UNSPECIFIED" => Cell::Nothing,
        word => Cell::Word(word),
    }
}

fn date(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Nothing } else { Cell::Date(text) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::http::shape;

    /// A state on 31 March 2026.
    pub(in super::super) fn context() -> pb::ReadContext {
        pb::ReadContext {
            revision: 20_114,
            as_of: "2026-03-31".to_owned(),
            policy_version: "thr-2026.1".to_owned(),
            generation: 4,
            ..Default::default()
        }
    }

    /// Somebody managed and wanted.
    pub(in super::super) fn standing(subject_ref: &str, place: u32) -> pb::Standing {
        pb::Standing {
            subject_ref: subject_ref.to_owned(),
            rank: place,
            position: place,
            filtered_position: place,
            effective_band: pb::Band::VeryHigh.into(),
            computed_band: pb::Band::High.into(),
            composite: 59_960,
            threat: 48_000,
            risk: 61_000,
            harm: 72_000,
            provisional: true,
            overridden: false,
            child: false,
            outstanding_since: "2026-02-10".to_owned(),
            percentile: 9_900,
            cohort_status: pb::CohortStatus::Flex.into(),
            rag: pb::Rag::Amber.into(),
            custody: pb::CustodyState::AtLiberty.into(),
            circulation: pb::Circulation::PncWanted.into(),
            detail: None,
        }
    }

    #[test]
    fn every_field_of_a_row_has_a_column_but_its_detail() {
        let names: BTreeSet<_> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
        let fields = &contract().message("steelyard.v1.Standing").fields;
        let without: Vec<_> = fields.iter().map(|field| &*field.name).filter(|name| !names.contains(name)).collect();
        assert_eq!(without, ["detail"]);
    }

    #[test]
    fn a_column_is_a_field_of_the_contract_of_its_own_kind() {
        for column in COLUMNS {
            assert!(!column.meaning().is_empty(), "{}", column.name);
            let field = contract().message(column.of).field(column.name).unwrap();
            let agrees = match (&column.kind, &field.kind) {
                (Kind::Word { of, prefix }, shape::Kind::Enum(name)) => {
                    let (_, values) = &contract().enums[name];
                    of == name && values.iter().all(|value| value.name.starts_with(prefix))
                }
                (Kind::Text | Kind::Date, shape::Kind::Text)
                | (Kind::Whole, shape::Kind::Whole(0, _))
                | (Kind::Truth, shape::Kind::Bool) => true,
                _ => false,
            };
            assert!(agrees, "{}", column.name);
        }
    }

    #[test]
    fn a_column_takes_what_its_kind_says() {
        let part = Part { list: pb::List::Wanted, context: context(), standings: vec![standing("S-1", 1)] };
        for column in COLUMNS {
            let cell = match column.take {
                Take::Part(take) => take(&part),
                Take::Row(take) => take(&part.standings[0]),
            };
            let agrees = matches!(
                (column.kind, cell),
                (Kind::Text, Cell::Text(_))
                    | (Kind::Word { .. }, Cell::Word(_))
                    | (Kind::Date, Cell::Date(_))
                    | (Kind::Whole, Cell::Whole(_))
                    | (Kind::Truth, Cell::Truth(_))
            );
            assert!(agrees, "{}: {cell:?}", column.name);
            // Whoever stands on no file and in no cohort has only what is never empty.
            let bare = pb::Standing { effective_band: 1, computed_band: 1, ..Default::default() };
            if let Take::Row(take) = column.take {
                assert_eq!(take(&bare) == Cell::Nothing, column.empty.is_some(), "{}", column.name);
            }
        }
    }
}
