//! Harm days of one code, in the steps of the method: the policy's override,
//! index rows naming the CJS code, rows of the Home Office code, the stem of an
//! attempt, aid or conspiracy, an estimate, and last the mode of trial.
//!
//! [`super::Catalogue`] asks this once for every code; the offence command asks
//! it to show where a figure comes from.

use std::cell::RefCell;

use hashbrown::HashMap;

use super::HarmStep;
use crate::domain::offence::{Category, CjsIndex, HoIndex, OffenceCode};
use crate::policy::Policy;
use crate::reference::{Mode, RowIndex, Tables};

/// Titles of index rows that stand aside while others remain: they are variants of the offence, or of several.
const ASIDE: [&str; 4] = ["Attempted", "Assault Police", "Distraction", "Multiple Undefined"];

/// What a figure rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The policy's override of this CJS code.
    OverrideOfCjs(CjsIndex),
    /// The policy's override of this Home Office code.
    OverrideOfHo(HoIndex),
    /// The policy's override of the class of this Home Office code.
    OverrideOfClass(HoIndex),
    /// Index rows naming this CJS code.
    NamingCjs(CjsIndex),
    /// Index rows of this Home Office code.
    OfHo(HoIndex),
    /// Index rows of this class and category.
    ClassAndCategory(&'static str, Category),
    /// Index rows of this class.
    Class(&'static str),
    /// Index rows of this category.
    Category(Category),
    /// Index rows of this mode of trial; all rows where there is none.
    Mode(Option<Mode>),
    /// Not an offence: no rows.
    NotAnOffence,
}

/// Harm days of one code and where they come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolved {
    /// Harm days.
    pub days: f64,
    /// Least harm days of the rows used, where the figure is an estimate or unknown; else `days`.
    pub low: f64,
    /// Greatest harm days of the rows used, where the figure is an estimate or unknown; else `days`.
    pub high: f64,
    /// The step.
    pub step: HarmStep,
    /// What the figure rests on.
    pub basis: Basis,
    /// The code whose value this is, for [`HarmStep::Stem`].
    pub stem: Option<CjsIndex>,
    /// An estimate or unknown, a stem's estimate included: such a figure triggers no floor.
    pub estimated: bool,
}

/// Median, least and greatest days of some rows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figures {
    median: f64,
    least: f64,
    greatest: f64,
}

/// Answers for every code under one policy and one set of tables.
pub struct Resolver<'a> {
    tables: &'a Tables,
    policy: &'a Policy,
    rows_by_class: HashMap<&'static str, Vec<RowIndex>>,
    rows_by_category: HashMap<Category, Vec<RowIndex>>,
    figures: RefCell<HashMap<Basis, Option<Figures>>>,
}

impl<'a> Resolver<'a> {
    /// Answers under a policy.
    pub fn new(tables: &'a Tables, policy: &'a Policy) -> Self {
        let mut rows_by_class: HashMap<_, Vec<RowIndex>> = HashMap::new();
        let mut rows_by_category: HashMap<_, Vec<RowIndex>> = HashMap::new();
        for (place, row) in tables.rows() {
            rows_by_class.entry(tables.ho_offence(row.ho).class_code()).or_default().push(place);
            if let Some(category) = tables.category(row.ho) {
                rows_by_category.entry(category).or_default().push(place);
            }
        }
        Self { tables, policy, rows_by_class, rows_by_category, figures: RefCell::default() }
    }

    /// Harm days of a code as a record holds it. The CJS code decides; where it ends at the last step
    /// (a local code without a Home Office code of its own) and the record gives a Home Office code
    /// that does not, that one's steps are used.
    pub fn code(&self, code: OffenceCode) -> Resolved {
        let by_ho = code.ho.map(|ho| self.ho(ho));
        match code.cjs.map(|cjs| self.cjs(cjs)) {
            Some(by_cjs) if by_cjs.step == HarmStep::Unknown => {
                by_ho.filter(|by_ho| by_ho.step != HarmStep::Unknown).unwrap_or(by_cjs)
            }
            Some(by_cjs) => by_cjs,
            None => by_ho.unwrap_or_else(|| self.unknown(None)),
        }
    }

