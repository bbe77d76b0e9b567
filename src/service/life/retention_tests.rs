//! Who is due, as a running service tells it: reviews of histories that are
//! joined and taken apart, what was known at a revision, pages that stand still
//! while others write, and whom nobody may see.

use super::*;
use crate::access::{Identity, Permissions, Role, Scope};
use crate::pb::record::Kind;
use crate::service::life::past::shown_at;
use crate::service::replay_tests::{Ask, Running, World};
use crate::store::Identity as StoreIdentity;
use crate::store::{MemoryStore, Store};

/// The day of the lists: the hundredth of those that [`Ask`] counts from 1 December 2025.
const AS_OF: &str = "2026-03-11";

struct Force {
    world: World,
    store: Arc<dyn Store>,
    running: Running,
}

fn offence(subject: u8, id: &str, code: &str, date: &str) -> pb::Record {
    pb::Record {
        id: format!("{id}-{subject}"),
        subject_ref: format!("S-{subject}"),
        source_system: "test".to_owned(),
        event_date: date.to_owned(),
        kind: Some(Kind::Offence(pb::Offence {
            ho_code: code.to_owned(),
            outcome: pb::Outcome::Charged.into(),
            ..pb::Offence::default()
        })),
        ..pb::Record::default()
    }
}

impl Force {
    fn new(records: Vec<pb::Record>) -> Self {
        let world = World::new();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(StoreIdentity::fresh()));
        let running = world.start(&store, Some(100), None);
        let mut force = Self { world, store, running };
        force.write(records);
        force
    }

    fn write(&mut self, records: Vec<pb::Record>) {
        self.ask(Ask::Write { records, all_or_none: true });
    }

    fn ask(&mut self, ask: Ask) {
        self.world.ask_together(&self.running, vec![ask]);
    }

    fn due(&self, by: &str) -> Vec<pb::RetentionDue> {
        self.page(&Caller::loopback(), None, by, "", 100).expect("a page must come").due
    }

    fn page(
        &self,
        caller: &Caller,
        group: Option<RetentionGroup>,
        by: &str,
        token: &str,
        size: usize,
    ) -> Result<pb::ListRetentionDueResponse, Fault> {
        let asked = pb::ListRetentionDueRequest {
            group: group.map_or(0, |group| group.proto().into()),
            due_on_or_before: by.to_owned(),
            page_token: token.to_owned(),
            ..pb::ListRetentionDueRequest::default()
        };
        let filter = DueFilter { group, by: by.parse().ok() };
        let told = self.world.wait(self.running.service.retention_due(caller, &asked, filter, size))?;
        assert_eq!(told.subjects.len(), told.answer.due.len(), "everybody told of is disclosed");
        Ok(told.answer)
    }

    /// By when each person is due, whenever that is.
    fn days(&self) -> Vec<(String, String)> {
        self.due("2199-12-31").into_iter().map(|row| (row.subject_ref, row.due_on)).collect()
    }

    fn row(&self, subject: u8) -> pb::RetentionDue {
        let subject_ref = format!("S-{subject}");
        let found = self.due("2199-12-31").into_iter().find(|row| row.subject_ref == subject_ref);
        found.expect("the person must be told of")
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

const THEFT: &str = "046/00";
const ASSAULT: &str = "008/06";
const WOUNDING: &str = "005/01";

#[test]
fn the_longest_due_come_first_and_each_says_by_which_record() {
    let force = Force::new(vec![
        offence(0, "theft", THEFT, "2015-01-01"),
        offence(1, "assault", ASSAULT, "2010-06-30"),
        offence(2, "theft", THEFT, "2025-01-01"),
        offence(3, "wounding", WOUNDING, "2016-03-12"),
        offence(3, "later", THEFT, "2025-01-01"),
    ]);
    assert_eq!(
        force.days(),
        pairs(&[("S-1", "2020-06-30"), ("S-0", "2021-01-01"), ("S-3", "2026-03-12"), ("S-2", "2031-01-01")])
    );
    let due = force.due("");
    assert_eq!(due.iter().map(|row| &*row.subject_ref).collect::<Vec<_>>(), ["S-1", "S-0"], "by the day of the lists");
    assert_eq!(force.due("2026-03-12").len(), 3);
    let [reason] = &*due[0].reasons else { panic!("one record: {due:?}") };
    assert_eq!((reason.ground(), &*reason.record_id), (pb::RetentionGround::ViolentOffence, "assault-1"));
    assert_eq!((due[0].group(), due[0].days_overdue), (pb::RetentionGroup::Two, 2_080));
    let grave = force.row(3);
    assert_eq!(
        (grave.group(), &*grave.counted_from, &*grave.last_event_date),
        (pb::RetentionGroup::One, "2016-03-12", "2025-01-01")
    );
    assert_eq!((grave.days_overdue, grave.reasons.len()), (-1, 1));
    let only = force.page(&Caller::loopback(), Some(RetentionGroup::Three), "2199-12-31", "", 9).expect("a page");
    assert_eq!((only.total, only.due.len()), (2, 2));
    assert_eq!(only.context.map(|context| context.as_of).as_deref(), Some(AS_OF));
    force.running.stop();
}

#[test]
fn a_review_that_retains_puts_the_next_off_and_one_that_disposes_does_not() {
    let mut force =
        Force::new(vec![offence(0, "theft", THEFT, "2015-01-01"), offence(1, "theft", THEFT, "2015-01-01")]);
    force.ask(Ask::Review { subject: 0, on: 90, next: Some(130) });
    force.ask(Ask::Review { subject: 1, on: 90, next: None });
    assert_eq!(force.days(), pairs(&[("S-1", "2026-03-01"), ("S-0", "2026-04-10")]));
    let review = force.row(1).last_review.expect("it is on record");
    assert_eq!(
        (review.outcome(), &*review.reviewed_on, &*review.next_review_on),
        (pb::RetentionOutcome::Dispose, "2026-03-01", "")
    );
    // Recorded late, of an earlier day: the one of the later day counts.
    force.ask(Ask::Review { subject: 1, on: 10, next: Some(140) });
    assert_eq!(force.row(1).due_on, "2026-03-01");
    // Decided anew: it counts.
    force.ask(Ask::Review { subject: 1, on: 90, next: Some(140) });
    assert_eq!(force.row(1).due_on, "2026-04-20");
    force.running.stop();
}

#[test]
fn a_person_of_two_histories_is_one_and_each_keeps_the_review_when_they_come_apart() {
    let mut force =
        Force::new(vec![offence(0, "theft", THEFT, "2019-01-01"), offence(1, "assault", ASSAULT, "2010-06-30")]);
    assert_eq!(force.days(), pairs(&[("S-1", "2020-06-30"), ("S-0", "2025-01-01")]));
    force.ask(Ask::Merge { survivor: 0, merged: 1 });
    // In the graver group of both, clear since the later event of both.
    assert_eq!(force.days(), pairs(&[("S-0", "2029-01-01")]));
    assert_eq!(force.row(0).reasons[0].record_id, "assault-1");
    force.ask(Ask::Review { subject: 1, on: 90, next: Some(149) });
    assert_eq!(force.days(), pairs(&[("S-0", "2026-04-29")]));
    force.ask(Ask::Unmerge { merged: 1 });
    assert_eq!(force.days(), pairs(&[("S-0", "2026-04-29"), ("S-1", "2026-04-29")]), "both were reviewed");
    force.running.stop();
}

#[test]
fn of_two_histories_the_later_review_counts_for_the_person() {
    let mut force =
        Force::new(vec![offence(0, "theft", THEFT, "2015-01-01"), offence(1, "theft", THEFT, "2015-01-01")]);
    force.ask(Ask::Review { subject: 0, on: 80, next: None });
    force.ask(Ask::Review { subject: 1, on: 90, next: Some(149) });
    force.ask(Ask::Merge { survivor: 0, merged: 1 });
    assert_eq!(force.days(), pairs(&[("S-0", "2026-04-29")]));
    force.running.stop();
}

#[test]
fn what_was_reviewed_is_known_from_its_revision_on_and_a_restart_changes_nothing() {
    let mut force = Force::new(vec![offence(0, "theft", THEFT, "2015-01-01")]);
    let before = force.world.standings(&force.running).revision();
    force.ask(Ask::Review { subject: 0, on: 90, next: Some(130) });
    let after = force.world.standings(&force.running).revision();
    let reviewed = |through| {
        let shown = shown_at(&*force.store, SubjectId(0), through).expect("must read").expect("must be held");
        assert!(shown.histories().is_empty() && shown.stands(), "a review makes nobody several");
        last_review(&shown).map(|review| review.day.to_string())
    };
    assert_eq!((reviewed(before), reviewed(after)), (None, Some("2026-03-01".to_owned())));
    let known = force.days();
    force.running.stop();
    let running = force.world.start(&force.store, None, None);
    let force = Force { running, ..force };
    assert_eq!(force.days(), known);
    force.running.stop();
}

#[test]
fn pages_are_of_one_snapshot_whatever_is_reviewed_meanwhile() {
    let mut force = Force::new((0..4).map(|subject| offence(subject, "theft", THEFT, "2015-01-01")).collect());
    let first = force.page(&Caller::loopback(), None, "", "", 2).expect("a page");
    let told =
        |page: &pb::ListRetentionDueResponse| page.due.iter().map(|row| row.subject_ref.clone()).collect::<Vec<_>>();
    assert_eq!((told(&first), first.total), (vec!["S-0".to_owned(), "S-1".to_owned()], 4), "ties go by reference");
    force.ask(Ask::Review { subject: 0, on: 90, next: Some(130) });
    force.ask(Ask::Review { subject: 3, on: 90, next: Some(130) });
    let second = force.page(&Caller::loopback(), None, "", &first.next_page_token, 2).expect("a page");
    assert_eq!((told(&second), &*second.next_page_token), (vec!["S-2".to_owned(), "S-3".to_owned()], ""));
    assert_eq!(second.context, first.context);
    let other = force.page(&Caller::loopback(), Some(RetentionGroup::Three), "", &first.next_page_token, 2);
    assert_eq!(other.map(drop), Err(Fault::PageTokenOfOtherArguments));
    assert_eq!(force.due("").len(), 2);
    force.running.stop();
}

#[test]
fn a_restricted_person_is_told_to_those_alone_who_may_restrict() {
    let mut force =
        Force::new(vec![offence(0, "theft", THEFT, "2015-01-01"), offence(1, "theft", THEFT, "2015-02-01")]);
    force.ask(Ask::Restrict { subject: 0 });
    let row = force.row(0);
    assert!(row.restricted && row.due_on == "2021-01-01" && row.reasons.len() == 1, "{row:?}");
    let auditor = Identity::new("auditor", &[Role::Auditor], Permissions::NONE, Scope::whole());
    let seen = force.page(&Caller::of(Arc::new(auditor)), None, "", "", 9).expect("a page");
    assert_eq!((seen.total, &*seen.due[0].subject_ref), (1, "S-1"));
    force.running.stop();
}
