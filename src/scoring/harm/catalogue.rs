//! Every offence code, classified once under one policy, so that weighing asks
//! an array.

use super::resolve::{Basis, Resolved, Resolver};
use super::table::HarmTable;
use super::{Classified, HarmStep};
use crate::domain::dossier::OffenceView;
use crate::domain::offence::{Category, CjsIndex, HoIndex, OffenceCode};
use crate::domain::word::{OffenceGroup, Outcome};
use crate::policy::Policy;
use crate::reference::Tables;

/// Every offence code, classified under one policy, with what else of harm follows from the policy alone.
#[derive(Debug)]
pub struct Catalogue {
    cjs: Vec<Classified>,
    ho: Vec<Classified>,
    /// Proof by outcome, in the order of [`Outcome::ALL`].
    proof: Vec<f64>,
    /// Proof of a domestic or sexual case ended for evidential difficulty, when switched on.
    evidential_difficulty: Option<f64>,
    /// Median harm days by category, in the order of [`Category::ALL`].
    medians: Vec<f64>,
    median_of_all: f64,
    scale_days: f64,
    /// ln(1 + full / scale): the logarithm at which H is full.
    full: f64,
}

impl Catalogue {
    /// Classifies every code of the tables under a policy.
    pub fn new(tables: &Tables, policy: &Policy) -> Self {
        let resolver = Resolver::new(tables, policy);
        let harm = &policy.harm;
        // A Home Office code alone is recordable where any offence recorded under it is.
        let mut recordable = vec![false; tables.ho_offences().len()];
        for (_, offence) in tables.cjs_offences().filter(|(_, offence)| offence.is_offence()) {
            recordable[usize::from(offence.ho.0)] |= offence.recordable;
        }
        Self {
            cjs: tables
                .cjs_offences()
                .map(|(place, offence)| {
                    let described = described_by(tables, &resolver, place);
                    classified(tables, described, &resolver.cjs(place), offence.recordable)
                })
                .collect(),
            ho: tables
                .ho_offences()
                .zip(recordable)
                .map(|((place, _), recordable)| classified(tables, place, &resolver.ho(place), recordable))
                .collect(),
            proof: Outcome::ALL.iter().map(|outcome| harm.proof.get(outcome).copied().unwrap_or(0.0)).collect(),
            evidential_difficulty: harm.evidential_difficulty,
            medians: Category::ALL.iter().map(|category| resolver.median_of_category(Some(*category))).collect(),
            median_of_all: resolver.median_of_category(None),
            scale_days: harm.scale_days,
            full: libm::log(1.0 + harm.full_days / harm.scale_days),
        }
    }

    /// As [`new`](Self::new), with harm days of another table in place of the index's, on the index's scale. Overrides
    /// of the policy are a judgement about the index: they do not apply to a code that the table tells of. A code that
    /// it does not tell of keeps its figure, as an estimate; so do the medians of a history known only in total.
    pub fn with(tables: &Tables, policy: &Policy, table: &HarmTable) -> Self {
        let mut catalogue = Self::new(tables, policy);
        let linked = table.linked(tables, policy);
        for ((place, _), class) in tables.cjs_offences().zip(&mut catalogue.cjs) {
            linked.swap_cjs(place, class);
        }
        for ((place, _), class) in tables.ho_offences().zip(&mut catalogue.ho) {
            linked.swap_ho(place, class);
        }
        catalogue
    }

    /// The class of a code held in a record: the CJS code's, or the Home Office code's where there is
    /// none or where it alone has harm days.
    ///
    /// # Panics
    /// On a record without either code: import refuses one.
    #[inline]
    pub fn classify(&self, code: OffenceCode) -> &Classified {
        let by_cjs = code.cjs.map(|cjs| &self.cjs[usize::from(cjs.0)]);
        let by_ho = code.ho.map(|ho| &self.ho[usize::from(ho.0)]);
        match (by_cjs, by_ho) {
            (Some(by_cjs), Some(by_ho)) if by_cjs.step == HarmStep::Unknown && by_ho.step != HarmStep::Unknown => by_ho,
            (Some(by_cjs), _) => by_cjs,
            (None, Some(by_ho)) => by_ho,
            (None, None) => unreachable!("a record must name an offence code"),
        }
    }

    /// How far a case is proved, 0 to 1, by the policy's table of outcomes and its switch for domestic and
    /// sexual cases that ended for evidential difficulty.
    #[inline]
    pub fn proof(&self, offence: &OffenceView<'_>, class: &Classified) -> f64 {
        match self.evidential_difficulty {
            Some(kept)
                if offence.outcome == Outcome::EvidentialDifficulty && (offence.domestic_abuse || class.sexual) =>
            {
                kept
            }
            Some(_) | None => self.proof[offence.outcome as usize],
        }
    }

    /// Median harm days of a category's index rows; of all rows where it has none.
    pub(super) fn median_of_category(&self, category: Option<Category>) -> f64 {
        category.map_or(self.median_of_all, |category| self.medians[category as usize])
    }

    /// H in points, before rounding, of so many decayed harm days.
    pub(super) fn points(&self, days: f64) -> f64 {
        100.0 * (libm::log(1.0 + days / self.scale_days) / self.full).min(1.0)
    }
}

