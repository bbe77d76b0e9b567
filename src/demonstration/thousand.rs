//! What a thousand people share. People are drawn by the thousand so that rare things are there
//! in a small force too, and so that several of them can stand in one incident or harm one
//! victim, while each person's records still depend on the seed and their own number alone.

use super::career::{Career, Tier};
use super::crimes::{self as c, Crime};
use super::dice::{Dice, Purpose};
use crate::pb::{CohortStatus, OutstandingReason};

/// People drawn together.
pub(super) const SIZE: u32 = 1000;

/// Victims in each thousand who are harmed again and again.
const OFTEN_HARMED: u32 = 25;

/// Incidents in each thousand with several suspects.
const SHARED_INCIDENTS: u32 = 60;

/// Whether and how a person is managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Managed {
    /// Never.
    No,
    /// Now, with this status.
    Now(CohortStatus),
    /// Once, with this status.
    Once(CohortStatus),
}

/// A sentence that the force must hold an example of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// Due within four weeks.
    Soon,
    /// Within the last four weeks.
    Lately,
    /// Years away.
    Far,
    /// On a date that nobody wrote down.
    Unknown,
}

/// What was drawn for one person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lot {
    /// Place by offending among the thousand, 0 the most.
    pub(super) rank: u32,
    pub(super) tier: Tier,
    pub(super) career: Career,
    pub(super) wanted: Option<OutstandingReason>,
    pub(super) managed: Managed,
    pub(super) release: Option<Release>,
    /// Whether an officer shows the person in another band.
    pub(super) overridden: bool,
}

impl Lot {
    /// Whether what was drawn befits adults alone.
    pub(super) fn adult(&self) -> bool {
        self.managed != Managed::No
            || self.release.is_some()
            || self.wanted.is_some_and(|reason| {
                needs_prison(reason)
                    || matches!(
                        reason,
                        OutstandingReason::FineDefaultWarrant
                            | OutstandingReason::ExtraditionWarrant
                            | OutstandingReason::NotificationBreach
                    )
            })
    }
}

/// An incident in which several people are suspects.
#[derive(Clone, Debug)]
pub(super) struct SharedIncident {
    /// Its reference, the same in everyone's records.
    pub(super) reference: String,
    pub(super) crime: &'static Crime,
    /// Days before the day the force is drawn for.
    pub(super) days_ago: i32,
    /// Ranks of the suspects.
    pub(super) suspects: Vec<u32>,
    /// Reference of its victim, whoever the suspect.
    pub(super) victim: String,
    pub(super) vulnerable: bool,
}

/// A victim harmed again and again, by different people.
#[derive(Clone, Debug)]
pub(super) struct OftenHarmed {
    pub(super) reference: String,
    pub(super) vulnerable: bool,
}

/// A thousand people, and what they share.
#[derive(Debug)]
pub(super) struct Thousand {
    number: u32,
    lots: Vec<Lot>,
    incidents: Vec<SharedIncident>,
    often_harmed: Vec<OftenHarmed>,
}

impl Thousand {
    /// The thousand of a number, 0 the first.
    pub(super) fn draw(seed: u64, number: u32) -> Self {
        let mut dice = Dice::new(seed, Purpose::Thousand, u64::from(number));
        let mut by_rank: Vec<Lot> = (0..SIZE).map(|rank| blank(rank, &mut dice)).collect();
        assign_files(&mut by_rank, number, &mut dice);
        assign_releases(&mut by_rank, &mut dice);
        assign_managed(&mut by_rank, number, &mut dice);
        assign_overrides(&mut by_rank, &mut dice);
        let incidents = shared_incidents(&by_rank, number, &mut dice);
        let often_harmed = (0..OFTEN_HARMED)
            .map(|place| OftenHarmed {
                reference: format!("DEMO-V-R{number:04}-{place:02}"),
                vulnerable: dice.chance(450),
            })
            .collect();
        dice.shuffle(&mut by_rank);
        Self { number, lots: by_rank, incidents, often_harmed }
    }

    /// Which thousand this is.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The lot of a place, 0 to 999.
    pub(super) fn lot(&self, place: u32) -> &Lot {
        &self.lots[place as usize]
    }

    /// Incidents in which the person of a rank is one of several suspects.
    pub(super) fn incidents_of(&self, rank: u32) -> impl Iterator<Item = &SharedIncident> {
        self.incidents.iter().filter(move |incident| incident.suspects.contains(&rank))
    }

    /// One of the victims who are harmed again and again; the first of them the most often.
    pub(super) fn often_harmed(&self, dice: &mut Dice) -> &OftenHarmed {
        let last = i32::try_from(OFTEN_HARMED - 1).unwrap_or(0);
        &self.often_harmed[usize::try_from(dice.sooner(0, last)).unwrap_or(0)]
    }
}

