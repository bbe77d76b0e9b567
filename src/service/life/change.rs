//! What the writer does of a person's records as a whole: judged against what is
//! held, refused by name where it is impossible, and otherwise an event of each
//! history concerned. Arguments were judged at the edge.

use std::sync::Arc;

use super::{Review, names};
use crate::domain::SubjectId;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Other;
use crate::pb;
use crate::service::fault::Fault;
use crate::service::group::Building;
use crate::service::judge;
use crate::service::mutation::{Answer, Mutation};
use crate::service::state::Touched;
use crate::service::writer::Writer;
use crate::store::pb::event::Body;
use crate::store::pb::{DisclosureRecorded, ProcessingRestricted, RestrictionLifted, SubjectsMerged, SubjectsUnmerged};

/// Events of histories, and what is to be said of them.
pub(super) type Written = (Vec<(SubjectId, Body)>, Vec<String>);

/// A change of a person's records as a whole.
#[derive(Debug)]
pub enum LifeChange {
    /// Two references are one person.
    Merge(pb::MergeSubjectsRequest),
    /// They are not, after all.
    Unmerge(pb::UnmergeSubjectsRequest),
    /// Restrict processing.
    Restrict(pb::RestrictProcessingRequest),
    /// Lift a restriction.
    Lift(pb::LiftRestrictionRequest),
    /// Record a disclosure, made at a moment (microseconds since 1970).
    Disclose(pb::RecordDisclosureRequest, i64),
    /// Record a review of whether to keep it.
    Review(Review),
}

impl LifeChange {
    /// References of the people whom it is about.
    pub fn subject_refs(&self) -> Vec<&str> {
        match self {
            Self::Merge(asked) => vec![&asked.survivor_ref, &asked.merged_ref],
            Self::Unmerge(asked) => vec![&asked.merged_ref],
            Self::Restrict(asked) => vec![&asked.subject_ref],
            Self::Lift(asked) => vec![&asked.subject_ref],
            Self::Disclose(asked, _) => vec![&asked.subject_ref],
            Self::Review(review) => vec![&review.asked.subject_ref],
        }
    }

    /// Whether somebody is weighed otherwise by it.
    pub fn weighs(&self) -> bool {
        match self {
            Self::Merge(_) | Self::Unmerge(_) | Self::Restrict(_) | Self::Lift(_) => true,
            Self::Disclose(..) | Self::Review(_) => false,
        }
    }
}

