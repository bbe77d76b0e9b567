//! Where staff time went: minutes by kind of work, area and band, what they
//! brought, and who carries how much now.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::decisions;
use super::number;
use super::reviews::{among, members};
use crate::access::{Caller, Disclosure};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{Activity, Supervision};
use crate::domain::moment::Moment;
use crate::domain::word::{ActivityKind, Band, CloseOutcome, DecisionKind, Family, List};
use crate::domain::{Date, Revision, SubjectId};
use crate::pb;
use crate::ranking::Standings;
use crate::service::fault::Fault;
use crate::service::group::event_kind;
use crate::service::{Seen, Service, note};
use crate::store::pb::event::Body;
use crate::store::{KeySpan, Store, StoreError};

/// Bands as they were noted of each person, oldest first; none once no file was open.
type Bands = HashMap<SubjectId, Vec<(Moment, Option<Band>)>>;

/// What was spent on one kind of work in one area for people of one band.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    activities: u32,
    minutes: u64,
}

/// What everything came to.
#[derive(Debug, Default)]
struct Sums {
    spent: BTreeMap<(ActivityKind, String, Option<Band>), Spent>,
    outstanding: u64,
    cohort: u64,
    arrests: u32,
}

/// The days asked for, and the areas.
struct Asked<'a> {
    from: Date,
    to: Date,
    areas: &'a [String],
}

impl Asked<'_> {
    fn takes(&self, day: Date, area: Option<&str>) -> bool {
        (self.from..=self.to).contains(&day) && among(self.areas, area)
    }
}

impl Service {
    /// Where staff time went between two days, both counted.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::NoActivePolicy`], or [`Fault::Internal`] when the ledger cannot be read.
    pub async fn demand(
        &self,
        caller: &Caller,
        asked: &pb::GetDemandRequest,
        (from, to): (Date, Date),
    ) -> Result<Disclosure<pb::GetDemandResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let areas = Self::areas_of(caller, List::All, &asked.areas)?;
        let through = standings.revision();
        let read = move |store: &dyn Store| Ok((bands(store, through)?, decisions::all(store, through)?));
        let (bands, decided) = self.read_ledger(read).await?;
        let days = Asked { from, to, areas: &areas };
        let mut sums = Sums::default();
        for subject in 0..standings.subjects() {
            let subject = SubjectId(u32::try_from(subject).unwrap_or(u32::MAX));
            let Some(dossier) = standings.dossier(subject) else { continue };
            sums.arrests += arrests(dossier, &days);
            for held in dossier.supervised() {
                if let Supervision::Activity(activity) = &held.kind {
                    sums.add(dossier, activity, bands.get(&subject), &days);
                }
            }
        }
        let decided = decided.iter().filter(|kept| days.takes(kept.day(), Some(&kept.decision.area)));
        let mut harm = 0;
        for kept in decided {
            sums.cohort += u64::from(kept.decision.minutes);
            if DecisionKind::from_proto(kept.decision.decision) == Some(DecisionKind::Select) {
                harm += kept.decision.harm_milli_days;
            }
        }
        let answer = pb::GetDemandResponse {
            context: Some(self.context(&standings)),
            minutes: sums.outstanding + sums.cohort,
            minutes_outstanding: sums.outstanding,
            minutes_cohort: sums.cohort,
            arrests: sums.arrests,
            minutes_per_arrest: sums.outstanding.checked_div(sums.arrests.into()).unwrap_or(0),
            harm_milli_days_selected: harm,
            harm_milli_days_per_hour: harm.saturating_mul(60).checked_div(sums.cohort).unwrap_or(0),
            spent: sums.told(),
            workloads: workloads(&standings, &areas),
        };
        // Sums of many; nobody is named.
        Ok(Self::disclosing(answer, []))
    }
}