fn blank(rank: u32, dice: &mut Dice) -> Lot {
    let tier = Tier::of_rank(rank);
    let career = tier.career(dice);
    Lot { rank, tier, career, wanted: None, managed: Managed::No, release: None, overridden: false }
}

/// Reasons by how often they are met.
static REASONS: [(u32, OutstandingReason); 16] = [
    (26, OutstandingReason::NamedSuspectNotArrested),
    (11, OutstandingReason::FailedToSurrenderPoliceBail),
    (6, OutstandingReason::BreachedPoliceBailConditions),
    (13, OutstandingReason::FailedToSurrenderCourtBail),
    (11, OutstandingReason::CourtWarrantNotBacked),
    (8, OutstandingReason::CourtWarrantBacked),
    (5, OutstandingReason::FineDefaultWarrant),
    (5, OutstandingReason::BreachWarrant),
    (1, OutstandingReason::RecallEmergency),
    (5, OutstandingReason::RecallStandard),
    (3, OutstandingReason::RecallFixedTerm),
    (1, OutstandingReason::Escape),
    (1, OutstandingReason::AbscondFromOpenConditions),
    (1, OutstandingReason::ExtraditionWarrant),
    (6, OutstandingReason::UntracedUnderInvestigation),
    (3, OutstandingReason::NotificationBreach),
];

/// Whether only someone who was in prison can be wanted for it.
pub(super) fn needs_prison(reason: OutstandingReason) -> bool {
    matches!(
        reason,
        OutstandingReason::RecallEmergency
            | OutstandingReason::RecallStandard
            | OutstandingReason::RecallFixedTerm
            | OutstandingReason::Escape
            | OutstandingReason::AbscondFromOpenConditions
    )
}

/// Three files of every reason in the first thousand and some more; some thirty in each other one.
fn assign_files(lots: &mut [Lot], number: u32, dice: &mut Dice) {
    let mut reasons: Vec<OutstandingReason> = Vec::new();
    if number == 0 {
        reasons.extend(REASONS.iter().flat_map(|(_, reason)| [*reason; 3]));
    }
    let more = if number == 0 { 8 } else { 29 };
    reasons.extend((0..more).map(|_| dice.weighted(&REASONS)));
    for reason in reasons {
        place(lots, dice, |lot| {
            lot.wanted.is_none()
                && match reason {
                    OutstandingReason::NotificationBreach => lot.career == Career::SexualOffender,
                    reason if needs_prison(reason) => lot.tier != Tier::OneTime && lot.career != Career::CountyLines,
                    OutstandingReason::FineDefaultWarrant | OutstandingReason::ExtraditionWarrant => {
                        lot.career != Career::CountyLines
                    }
                    _ => true,
                }
        })
        .wanted = Some(reason);
    }
}

fn assign_releases(lots: &mut [Lot], dice: &mut Dice) {
    for release in [Release::Soon, Release::Soon, Release::Lately, Release::Lately, Release::Far, Release::Unknown] {
        place(lots, dice, |lot| {
            lot.release.is_none()
                && lot.wanted.is_none()
                && match lot.tier {
                    Tier::Prolific | Tier::Occasional => lot.career != Career::CountyLines,
                    Tier::OneTime => lot.career == Career::SexualOffender,
                }
        })
        .release = Some(release);
    }
}

/// Mostly the most prolific, some chosen for other reasons than that.
fn assign_managed(lots: &mut [Lot], number: u32, dice: &mut Dice) {
    let count = if number == 0 { 33 } else { 10 };
    for nth in 0..count + count / 5 {
        let last = if dice.chance(820) { 75 } else { 450 };
        let lot = place(&mut lots[..last], dice, |lot| {
            lot.managed == Managed::No
                && !matches!(lot.career, Career::CountyLines | Career::Driver | Career::Fraudster)
        });
        let status = status(lot, dice);
        lot.managed = if nth < count { Managed::Now(status) } else { Managed::Once(status) };
    }
}

/// Neighbourhood crime is fixed or flex; whatever else a panel takes is free.
fn status(lot: &Lot, dice: &mut Dice) -> CohortStatus {
    match lot.career {
        Career::Burglar | Career::Robber | Career::VehicleThief => {
            if lot.tier == Tier::Prolific && dice.chance(850) {
                CohortStatus::Fixed
            } else {
                CohortStatus::Flex
            }
        }
        Career::Shoplifter => {
            dice.weighted(&[(2, CohortStatus::Fixed), (6, CohortStatus::Flex), (2, CohortStatus::Free)])
        }
        Career::DomesticAbuser
        | Career::DrugSupplier
        | Career::CountyLines
        | Career::Violent
        | Career::SexualOffender
        | Career::PublicOrderDrinker
        | Career::Driver
        | Career::Fraudster => CohortStatus::Free,
    }
}

