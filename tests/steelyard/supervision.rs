//! Outstanding files under supervision, as case stories through the real API:
//! what is overdue is found, what does not count is told, what is impossible is
//! refused, and what was so on a past day stays so.

use std::sync::LazyLock;

use jiff::Timestamp;
use prost::Message;
use steelyard::domain::Date;
use steelyard::pb;
use steelyard::pb::SupervisionClock::{Activity, Circulation, Review};
use steelyard::pb::TimelineKind as Kind;
use tonic::Code;

use crate::harness::{Client, Server, new_id, reason, told};
use crate::people::Somebody;

const DAY: i64 = 86_400;

/// An instant so many hours before the tests began.
#[expect(clippy::unnecessary_wraps, reason = "as fields of the contract take it")]
fn ago(hours: i64) -> Option<pbjson_types::Timestamp> {
    static BEGAN: LazyLock<i64> = LazyLock::new(|| Timestamp::now().as_second());
    Some(pbjson_types::Timestamp { seconds: *BEGAN - hours * 3_600, nanos: 0 })
}

/// The day before this one in London.
fn yesterday() -> Date {
    Date::in_london(Timestamp::now()) - 1
}

/// Somebody under multi-agency management at level 3, charged with wounding a vulnerable victim.
fn wanted(name: &str) -> Somebody {
    let somebody = Somebody::man(name, "1992-04-01").mappa(2, 3, "2026-03-01");
    somebody.charged("OF61016", "2026-02-10").with(|offence| {
        offence.victim =
            Some(pb::Victim { victim_ref: format!("V-{name}"), natural_person: true, vulnerable: true, repeat: false });
    })
}

/// Works on files in the way of a test: what must be taken is taken.
struct Desk {
    client: Client,
    person: String,
}

impl Desk {
    async fn new(server: &Server, person: &str) -> Self {
        Self { client: server.client().await, person: person.to_owned() }
    }

    async fn open(&mut self, file: &str, opened: i64, offence: &str) -> pb::OpenOutstandingResponse {
        let request = pb::OpenOutstandingRequest {
            request_id: new_id(),
            subject_ref: self.person.clone(),
            outstanding_id: file.to_owned(),
            reason: pb::OutstandingReason::FailedToSurrenderCourtBail.into(),
            opened_time: ago(opened),
            offence_ids: [offence].iter().filter(|id| !id.is_empty()).map(|id| (*id).to_owned()).collect(),
            area: "Northgate".to_owned(),
            officer: "PC-1".to_owned(),
            supervisor: "PS-9".to_owned(),
            ..Default::default()
        };
        self.client.outstanding.open_outstanding(request).await.expect("must open").into_inner()
    }

    async fn reopen(&mut self, file: &str, opened: i64) -> Result<pb::OpenOutstandingResponse, tonic::Status> {
        let request = pb::OpenOutstandingRequest {
            request_id: new_id(),
            subject_ref: self.person.clone(),
            outstanding_id: file.to_owned(),
            opened_time: ago(opened),
            reopen: true,
            ..Default::default()
        };
        self.client.outstanding.open_outstanding(request).await.map(tonic::Response::into_inner)
    }

    async fn circulate(&mut self, file: &str, to: pb::Circulation, at: i64) -> Result<u64, tonic::Status> {
        let step = pb::CirculationStep { circulation: to.into(), changed_time: ago(at), ..Default::default() };
        let request = pb::UpdateCirculationRequest {
            request_id: new_id(),
            subject_ref: self.person.clone(),
            outstanding_id: file.to_owned(),
            step: Some(step),
            ..Default::default()
        };
        self.client.outstanding.update_circulation(request).await.map(|answer| answer.into_inner().revision)
    }

    async fn act(
        &mut self,
        file: &str,
        officer: &str,
        at: i64,
        target: &str,
    ) -> Result<pb::RecordActivityResponse, tonic::Status> {
        let activity = pb::Activity {
            activity_kind: pb::ActivityKind::AddressVisited.into(),
            outcome: pb::ActivityOutcome::NoTrace.into(),
            officer: officer.to_owned(),
            done_time: ago(at),
            minutes: 45,
            target_ref: target.to_owned(),
            outstanding_id: file.to_owned(),
            ..Default::default()
        };
        let request = pb::RecordActivityRequest {
            request_id: new_id(),
            subject_ref: self.person.clone(),
            activity: Some(activity),
            ..Default::default()
        };
        self.client.outstanding.record_activity(request).await.map(tonic::Response::into_inner)
    }

