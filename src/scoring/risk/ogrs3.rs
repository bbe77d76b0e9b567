//! OGRS3: the general reconviction scale that ARP replaced. Selection rules
//! still quote it, so it is computed and reported; it never enters a score.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use super::two_year::probability;
use crate::domain::offence::{CjsIndex, HoIndex, OffenceCode};
use crate::domain::word::Sex;
use crate::reference::tables;

/// Two-year probabilities at which medium, high and very high begin, as published.
pub const PUBLISHED_BANDS: [f64; 3] = [0.50, 0.75, 0.90];

/// Least age that the instrument was made for.
pub const LEAST_AGE: i32 = 10;

/// A group of current offences, as a place in the published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(usize);

/// What OGRS3 asks about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Sex as recorded.
    pub sex: Sex,
    /// Group of the current offence.
    pub group: Group,
    /// Sanction occasions before the current one.
    pub previous: u32,
    /// Age in completed years at the current sanction less that at the first; below 0 counts as 0.
    pub years_between: i32,
    /// Age in completed years on the day from which the person is at risk, at least 10.
    pub age_at_risk: i32,
}

/// Probabilities of proven reoffending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Within one year.
    pub one_year: f64,
    /// Within two years.
    pub two_year: f64,
}

/// One age band: from an age in years, until the next begins.
#[derive(Clone, Copy, Debug, PartialEq)]
struct AgeBand {
    from: i32,
    part: f64,
}

#[derive(Debug)]
struct Coefficients {
    intercept_one_year: f64,
    intercept_two_year: f64,
    copas: f64,
    no_previous: f64,
    previous: f64,
    previous_most: u32,
    at_risk_male: Vec<AgeBand>,
    at_risk_female: Vec<AgeBand>,
    groups: Vec<(String, f64)>,
}

/// The table as published.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    intercept_one_year: f64,
    intercept_two_year: f64,
    copas: f64,
    no_previous_sanction: f64,
    previous_sanctions: f64,
    previous_sanctions_cap: u32,
    age_at_risk_male: BTreeMap<String, f64>,
    age_at_risk_female: BTreeMap<String, f64>,
    current_offence: serde_json::Map<String, serde_json::Value>,
}

/// Years added to the gap in the Copas rate.
const COPAS_BOOST: f64 = 10.0;

fn coefficients() -> &'static Coefficients {
    static PUBLISHED: LazyLock<Coefficients> = LazyLock::new(|| {
        let table: Table = serde_json::from_str(crate::reference::OGRS3)
            .expect("the published OGRS3 must be the JSON that the build verified");
        let groups = table.current_offence.into_iter();
        Coefficients {
            intercept_one_year: table.intercept_one_year,
            intercept_two_year: table.intercept_two_year,
            copas: table.copas,
            no_previous: table.no_previous_sanction,
            previous: table.previous_sanctions,
            previous_most: table.previous_sanctions_cap,
            at_risk_male: age_bands(&table.age_at_risk_male),
            at_risk_female: age_bands(&table.age_at_risk_female),
            groups: groups.map(|(name, part)| (name, part.as_f64().expect("a coefficient must be a number"))).collect(),
        }
    });
    &PUBLISHED
}

/// Reads keys such as `10-11` and `50+`; the last band has no end.
fn age_bands(published: &BTreeMap<String, f64>) -> Vec<AgeBand> {
    let from = |key: &str| key.split(['-', '+']).next().and_then(|age| age.parse().ok());
    let bands = published
        .iter()
        .map(|(key, part)| AgeBand { from: from(key).expect("an age band must begin with an age"), part: *part });
    let mut bands: Vec<_> = bands.collect();
    bands.sort_by_key(|band| band.from);
    bands
}

impl Group {
    /// The group of that name in the published table.
    pub fn named(name: &str) -> Option<Self> {
        coefficients().groups.iter().position(|(group, _)| group == name).map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        &coefficients().groups[self.0].0
    }

    /// Names of all groups, as published.
    pub fn names() -> impl Iterator<Item = &'static str> {
        coefficients().groups.iter().map(|(name, _)| &**name)
    }

    /// The group of an offence record: by its Home Office code, else by that of its CJS code.
    /// `None` for the few codes that the published groups leave out.
    pub fn of(code: OffenceCode) -> Option<Self> {
        static BY_CODE: LazyLock<ByCode> = LazyLock::new(ByCode::read);
        let by_ho = code.ho.and_then(|ho| BY_CODE.ho.get(&ho));
        by_ho.or_else(|| code.cjs.and_then(|cjs| BY_CODE.cjs.get(&cjs))).copied()
    }
}

struct ByCode {
    ho: HashMap<HoIndex, Group>,
    cjs: HashMap<CjsIndex, Group>,
}

impl ByCode {
    fn read() -> Self {
        let groups = published_groups();
        let ho = groups.iter().filter_map(|(code, group)| Some((tables().ho(code)?, *group))).collect();
        let listed = tables().cjs_offences().filter(|(_, offence)| offence.listed);
        let cjs = listed
            .filter_map(|(place, offence)| Some((place, *groups.get(tables().ho_offence(offence.ho).code)?)))
            .collect();
        Self { ho, cjs }
    }
}

/// Groups by Home Office code.
fn published_groups() -> HashMap<String, Group> {
    csv::Reader::from_reader(crate::reference::OGRS3_OFFENCE_GROUPS.as_bytes())
        .into_records()
        .map(|row| {
            let row = row.expect("the OGRS3 groups must be the CSV that the build verified");
            (row[0].to_owned(), Group::named(&row[1]).expect("every group must have a coefficient"))
        })
        .collect()
}

/// The answer of OGRS3. `None` below the age of 10.
pub fn assess(facts: &Facts) -> Option<Answer> {
    let published = coefficients();
    let bands = match facts.sex {
        Sex::Female => &published.at_risk_female,
        Sex::Male => &published.at_risk_male,
    };
    let at_risk = bands.iter().rev().find(|band| band.from <= facts.age_at_risk)?.part;
    let previous = facts.previous.min(published.previous_most);
    let rate = libm::log(f64::from(1 + previous) / (COPAS_BOOST + f64::from(facts.years_between.max(0))));
    let history = if previous == 0 { published.no_previous } else { published.previous };
    let logit = published.copas * rate + history + at_risk + published.groups[facts.group.0].1;
    Some(Answer {
        one_year: probability(published.intercept_one_year + logit),
        two_year: probability(published.intercept_two_year + logit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(previous: u32, age_at_risk: i32) -> Facts {
        let group = Group::named("Robbery").expect("must be published");
        Facts { sex: Sex::Male, group, previous, years_between: 3, age_at_risk }
    }

    #[test]
    fn previous_sanctions_count_as_at_most_50_everywhere() {
        assert_eq!(assess(&facts(50, 30)), assess(&facts(900, 30)));
        assert_ne!(assess(&facts(49, 30)), assess(&facts(50, 30)));
    }

    #[test]
    fn nobody_under_ten_is_assessed_and_fifty_has_no_end() {
        assert_eq!(assess(&facts(1, 9)), None);
        assert_eq!(assess(&facts(1, 50)), assess(&facts(1, 103)));
        assert_ne!(assess(&facts(1, 49)), assess(&facts(1, 50)));
    }

    #[test]
    fn every_home_office_code_in_the_groups_has_one_of_the_20_groups() {
        assert_eq!(Group::names().count(), 20);
        let groups = published_groups();
        assert_eq!(groups.len(), 3028);
        assert_eq!(groups["034/01"].name(), "Robbery");
        assert_eq!(groups["028/03"].name(), "Burglary (domestic)");
    }
}
