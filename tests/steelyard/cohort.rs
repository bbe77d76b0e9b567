//! The managed cohort: decisions with the standing frozen into them, and whether
//! selection follows threat, risk and harm.

use jiff::Timestamp;
use steelyard::domain::Date;
use steelyard::pb;
use tonic::Code;

use crate::harness::{Client, Server, new_id, reason, told};
use crate::people::{AS_OF, Somebody};

fn request(person: &str, decision: pb::DecisionKind, rationale: &str) -> pb::RecordDecisionRequest {
    pb::RecordDecisionRequest {
        request_id: new_id(),
        subject_ref: person.to_owned(),
        decision: decision.into(),
        status: match decision {
            pb::DecisionKind::Select | pb::DecisionKind::Decline => pb::CohortStatus::Free.into(),
            _ => 0,
        },
        rag: if decision == pb::DecisionKind::Select { pb::Rag::Red.into() } else { 0 },
        officer: "INSP-1".to_owned(),
        rationale: rationale.to_owned(),
        panel: "PANEL-7".to_owned(),
        representations_received: true,
        offender_manager: if decision == pb::DecisionKind::Select { "OM-1".to_owned() } else { String::new() },
        area: if decision == pb::DecisionKind::Select { "Northgate".to_owned() } else { String::new() },
        minutes: 30,
        ..Default::default()
    }
}

/// A day by which an override may end, on whatever day the tests run.
fn in_a_fortnight() -> String {
    (Date::in_london(Timestamp::now()) + 14).to_string()
}

async fn decide(
    client: &mut Client,
    person: &str,
    decision: pb::DecisionKind,
    rationale: &str,
) -> Result<pb::RecordDecisionResponse, tonic::Status> {
    client.cohort.record_decision(request(person, decision, rationale)).await.map(tonic::Response::into_inner)
}

async fn decisions(client: &mut Client, filter: pb::DecisionFilter) -> pb::ListDecisionsResponse {
    let request = pb::ListDecisionsRequest { filter: Some(filter), with_detail: true, ..Default::default() };
    client.cohort.list_decisions(request).await.expect("must be told").into_inner()
}

/// People of less and less harm, all of them candidates.
async fn candidates(client: &mut Client) {
    let people = [("A", "OF61016", 4), ("B", "OF61016", 2), ("C", "OF61016", 1), ("D", "TH68010", 1)];
    for (name, code, count) in people {
        let somebody = (0..count).fold(Somebody::man(name, "1991-03-04"), |somebody, place| {
            let day = format!("2026-0{}-10", 1 + place % 3);
            somebody.convicted(code, &day, "2026-03-20")
        });
        client.write(somebody.mappa(2, 2, "2026-03-01").records()).await;
    }
}