    async fn review(&mut self, file: &str, officer: &str, at: i64) -> Result<pb::RecordReviewResponse, tonic::Status> {
        let review = pb::Review {
            outstanding_id: file.to_owned(),
            officer: officer.to_owned(),
            rank: pb::SupervisorRank::Sergeant.into(),
            reviewed_time: ago(at),
            findings: "Two addresses are not tried yet.".to_owned(),
            instructions: "Try both this week.".to_owned(),
            ..Default::default()
        };
        let request = pb::RecordReviewRequest {
            request_id: new_id(),
            subject_ref: self.person.clone(),
            review: Some(review),
            ..Default::default()
        };
        self.client.outstanding.record_review(request).await.map(tonic::Response::into_inner)
    }

    async fn close(
        &mut self,
        file: &str,
        outcome: pb::CloseOutcome,
        at: i64,
    ) -> Result<pb::CloseOutstandingResponse, tonic::Status> {
        let request = pb::CloseOutstandingRequest {
            request_id: new_id(),
            subject_ref: self.person.clone(),
            outstanding_id: file.to_owned(),
            outcome: outcome.into(),
            closed_time: ago(at),
            officer: "PC-1".to_owned(),
            ..Default::default()
        };
        self.client.outstanding.close_outstanding(request).await.map(tonic::Response::into_inner)
    }

    async fn file(&mut self) -> pb::OutstandingFile {
        let request = pb::GetOutstandingRequest { subject_ref: self.person.clone(), ..Default::default() };
        let mut answer = self.client.outstanding.get_outstanding(request).await.expect("must be told").into_inner();
        assert_eq!(answer.files.len(), 1);
        answer.files.remove(0)
    }

    async fn gaps(&mut self, filter: pb::GapFilter) -> pb::ListSupervisionGapsResponse {
        let request = pb::ListSupervisionGapsRequest { filter: Some(filter), ..Default::default() };
        self.client.outstanding.list_supervision_gaps(request).await.expect("must be told").into_inner()
    }

    async fn components(&mut self) -> (u32, u32, u32) {
        let standing = self.client.on_list(&self.person.clone(), pb::List::All).await;
        (standing.threat, standing.risk, standing.harm)
    }
}

/// Clocks that are overdue; of the victim's there is a story of its own.
fn overdue(gap: &pb::SupervisionGap) -> Vec<pb::SupervisionClock> {
    let overdue = gap.clocks.iter().filter(|clock| clock.overdue_seconds > 0).map(pb::ClockReading::clock);
    overdue.filter(|clock| *clock != pb::SupervisionClock::VictimUpdate).collect()
}