    /// Harm days of a CJS code.
    pub fn cjs(&self, code: CjsIndex) -> Resolved {
        let offence = self.tables.cjs_offence(code);
        if !offence.is_offence() {
            return Resolved {
                days: 0.0,
                low: 0.0,
                high: 0.0,
                step: HarmStep::NotAnOffence,
                basis: Basis::NotAnOffence,
                stem: None,
                estimated: false,
            };
        }
        self.own(code)
            .or_else(|| self.of_stem(code))
            .or_else(|| self.estimate(offence.ho))
            .unwrap_or_else(|| self.unknown(offence.mode))
    }

    /// Harm days of a Home Office code without a CJS code. Its mode of trial is not known.
    pub fn ho(&self, code: HoIndex) -> Resolved {
        self.override_of_ho(code)
            .or_else(|| self.known(HarmStep::IndexByHo, Basis::OfHo(code)))
            .or_else(|| self.estimate(code))
            .unwrap_or_else(|| self.unknown(None))
    }

    /// Index rows that a figure rests on.
    pub fn rows(&self, basis: Basis) -> Vec<RowIndex> {
        let rows = match basis {
            Basis::OverrideOfCjs(_) | Basis::OverrideOfHo(_) | Basis::OverrideOfClass(_) | Basis::NotAnOffence => {
                Vec::new()
            }
            Basis::NamingCjs(code) => {
                let rows = self.tables.rows_naming(code);
                let own = self.tables.cjs_offence(code).ho;
                let of_own: Vec<RowIndex> =
                    rows.iter().copied().filter(|row| self.tables.row(*row).ho == own).collect();
                if of_own.is_empty() { rows.to_vec() } else { of_own }
            }
            Basis::OfHo(code) => self.tables.rows_of(code).to_vec(),
            Basis::ClassAndCategory(class, category) => {
                let mut rows = self.rows_by_class.get(class).cloned().unwrap_or_default();
                rows.retain(|row| self.tables.category(self.tables.row(*row).ho) == Some(category));
                rows
            }
            Basis::Class(class) => self.rows_by_class.get(class).cloned().unwrap_or_default(),
            Basis::Category(category) => self.rows_by_category.get(&category).cloned().unwrap_or_default(),
            Basis::Mode(Some(mode)) => {
                let has_mode = |code: &CjsIndex| self.tables.cjs_offence(*code).mode == Some(mode);
                self.tables.rows().filter(|(_, row)| row.cjs.iter().any(has_mode)).map(|(place, _)| place).collect()
            }
            Basis::Mode(None) => self.tables.rows().map(|(place, _)| place).collect(),
        };
        let stands_aside = |row: &RowIndex| ASIDE.iter().any(|title| self.tables.row(*row).title.starts_with(title));
        if rows.iter().all(stands_aside) { rows } else { rows.into_iter().filter(|row| !stands_aside(row)).collect() }
    }

    /// Median days of the rows of a category, of all rows where it has none.
    pub fn median_of_category(&self, category: Option<Category>) -> f64 {
        category
            .and_then(|category| self.figures(Basis::Category(category)))
            .or_else(|| self.figures(Basis::Mode(None)))
            .map_or(0.0, |figures| figures.median)
    }

    /// Steps 0 to 2.
    fn own(&self, code: CjsIndex) -> Option<Resolved> {
        let offence = self.tables.cjs_offence(code);
        self.override_as(offence.code, Basis::OverrideOfCjs(code))
            .or_else(|| self.override_of_ho(offence.ho))
            .or_else(|| self.known(HarmStep::IndexByCjs, Basis::NamingCjs(code)))
            .or_else(|| self.known(HarmStep::IndexByHo, Basis::OfHo(offence.ho)))
    }

    /// Step 3. A stem that is not an offence, or that the tables tell nothing of, gives nothing.
    fn of_stem(&self, code: CjsIndex) -> Option<Resolved> {
        let stem = self.stem_of(code)?;
        let offence = self.tables.cjs_offence(stem);
        let value = if offence.is_offence() { self.own(stem).or_else(|| self.estimate(offence.ho)) } else { None };
        value.map(|value| Resolved { step: HarmStep::Stem, stem: Some(stem), ..value })
    }

    /// The code of the completed offence, where a code ends in A (attempt), B (aid) or C (conspiracy).
    pub(super) fn stem_of(&self, code: CjsIndex) -> Option<CjsIndex> {
        let code = self.tables.cjs_offence(code).code;
        self.tables.cjs(code.strip_suffix(['A', 'B', 'C'])?)
    }

