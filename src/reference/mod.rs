//! The published tables, compiled in: offence codes, Home Office classes, the
//! Cambridge Crime Harm Index, and the texts of the probation predictors.
//!
//! Everything a policy weighs by but does not decide stands here, with where it
//! came from in `reference/PROVENANCE.md`. The build refuses a table that
//! differs from its checksum, so a fault in one found while reading is a fault
//! of this module and panics. Nothing here gives a judgement: which harm days a
//! code has is asked of `scoring::harm`.

mod csv;
mod offence;
mod search;

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::domain::offence::{Category, CjsIndex, HoIndex};

pub use offence::{CjsOffence, HarmRow, HoOffence, MaxSentence, Mode, RowIndex};
pub use search::Found;

const CAMBRIDGE_HARM_INDEX: &str = include_str!("../../reference/offences/cambridge_harm_index_2020.csv");
const CJS_OFFENCE_CODES: &str = include_str!("../../reference/offences/cjs_offence_codes.csv");
const HOME_OFFICE_CODES: &str = include_str!("../../reference/offences/home_office_codes.csv");

/// Known answer of the two-year predictors, as published.
pub const PREDICTOR_CASES: &str = include_str!("../../reference/predictors/hmpps_cases.json");
/// Coefficients of ARP, VRP and SVRP, as published.
pub const TWO_YEAR_PREDICTORS: &str = include_str!("../../reference/predictors/hmpps_two_year_predictors.json");
/// Coefficients of OGRS3, as published.
pub const OGRS3: &str = include_str!("../../reference/predictors/ogrs3.json");
/// Known answers of OGRS3.
pub const OGRS3_CASES: &str = include_str!("../../reference/predictors/ogrs3_cases.json");
/// OGRS3 offence group by Home Office code, as CSV.
pub const OGRS3_OFFENCE_GROUPS: &str = include_str!("../../reference/predictors/ogrs3_offence_groups.csv");

/// Every table by its name, in the order of `SHA256SUMS`.
const FILES: [(&str, &str); 8] = [
    ("offences/cambridge_harm_index_2020.csv", CAMBRIDGE_HARM_INDEX),
    ("offences/cjs_offence_codes.csv", CJS_OFFENCE_CODES),
    ("offences/home_office_codes.csv", HOME_OFFICE_CODES),
    ("predictors/hmpps_cases.json", PREDICTOR_CASES),
    ("predictors/hmpps_two_year_predictors.json", TWO_YEAR_PREDICTORS),
    ("predictors/ogrs3.json", OGRS3),
    ("predictors/ogrs3_cases.json", OGRS3_CASES),
    ("predictors/ogrs3_offence_groups.csv", OGRS3_OFFENCE_GROUPS),
];

/// The tables of offences and harm, read and cross-referenced.
///
/// Places ([`CjsIndex`], [`HoIndex`]) follow the codes' own order and hold for this build of the
/// tables only: what is stored or sent names codes, never places.
#[derive(Debug)]
pub struct Tables {
    cjs: Vec<CjsOffence>,
    ho: Vec<HoOffence>,
    rows: Vec<HarmRow>,
    cjs_places: HashMap<&'static str, CjsIndex>,
    ho_places: HashMap<&'static str, HoIndex>,
    rows_by_cjs: HashMap<CjsIndex, Vec<RowIndex>>,
    rows_by_ho: HashMap<HoIndex, Vec<RowIndex>>,
}

/// The tables compiled into this binary, read once.
pub fn tables() -> &'static Tables {
    static TABLES: LazyLock<Tables> = LazyLock::new(Tables::read);
    &TABLES
}

impl Tables {
    fn read() -> Self {
        let listed_cjs = offence::read_cjs(CJS_OFFENCE_CODES);
        let listed_ho = offence::read_ho(HOME_OFFICE_CODES);
        let index = offence::read_index(CAMBRIDGE_HARM_INDEX);
        offence::join(&listed_cjs, listed_ho, &index)
    }

    /// Place of a CJS code, known to the code list or to the harm index.
    pub fn cjs(&self, code: &str) -> Option<CjsIndex> {
        self.cjs_places.get(code).copied()
    }

    /// Place of a Home Office code `class/sub-class`, known to any of the three tables.
    pub fn ho(&self, code: &str) -> Option<HoIndex> {
        self.ho_places.get(code).copied()
    }

    /// Whether a Home Office class (three characters, such as `083`) is known to any of the three tables.
    pub fn has_class(&self, class: &str) -> bool {
        let from = self.ho.partition_point(|offence| offence.class_code() < class);
        class.len() == 3 && self.ho.get(from).is_some_and(|offence| offence.class_code() == class)
    }

    /// The CJS offence at a place.
    pub fn cjs_offence(&self, place: CjsIndex) -> &CjsOffence {
        &self.cjs[usize::from(place.0)]
    }

    /// The Home Office offence at a place.
    pub fn ho_offence(&self, place: HoIndex) -> &HoOffence {
        &self.ho[usize::from(place.0)]
    }

    /// The harm index row at a place.
    pub fn row(&self, place: RowIndex) -> &HarmRow {
        &self.rows[usize::from(place.0)]
    }