#[tokio::test]
async fn bail_failed_circulated_late_neglected_found_reviewed_arrested() {
    let server = Server::in_memory();
    let person = wanted("S-1");
    let offence = person.clone().last_id();
    let mut desk = Desk::new(&server, "S-1").await;
    desk.client.write(person.records()).await;

    // Ten days ago the court waited for him in vain.
    desk.open("W-1", 10 * 24, &offence).await;
    let at_large = desk.components().await;
    let gaps = desk.gaps(pb::GapFilter::default()).await;
    assert_eq!((gaps.open_files, gaps.overdue_files, gaps.never_reviewed, gaps.never_circulated), (1, 1, 1, 1));
    assert_eq!(gaps.gaps[0].band(), pb::Band::VeryHigh, "MAPPA level 3");
    // All three had a day; of clocks due together the order is that of the contract.
    assert_eq!(overdue(&gaps.gaps[0]), [Circulation, Activity, Review]);
    assert_eq!(gaps.gaps[0].gap / 1_000, 90, "ten days elapsed of one allowed");

    // It was asked for at once, and done four days late.
    desk.circulate("W-1", pb::Circulation::Pending, 10 * 24 - 2).await.expect("must be taken");
    assert_eq!(overdue(&desk.gaps(pb::GapFilter::default()).await.gaps[0]), [Circulation, Activity, Review]);
    desk.circulate("W-1", pb::Circulation::PncWanted, 5 * 24).await.expect("must be taken");
    assert_eq!(overdue(&desk.gaps(pb::GapFilter::default()).await.gaps[0]), [Activity, Review]);

    // The sergeant's list has it, and nobody else's.
    let of = |supervisor: &str| pb::GapFilter { supervisors: vec![supervisor.to_owned()], ..Default::default() };
    assert_eq!(desk.gaps(of("PS-9")).await.gaps.len(), 1);
    assert_eq!(desk.gaps(of("PS-8")).await.gaps.len(), 0);
    let never = pb::GapFilter { never_reviewed_only: true, ..Default::default() };
    assert_eq!(desk.gaps(never.clone()).await.gaps.len(), 1);

    // The officer in the case reviews his own file: it is kept, and he is told that it does not count.
    let own = desk.review("W-1", "PC-1", 30).await.expect("must be kept");
    assert!(own.remarks[0].contains("officer in the case"), "{:?}", own.remarks);
    assert_eq!(desk.gaps(never.clone()).await.gaps.len(), 1);
    assert!(desk.review("W-1", "PS-9", 20).await.expect("must be kept").remarks.is_empty());
    assert_eq!(desk.gaps(never).await.gaps.len(), 0);
    assert_eq!(overdue(&desk.gaps(pb::GapFilter::default()).await.gaps[0]), [Activity]);

    // A door, and the same door again the next morning.
    assert!(desk.act("W-1", "PC-2", 18, "ADDR-1").await.expect("must be kept").remarks.is_empty());
    let again = desk.act("W-1", "PC-2", 3, "ADDR-1").await.expect("must be kept");
    assert!(again.remarks[0].contains("same target"), "{:?}", again.remarks);
    let gaps = desk.gaps(pb::GapFilter::default()).await;
    assert_eq!((gaps.gaps.len(), gaps.overdue_files, gaps.open_files), (0, 0, 1), "nothing is overdue any more");
    assert_eq!(desk.components().await, at_large, "supervision never changes threat, risk or harm");

    // Arrested; still on the national computer.
    let closed = desk.close("W-1", pb::CloseOutcome::Arrested, 1).await.expect("must close");
    assert!(closed.remarks.iter().any(|remark| remark.contains("PNC_WANTED")), "{:?}", closed.remarks);
    assert!(closed.remarks.iter().any(|remark| remark.contains("1 linked victim")), "{:?}", closed.remarks);
    assert_eq!(desk.gaps(pb::GapFilter::default()).await.open_files, 0);
    assert!(desk.components().await.0 < at_large.0, "no longer at large");
    desk.circulate("W-1", pb::Circulation::Cancelled, 0).await.expect("a closed file can be taken off");

    let file = desk.file().await;
    assert!(!file.open && file.clocks.is_empty());
    let kinds: Vec<(pb::TimelineKind, bool)> = file
        .timeline
        .iter()
        .map(|entry| (entry.kind(), entry.counts))
        .filter(|(kind, _)| *kind != pb::TimelineKind::Band)
        .collect();
    assert_eq!(
        kinds,
        [
            (Kind::Opened, true),
            (Kind::Circulation, false),
            (Kind::Circulation, true),
            (Kind::Review, false),
            (Kind::Review, true),
            (Kind::Activity, true),
            (Kind::Activity, false),
            (Kind::Closed, true),
            (Kind::Circulation, false),
        ]
    );
    let band = file.timeline.iter().find(|entry| entry.kind() == Kind::Band).expect("the band was noted");
    assert_eq!(band.band(), pb::Band::VeryHigh);
    let visit = file.timeline.iter().find_map(|entry| entry.activity.as_ref()).expect("activity is told in full");
    assert_eq!((visit.minutes, visit.target_ref.as_str()), (45, "ADDR-1"));
    assert!(file.timeline.iter().all(|entry| entry.recorded_time.is_some() && entry.revision > 0));
}