/// One of each three overrides is of someone wanted, one of someone managed.
fn assign_overrides(lots: &mut [Lot], dice: &mut Dice) {
    let rules: [fn(&Lot) -> bool; 3] =
        [|lot| lot.wanted.is_some(), |lot| matches!(lot.managed, Managed::Now(_)), |lot| lot.tier != Tier::OneTime];
    for rule in rules {
        place(lots, dice, |lot| !lot.overridden && lot.release.is_none() && rule(lot)).overridden = true;
    }
}

/// The lot of someone whom a rule allows, drawn at random; the prolific somewhat oftener.
fn place<'a>(lots: &'a mut [Lot], dice: &mut Dice, allowed: impl Fn(&Lot) -> bool) -> &'a mut Lot {
    let end = u32::try_from(lots.len()).expect("a thousand must be counted in 32 bits");
    let start = if dice.chance(350) { dice.below(end.min(120)) } else { dice.below(end) } as usize;
    let found = (start..lots.len()).chain(0..start).find(|rank| allowed(&lots[*rank]));
    &mut lots[found.expect("someone in a thousand must be allowed")]
}

/// Who offends together, at what.
static TOGETHER: [(u32, (Career, &Crime)); 11] = [
    (18, (Career::Burglar, &c::HOUSE_BURGLARY)),
    (8, (Career::Burglar, &c::OTHER_BURGLARY)),
    (12, (Career::VehicleThief, &c::CAR_THEFT)),
    (6, (Career::VehicleThief, &c::CAR_TAKING_AGGRAVATED)),
    (16, (Career::Robber, &c::ROBBERY)),
    (10, (Career::DrugSupplier, &c::COCAINE_SUPPLY)),
    (8, (Career::CountyLines, &c::CRACK_TO_SUPPLY)),
    (8, (Career::Violent, &c::AFFRAY)),
    (6, (Career::Violent, &c::WOUNDING)),
    (12, (Career::Shoplifter, &c::SHOP_THEFT)),
    (4, (Career::Fraudster, &c::FRAUD)),
];

fn shared_incidents(by_rank: &[Lot], number: u32, dice: &mut Dice) -> Vec<SharedIncident> {
    (0..SHARED_INCIDENTS)
        .map(|nth| {
            let (career, crime) = dice.weighted(&TOGETHER);
            let circle: Vec<u32> = by_rank
                .iter()
                .filter(|lot| lot.career == career && lot.tier != Tier::OneTime)
                .map(|lot| lot.rank)
                .collect();
            let several = dice.weighted(&[(6, 2), (3, 3), (1, 4)]);
            let mut suspects: Vec<u32> = Vec::new();
            for _ in 0..several {
                // Those near one another in rank keep company, so that the same names come up together.
                let Some(first) = suspects.first() else {
                    suspects.extend((!circle.is_empty()).then(|| dice.pick(&circle)));
                    continue;
                };
                let near: Vec<u32> = circle
                    .iter()
                    .copied()
                    .filter(|rank| rank.abs_diff(*first) < 90 && !suspects.contains(rank))
                    .collect();
                suspects.extend((!near.is_empty()).then(|| dice.pick(&near)));
            }
            SharedIncident {
                reference: format!("DEMO-CR-J{number:04}-{nth:02}"),
                crime,
                days_ago: dice.sooner(2, 1900),
                suspects,
                victim: format!("DEMO-V-J{number:04}-{nth:02}"),
                vulnerable: dice.chance(120),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_is_dealt_once() {
        let thousand = Thousand::draw(9, 3);
        let mut ranks: Vec<u32> = (0..SIZE).map(|place| thousand.lot(place).rank).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, (0..SIZE).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_thousand_holds_three_files_of_every_reason() {
        for seed in 0..20 {
            let thousand = Thousand::draw(seed, 0);
            for (_, reason) in &REASONS {
                let files = (0..SIZE).filter(|place| thousand.lot(*place).wanted == Some(*reason)).count();
                assert!(files >= 3, "{reason:?}: {files}, seed {seed}");
            }
        }
    }

    #[test]
    fn shared_incidents_have_several_suspects_of_one_career() {
        let thousand = Thousand::draw(4, 1);
        let several = thousand.incidents.iter().filter(|incident| incident.suspects.len() > 1).count();
        assert!(several > 40, "{several}");
        for incident in &thousand.incidents {
            let careers: Vec<_> = thousand
                .lots
                .iter()
                .filter(|lot| incident.suspects.contains(&lot.rank))
                .map(|lot| lot.career)
                .collect();
            assert!(careers.windows(2).all(|pair| pair[0] == pair[1]), "{careers:?}");
        }
    }
}