impl Sums {
    fn add(
        &mut self,
        dossier: &Dossier,
        activity: &Activity,
        bands: Option<&Vec<(Moment, Option<Band>)>>,
        asked: &Asked<'_>,
    ) {
        let area = match &activity.file {
            Some(file) => dossier.file(file).and_then(|file| file.area.as_deref()),
            None => dossier.membership().and_then(|(_, membership)| membership.area.as_deref()),
        };
        if !asked.takes(activity.done.day(), area) {
            return;
        }
        let minutes = u64::from(activity.minutes);
        *if activity.file.is_some() { &mut self.outstanding } else { &mut self.cohort } += minutes;
        let band = bands.and_then(|bands| band_at(bands, activity.done)).filter(|_| activity.file.is_some());
        let spent = self.spent.entry((activity.kind, area.unwrap_or_default().to_owned(), band)).or_default();
        spent.activities += 1;
        spent.minutes += minutes;
    }

    fn told(self) -> Vec<pb::MinutesSpent> {
        let row = |((kind, area, band), spent): ((ActivityKind, String, Option<Band>), Spent)| pb::MinutesSpent {
            kind: kind.proto().into(),
            area,
            band: band.map_or(0, |band| band.proto().into()),
            activities: spent.activities,
            minutes: spent.minutes,
        };
        self.spent.into_iter().map(row).collect()
    }
}

/// The band at a moment: that noted last, or else first.
fn band_at(bands: &[(Moment, Option<Band>)], moment: Moment) -> Option<Band> {
    let by = bands.partition_point(|(when, _)| *when <= moment);
    let before = bands[..by].last().and_then(|(_, band)| *band);
    before.or_else(|| bands[by..].iter().find_map(|(_, band)| *band))
}

fn bands(store: &dyn Store, through: Revision) -> Result<Bands, StoreError> {
    let mut bands = Bands::new();
    for entry in store.scan(&KeySpan::kind_index(event_kind::OUTSTANDING_NOTED, Revision(0), through)) {
        let Some(revision) = entry?.0.revision() else { continue };
        let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        if let Some(Body::OutstandingNoted(noted)) = &event.body {
            let band = note::band(noted.band).filter(|_| !noted.files.is_empty());
            bands
                .entry(SubjectId(event.subject_id))
                .or_default()
                .push((Moment::of_micros(event.recorded_micros), band));
        }
    }
    Ok(bands)
}

fn arrests(dossier: &Dossier, asked: &Asked<'_>) -> u32 {
    let closed = dossier.files().flat_map(|(_, file)| {
        let area = file.area.as_deref();
        file.periods.iter().filter_map(move |period| period.closed.map(|closed| (closed, area)))
    });
    let arrested =
        closed.filter(|((day, outcome), area)| *outcome == CloseOutcome::Arrested && asked.takes(*day, *area));
    number(arrested.count())
}

fn workloads(standings: &Standings, areas: &[String]) -> Vec<pb::Workload> {
    let weights = &standings.rules().policy.cohort.workload;
    let mut loads: BTreeMap<&str, [u32; 4]> = BTreeMap::new();
    for (subject, _, membership) in members(standings) {
        let Some(officer) = membership.offender_manager.as_deref() else { continue };
        if !among(areas, membership.area.as_deref()) {
            continue;
        }
        if let Some(row) = standings.row(subject) {
            loads.entry(officer).or_default()[row.composed(Family::Cohort).effective as usize] += 1;
        }
    }
    let load = |(officer, counts): (&str, [u32; 4])| pb::Workload {
        offender_manager: officer.to_owned(),
        nominals: counts.iter().sum(),
        by_band: counts.iter().rev().copied().collect(),
        weighted: counts.iter().zip(weights).map(|(count, weight)| count * weight).sum(),
    };
    let mut workloads: Vec<pb::Workload> = loads.into_iter().map(load).collect();
    workloads.sort_by(|a, b| b.weighted.cmp(&a.weighted).then_with(|| a.offender_manager.cmp(&b.offender_manager)));
    workloads
}