#[tokio::test]
async fn a_panel_passes_over_the_third_ranked_person_with_a_reason() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    candidates(&mut client).await;
    let ranked: Vec<String> =
        client.whole(pb::List::Candidates, 10).await.into_iter().map(|standing| standing.subject_ref).collect();
    assert_eq!(ranked, ["A", "B", "C", "D"]);
    let before = client.on_list("C", pb::List::Candidates).await;
    decide(&mut client, "A", pb::DecisionKind::Select, "Most harm, and recent; nobody else works with him.")
        .await
        .unwrap();
    decide(&mut client, "B", pb::DecisionKind::Select, "Second by harm, and two victims live close by.").await.unwrap();
    let passed = "Moves to another force on Monday, whose panel was told in full.";
    decide(&mut client, "C", pb::DecisionKind::Decline, passed).await.expect("must be kept");
    decide(&mut client, "D", pb::DecisionKind::Select, "Asked for help with housing; prevention is cheap here.")
        .await
        .unwrap();

    let alignment = client.cohort.get_alignment(pb::GetAlignmentRequest::default()).await.unwrap().into_inner();
    assert_eq!((alignment.members, alignment.aligned, alignment.aligned_share), (3, 2, 6_666));
    let free = alignment.statuses.iter().find(|status| status.status() == pb::CohortStatus::Free).expect("told");
    assert_eq!((free.passed_over, free.passed_over_with_reason, free.below, free.below_with_reason), (1, 1, 1, 1));
    let over = &free.passed_over_people[0];
    assert_eq!((over.subject_ref.as_str(), over.position, over.rationale.as_str()), ("C", 3, passed));
    assert_eq!(over.decision(), pb::DecisionKind::Decline);
    assert_eq!((free.below_people[0].subject_ref.as_str(), free.below_people[0].position), ("D", 4));
    assert_eq!(alignment.by_area.len(), 1);
    assert_eq!((alignment.by_area[0].members, alignment.by_area[0].passed_over), (3, 1));
    // What somebody decided to show higher or lower is not what the scores say.
    let mut overrides = Vec::new();
    for (person, band) in [("C", pb::Band::Low), ("D", pb::Band::VeryHigh)] {
        let shown = pb::OverrideBandRequest {
            request_id: new_id(),
            subject_ref: person.to_owned(),
            r#override: Some(pb::BandOverride {
                band: band.into(),
                scope: pb::OverrideScope::Both.into(),
                rationale: "Told to the panel by the neighbourhood team.".to_owned(),
                officer: "INSP-1".to_owned(),
                second_officer: "SUPT-1".to_owned(),
                expires_on: in_a_fortnight(),
            }),
            ..Default::default()
        };
        let kept = client.cohort.override_band(shown).await.expect("must be kept").into_inner();
        overrides.push((person, kept.override_id));
    }
    let overridden = client.cohort.get_alignment(pb::GetAlignmentRequest::default()).await.unwrap().into_inner();
    let order = |told: &pb::GetAlignmentResponse| {
        let free = told.statuses.iter().find(|status| status.status() == pb::CohortStatus::Free).expect("told").clone();
        let of = |person: &pb::Misalignment| (person.subject_ref.clone(), person.position);
        (told.aligned, free.passed_over_people.iter().chain(&free.below_people).map(of).collect::<Vec<_>>())
    };
    assert_eq!(order(&overridden), order(&alignment));
    for (person, id) in overrides {
        let withdrawn = pb::WithdrawOverrideRequest {
            request_id: new_id(),
            subject_ref: person.to_owned(),
            override_id: id,
            reason: "The panel has met, and was told of it.".to_owned(),
            etag: String::new(),
        };
        client.cohort.withdraw_override(withdrawn).await.expect("must be taken");
    }

    let elsewhere = pb::GetAlignmentRequest { areas: vec!["Vale".to_owned()], ..Default::default() };
    let elsewhere = client.cohort.get_alignment(elsewhere).await.unwrap().into_inner();
    assert_eq!(
        (elsewhere.members, elsewhere.statuses[2].passed_over_people.len()),
        (0, 0),
        "nobody out of scope is named"
    );

    // The decision holds what the panel had before it, whatever comes later.
    let mut raised = Somebody::new("C").mappa(2, 3, "2026-03-25");
    raised.last().id = "C-raised".to_owned();
    client.write(raised.records()).await;
    assert_ne!(client.on_list("C", pb::List::Candidates).await.effective_band, before.effective_band);
    let told =
        decisions(&mut client, pb::DecisionFilter { subject_refs: vec!["C".to_owned()], ..Default::default() }).await;
    let decision = told.decisions[0].decision.as_ref().expect("told");
    let standing = decision.standing.as_ref().expect("a standing is frozen");
    let scores = |it: &pb::Standing| (it.composite, it.threat, it.risk, it.harm, it.effective_band);
    assert_eq!((scores(standing), standing.rank), (scores(&before), 1));
    assert_eq!((decision.list(), decision.list_size), (pb::List::Candidates, 2), "two were candidates by then");
    let sum: u32 =
        standing.detail.as_ref().expect("explained").contributions.iter().map(|part| part.milli_points).sum();
    assert_eq!(sum, standing.composite, "the explanation is whole");
    assert_eq!((decision.policy_version.as_str(), decision.as_of.as_str()), ("thr-2026.1", AS_OF));
    assert!(decision.harm_milli_days > 0 && decision.representations_received);

    // The lists follow: members on COHORT, with their grade.
    let cohort = client.whole(pb::List::Cohort, 10).await;
    assert_eq!(cohort.iter().map(pb::Standing::rag).collect::<Vec<_>>(), [pb::Rag::Red; 3]);
}

