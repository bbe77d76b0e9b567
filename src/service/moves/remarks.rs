//! What a move does not do, in sentences: whoever makes it hears at once that it
//! does not count, or what is left to do. Made from what is held at that moment
//! and kept with the answer, so that a request asked again is told the same.

use super::Move;
use crate::domain::Moment;
use crate::domain::dossier::Dossier;
use crate::pb;
use crate::pb::record::Kind;
use crate::service::writer::Writer;
use crate::supervision::count::{self, Discounted};
use crate::supervision::{Facts, victims};

impl Writer {
    /// What is to be said of a move that has been staged.
    pub(super) fn remarks(&self, made: &Move) -> Vec<String> {
        match made {
            Move::Record(record) => self.of_record(record).into_iter().collect(),
            Move::Close { file, .. } => {
                let dossier = self.state.subject(&file.subject_ref).map(|subject| self.state.whole(subject));
                dossier.map(|dossier| left_to_do(&dossier, &file.id)).unwrap_or_default()
            }
            Move::Decide(decide) => decide.remarks.clone(),
            Move::Open { record, .. } => {
                let subject = self.state.subject(&record.subject_ref);
                let restricted = subject.is_some_and(|subject| self.state.histories().is_restricted(subject));
                let remark = "The processing of this person's records is restricted: the file stands on no list.";
                restricted.then(|| remark.to_owned()).into_iter().collect()
            }
            Move::Amend { .. } | Move::Circulate { .. } => Vec::new(),
        }
    }

    fn of_record(&self, record: &pb::Record) -> Option<String> {
        let dossier = &*self.state.whole(self.state.subject(&record.subject_ref)?);
        let policy = &self.state.rules()?.policy.supervision;
        let id = match &record.kind {
            Some(Kind::Activity(activity)) => &activity.outstanding_id,
            Some(Kind::Review(review)) => &review.outstanding_id,
            Some(_) | None => return None,
        };
        let file = dossier.file(id)?;
        let facts = Facts::held(dossier, id, file, policy);
        let run = count::run_of(&facts, Moment::END)?;
        let of = |(found, why_not): (&str, Option<Discounted>)| (found == record.id).then_some(why_not);
        let activities = count::activities(&facts, &run, policy, Moment::END).map(|(id, _, why_not)| (id, why_not));
        let reviews = count::reviews(&facts, &run, Moment::END).map(|(id, _, why_not)| (id, why_not));
        let why_not = activities.chain(reviews).find_map(of)??;
        if let Some(Kind::Activity(stated)) = &record.kind
            && !stated.victim_ref.is_empty()
        {
            // To have told a victim is no activity to find the person, and nobody takes it for one.
            let told = facts
                .activities
                .iter()
                .any(|(found, activity)| *found == record.id && count::tells_victim(activity, &stated.victim_ref));
            return (!told).then(|| "It is kept, and the victim has still to be told.".to_owned());
        }
        Some(why_not.sentence().to_owned())
    }
}

/// What a closed file leaves to be done.
fn left_to_do(dossier: &Dossier, id: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    let Some(file) = dossier.file(id) else { return remarks };
    if file.circulation.is_circulated() {
        let whereabouts = file.circulation.proto().as_str_name().trim_start_matches("CIRCULATION_");
        remarks.push(format!(
            "The person is still circulated ({whereabouts}): take the entry off, or they may be arrested again."
        ));
    }
    let known = victims::linked(dossier, file).iter().filter(|victim| !victim.reference.is_empty()).count();
    if known > 0 {
        let victims = if known == 1 { "1 linked victim".to_owned() } else { format!("{known} linked victims") };
        remarks.push(format!("{victims} should hear how the search ended."));
    }
    let others = dossier.files().filter(|(filed, other)| &*filed.id != id && other.is_open()).count();
    if others > 0 {
        remarks.push(format!("The person has {others} other open file(s): close what this settles."));
    }
    remarks
}