#[tokio::test]
async fn impossible_moves_are_refused_with_their_reason_and_nothing_is_written() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "S-1").await;
    desk.client.write(wanted("S-1").records()).await;
    let refused = |status: tonic::Status, code: Code, why: &str| {
        assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(why)), "{}", told(&status));
    };
    refused(desk.act("W-1", "PC-2", 1, "").await.unwrap_err(), Code::NotFound, "UNKNOWN_FILE");
    refused(desk.reopen("W-1", 1).await.unwrap_err(), Code::NotFound, "UNKNOWN_FILE");
    desk.open("W-1", 20 * 24, "").await;
    let revision = desk.file().await.etag;
    refused(desk.reopen("W-1", 1).await.unwrap_err(), Code::FailedPrecondition, "FILE_OPEN");
    for early in [
        told(&desk.act("W-1", "PC-2", 30 * 24, "").await.unwrap_err()),
        told(&desk.review("W-1", "PS-9", 30 * 24).await.unwrap_err()),
    ] {
        assert!(early.contains("InvalidArgument") && early.contains("BEFORE_OPENING"), "{early}");
    }
    let future = told(&desk.act("W-1", "PC-2", -3, "").await.unwrap_err());
    assert!(future.contains("AFTER_RECORDED"), "{future}");
    assert_eq!(desk.file().await.etag, revision, "nothing was written");

    desk.act("W-1", "PC-2", 5 * 24, "ADDR-1").await.expect("must be kept");
    let before = told(&desk.close("W-1", pb::CloseOutcome::Arrested, 6 * 24).await.unwrap_err());
    assert!(before.contains("closed_time: DATES_OUT_OF_ORDER"), "{before}");
    desk.close("W-1", pb::CloseOutcome::Withdrawn, 4 * 24).await.expect("must close");
    let closed = desk.close("W-1", pb::CloseOutcome::Arrested, 1).await.unwrap_err();
    refused(closed, Code::FailedPrecondition, "FILE_CLOSED");
    refused(desk.act("W-1", "PC-2", 1, "").await.unwrap_err(), Code::FailedPrecondition, "FILE_CLOSED");
    refused(desk.review("W-1", "PS-9", 1).await.unwrap_err(), Code::FailedPrecondition, "FILE_CLOSED");
    let wanted = desk.circulate("W-1", pb::Circulation::PncWanted, 1).await.unwrap_err();
    refused(wanted, Code::FailedPrecondition, "FILE_CLOSED");
    // What was done before it closed may still be told.
    desk.act("W-1", "PC-3", 4 * 24 + 1, "ADDR-2").await.expect("late, and true");
    let sooner = told(&desk.reopen("W-1", 10 * 24).await.unwrap_err());
    assert!(sooner.contains("opened_time: DATES_OUT_OF_ORDER"), "{sooner}");

    // The same rules hold for records that are imported.
    let review = pb::Review {
        outstanding_id: "W-9".to_owned(),
        officer: "PS-9".to_owned(),
        rank: pb::SupervisorRank::Sergeant.into(),
        reviewed_time: ago(1),
        findings: "Nothing was found to be missing.".to_owned(),
        ..Default::default()
    };
    let today = Date::in_london(Timestamp::now()).to_string();
    let mut imported = Somebody::new("S-1").record(&today, pb::record::Kind::Review(review)).records();
    imported[0].recorded_time = None;
    imported[0].event_date = Date::in_london(Timestamp::now() - jiff::Span::new().hours(1)).to_string();
    imported[0].id = "R-9".to_owned();
    let unknown = told(&desk.client.try_write(imported).await.unwrap_err());
    assert!(unknown.contains("records[0].review.outstanding_id: UNKNOWN_FILE"), "{unknown}");

    // Everything wrong is told at once, the request's id too.
    let request = pb::RecordActivityRequest { activity: Some(pb::Activity::default()), ..Default::default() };
    let all = told(&desk.client.outstanding.record_activity(request).await.unwrap_err());
    assert!(all.contains("request_id: INVALID_REQUEST_ID") && all.contains("subject_ref: INVALID_REFERENCE"), "{all}");
}

#[tokio::test]
async fn a_file_closed_without_the_person_and_opened_again_keeps_its_clocks() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "S-1").await;
    desk.client.write(wanted("S-1").records()).await;
    desk.open("W-1", 40 * 24, "").await;
    let since = |file: &pb::OutstandingFile, kind: pb::SupervisionClock| {
        let clock = file.clocks.iter().find(|clock| clock.clock() == kind).expect("the clock must run");
        clock.since_time.as_ref().map_or(0, |time| time.seconds)
    };
    let began = since(&desk.file().await, pb::SupervisionClock::Inspector);
    desk.close("W-1", pb::CloseOutcome::Withdrawn, 2 * 24).await.expect("must close");
    desk.reopen("W-1", 24).await.expect("must open again");
    let file = desk.file().await;
    for kind in [pb::SupervisionClock::Inspector, pb::SupervisionClock::Review, pb::SupervisionClock::Activity] {
        assert_eq!(since(&file, kind), began, "{kind:?}");
    }
    assert_eq!(file.file.expect("told").periods.len(), 2);
    desk.close("W-1", pb::CloseOutcome::Arrested, 2).await.expect("must close");
    desk.reopen("W-1", 1).await.expect("must open again");
    assert!(since(&desk.file().await, pb::SupervisionClock::Inspector) > began + 38 * DAY, "he was found in between");
}