    fn override_of_ho(&self, code: HoIndex) -> Option<Resolved> {
        let offence = self.tables.ho_offence(code);
        self.override_as(offence.code, Basis::OverrideOfHo(code))
            .or_else(|| self.override_as(offence.class_code(), Basis::OverrideOfClass(code)))
    }

    fn override_as(&self, key: &str, basis: Basis) -> Option<Resolved> {
        let days = self.policy.harm.overrides.get(key)?.days;
        Some(Resolved { days, low: days, high: days, step: HarmStep::Override, basis, stem: None, estimated: false })
    }

    /// Steps 1 and 2: the index's own figure.
    fn known(&self, step: HarmStep, basis: Basis) -> Option<Resolved> {
        let days = self.figures(basis)?.median;
        Some(Resolved { days, low: days, high: days, step, basis, stem: None, estimated: false })
    }

    /// Step 4. Nothing for what stands for no code, and for the category UNKNOWN.
    fn estimate(&self, code: HoIndex) -> Option<Resolved> {
        let offence = self.tables.ho_offence(code);
        if offence.is_no_code() || offence.category == Some(Category::Unknown) {
            return None;
        }
        let class = offence.class_code();
        let most = self.policy.harm.category_estimate_most_days;
        let by = |basis| self.figures(basis).map(|figures| (basis, figures));
        let (basis, figures) = offence
            .category
            .and_then(|category| by(Basis::ClassAndCategory(class, category)))
            .or_else(|| by(Basis::Class(class)))
            .or_else(|| {
                let (basis, figures) = by(Basis::Category(offence.category?))?;
                let median = figures.median.min(most);
                Some((basis, Figures { median, least: figures.least.min(median), ..figures }))
            })?;
        Some(Resolved {
            days: figures.median,
            low: figures.least,
            high: figures.greatest,
            step: HarmStep::Estimate,
            basis,
            stem: None,
            estimated: true,
        })
    }

    /// Step 5. Grave crimes hide among such codes, so the interval is wide.
    fn unknown(&self, mode: Option<Mode>) -> Resolved {
        let (basis, figures) = [Basis::Mode(mode), Basis::Mode(None)]
            .into_iter()
            .find_map(|basis| self.figures(basis).map(|figures| (basis, figures)))
            .expect("the harm index must have rows");
        Resolved {
            days: figures.median,
            low: 0.0,
            high: figures.greatest,
            step: HarmStep::Unknown,
            basis,
            stem: None,
            estimated: true,
        }
    }

