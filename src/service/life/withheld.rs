//! What a person is not given of what is held of them: references of other
//! people, of sources, and, unless asked for, of officers; and intelligence that
//! the caller may not see. Everything left out is named and counted. Texts that
//! somebody wrote freely are given and counted: a program cannot tell whom they
//! name.

use std::collections::BTreeSet;

use crate::pb;
use crate::pb::record::Kind;

/// What is left out, and how much it was so far.
#[derive(Debug, Default)]
pub struct Withholding {
    /// References of officers and callers are given.
    pub officers: bool,
    /// Records that are left out: what they add to a score is given as points alone.
    pub sensitive: BTreeSet<String>,
    /// What is given and left out.
    pub sum: pb::ExportSum,
}

/// Whose reference a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    ThirdParty,
    Officer,
}

impl Withholding {
    /// Ids of records of which a version is intelligence under handling code C, or under none.
    pub fn sensitive(held: &[pb::HeldRecord]) -> BTreeSet<String> {
        let sensitive = held.iter().filter_map(|held| held.record.as_ref()).filter(|record| match &record.kind {
            Some(Kind::Intelligence(report)) => report.handling() != pb::Handling::P,
            Some(_) | None => false,
        });
        sensitive.map(|record| record.id.clone()).collect()
    }

    /// A version as it is given.
    pub fn record(&mut self, mut held: pb::HeldRecord) -> pb::ExportedRecord {
        let mut withheld = Vec::new();
        self.text(&held.withdrawal_reason);
        self.take(Of::Officer, "actor", &mut held.actor, &mut withheld);
        if let Some(kind) = held.record.as_mut().and_then(|record| record.kind.as_mut()) {
            self.kind(kind, &mut withheld);
        }
        self.sum.records += 1;
        pb::ExportedRecord { held: Some(held), withheld }
    }

    /// An event as it is given.
    pub fn event(&mut self, mut event: pb::ExportedEvent) -> pb::ExportedEvent {
        use pb::exported_event::Event;
        let mut withheld = Vec::new();
        let mut take = |of: &mut Self, fields: [&mut String; 2]| {
            for field in fields {
                of.take(Of::Officer, "officer", field, &mut withheld);
            }
        };
        match &mut event.event {
            Some(Event::Merged(told) | Event::Unmerged(told)) => {
                self.text(&told.reason);
                take(self, [&mut told.officer, &mut told.actor]);
            }
            Some(Event::Restricted(told) | Event::Lifted(told)) => {
                self.text(&told.reason);
                take(self, [&mut told.officer, &mut told.actor]);
            }
            Some(Event::Disclosed(told)) => {
                self.text(&told.what);
                take(self, [&mut told.officer, &mut told.actor]);
            }
            Some(Event::Reviewed(told)) => {
                self.text(&told.reason);
                take(self, [&mut told.officer, &mut told.actor]);
            }
            None => {}
        }
        self.sum.events += 1;
        event
    }

