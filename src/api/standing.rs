//! Places on a list in the words of the contract.

use super::{detail, sensitive};
use crate::access::{Caller, Permission};
use crate::domain::dossier::Dossier;
use crate::domain::word::{Family, List};
use crate::domain::{Date, SubjectId};
use crate::pb;
use crate::ranking::place::percentile;
use crate::ranking::row::Row;
use crate::ranking::{Place, Placed, Sight, Standings};
use crate::scoring::composite::{Composed, Explanation};
use crate::service::Service;
use crate::service::ranked::placed;

/// The name of a proto value without its prefix.
pub fn ended<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// Makes rows of one list from one snapshot.
pub struct Rows<'a> {
    standings: &'a Standings,
    list: List,
    full: bool,
    size: u32,
    /// What rests on sensitive intelligence is told whole.
    sensitive: bool,
}

/// What a row is made of: the reference, and what of the person lies apart in memory.
#[derive(Clone, Copy)]
struct Person<'a> {
    row: &'a Row,
    child: bool,
    composed: Composed,
    since: Option<Date>,
    subject_ref: &'a str,
}

impl<'a> Rows<'a> {
    /// Rows of a list for a caller, in the FULL view or not.
    pub fn new(standings: &'a Standings, list: List, full: bool, caller: &Caller) -> Self {
        let size = u32::try_from(standings.size(list)).unwrap_or(u32::MAX);
        Self { standings, list, full, size, sensitive: caller.may(Permission::SeeSensitiveIntelligence) }
    }

    /// Every row. People lie all over memory: each step is made for all of them before the next, so that the machine fetches
    /// many at once instead of waiting for one after another.
    pub fn all(&self, placed: &[Placed]) -> Vec<pb::Standing> {
        let people = placed.iter().map(|placed| self.standings.person(placed.subject));
        let people: Vec<_> = people.map(|person| person.map(|(row, dossier)| (row, &**dossier))).collect();
        let looked_up: Vec<_> =
            people.iter().map(|person| person.map(|(row, dossier)| self.look_up(row, dossier))).collect();
        placed.iter().zip(looked_up).map(|(placed, person)| self.whole(*placed, person)).collect()
    }

    /// One row.
    pub fn one(&self, placed: Placed) -> pb::Standing {
        self.whole(placed, self.person(placed))
    }

    fn whole(&self, placed: Placed, person: Option<Person<'_>>) -> pb::Standing {
        let mut standing = self.basic(placed, person);
        if self.full
            && let Some(explanation) = Service::explain(self.standings, placed.subject, self.list.family())
        {
            standing.detail = Some(self.detail(placed.subject, explanation));
        }
        standing
    }

    /// One row with an explanation made before.
    pub fn explained(&self, placed: Placed, explanation: Explanation) -> pb::Standing {
        let detail = Some(self.detail(placed.subject, explanation));
        pb::Standing { detail, ..self.basic(placed, self.person(placed)) }
    }

    fn person(&self, placed: Placed) -> Option<Person<'a>> {
        self.standings.person(placed.subject).map(|(row, dossier)| self.look_up(row, dossier))
    }

    fn look_up(&self, row: &'a Row, dossier: &'a Dossier) -> Person<'a> {
        let (composed, since) = (*row.composed(self.list.family()), row.outstanding_since());
        Person { row, child: row.child(), composed, since, subject_ref: dossier.subject_ref() }
    }

    fn detail(&self, subject: SubjectId, explanation: Explanation) -> pb::StandingDetail {
        let reasons = self
            .standings
            .row(subject)
            .into_iter()
            .flat_map(|row| row.reasons().map(super::super::domain::word::OutstandingReason::proto));
        let mut detail = detail::detail(explanation, self.list.family(), &self.standings.rules().policy, reasons);
        if let Some(dossier) = self.standings.dossier(subject) {
            sensitive::mark(&mut detail, dossier);
        }
        if !self.sensitive {
            sensitive::withhold(&mut detail);
        }
        detail
    }

    fn basic(&self, placed: Placed, person: Option<Person<'_>>) -> pb::Standing {
        let Some(Person { row, child, composed, since, subject_ref }) = person else { return pb::Standing::default() };
        pb::Standing {
            subject_ref: subject_ref.to_owned(),
            rank: placed.rank,
            position: placed.position,
            filtered_position: placed.filtered_position,
            effective_band: composed.effective.proto().into(),
            computed_band: composed.computed.proto().into(),
            composite: composed.point.get(),
            threat: row.threat.get(),
            risk: row.risk.get(),
            harm: row.harm.get(),
            provisional: composed.provisional,
            overridden: composed.overridden,
            child,
            outstanding_since: detail::date(since),
            percentile: percentile(placed.position, self.size),
            cohort_status: row.cohort_status().map_or(0, |status| status.proto().into()),
            rag: row.rag().map_or(0, |rag| rag.proto().into()),
            custody: row.custody().proto().into(),
            circulation: row.circulation().map_or(0, |circulation| circulation.proto().into()),
            detail: None,
        }
    }
}

/// A person's standings, explained once for each family. Sizes of lists are of those in sight.
pub fn listed(
    standings: &Standings,
    subject: SubjectId,
    places: &[(List, Place)],
    caller: &Caller,
    sight: &Sight,
) -> Vec<pb::ListedStanding> {
    let mut cohort: Option<Explanation> = None;
    let mut outstanding: Option<Explanation> = None;
    let mut listed = Vec::with_capacity(places.len());
    for (list, place) in places {
        let family = list.family();
        let known = match family {
            Family::Cohort => &mut cohort,
            Family::Outstanding => &mut outstanding,
        };
        if known.is_none() {
            *known = Service::explain(standings, subject, family);
        }
        let rows = Rows::new(standings, *list, true, caller);
        let standing = match known {
            Some(explanation) => rows.explained(placed(subject, *place), explanation.clone()),
            None => rows.one(placed(subject, *place)),
        };
        listed.push(pb::ListedStanding {
            list: list.proto().into(),
            family: family.proto().into(),
            standing: Some(standing),
            list_size: u32::try_from(standings.size_in(*list, sight)).unwrap_or(u32::MAX),
            ..Default::default()
        });
    }
    listed
}