impl Writer {
    /// Carries out a change, staged in `group` and folded into the state.
    pub(in crate::service) fn change_life(
        &mut self,
        mutation: &Mutation,
        change: &LifeChange,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let (bodies, remarks) = match change {
            LifeChange::Merge(asked) => self.merge(asked)?,
            LifeChange::Unmerge(asked) => (self.unmerge(asked)?, Vec::new()),
            LifeChange::Restrict(asked) => self.restrict(asked)?,
            LifeChange::Lift(asked) => (self.lift(asked)?, Vec::new()),
            LifeChange::Disclose(asked, at) => (self.disclose(asked, *at)?, Vec::new()),
            LifeChange::Review(review) => self.review(review)?,
        };
        for (subject, body) in bodies {
            self.push(group, touched, &mutation.caller, &mutation.request_id, Some(subject), body)?;
        }
        let answer = Answer { revision: group.head(), verdicts: Vec::new(), remarks };
        group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, true);
        Ok(answer)
    }

    /// The history of a reference, and everything of its person, as the etag says that they were read.
    pub(super) fn named(&self, subject_ref: &str, etag: &str) -> Result<(SubjectId, Arc<Dossier>), Fault> {
        let subject = self.state.subject(subject_ref).ok_or(Fault::UnknownSubject)?;
        let whole = self.state.whole(subject);
        if !etag.is_empty() && etag != whole.revision().to_string() {
            return Err(Fault::EtagMismatch);
        }
        Ok((subject, whole))
    }

    fn merge(&self, asked: &pb::MergeSubjectsRequest) -> Result<Written, Fault> {
        let (survivor, one) = self.named(&asked.survivor_ref, &asked.survivor_etag)?;
        let (merged, other) = self.named(&asked.merged_ref, &asked.merged_etag)?;
        let histories = self.state.histories();
        if survivor == merged || histories.is_merged(survivor) || histories.is_merged(merged) {
            return Err(Fault::AlreadyMerged);
        }
        let both = [(survivor, one), (merged, other)];
        let joined = Dossier::joined(&both);
        if let Some((birth, first)) = judge::born_too_late(&joined) {
            let description = format!(
                "together they would be born on {birth}, after a fact of {first}: correct the wrong record first, or they are not one person"
            );
            return Err(Fault::field("merged_ref", "BORN_AFTER_OFFENCE", description));
        }
        let numbers = SubjectsMerged { merged_id: merged.0, survivor_id: survivor.0, ..SubjectsMerged::default() };
        let told = SubjectsMerged {
            merged_ref: asked.merged_ref.clone(),
            officer: asked.officer.clone(),
            reason: asked.reason.clone(),
            ..numbers.clone()
        };
        let bodies = vec![(merged, Body::SubjectsMerged(told)), (survivor, Body::SubjectsMerged(numbers))];
        Ok((bodies, twice(&both)))
    }

    fn unmerge(&self, asked: &pb::UnmergeSubjectsRequest) -> Result<Vec<(SubjectId, Body)>, Fault> {
        let (merged, _) = self.named(&asked.merged_ref, &asked.etag)?;
        let life = self.state.dossier(merged).life();
        let survivor = life.and_then(|life| life.merged).ok_or(Fault::NotMerged)?.into;
        let survivor_ref = self.state.dossier(survivor).subject_ref();
        if [survivor_ref, &asked.merged_ref].into_iter().any(|reference| names(&asked.reason, reference)) {
            let description = "reason names a person by reference, and stays when that person is erased";
            return Err(Fault::field("reason", "NAMES_THE_PERSON", description));
        }
        let numbers = SubjectsUnmerged { merged_id: merged.0, survivor_id: survivor.0, ..SubjectsUnmerged::default() };
        let told = SubjectsUnmerged {
            merged_ref: asked.merged_ref.clone(),
            officer: asked.officer.clone(),
            reason: asked.reason.clone(),
            ..numbers.clone()
        };
        Ok(vec![(merged, Body::SubjectsUnmerged(told)), (survivor, Body::SubjectsUnmerged(numbers))])
    }

    fn restrict(&self, asked: &pb::RestrictProcessingRequest) -> Result<Written, Fault> {
        let (subject, whole) = self.named(&asked.subject_ref, &asked.etag)?;
        if self.state.histories().is_restricted(subject) {
            return Err(Fault::AlreadyRestricted);
        }
        let open = whole.files().filter(|(_, file)| file.is_open()).count();
        if open > 0 && asked.open_files_reason.is_empty() {
            let description = format!(
                "the person has {open} open outstanding file(s): say why they may leave the lists, or close them first"
            );
            return Err(Fault::field("open_files_reason", "REQUIRED", description));
        }
        let remark = (open > 0).then(|| format!("{open} open outstanding file(s) stand on no list from now on."));
        let body = Body::ProcessingRestricted(ProcessingRestricted {
            subject_ref: asked.subject_ref.clone(),
            ground: u32::try_from(asked.ground).unwrap_or_default(),
            officer: asked.officer.clone(),
            reason: asked.reason.clone(),
            open_files_reason: if open > 0 { asked.open_files_reason.clone() } else { String::new() },
        });
        Ok((vec![(subject, body)], remark.into_iter().collect()))
    }

    fn disclose(&self, asked: &pb::RecordDisclosureRequest, at: i64) -> Result<Vec<(SubjectId, Body)>, Fault> {
        let (subject, _) = self.named(&asked.subject_ref, "")?;
        let told = DisclosureRecorded {
            subject_ref: asked.subject_ref.clone(),
            recipient: asked.recipient.clone(),
            purpose: asked.purpose.clone(),
            what: asked.what.clone(),
            legal_basis: asked.legal_basis.clone(),
            officer: asked.officer.clone(),
            disclosed_micros: at,
            case_ref: asked.case_ref.clone(),
        };
        Ok(vec![(subject, Body::DisclosureRecorded(told))])
    }

    /// Lifts every restriction of the person, under whichever reference it was asked for.
    fn lift(&self, asked: &pb::LiftRestrictionRequest) -> Result<Vec<(SubjectId, Body)>, Fault> {
        let (subject, _) = self.named(&asked.subject_ref, &asked.etag)?;
        let restricted =
            |history: &SubjectId| self.state.dossier(*history).life().is_some_and(|life| life.restricted.is_some());
        let bodies: Vec<_> = self
            .state
            .histories()
            .of(subject)
            .into_iter()
            .filter(restricted)
            .map(|history| {
                let told = RestrictionLifted {
                    subject_ref: self.state.dossier(history).subject_ref().to_owned(),
                    officer: asked.officer.clone(),
                    reason: asked.reason.clone(),
                };
                (history, Body::RestrictionLifted(told))
            })
            .collect();
        if bodies.is_empty() { Err(Fault::NotRestricted) } else { Ok(bodies) }
    }
}

/// What two references both have, of which one person should have one.
fn twice(both: &[(SubjectId, Arc<Dossier>); 2]) -> Vec<String> {
    let each = |has: fn(&Dossier) -> bool| both.iter().all(|(_, held)| has(held));
    let overridden = |held: &Dossier| held.others().iter().any(|filed| matches!(filed.kind, Other::BandOverride(_)));
    let mut remarks = Vec::new();
    if each(|held| held.membership().is_some()) {
        remarks.push("Both are in the managed cohort: the membership selected last counts; end the other.".to_owned());
    }
    if each(Dossier::is_outstanding) {
        remarks.push("Both have open outstanding files: close what is the same search.".to_owned());
    }
    if each(overridden) {
        remarks.push(
            "Both have overrides of bands: the later decision counts; withdraw what was decided on less.".to_owned(),
        );
    }
    remarks
}