#[tokio::test]
async fn nobody_decides_without_a_name_and_a_reason_and_not_against_where_the_person_is() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    candidates(&mut client).await;
    let bare = pb::RecordDecisionRequest { request_id: new_id(), subject_ref: "A".to_owned(), ..Default::default() };
    let all = told(&client.cohort.record_decision(bare).await.unwrap_err());
    for fault in ["decision: REQUIRED", "officer: INVALID_REFERENCE", "rationale: LENGTH_OUT_OF_RANGE"] {
        assert!(all.contains(fault), "{fault}: {all}");
    }
    let why = "Considered by the panel in full.";
    let mut refused = async |person: &str, kind| {
        let status = decide(&mut client, person, kind, why).await.unwrap_err();
        (status.code(), reason(&status).unwrap_or_default())
    };
    assert_eq!(refused("Z", pb::DecisionKind::Select).await, (Code::NotFound, "UNKNOWN_SUBJECT".to_owned()));
    for kind in [pb::DecisionKind::Retain, pb::DecisionKind::Deselect] {
        assert_eq!(refused("A", kind).await, (Code::FailedPrecondition, "NOT_MANAGED".to_owned()));
    }
    decide(&mut client, "A", pb::DecisionKind::Select, why).await.expect("must be kept");
    let again = decide(&mut client, "A", pb::DecisionKind::Select, why).await.unwrap_err();
    assert_eq!(reason(&again).as_deref(), Some("ALREADY_MANAGED"));
    let same = pb::RecordDecisionRequest {
        status: pb::CohortStatus::Free.into(),
        ..request("A", pb::DecisionKind::ChangeStatus, why)
    };
    let same = told(&client.cohort.record_decision(same).await.unwrap_err());
    assert!(same.contains("status: CONTRADICTION"), "{same}");
    let fixed = pb::RecordDecisionRequest {
        status: pb::CohortStatus::Fixed.into(),
        ..request("A", pb::DecisionKind::ChangeStatus, "Neighbourhood crime has come up again.")
    };
    client.cohort.record_decision(fixed).await.expect("must be kept");
    let green = pb::RecordDecisionRequest {
        rag: pb::Rag::Green.into(),
        ..request("A", pb::DecisionKind::Retain, "Keeps to his plan; to be looked at for deselection.")
    };
    client.cohort.record_decision(green).await.expect("must be kept");
    let standing = client.on_list("A", pb::List::Cohort).await;
    assert_eq!((standing.cohort_status(), standing.rag()), (pb::CohortStatus::Fixed, pb::Rag::Green));
    decide(&mut client, "A", pb::DecisionKind::Deselect, "Nothing for a year, and in work.")
        .await
        .expect("must be kept");
    assert_eq!(client.whole(pb::List::Cohort, 10).await.len(), 0);
    let kinds: Vec<pb::DecisionKind> = decisions(&mut client, pb::DecisionFilter::default())
        .await
        .decisions
        .iter()
        .map(|row| row.decision.as_ref().expect("told").decision())
        .collect();
    let expected = [
        pb::DecisionKind::Deselect,
        pb::DecisionKind::Retain,
        pb::DecisionKind::ChangeStatus,
        pb::DecisionKind::Select,
    ];
    assert_eq!(kinds, expected, "newest first, the history of status and grade");
    // Nobody writes a decision past the service that freezes the standing into it.
    let decision = pb::CohortDecision {
        decision: pb::DecisionKind::Select.into(),
        officer: "INSP-1".to_owned(),
        rationale: "Brought in from elsewhere.".to_owned(),
        decided_time: Some(pbjson_types::Timestamp { seconds: 1_774_000_000, nanos: 0 }),
        ..Default::default()
    };
    let kind = pb::record::Kind::CohortDecision(Box::new(decision));
    let mut brought_in = Somebody::new("B").record("2026-03-20", kind);
    brought_in.last().id = "B-decision".to_owned();
    let written = told(&client.try_write(brought_in.records()).await.unwrap_err());
    assert!(written.contains("NOT_WRITTEN_HERE"), "{written}");
}

#[tokio::test]
async fn copied_rationales_are_counted() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    candidates(&mut client).await;
    let copied = "Meets the criteria and is suitable.";
    assert!(decide(&mut client, "A", pb::DecisionKind::Select, copied).await.unwrap().remarks.is_empty());
    let second =
        decide(&mut client, "B", pb::DecisionKind::Select, "meets the  Criteria and is suitable.").await.unwrap();
    assert!(second.remarks[0].contains("word for word in 1 decision"), "{:?}", second.remarks);
    decide(&mut client, "C", pb::DecisionKind::Decline, "Two partners already work with him daily.").await.unwrap();
    decide(&mut client, "A", pb::DecisionKind::Retain, "Two weeks in: keeps appointments, drinks less.").await.unwrap();
    let all = decisions(&mut client, pb::DecisionFilter::default()).await;
    assert_eq!((all.total, all.with_identical_rationale), (4, 2));
    let same =
        decisions(&mut client, pb::DecisionFilter { identical_rationale_only: true, ..Default::default() }).await;
    assert_eq!(same.decisions.iter().map(|row| row.subject_ref.as_str()).collect::<Vec<_>>(), ["B", "A"]);
    assert!(same.decisions.iter().all(|row| row.identical_rationales == 1));
    // Pages of decisions, one at a time.
    let mut token = String::new();
    let mut found = 0;
    loop {
        let page = pb::ListDecisionsRequest { page_size: 1, page_token: token, ..Default::default() };
        let page = client.cohort.list_decisions(page).await.expect("must come").into_inner();
        assert!(page.decisions[0].decision.as_ref().unwrap().standing.as_ref().unwrap().detail.is_none());
        found += page.decisions.len();
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, 4);
}