#[tokio::test]
async fn neither_a_new_file_nor_a_later_version_makes_a_case_younger() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "S-1").await;
    let person = wanted("S-1");
    desk.client.write(person.clone().records()).await;
    desk.open("W-1", 40 * 24, "").await;
    desk.close("W-1", pb::CloseOutcome::Withdrawn, 2 * 24).await.expect("must close");
    desk.open("W-2", 24, "").await;
    let request = pb::GetOutstandingRequest { subject_ref: "S-1".to_owned(), ..Default::default() };
    let files = desk.client.outstanding.get_outstanding(request).await.expect("must be told").into_inner().files;
    let second = files.iter().find(|file| file.outstanding_id == "W-2").expect("held");
    let inspector = second.clocks.iter().find(|clock| clock.clock() == pb::SupervisionClock::Inspector);
    let since = inspector.and_then(|clock| clock.since_time.as_ref()).map(|time| time.seconds);
    assert_eq!(since, ago(40 * 24).map(|time| time.seconds), "the same case under another id");

    let held = desk.client.try_held("S-1", false, 100).await.expect("must be told");
    let of = |id: &str| {
        let mut record = held.iter().find_map(|held| held.record.clone().filter(|it| it.id == id)).expect("held");
        record.recorded_time = None;
        record
    };
    let mut later = of("W-1");
    let Some(pb::record::Kind::Outstanding(file)) = &mut later.kind else { panic!("a file") };
    let period = &mut file.periods[0];
    (period.opened_on, period.opened_time) = ((yesterday() - 9).to_string(), None);
    later.event_date = (yesterday() - 9).to_string();
    let refused = told(&desk.client.try_write(vec![later]).await.unwrap_err());
    assert!(refused.contains("records[0].outstanding.periods[0].opened_on: OPENING_MOVED"), "{refused}");
    let mut other = of("W-1");
    other.kind.clone_from(&person.records()[0].kind);
    let refused = told(&desk.client.try_write(vec![other]).await.unwrap_err());
    assert!(refused.contains("records[0].id: KIND_DIFFERS"), "{refused}");
    let early = told(&desk.circulate("W-2", pb::Circulation::PncWanted, 30 * 24).await.unwrap_err());
    assert!(early.contains("step.changed_time: BEFORE_OPENING"), "{early}");
    let held_again = desk.client.try_held("S-1", false, 100).await.expect("must be told");
    assert_eq!(held, held_again, "nothing was written");
}

#[tokio::test]
async fn a_request_sent_again_is_answered_as_before_and_done_once() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "S-1").await;
    desk.client.write(wanted("S-1").records()).await;
    let request = pb::OpenOutstandingRequest {
        request_id: new_id(),
        subject_ref: "S-1".to_owned(),
        reason: pb::OutstandingReason::Escape.into(),
        opened_time: ago(10 * 24),
        ..Default::default()
    };
    let first = desk.client.outstanding.open_outstanding(request.clone()).await.expect("must open").into_inner();
    let again = desk.client.outstanding.open_outstanding(request.clone()).await.expect("must be answered").into_inner();
    assert!(!first.etag.is_empty());
    assert_eq!(first, again, "the same answer, with the etag that the file had then");
    let area = |name: &str| pb::GapFilter { areas: vec![name.to_owned()], ..Default::default() };
    assert_eq!(desk.gaps(area("Northgate")).await.gaps.len(), 1, "a file without an area is of the person's");
    assert_eq!(desk.gaps(area("Vale")).await.gaps.len(), 0);
    let other = pb::OpenOutstandingRequest { area: "Vale".to_owned(), ..request };
    let reused = desk.client.outstanding.open_outstanding(other).await.unwrap_err();
    assert_eq!(reason(&reused).as_deref(), Some("REQUEST_ID_REUSED"));
    // An edit on top of another's is told.
    let amend = pb::AmendOutstandingRequest {
        request_id: new_id(),
        subject_ref: "S-1".to_owned(),
        outstanding_id: first.outstanding_id.clone(),
        fields: vec!["officer".to_owned(), "overseas_convictions".to_owned()],
        file: Some(pb::Outstanding {
            officer: "PC-7".to_owned(),
            overseas_convictions: Some(pb::OverseasCheck { asked_on: yesterday().to_string(), ..Default::default() }),
            ..Default::default()
        }),
        etag: first.etag.clone(),
    };
    let amended = desk.client.outstanding.amend_outstanding(amend.clone()).await.expect("must be taken").into_inner();
    assert_ne!(amended.etag, first.etag);
    let stale = pb::AmendOutstandingRequest { request_id: new_id(), ..amend };
    let stale = desk.client.outstanding.amend_outstanding(stale).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_deref()), (Code::Aborted, Some("ETAG_MISMATCH")));
    let file = desk.file().await;
    assert_eq!(file.file.as_ref().map(|file| file.officer.as_str()), Some("PC-7"));
    assert!(file.prompts.iter().any(|prompt| prompt == "Convictions overseas: asked for, and not answered."));
    assert!(file.prompts.iter().any(|prompt| prompt == "Immigration status: not asked for."));
}

