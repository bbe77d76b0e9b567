//! Which offences schedule 15 to the Criminal Justice Act 2003 specifies, and
//! which of those are serious: by the published list of offence codes, with what
//! that list is known to mark too much of or too little.

use std::sync::LazyLock;

use crate::domain::offence::{CjsIndex, HoIndex, OffenceCode};
use crate::reference::{CjsOffence, MaxSentence, Tables, tables};

/// Ten years of imprisonment in days: with so much or more a specified offence is a serious one (section 224 of the Act).
const TEN_YEARS: u32 = 3_650;
/// Home Office class of murder, which the list does not mark.
const MURDER: &str = "001";
/// Home Office codes of burglary of which no intent to harm anybody is known. The schedule names burglary with such an intent
/// alone; the list marks all of it.
const PLAIN_BURGLARY: [&str; 4] = ["028/00", "028/03", "030/00", "030/02"];

/// What the schedule says of an offence, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specified {
    /// It does not name it.
    Unnamed,
    /// It names it.
    Named,
    /// It names it, and it carries life or ten years and more. Murder, too.
    Serious,
}

struct Codes {
    cjs: Vec<Specified>,
    ho: Vec<Specified>,
}

impl Specified {
    /// What the schedule says of a code held in a record: of two codes the graver.
    pub fn of(code: OffenceCode) -> Self {
        static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::read(tables()));
        let cjs = code.cjs.map_or(Self::Unnamed, |CjsIndex(place)| CODES.cjs[usize::from(place)]);
        let ho = code.ho.map_or(Self::Unnamed, |HoIndex(place)| CODES.ho[usize::from(place)]);
        cjs.max(ho)
    }

    /// What the list itself says of one of its codes.
    fn listed(tables: &Tables, offence: &CjsOffence) -> Self {
        let described = tables.ho_offence(offence.ho);
        if described.class_code() == MURDER {
            return Self::Serious;
        }
        if offence.specified.is_empty() {
            return Self::Unnamed;
        }
        let grave = match offence.max_sentence {
            Some(MaxSentence::Life) => true,
            Some(MaxSentence::Days(days)) => days >= TEN_YEARS,
            None => false,
        };
        let plain_burglary = PLAIN_BURGLARY.contains(&described.code) && offence.specified == "violent";
        if grave && !plain_burglary { Self::Serious } else { Self::Named }
    }
}

impl Codes {
    fn read(tables: &Tables) -> Self {
        let listed: Vec<Specified> =
            tables.cjs_offences().map(|(_, offence)| Specified::listed(tables, offence)).collect();
        let mut has_serious = vec![false; tables.ho_offences().len()];
        for ((_, offence), listed) in tables.cjs_offences().zip(&listed) {
            has_serious[usize::from(offence.ho.0)] |= *listed == Specified::Serious;
        }
        // The list marks some codes of an offence and not others: one that carries life is what its fellows are.
        let as_its_fellows = |offence: &CjsOffence| {
            offence.max_sentence == Some(MaxSentence::Life)
                && has_serious[usize::from(offence.ho.0)]
                && !tables.ho_offence(offence.ho).is_no_code()
        };
        let cjs: Vec<Specified> = tables
            .cjs_offences()
            .zip(listed)
            .map(|((_, offence), listed)| if as_its_fellows(offence) { Specified::Serious } else { listed })
            .collect();
        Self { ho: Self::most(tables, &cjs), cjs }
    }

    /// A Home Office code alone is what most of the offences recorded under it are.
    fn most(tables: &Tables, cjs: &[Specified]) -> Vec<Specified> {
        let mut counts = vec![[0_u32; 3]; tables.ho_offences().len()];
        for ((_, offence), specified) in tables.cjs_offences().zip(cjs).filter(|((_, offence), _)| offence.is_offence())
        {
            counts[usize::from(offence.ho.0)][*specified as usize] += 1;
        }
        let most = |[unnamed, named, serious]: [u32; 3]| {
            if serious > unnamed + named {
                Specified::Serious
            } else if serious + named > unnamed {
                Specified::Named
            } else {
                Specified::Unnamed
            }
        };
        let of = |code: &str, counts| if code.starts_with(MURDER) { Specified::Serious } else { most(counts) };
        tables.ho_offences().zip(counts).map(|((_, offence), counts)| of(offence.code, counts)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cjs(code: &str) -> Specified {
        Specified::of(OffenceCode { cjs: Some(tables().cjs(code).expect("must be a CJS code")), ho: None })
    }

    fn ho(code: &str) -> Specified {
        Specified::of(OffenceCode { cjs: None, ho: Some(tables().ho(code).expect("must be a Home Office code")) })
    }

    #[test]
    fn the_gravest_are_serious_by_either_code() {
        for code in ["COML025", "COML025A", "SX03001", "OF61016", "TH68023", "CD71016", "TH68030"] {
            assert_eq!(cjs(code), Specified::Serious, "{code}");
        }
        for code in ["001/01", "005/01", "019/08", "034/01"] {
            assert_eq!(ho(code), Specified::Serious, "{code}");
        }
    }

    #[test]
    fn an_offence_of_less_than_ten_years_is_named_and_not_serious() {
        for code in ["OF61102", "OF61131"] {
            assert_eq!(cjs(code), Specified::Named, "{code}");
        }
        assert_eq!(ho("008/06"), Specified::Named);
    }

    #[test]
    fn a_burglary_without_intent_to_harm_is_not_serious() {
        assert_eq!(cjs("TH68036"), Specified::Named);
        assert!(ho("028/03") < Specified::Serious && ho("030/02") < Specified::Serious);
        assert_eq!(cjs("TH68038"), Specified::Serious, "with grievous bodily harm");
    }

    #[test]
    fn theft_is_not_named_and_no_code_is_nothing() {
        assert_eq!(
            (cjs("TH68010"), ho("046/00"), ho("000/00")),
            (Specified::Unnamed, Specified::Unnamed, Specified::Unnamed)
        );
    }

    #[test]
    fn the_graver_of_two_codes_counts() {
        let (theft, murder) = (tables().cjs("TH68010"), tables().ho("001/01"));
        assert_eq!(Specified::of(OffenceCode { cjs: theft, ho: murder }), Specified::Serious);
    }
}