    /// A standing as it is given.
    pub fn standing(&mut self, standing: &mut pb::Standing) {
        let Some(detail) = &mut standing.detail else { return };
        for share in detail.contributions.iter_mut().filter(|share| self.rests(&share.evidence_ids)) {
            let (component, milli_points) = (share.component, share.milli_points);
            *share = pb::Contribution { component, milli_points, ..pb::Contribution::default() };
        }
        for floor in detail.floors.iter_mut().filter(|floor| self.rests(&floor.evidence_ids)) {
            *floor = pb::Floor { band: floor.band, ..pb::Floor::default() };
        }
        if let Some(set) = &mut detail.r#override {
            let mut withheld = Vec::new();
            self.take(Of::Officer, "officer", &mut set.officer, &mut withheld);
            self.take(Of::Officer, "second_officer", &mut set.second_officer, &mut withheld);
        }
    }

    fn rests(&self, evidence_ids: &[String]) -> bool {
        evidence_ids.iter().any(|id| self.sensitive.contains(id))
    }

    fn kind(&mut self, kind: &mut Kind, withheld: &mut Vec<String>) {
        match kind {
            Kind::Offence(offence) => {
                if let Some(victim) = &mut offence.victim {
                    self.take(Of::ThirdParty, "offence.victim.victim_ref", &mut victim.victim_ref, withheld);
                }
            }
            Kind::Intelligence(report) => {
                self.take(Of::ThirdParty, "intelligence.source_ref", &mut report.source_ref, withheld);
            }
            Kind::Outstanding(file) => self.file(file, withheld),
            Kind::CohortMembership(held) => {
                self.take(Of::Officer, "cohort_membership.offender_manager", &mut held.offender_manager, withheld);
            }
            Kind::BandOverride(set) => {
                self.text(&set.rationale);
                self.take(Of::Officer, "band_override.officer", &mut set.officer, withheld);
                self.take(Of::Officer, "band_override.second_officer", &mut set.second_officer, withheld);
            }
            Kind::Activity(activity) => {
                self.text(&activity.note);
                self.take(Of::ThirdParty, "activity.target_ref", &mut activity.target_ref, withheld);
                self.take(Of::ThirdParty, "activity.victim_ref", &mut activity.victim_ref, withheld);
                self.take(Of::Officer, "activity.officer", &mut activity.officer, withheld);
            }
            Kind::Review(review) => {
                self.text(&review.findings);
                self.text(&review.instructions);
                self.take(Of::Officer, "review.officer", &mut review.officer, withheld);
            }
            Kind::CohortDecision(decision) => {
                self.text(&decision.rationale);
                self.take(Of::Officer, "cohort_decision.officer", &mut decision.officer, withheld);
                self.take(Of::Officer, "cohort_decision.offender_manager", &mut decision.offender_manager, withheld);
                if let Some(standing) = &mut decision.standing {
                    self.standing(standing);
                }
            }
            Kind::Person(_)
            | Kind::SanctionSummary(_)
            | Kind::Custody(_)
            | Kind::Marker(_)
            | Kind::Assessment(_)
            | Kind::Order(_)
            | Kind::Breach(_)
            | Kind::Exploitation(_) => {}
        }
    }

    fn file(&mut self, file: &mut pb::Outstanding, withheld: &mut Vec<String>) {
        self.take(Of::Officer, "outstanding.officer", &mut file.officer, withheld);
        self.take(Of::Officer, "outstanding.supervisor", &mut file.supervisor, withheld);
        for period in &mut file.periods {
            self.take(Of::Officer, "outstanding.periods.closed_by", &mut period.closed_by, withheld);
        }
        for step in &mut file.circulations {
            self.take(Of::Officer, "outstanding.circulations.officer", &mut step.officer, withheld);
        }
        for step in &mut file.officers {
            self.take(Of::Officer, "outstanding.officers.officer", &mut step.officer, withheld);
        }
        for condition in file.bail.iter().flat_map(|bail| &bail.conditions) {
            self.text(condition);
        }
    }

    fn take(&mut self, of: Of, name: &str, field: &mut String, withheld: &mut Vec<String>) {
        if field.is_empty() || (of == Of::Officer && self.officers) {
            return;
        }
        field.clear();
        if !withheld.iter().any(|told| told == name) {
            withheld.push(name.to_owned());
        }
        match of {
            Of::ThirdParty => self.sum.third_party_references_withheld += 1,
            Of::Officer => self.sum.officer_references_withheld += 1,
        }
    }

    fn text(&mut self, text: &str) {
        self.sum.free_texts += u32::from(!text.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(kind: Kind) -> pb::HeldRecord {
        let record = pb::Record { id: "r".to_owned(), kind: Some(kind), ..pb::Record::default() };
        pb::HeldRecord { record: Some(record), actor: "niche".to_owned(), ..pb::HeldRecord::default() }
    }

    #[test]
    fn nobody_else_is_named_and_everything_left_out_is_counted() {
        let victim = pb::Victim { victim_ref: "V-SECRET".to_owned(), natural_person: true, ..Default::default() };
        let offence = pb::Offence { victim: Some(victim), ..Default::default() };
        let activity = pb::Activity {
            officer: "PC-SECRET".to_owned(),
            target_ref: "A-SECRET".to_owned(),
            victim_ref: "V-SECRET".to_owned(),
            note: "spoke to a neighbour".to_owned(),
            ..Default::default()
        };
        let file = pb::Outstanding {
            officer: "PC-SECRET".to_owned(),
            supervisor: "PS-SECRET".to_owned(),
            officers: vec![pb::OfficerStep { officer: "PC-SECRET".to_owned(), ..Default::default() }],
            ..Default::default()
        };
        let mut without = Withholding::default();
        let kinds = [Kind::Offence(offence), Kind::Activity(activity), Kind::Outstanding(file)];
        let given: Vec<_> = kinds.clone().into_iter().map(|kind| without.record(held(kind))).collect();
        let text = serde_json::to_string(&given).expect("must be JSON");
        assert!(!text.contains("SECRET") && !text.contains("niche"), "{text}");
        assert!(text.contains("offence.victim.victim_ref") && text.contains("neighbour"), "{text}");
        let sum = without.sum;
        assert_eq!((sum.records, sum.free_texts), (3, 1));
        assert_eq!((sum.third_party_references_withheld, sum.officer_references_withheld), (3, 7));
        let mut with = Withholding { officers: true, ..Withholding::default() };
        let given: Vec<_> = kinds.into_iter().map(|kind| with.record(held(kind))).collect();
        let text = serde_json::to_string(&given).expect("must be JSON");
        assert!(text.contains("PC-SECRET") && !text.contains("V-SECRET") && !text.contains("A-SECRET"), "{text}");
    }

    #[test]
    fn intelligence_is_open_only_under_handling_code_p() {
        let report = |handling: pb::Handling| {
            held(Kind::Intelligence(pb::Intelligence { handling: handling.into(), ..Default::default() }))
        };
        assert_eq!(Withholding::sensitive(&[report(pb::Handling::P)]).len(), 0);
        for handling in [pb::Handling::C, pb::Handling::Unspecified] {
            assert_eq!(Withholding::sensitive(&[report(pb::Handling::P), report(handling)]).len(), 1);
        }
    }
}