#[tokio::test]
async fn pages_of_gaps_are_of_one_moment_and_neither_repeat_nor_skip() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "").await;
    for number in 0..30 {
        let name = format!("P-{number:02}");
        desk.client.write(Somebody::man(&name, "1990-01-01").mappa(1, 1 + number % 3, "2026-03-01").records()).await;
        desk.person.clone_from(&name);
        desk.open(&format!("W-{number:02}"), 24 * (8 + i64::from(number)), "").await;
    }
    let page = |size: u32, token: String| pb::ListSupervisionGapsRequest {
        page_size: size,
        page_token: token,
        ..Default::default()
    };
    let whole = desk.client.outstanding.list_supervision_gaps(page(100, String::new())).await.unwrap().into_inner();
    assert_eq!(whole.gaps.len(), 30);
    let keys: Vec<_> = whole.gaps.iter().map(|gap| (-gap.band, -gap.gap)).collect();
    assert!(keys.is_sorted(), "by band, then by gap: {keys:?}");
    assert_eq!(whole.gaps.iter().map(|gap| gap.position).collect::<Vec<_>>(), (1..=30).collect::<Vec<_>>());
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let part = desk.client.outstanding.list_supervision_gaps(page(7, token)).await.expect("must come").into_inner();
        found.extend(part.gaps.iter().map(|gap| gap.outstanding_id.clone()));
        token = part.next_page_token;
        if token.is_empty() {
            break;
        }
        // Meanwhile the worst file of all is closed.
        if found.len() == 7 {
            desk.person.clone_from(&whole.gaps[29].subject_ref);
            desk.close(&whole.gaps[29].outstanding_id, pb::CloseOutcome::Arrested, 0).await.expect("must close");
        }
    }
    assert_eq!(found, whole.gaps.iter().map(|gap| gap.outstanding_id.clone()).collect::<Vec<_>>());
    let after = desk.gaps(pb::GapFilter::default()).await;
    assert_eq!((after.open_files, after.gaps.len()), (29, 29), "a first page sees what was written");
    let forged = desk.client.outstanding.list_supervision_gaps(page(7, "x".repeat(114))).await.unwrap_err();
    assert_eq!(reason(&forged).as_deref(), Some("PAGE_TOKEN_INVALID"));
}