    fn figures(&self, basis: Basis) -> Option<Figures> {
        if let Some(figures) = self.figures.borrow().get(&basis) {
            return *figures;
        }
        let mut days: Vec<f64> = self.rows(basis).into_iter().map(|row| self.tables.row(row).days).collect();
        days.sort_by(f64::total_cmp);
        let figures = days.first().zip(days.last()).map(|(least, greatest)| {
            let middle = days.len() / 2;
            let median = if days.len() % 2 == 1 { days[middle] } else { f64::midpoint(days[middle - 1], days[middle]) };
            Figures { median, least: *least, greatest: *greatest }
        });
        self.figures.borrow_mut().insert(basis, figures);
        figures
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "known answers are exact")]

    use super::*;
    use crate::reference::tables;

    fn cjs(code: &str) -> Resolved {
        let policy = Policy::reference();
        Resolver::new(tables(), &policy).cjs(tables().cjs(code).expect("must be a CJS code"))
    }

    fn ho(code: &str) -> Resolved {
        let policy = Policy::reference();
        Resolver::new(tables(), &policy).ho(tables().ho(code).expect("must be a Home Office code"))
    }

    /// An independent count of the method's steps over the code list came to these numbers.
    #[test]
    fn every_listed_code_is_served_by_the_step_the_method_counts() {
        let policy = Policy::reference();
        let resolver = Resolver::new(tables(), &policy);
        let mut served = [0_usize; 7];
        for (place, _) in tables().cjs_offences().filter(|(_, offence)| offence.listed) {
            served[match resolver.cjs(place).step {
                HarmStep::Override | HarmStep::OtherTable => 0,
                HarmStep::IndexByCjs => 1,
                HarmStep::IndexByHo => 2,
                HarmStep::Stem => 3,
                HarmStep::Estimate => 4,
                HarmStep::Unknown => 5,
                HarmStep::NotAnOffence => 6,
            }] += 1;
        }
        let [set, by_cjs, by_ho, stems, estimates, unknown, none] = served;
        println!(
            "{set} override, {by_cjs} index by CJS code, {by_ho} by Home Office code, {stems} stems, \
             {estimates} estimates, {unknown} unknown, {none} not offences"
        );
        assert_eq!(served, [30, 1_689, 2_794, 405, 8_099, 15_104, 2_235]);
    }

    #[test]
    fn the_figures_of_the_method_are_met() {
        for (code, days, step) in [
            ("OF61102", 10.0, HarmStep::IndexByCjs),
            ("OF61017", 1_460.0, HarmStep::IndexByCjs),
            ("COML025", 5_475.0, HarmStep::IndexByCjs),
            ("SC15005", 365.0, HarmStep::Override),
            ("TH68036", 19.0, HarmStep::Override),
            ("MD71132", 547.5, HarmStep::Override),
            ("TH68030", 730.0, HarmStep::Override),
            ("SX03201", 1_460.0, HarmStep::Override),
            ("DA21001", 2.0, HarmStep::Override),
            ("CA03010", 0.0, HarmStep::NotAnOffence),
        ] {
            let found = cjs(code);
            assert_eq!((found.days, found.low, found.high, found.step), (days, days, days, step), "{code}");
            assert!(!found.estimated, "{code}");
        }
        for (code, days) in
            [("008/06", 10.0), ("005/01", 1_460.0), ("034/01", 365.0), ("008/77", 365.0), ("083/01", 1.0)]
        {
            assert_eq!(ho(code).days, days, "{code}");
        }
    }

    #[test]
    fn the_variants_of_an_offence_stand_aside_unless_there_is_nothing_else() {
        // Section 20: grievous (547.5) and minor (19) wounding remain of eight rows.
        assert_eq!(ho("008/01").days, 283.25);
        let policy = Policy::reference();
        let resolver = Resolver::new(tables(), &policy);
        for (place, _) in tables().cjs_offences() {
            let rows = resolver.rows(Basis::NamingCjs(place));
            assert_eq!(rows.is_empty(), tables().rows_naming(place).is_empty());
        }
    }

    #[test]
    fn an_attempt_without_figures_takes_its_stem_s_override_and_estimate() {
        let policy = Policy::reference();
        let resolver = Resolver::new(tables(), &policy);
        let (mut overridden, mut estimated) = (0, 0);
        for (place, _) in tables().cjs_offences() {
            let found = resolver.cjs(place);
            if found.step == HarmStep::Stem {
                let stem = resolver.cjs(found.stem.expect("a stem must be named"));
                assert_eq!((found.days, found.low, found.high), (stem.days, stem.low, stem.high));
                assert_eq!(found.estimated, stem.step == HarmStep::Estimate);
                overridden += usize::from(stem.step == HarmStep::Override);
                estimated += usize::from(found.estimated);
            }
        }
        assert!(overridden > 0 && estimated > 0, "{overridden} {estimated}");
    }

    #[test]
    fn estimates_and_unknowns_tell_how_far_they_may_be_wrong() {
        let murder = cjs("COMLA03");
        assert_eq!((murder.step, murder.low, murder.high), (HarmStep::Unknown, 0.0, 2_920.0));
        assert!(murder.estimated);
        assert_eq!(cjs("SX56001").step, HarmStep::Unknown);
        let policy = Policy::reference();
        let resolver = Resolver::new(tables(), &policy);
        for (place, _) in tables().cjs_offences() {
            let found = resolver.cjs(place);
            assert!(found.low <= found.days && found.days <= found.high);
            if matches!(found.basis, Basis::Category(_)) {
                assert!(found.days <= 100.0);
            }
        }
    }

    #[test]
    fn a_home_office_code_speaks_for_a_local_code_that_says_nothing() {
        let policy = Policy::reference();
        let resolver = Resolver::new(tables(), &policy);
        let code = |cjs: &str, ho: &str| OffenceCode { cjs: tables().cjs(cjs), ho: tables().ho(ho) };
        assert_eq!(resolver.code(code("COMLA03", "001/01")).days, 5_475.0);
        assert_eq!(resolver.code(code("COMLA03", "000/00")).step, HarmStep::Unknown);
        assert_eq!(resolver.code(code("OF61102", "001/01")).days, 10.0, "the CJS code decides");
        assert_eq!(resolver.code(code("CA03010", "001/01")).step, HarmStep::NotAnOffence);
    }
}