    /// Every CJS code, in order.
    pub fn cjs_offences(&self) -> impl ExactSizeIterator<Item = (CjsIndex, &CjsOffence)> {
        self.cjs.iter().enumerate().map(|(place, offence)| (CjsIndex(offence::place(place)), offence))
    }

    /// Every Home Office code, in order.
    pub fn ho_offences(&self) -> impl ExactSizeIterator<Item = (HoIndex, &HoOffence)> {
        self.ho.iter().enumerate().map(|(place, offence)| (HoIndex(offence::place(place)), offence))
    }

    /// Every row of the harm index, in the order published.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (RowIndex, &HarmRow)> {
        self.rows.iter().enumerate().map(|(place, row)| (RowIndex(offence::place(place)), row))
    }

    /// Harm index rows that name a CJS code.
    pub fn rows_naming(&self, code: CjsIndex) -> &[RowIndex] {
        self.rows_by_cjs.get(&code).map_or(&[], Vec::as_slice)
    }

    /// Harm index rows of a Home Office code.
    pub fn rows_of(&self, code: HoIndex) -> &[RowIndex] {
        self.rows_by_ho.get(&code).map_or(&[], Vec::as_slice)
    }

    /// The actuarial category of a Home Office code; `None` for UNKNOWN or none.
    pub fn category(&self, code: HoIndex) -> Option<Category> {
        self.ho_offence(code).category.filter(|category| *category != Category::Unknown)
    }

    /// BLAKE3 over every table, in the order of `SHA256SUMS`, each after its name and length.
    pub fn digest(&self) -> [u8; 32] {
        static DIGEST: LazyLock<[u8; 32]> = LazyLock::new(|| {
            let mut hasher = blake3::Hasher::new();
            for (name, text) in FILES {
                hasher.update(name.as_bytes());
                hasher.update(&[0]);
                hasher.update(&u64::try_from(text.len()).expect("a table must fit in 64 bits").to_le_bytes());
                hasher.update(text.as_bytes());
            }
            *hasher.finalize().as_bytes()
        });
        *DIGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_row_is_read() {
        let tables = tables();
        assert_eq!(tables.cjs_offences().filter(|(_, offence)| offence.listed).count(), 30_356);
        assert_eq!(tables.cjs_offences().len(), 30_362, "six codes are named by the harm index alone");
        assert_eq!(tables.ho_offences().filter(|(_, offence)| offence.listed).count(), 3_039);
        assert_eq!(tables.rows().len(), 698);
        assert!(tables.cjs_offences().all(|(place, offence)| tables.cjs(offence.code) == Some(place)));
        assert!(tables.ho_offences().all(|(place, offence)| tables.ho(offence.code) == Some(place)));
    }

    #[test]
    fn a_code_tells_what_the_list_tells() {
        let tables = tables();
        let theft = tables.cjs_offence(tables.cjs("TH68010").expect("must be listed"));
        assert_eq!(theft.title, "Theft from a shop");
        assert_eq!(tables.ho_offence(theft.ho).code, "046/00");
        assert_eq!((theft.mode, theft.recordable, theft.notifiable), (Some(Mode::EitherWay), true, true));
        assert_eq!(theft.max_sentence, Some(MaxSentence::Days(2555)));
        let murder = tables.cjs_offence(tables.cjs("COML025").expect("must be listed"));
        assert_eq!(murder.max_sentence, Some(MaxSentence::Life));
        let television = tables.cjs_offence(tables.cjs("CA03010").expect("must be listed"));
        assert_eq!((television.category, television.mode), ("B7", None));
    }

    #[test]
    fn quoted_titles_lose_their_quotes_and_keep_their_commas() {
        let tables = tables();
        let code = tables.cjs("0101AA001").expect("must be listed");
        assert!(tables.cjs_offence(code).title.starts_with("Issuing an advertisement, list or other document"));
        assert!(tables.cjs_offences().all(|(_, offence)| !offence.title.contains("\"\"")));
    }

    #[test]
    fn codes_that_only_one_table_knows_have_a_place() {
        let tables = tables();
        let only_in_the_index = tables.cjs("PU86134").expect("must be known");
        assert!(!tables.cjs_offence(only_in_the_index).listed);
        assert!(!tables.rows_naming(only_in_the_index).is_empty());
        let only_in_the_list = tables.ho("999/99").expect("must be known");
        assert!(!tables.ho_offence(only_in_the_list).listed);
        assert_eq!(tables.ho("001/9"), None);
        assert!(tables.has_class("083") && !tables.has_class("08") && !tables.has_class("777"));
    }

    #[test]
    fn the_digest_covers_every_table_that_people_are_weighed_by() {
        assert_ne!(tables().digest(), [0; 32]);
        let sums = include_str!("../../reference/SHA256SUMS");
        let named = sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name);
        // Nobody is weighed by what crime costs: it is no part of what a policy rests on.
        let named: Vec<_> = named.filter(|name| !name.starts_with("costs/")).collect();
        assert_eq!(named, FILES.map(|(name, _)| name));
    }
}