/// The Home Office code that describes a CJS code: its own; where that has no category, that of the index
/// rows naming it, or its stem's. Many codes of attempts carry `000/00` and are what their stem is.
fn described_by(tables: &Tables, resolver: &Resolver<'_>, code: CjsIndex) -> HoIndex {
    let of_rows = |code| resolver.rows(Basis::NamingCjs(code)).first().map(|row| tables.row(*row).ho);
    let own = tables.cjs_offence(code).ho;
    let stem = resolver.stem_of(code);
    [Some(own), of_rows(code), stem.map(|stem| tables.cjs_offence(stem).ho), stem.and_then(of_rows)]
        .into_iter()
        .flatten()
        .find(|ho| tables.category(*ho).is_some())
        .unwrap_or(own)
}

fn classified(tables: &Tables, described: HoIndex, harm: &Resolved, recordable: bool) -> Classified {
    let offence = tables.ho_offence(described);
    let category = tables.category(described);
    let group = offence.group;
    let burglary_or_robbery = matches!(group, Some(OffenceGroup::Burglary | OffenceGroup::Robbery));
    Classified {
        days: harm.days,
        low: harm.low,
        high: harm.high,
        step: harm.step,
        estimated: harm.estimated,
        category,
        group,
        violent_sanction: offence.violent_sanction,
        violent: group == Some(OffenceGroup::ViolenceAgainstThePerson)
            || category == Some(Category::AcquisitiveViolence),
        sexual: matches!(category, Some(Category::SexualAgainstChild | Category::SexualNotAgainstChild)),
        domestic_burglary: category == Some(Category::BurglaryDomestic),
        neighbourhood: burglary_or_robbery
            || category == Some(Category::VehicleRelatedTheft)
            || offence.class_code() == "039",
        offence: harm.step != HarmStep::NotAnOffence,
        recordable,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "known answers are exact")]

    use super::*;
    use crate::reference::tables;

    fn catalogue() -> Catalogue {
        Catalogue::new(tables(), &Policy::reference())
    }

    fn cjs(code: &str) -> OffenceCode {
        OffenceCode { cjs: Some(tables().cjs(code).expect("must be a CJS code")), ho: None }
    }

    fn ho(code: &str) -> OffenceCode {
        OffenceCode { cjs: None, ho: Some(tables().ho(code).expect("must be a Home Office code")) }
    }

    #[test]
    fn every_code_is_classified_as_it_resolves() {
        let (catalogue, policy) = (catalogue(), Policy::reference());
        let resolver = Resolver::new(tables(), &policy);
        for (place, _) in tables().cjs_offences().step_by(7) {
            for ho in [None, tables().ho("001/01"), tables().ho("000/00")] {
                let code = OffenceCode { cjs: Some(place), ho };
                let (class, resolved) = (catalogue.classify(code), resolver.code(code));
                assert_eq!((class.days, class.step, class.high), (resolved.days, resolved.step, resolved.high));
            }
        }
    }

    #[test]
    fn flags_follow_group_category_and_class() {
        let catalogue = catalogue();
        let burglary = catalogue.classify(cjs("TH68036"));
        assert!(burglary.domestic_burglary && burglary.neighbourhood && !burglary.violent && !burglary.sexual);
        let robbery = catalogue.classify(ho("034/01"));
        assert!(robbery.violent && robbery.neighbourhood && robbery.violent_sanction);
        assert!(catalogue.classify(ho("039/00")).neighbourhood, "theft from the person");
        assert!(!catalogue.classify(ho("046/00")).neighbourhood, "shop theft is not neighbourhood crime");
        let damage = catalogue.classify(ho("058/00"));
        assert!(damage.violent_sanction && !damage.violent, "violent for VRP and SVRP, not for threat");
        assert!(catalogue.classify(ho("019/08")).sexual);
    }

    #[test]
    fn what_is_not_an_offence_carries_no_harm() {
        let television = *catalogue().classify(cjs("CA03010"));
        assert_eq!((television.offence, television.days, television.high), (false, 0.0, 0.0));
    }

    #[test]
    fn a_grave_local_code_is_unknown_recordable_and_of_no_group() {
        for code in ["COMLA03", "SX56001"] {
            let local = *catalogue().classify(cjs(code));
            assert_eq!((local.step, local.recordable, local.group), (HarmStep::Unknown, true, None), "{code}");
        }
    }

    #[test]
    fn an_attempt_without_a_home_office_code_is_what_its_stem_is() {
        let catalogue = catalogue();
        let attempts = tables().cjs_offences().filter(|(_, offence)| {
            offence.is_offence() && offence.code.ends_with('A') && tables().ho_offence(offence.ho).is_no_code()
        });
        let mut described = 0;
        for (place, offence) in attempts {
            let stem = tables().cjs(&offence.code[..offence.code.len() - 1]);
            let Some(stem) = stem.filter(|stem| tables().category(tables().cjs_offence(*stem).ho).is_some()) else {
                continue;
            };
            if tables().rows_naming(place).is_empty() {
                let attempt = catalogue.classify(OffenceCode { cjs: Some(place), ho: None });
                let completed = catalogue.classify(OffenceCode { cjs: Some(stem), ho: None });
                assert_eq!(attempt.category, completed.category, "{}", offence.code);
                described += 1;
            }
        }
        assert!(described > 50, "{described}");
    }

    #[test]
    fn a_murder_today_is_full_marks() {
        let catalogue = catalogue();
        assert_eq!(catalogue.points(0.0), 0.0);
        assert_eq!(catalogue.points(5_475.0), 100.0);
        assert_eq!(catalogue.points(9_999.0), 100.0);
        assert!((catalogue.points(10.0) - 22.637).abs() < 0.001, "{}", catalogue.points(10.0));
    }
}