#[tokio::test]
async fn an_override_stands_until_it_is_withdrawn_and_below_a_floor_needs_two() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    candidates(&mut client).await;
    let lower = pb::OverrideBandRequest {
        request_id: new_id(),
        subject_ref: "A".to_owned(),
        r#override: Some(pb::BandOverride {
            band: pb::Band::Low.into(),
            scope: pb::OverrideScope::Both.into(),
            rationale: "Known to be abroad until the summer.".to_owned(),
            officer: "INSP-1".to_owned(),
            expires_on: in_a_fortnight(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let refused = told(&client.cohort.override_band(lower.clone()).await.unwrap_err());
    assert!(refused.contains("override.second_officer: SECOND_OFFICER_REQUIRED"), "{refused}");
    let mut raise = lower;
    raise.request_id = new_id();
    raise.r#override.as_mut().expect("there").band = pb::Band::VeryHigh.into();
    let raised = client.cohort.override_band(raise).await.expect("raising is free").into_inner();
    assert_eq!(client.on_list("A", pb::List::All).await.effective_band(), pb::Band::VeryHigh);
    let withdraw = |id: &str| pb::WithdrawOverrideRequest {
        request_id: new_id(),
        subject_ref: "A".to_owned(),
        override_id: id.to_owned(),
        reason: "Came back early, and is seen weekly.".to_owned(),
        etag: String::new(),
    };
    let other = client.cohort.withdraw_override(withdraw("A-001")).await.unwrap_err();
    assert_eq!(reason(&other).as_deref(), Some("UNKNOWN_RECORD"), "a person's record is no override");
    client.cohort.withdraw_override(withdraw(&raised.override_id)).await.expect("must be taken");
    assert!(!client.on_list("A", pb::List::All).await.overridden);
}

#[tokio::test]
async fn members_are_reviewed_by_their_grade() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let managed = |name: &str, rag: pb::Rag, since: &str| {
        let mut somebody = Somebody::man(name, "1990-01-01").managed(pb::CohortStatus::Fixed, since);
        let Some(pb::record::Kind::CohortMembership(membership)) = &mut somebody.last().kind else { panic!("managed") };
        membership.rag = rag.into();
        somebody
    };
    client.write(managed("RED", pb::Rag::Red, "2026-03-01").records()).await;
    client.write(managed("GREEN", pb::Rag::Green, "2026-03-01").records()).await;
    client.write(managed("BLUE", pb::Rag::Blue, "2026-03-01").records()).await;
    let ask = pb::ListCohortReviewsRequest::default();
    let reviews = client.cohort.list_cohort_reviews(ask.clone()).await.expect("must come").into_inner();
    let order: Vec<&str> = reviews.reviews.iter().map(|review| review.subject_ref.as_str()).collect();
    assert_eq!(order, ["RED", "GREEN", "BLUE"]);
    let days = |place: usize| {
        let review = &reviews.reviews[place];
        review.due_time.map(|due| (due.seconds - 1_772_409_600) / 86_400)
    };
    assert_eq!([days(0), days(1), days(2)], [Some(7), Some(56), None], "from the end of the day selected");
    assert_eq!((reviews.members, reviews.overdue), (3, 2));
    decide(&mut client, "RED", pb::DecisionKind::Retain, "Missed two appointments; stays red.").await.expect("kept");
    let after = client.cohort.list_cohort_reviews(ask).await.expect("must come").into_inner();
    assert_eq!(after.overdue, 1, "a decision about a member is a review");
    let of = |officer: &str| pb::ListCohortReviewsRequest {
        offender_managers: vec![officer.to_owned()],
        overdue_only: true,
        ..Default::default()
    };
    assert_eq!(client.cohort.list_cohort_reviews(of("OM-1")).await.unwrap().into_inner().reviews.len(), 1);
    assert_eq!(client.cohort.list_cohort_reviews(of("OM-2")).await.unwrap().into_inner().members, 0);
}

#[tokio::test]
async fn alignment_is_noted_each_time_the_lists_move_to_another_day() {
    let home = tempfile::tempdir().expect("must make a directory");
    let server = Server::on(home.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    candidates(&mut client).await;
    decide(&mut client, "A", pb::DecisionKind::Select, "Most harm, and recent.").await.expect("must be kept");
    assert!(server.stop().await.success());
    for day in ["2026-04-01", "2026-04-02"] {
        let server = Server::on(home.path(), &["--as-of", day]);
        assert!(server.stop().await.success());
    }
    let server = Server::on(home.path(), &[]);
    let mut client = server.client().await;
    let alignment = client.cohort.get_alignment(pb::GetAlignmentRequest::default()).await.unwrap().into_inner();
    let points: Vec<(&str, u32, u32)> =
        alignment.over_time.iter().map(|point| (point.as_of.as_str(), point.members, point.aligned)).collect();
    assert_eq!(points, [("2026-04-01", 1, 1), ("2026-04-02", 1, 1)]);
    assert!(server.stop().await.success());
}
