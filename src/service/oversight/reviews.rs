//! Reviews of the managed cohort: each member's next one is due by grade. A
//! decision about a member is a review of them.

use crate::access::{Caller, Disclosure};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{CohortMembership, Supervision};
use crate::domain::moment::{DAY, Moment};
use crate::domain::word::{Family, List, Rag};
use crate::domain::{Date, SubjectId};
use crate::pb;
use crate::ranking::Standings;
use crate::scoring::{Rules, composite};
use crate::service::fault::Fault;
use crate::service::{Seen, Service};

use super::{instant, number};

/// When a member was reviewed last, and is to be next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    /// The last decision about them since they were selected.
    pub reviewed: Option<Moment>,
    /// When the next review is due; `None`: none is.
    pub due: Option<Moment>,
}

/// The review of a member. One graded blue is reviewed from so many days before a planned release; one without a grade as amber.
pub fn review(dossier: &Dossier, membership: &CohortMembership, rules: &Rules, as_of: Date) -> Review {
    let since = Moment::end_of(membership.selected) + -DAY;
    let decided = dossier.supervised().iter().filter_map(|held| match &held.kind {
        Supervision::Decision(decision) => Some(decision.decided),
        Supervision::Activity(_) | Supervision::Review(_) => None,
    });
    let reviewed = decided.filter(|decided| *decided >= since).max();
    let policy = &rules.policy.cohort;
    let from = reviewed.unwrap_or_else(|| Moment::end_of(membership.selected));
    let due = match policy.review_within(membership.rag.unwrap_or(Rag::Amber)) {
        Some(within) => Some(from + within),
        None => composite::planned_release(dossier, rules, as_of)
            .map(|release| Moment::end_of(release - policy.blue_before_release_days))
            .filter(|due| reviewed.is_none_or(|reviewed| reviewed < *due)),
    };
    Review { reviewed, due }
}

impl Service {
    /// Members with their next reviews, the most overdue first.
    ///
    /// # Errors
    /// [`Fault::NoActivePolicy`].
    pub async fn cohort_reviews(
        &self,
        caller: &Caller,
        asked: &pb::ListCohortReviewsRequest,
        most: usize,
    ) -> Result<Disclosure<pb::ListCohortReviewsResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let now = self.moment();
        let sight = Self::sight(caller, &standings);
        let mut rows: Vec<(Moment, SubjectId, pb::CohortReview)> = members(&standings)
            .filter(|(subject, ..)| standings.row(*subject).is_some_and(|row| sight.knows(row)))
            .filter(|(_, _, membership)| {
                among(&asked.areas, membership.area.as_deref())
                    && among(&asked.offender_managers, membership.offender_manager.as_deref())
            })
            .map(|(subject, dossier, membership)| {
                let review = review(dossier, membership, standings.rules(), standings.as_of());
                (
                    review.due.unwrap_or(Moment::END),
                    subject,
                    row(&standings, (subject, dossier, membership), review, now),
                )
            })
            .collect();
        let members = number(rows.len());
        let overdue = number(rows.iter().filter(|(due, _, _)| *due < now).count());
        if asked.overdue_only {
            rows.retain(|(due, _, _)| *due < now);
        }
        rows.sort_by(|a, b| (a.0, &a.2.subject_ref).cmp(&(b.0, &b.2.subject_ref)));
        rows.truncate(most);
        let subjects: Vec<SubjectId> = rows.iter().map(|(_, subject, _)| *subject).collect();
        let answer = pb::ListCohortReviewsResponse {
            context: Some(self.context(&standings)),
            instant: Some(instant(now)),
            reviews: rows.into_iter().map(|(_, _, row)| row).collect(),
            members,
            overdue,
        };
        Ok(Self::disclosing(answer, subjects))
    }
}

/// Whether a name is among those asked for; none asked for: all.
pub fn among(asked: &[String], found: Option<&str>) -> bool {
    asked.is_empty() || found.is_some_and(|found| asked.iter().any(|wanted| wanted == found))
}

/// Everybody in the managed cohort, children too.
pub fn members(standings: &Standings) -> impl Iterator<Item = (SubjectId, &Dossier, &CohortMembership)> {
    let lists = [List::Cohort, List::Children].into_iter();
    let people = lists.flat_map(|list| standings.people(list));
    people.filter_map(|subject| {
        let dossier = standings.dossier(subject)?;
        let (_, membership) = dossier.membership()?;
        Some((subject, &**dossier, membership))
    })
}

fn row(
    standings: &Standings,
    (subject, dossier, membership): (SubjectId, &Dossier, &CohortMembership),
    review: Review,
    now: Moment,
) -> pb::CohortReview {
    let band = standings.row(subject).map(|row| row.composed(Family::Cohort).effective);
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    pb::CohortReview {
        subject_ref: dossier.subject_ref().to_owned(),
        status: membership.status.proto().into(),
        rag: membership.rag.map_or(0, |rag| rag.proto().into()),
        band: band.map_or(0, |band| band.proto().into()),
        offender_manager: text(&membership.offender_manager),
        area: text(&membership.area),
        reviewed_time: review.reviewed.map(instant),
        due_time: review.due.map(instant),
        overdue_seconds: review.due.map_or(0, |due| now - due),
    }
}