#[tokio::test]
async fn victims_are_told_of_by_each_suspects_own_file_alone() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "A").await;
    let victim = |somebody: Somebody| {
        somebody.with(|offence| {
            offence.victim = Some(pb::Victim {
                victim_ref: "V-7".to_owned(),
                natural_person: true,
                vulnerable: false,
                repeat: false,
            });
        })
    };
    let (a, b) = (
        victim(Somebody::man("A", "1990-01-01").charged("OF61016", "2026-02-01")),
        victim(Somebody::man("B", "1991-01-01").charged("OF61016", "2026-02-20")),
    );
    let offences = [a.clone().last_id(), b.clone().last_id()];
    desk.client.write(a.records()).await;
    desk.open("W-A", 3 * 24, &offences[0]).await;
    let list = pb::ListVictimUpdatesRequest::default();
    let alone = desk.client.outstanding.list_victim_updates(list.clone()).await.expect("must come").into_inner();
    assert_eq!(alone.updates.len(), 0, "once harmed, not known as vulnerable");
    // Another suspect harms the same person: for A's file too the victim is a repeat victim from then on.
    desk.client.write(b.records()).await;
    let linked = desk.client.outstanding.list_victim_updates(list.clone()).await.expect("must come").into_inner();
    assert_eq!((linked.updates.len(), linked.files), (1, 1));
    let row = &linked.updates[0];
    let found = row.victim.as_ref().expect("told");
    assert!(found.repeat && !found.vulnerable && found.overdue_seconds > DAY, "due a day after the file opened");
    let text = serde_json::to_string(&linked).expect("told");
    assert!(row.subject_ref == "A" && !text.contains("\"B\""), "{text}");
    let told_of = |outcome: pb::ActivityOutcome| pb::RecordActivityRequest {
        request_id: new_id(),
        subject_ref: "A".to_owned(),
        activity: Some(pb::Activity {
            activity_kind: pb::ActivityKind::VictimUpdated.into(),
            outcome: outcome.into(),
            officer: "PC-1".to_owned(),
            outstanding_id: "W-A".to_owned(),
            victim_ref: "V-7".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let by_clock =
        pb::GapFilter { clocks: vec![pb::SupervisionClock::VictimUpdate.into()], ..pb::GapFilter::default() };
    let gap = desk.gaps(by_clock.clone()).await.gaps.remove(0);
    assert!(gap.clocks.iter().any(|clock| clock.clock() == pb::SupervisionClock::VictimUpdate), "{gap:?}");
    let overdue = pb::ListVictimUpdatesRequest { overdue_only: true, ..list };
    desk.client.outstanding.record_activity(told_of(pb::ActivityOutcome::NotReached)).await.expect("must be kept");
    let still = desk.client.outstanding.list_victim_updates(overdue.clone()).await.expect("must come").into_inner();
    assert_eq!(still.updates.len(), 1, "nobody was reached");
    desk.client.outstanding.record_activity(told_of(pb::ActivityOutcome::Reached)).await.expect("must be kept");
    let none = desk.client.outstanding.list_victim_updates(overdue).await.expect("must come").into_inner();
    assert_eq!((none.updates.len(), none.files), (0, 0));
    assert_eq!(desk.gaps(by_clock).await.gaps.len(), 0);
}

/// A return as known at an instant, as bytes.
async fn returned(client: &mut Client, known_at: Timestamp) -> pb::GetOutstandingReturnResponse {
    let request = pb::GetOutstandingReturnRequest {
        as_at: yesterday().to_string(),
        known_at: Some(pbjson_types::Timestamp { seconds: known_at.as_second(), nanos: known_at.subsec_nanosecond() }),
        from: (yesterday() - 30).to_string(),
        areas: Vec::new(),
    };
    client.outstanding.get_outstanding_return(request).await.expect("a return must come").into_inner()
}

#[tokio::test]
async fn a_return_for_a_day_and_a_moment_is_the_same_for_ever_and_a_later_moment_shows_corrections() {
    let home = tempfile::tempdir().expect("must make a directory");
    let server = Server::on(home.path(), &["--as-of", crate::people::AS_OF]);
    let mut desk = Desk::new(&server, "S-1").await;
    let person = wanted("S-1");
    let offence = person.clone().last_id();
    desk.client.write(person.records()).await;
    desk.open("W-1", 12 * 24, &offence).await;
    desk.circulate("W-1", pb::Circulation::PncWanted, 11 * 24).await.expect("must be taken");
    let first_known = Timestamp::now();
    let first = returned(&mut desk.client, first_known).await;
    let total = first.total.expect("told");
    assert_eq!((total.open, total.never_reviewed, total.active_in_time, first.people), (1, 1, 0, 1));
    assert_eq!((total.with_vulnerable_victim, total.with_victim_to_update, total.victims_updated_in_time), (1, 1, 0));
    assert_eq!(first.cells.len(), 1);
    let cell = &first.cells[0];
    assert_eq!(cell.reason(), pb::OutstandingReason::FailedToSurrenderCourtBail);
    assert_eq!((cell.age(), cell.band(), cell.circulated), (pb::CaseAge::From8To28Days, pb::Band::VeryHigh, true));
    assert_eq!(first.to_circulate, Some(pb::Median { files: 1, seconds: 24 * 3_600 }));
    assert_eq!((first.opened, first.to_close), (1, Some(pb::Median { files: 0, seconds: 0 })));

    // Backdated: a visit two days ago, told only now; a review; another person; the first one is arrested today.
    desk.act("W-1", "PC-2", 48 - 1, "ADDR-1").await.expect("must be kept");
    desk.review("W-1", "PS-9", 48 - 2).await.expect("must be kept");
    desk.client.write(wanted("S-2").records()).await;
    desk.person = "S-2".to_owned();
    desk.open("W-2", 100 * 24, "").await;
    desk.person = "S-1".to_owned();
    desk.close("W-1", pb::CloseOutcome::Arrested, 0).await.expect("must close");
    let second_known = Timestamp::now();
    let again = returned(&mut desk.client, first_known).await;
    assert_eq!(again.encode_to_vec(), first.encode_to_vec(), "to the byte");
    let corrected = returned(&mut desk.client, second_known).await;
    let total = corrected.total.expect("told");
    assert_eq!((total.open, corrected.people, total.never_reviewed), (2, 2, 1), "open yesterday, whatever came today");
    assert!(corrected.documented_late >= 1, "{}", corrected.documented_late);
    assert!(corrected.to_first_activity.expect("told").files == 1);
    assert!(corrected.revision > first.revision);

    // Another process, another boot: the same bytes.
    server.kill();
    let server = Server::on(home.path(), &[]);
    let mut client = server.client().await;
    assert_eq!(returned(&mut client, first_known).await.encode_to_vec(), first.encode_to_vec());
    assert_eq!(returned(&mut client, second_known).await.encode_to_vec(), corrected.encode_to_vec());

    let ask = |as_at: Date, known_at: Option<Timestamp>| pb::GetOutstandingReturnRequest {
        as_at: as_at.to_string(),
        known_at: known_at.map(|at| pbjson_types::Timestamp { seconds: at.as_second(), nanos: 0 }),
        ..Default::default()
    };
    let mut refused = async |request| told(&client.outstanding.get_outstanding_return(request).await.unwrap_err());
    let today = refused(ask(yesterday() + 1, None)).await;
    assert!(today.contains("as_at: NOT_YET_OVER"), "{today}");
    let later = Timestamp::now() + jiff::Span::new().hours(2);
    let unknown = refused(ask(yesterday(), Some(later))).await;
    assert!(unknown.contains("known_at: IN_THE_FUTURE"), "{unknown}");
    let before = client.outstanding.get_outstanding_return(ask(yesterday() - 400, None)).await.unwrap().into_inner();
    assert_eq!((before.revision, before.people, before.cells.len()), (0, 0, 0), "nothing was known then");
}

#[tokio::test]
async fn time_is_told_by_kind_area_and_band_and_what_it_brought() {
    let server = Server::in_memory();
    let mut desk = Desk::new(&server, "S-1").await;
    let person = wanted("S-1");
    let offence = person.clone().last_id();
    desk.client.write(person.records()).await;
    desk.open("W-1", 12 * 24, &offence).await;
    desk.act("W-1", "PC-2", 30, "ADDR-1").await.expect("must be kept");
    desk.act("W-1", "PC-2", 29, "ADDR-2").await.expect("must be kept");
    desk.close("W-1", pb::CloseOutcome::Arrested, 1).await.expect("must close");
    let today = yesterday() + 1;
    let request = pb::GetDemandRequest { from: (today - 20).to_string(), to: today.to_string(), ..Default::default() };
    let demand = desk.client.outstanding.get_demand(request.clone()).await.expect("must come").into_inner();
    assert_eq!((demand.minutes_outstanding, demand.arrests, demand.minutes_per_arrest), (90, 1, 90));
    assert_eq!(demand.spent.len(), 1);
    let spent = &demand.spent[0];
    assert_eq!(
        (spent.kind(), spent.band(), spent.activities),
        (pb::ActivityKind::AddressVisited, pb::Band::VeryHigh, 2)
    );
    assert_eq!((spent.area.as_str(), spent.minutes), ("Northgate", 90));
    let elsewhere = pb::GetDemandRequest { areas: vec!["Vale".to_owned()], ..request.clone() };
    let none = desk.client.outstanding.get_demand(elsewhere).await.expect("must come").into_inner();
    assert_eq!((none.minutes, none.arrests), (0, 0));
    let turned = pb::GetDemandRequest { from: request.to.clone(), to: request.from, ..Default::default() };
    let wrong = told(&desk.client.outstanding.get_demand(turned).await.unwrap_err());
    assert!(wrong.contains("to: DATES_OUT_OF_ORDER"), "{wrong}");
}

#[tokio::test]
async fn clocks_bands_and_gaps_are_the_same_after_a_restart() {
    let home = tempfile::tempdir().expect("must make a directory");
    let server = Server::on(home.path(), &["--as-of", crate::people::AS_OF]);
    let mut desk = Desk::new(&server, "S-1").await;
    let person = wanted("S-1");
    let offence = person.clone().last_id();
    desk.client.write(person.records()).await;
    desk.open("W-1", 12 * 24, &offence).await;
    desk.act("W-1", "PC-2", 30, "ADDR-1").await.expect("must be kept");
    let before = desk.file().await;
    let head = desk.gaps(pb::GapFilter::default()).await.context.expect("told").revision;
    server.kill();
    let server = Server::on(home.path(), &[]);
    let mut desk = Desk::new(&server, "S-1").await;
    let after = desk.file().await;
    let clocks = |file: &pb::OutstandingFile| {
        file.clocks.iter().map(|clock| (clock.clock, clock.since_time, clock.due_time)).collect::<Vec<_>>()
    };
    assert_eq!(clocks(&after), clocks(&before));
    assert_eq!(after.timeline, before.timeline);
    assert_eq!(
        desk.gaps(pb::GapFilter::default()).await.context.expect("told").revision,
        head,
        "a restart writes nothing"
    );
    // On another day and the band that it brings, the change is of the ledger.
    drop(server);
    let server = Server::on(home.path(), &["--as-of", "2026-04-30"]);
    let mut desk = Desk::new(&server, "S-1").await;
    let moved = desk.gaps(pb::GapFilter::default()).await.context.expect("told").revision;
    assert!(moved > head);
    assert_eq!(clocks(&desk.file().await), clocks(&before), "the same band, so the same clocks");
}
