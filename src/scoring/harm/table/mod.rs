//! Tables of harm days other than the index: the longest sentence that the law
//! allows, or a force's own. People are weighed under one to see how far their
//! place rests on the choice of table.
//!
//! A table has a unit of its own, so it is put on the index's scale before
//! anybody is weighed by it: see [`link`]. A code that it does not tell of keeps
//! the figure it has anyway, as an estimate.

mod link;
mod maximum;
mod read;

use hashbrown::HashMap;

use super::resolve::Resolver;
use super::{Classified, HarmStep};
use crate::domain::offence::{CjsIndex, HoIndex};
use crate::policy::Policy;
use crate::reference::Tables;
use link::Link;

pub use link::LEAST_CODES;
pub use maximum::{LIFE_DAYS, MAXIMUM_SENTENCE, maximum_sentence};
pub use read::{TableFault, check_name, read};

/// Name under which the index itself is told beside other tables.
pub const CAMBRIDGE_INDEX: &str = "cambridge_harm_index";

/// Harm days by offence code, in a unit of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct HarmTable {
    name: Box<str>,
    source: Box<str>,
    cjs: HashMap<CjsIndex, Told>,
    ho: HashMap<HoIndex, Told>,
    /// By the three characters of a Home Office class.
    classes: HashMap<Box<str>, Told>,
}

/// What a table tells of a code: `low` and `high` differ from `days` where it stands for several offences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told {
    pub days: f64,
    pub low: f64,
    pub high: f64,
}

impl Told {
    const fn exactly(days: f64) -> Self {
        Self { days, low: days, high: days }
    }

    fn is_exact(self) -> bool {
        self.low >= self.high
    }

    fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self { days: change(self.days), low: change(self.low), high: change(self.high) }
    }
}

impl HarmTable {
    fn new(name: &str, source: &str) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            cjs: HashMap::new(),
            ho: HashMap::new(),
            classes: HashMap::new(),
        }
    }

    /// Its name, by which answers tell it from others.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from, in words.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The table's own figure of a CJS code: of the code, its Home Office code or class, or those of the completed
    /// offence where the code is an attempt's, an aider's or a conspirator's.
    fn of_cjs(&self, tables: &Tables, stem: Option<CjsIndex>, code: CjsIndex) -> Option<Told> {
        let own = |code: CjsIndex| {
            let offence = tables.cjs_offence(code);
            let held = self.cjs.get(&code).copied().or_else(|| self.of_ho(tables, offence.ho));
            held.filter(|_| offence.is_offence())
        };
        own(code).or_else(|| stem.and_then(own))
    }

    /// The table's own figure of a Home Office code. What stands for no code has none.
    fn of_ho(&self, tables: &Tables, code: HoIndex) -> Option<Told> {
        let offence = tables.ho_offence(code);
        let held = self.ho.get(&code).or_else(|| self.classes.get(offence.class_code())).copied();
        held.filter(|_| !offence.is_no_code())
    }

    /// The table on the index's scale, over all codes that both tell of. Neither counts a policy's overrides: they
    /// are a judgement about the index, which is not asked here.
    pub(super) fn linked<'a>(&'a self, tables: &'a Tables, policy: &Policy) -> Linked<'a> {
        let mut bare = policy.clone();
        bare.harm.overrides.clear();
        let index = Resolver::new(tables, &bare);
        let both = tables.cjs_offences().filter_map(|(place, _)| {
            let figure = index.cjs(place);
            let by_index = match figure.step {
                HarmStep::IndexByCjs | HarmStep::IndexByHo => figure.days,
                HarmStep::Override
                | HarmStep::OtherTable
                | HarmStep::Stem
                | HarmStep::Estimate
                | HarmStep::Unknown
                | HarmStep::NotAnOffence => return None,
            };
            let told = self.of_cjs(tables, index.stem_of(place), place)?;
            told.is_exact().then_some((told.days, by_index))
        });
        let link = Link::between(both.collect());
        let stems = tables.cjs_offences().map(|(place, _)| index.stem_of(place)).collect();
        Linked { table: self, tables, stems, link }
    }
}

/// A table on the index's scale.
pub(super) struct Linked<'a> {
    table: &'a HarmTable,
    tables: &'a Tables,
    /// Code of the completed offence, by CJS code.
    stems: Vec<Option<CjsIndex>>,
    /// `None`: too few codes in common, so its days are taken for days of the index.
    link: Option<Link>,
}

impl Linked<'_> {
    /// Classifies a CJS code by the table.
    pub(super) fn swap_cjs(&self, code: CjsIndex, class: &mut Classified) {
        swap(class, self.on_scale(self.table.of_cjs(self.tables, self.stems[usize::from(code.0)], code)));
    }

    /// Classifies a Home Office code by the table.
    pub(super) fn swap_ho(&self, code: HoIndex, class: &mut Classified) {
        swap(class, self.on_scale(self.table.of_ho(self.tables, code)));
    }

    fn on_scale(&self, told: Option<Told>) -> Option<Told> {
        let told = told?;
        Some(self.link.as_ref().map_or(told, |link| told.map(|days| link.index_days(days))))
    }
}

/// Puts a table's figure in place of the one held, or makes an estimate of that.
fn swap(class: &mut Classified, told: Option<Told>) {
    match (told, class.step) {
        // What nobody knows stays unknown: it makes a standing provisional, whatever the table.
        (_, HarmStep::NotAnOffence) | (None, HarmStep::Unknown) => {}
        (Some(told), _) => {
            (class.days, class.low, class.high) = (told.days, told.low, told.high);
            class.step = HarmStep::OtherTable;
            class.estimated = !told.is_exact();
        }
        (
            None,
            HarmStep::Override
            | HarmStep::IndexByCjs
            | HarmStep::IndexByHo
            | HarmStep::OtherTable
            | HarmStep::Stem
            | HarmStep::Estimate,
        ) => {
            class.step = HarmStep::Estimate;
            class.estimated = true;
        }
    }
}

#[cfg(test)]
mod tests;
