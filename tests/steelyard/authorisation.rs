//! Only those who may, and nothing of anybody else. Every call of the contract is
//! made by whoever may not make it; every read is made for two scopes, and its
//! bytes are searched. A call that is added to the contract is among them by itself.

pub mod over_http;
mod sums;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use serde_json::json;
use steelyard::access::table::{Does, RULES, Rule};
use steelyard::access::{Permission, Role};
use steelyard::pb;
use tonic::Code;
use tonic::transport::Channel;

use crate::client::{new_id, reason, told};
use crate::harness::Server;
use crate::issuer::Issuer;
use crate::people::{AS_OF, Somebody};
use crate::raw::{Ask, Asked, Means, call};
use crate::web::Web;

/// What is in every reference and every text of those who are of the South.
const CANARY: &str = "CANARY";
/// Roles of somebody who may everything that roles allow.
const EVERY_ROLE: &[&str] = &[
    "reader",
    "analyst",
    "offender_manager",
    "detective",
    "supervisor",
    "cohort_panel",
    "evidence_writer",
    "batch",
    "policy_author",
    "policy_approver",
    "auditor",
    "administrator",
];

/// A server that believes an issuer, with people of two areas.
pub struct Guarded {
    /// Whom it believes.
    pub issuer: Issuer,
    /// The server.
    pub server: Server,
    /// To it, over gRPC.
    pub channel: Channel,
    /// And over HTTP.
    pub web: Web,
}

impl Guarded {
    /// A server in memory.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A server in memory, with more arguments.
    pub async fn with(more: &[&str]) -> Self {
        let issuer = Issuer::new();
        let mut arguments = ["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        arguments.extend(issuer.arguments());
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = Server::with(&arguments);
        let channel = Channel::from_shared(server.url()).expect("a URI").connect().await.expect("must be served");
        let web = Web::of(&server);
        Self { issuer, server, channel, web }
    }

    /// As somebody who may everything that roles allow.
    pub fn whole(&self) -> Means {
        self.means("chief", EVERY_ROLE, &["*"])
    }

    fn means(&self, actor: &str, roles: &[&str], areas: &[&str]) -> Means {
        Means { token: Some(self.issuer.token(actor, roles, areas)), correlation_id: String::new() }
    }

    /// As somebody with permissions beyond what roles allow.
    pub fn granted(&self, actor: &str, areas: &[&str], permissions: &[&str]) -> Means {
        let more = json!({ "permissions": permissions });
        Means { token: Some(self.issuer.of(&Issuer::claims(actor, EVERY_ROLE, areas, &more))), ..Means::default() }
    }

    /// Makes a call that must be answered.
    pub async fn call<A: Message + Default>(&self, path: &str, asked: &impl Message, means: &Means) -> A {
        let answer = call(&self.channel, path, asked.encode_to_vec(), means).await;
        let messages = answer.unwrap_or_else(|status| panic!("{path}: {}", told(&status)));
        A::decode(messages.first().map_or(&[][..], Vec::as_slice)).expect("an answer of the contract")
    }

    /// Writes records that must be taken.
    pub async fn write(&self, records: Vec<pb::Record>) {
        for records in records.chunks(1_000) {
            let request =
                pb::WriteEvidenceRequest { request_id: new_id(), records: records.to_vec(), ..Default::default() };
            let path = "/steelyard.v1.EvidenceService/WriteEvidence";
            let _: pb::WriteEvidenceResponse = self.call(path, &request, &self.whole()).await;
        }
    }

    /// Twenty people of each of two areas, on every list, with every kind of work on them.
    pub async fn populate(&self) {
        let mut records = Vec::new();
        for number in 0..20 {
            records.extend(person("N", "Northgate", number));
            records.extend(person(CANARY, "Southgate", number));
        }
        self.write(records).await;
    }

    /// Somebody with this prefix whose records were found to be no longer needed.
    async fn reviewed(&self, prefix: &str) {
        let review = pb::RecordRetentionReviewRequest {
            request_id: new_id(),
            subject_ref: reference(prefix, 3),
            outcome: pb::RetentionOutcome::Dispose.into(),
            officer: format!("{prefix}-RM"),
            reason: format!("{prefix} is no longer needed"),
            ..Default::default()
        };
        let path = "/steelyard.v1.EvidenceService/RecordRetentionReview";
        let _: pb::RecordRetentionReviewResponse = self.call(path, &review, &self.whole()).await;
    }

    /// Everything in the audit, by correlation id.
    async fn audit(&self) -> BTreeMap<String, Vec<pb::AuditEvent>> {
        let reader = self.granted("auditor", &["*"], &["see_children"]);
        let mut events: BTreeMap<String, Vec<pb::AuditEvent>> = BTreeMap::new();
        let mut page_token = String::new();
        loop {
            let asked = pb::ListAuditEventsRequest { page_size: 1_000, page_token, ..Default::default() };
            let page: pb::ListAuditEventsResponse =
                self.call("/steelyard.v1.AuditService/ListAuditEvents", &asked, &reader).await;
            for event in page.events {
                events.entry(event.correlation_id.clone()).or_default().push(event);
            }
            if page.next_page_token.is_empty() {
                return events;
            }
            page_token = page.next_page_token;
        }
    }
}

/// One of those who populate the server.
pub fn reference(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number:02}")
}

/// A wanted nominal with an offence against a vulnerable victim, intelligence and work done.
pub fn person(prefix: &str, area: &str, number: u32) -> Vec<pb::Record> {
    let subject_ref = reference(prefix, number);
    let birth = if number % 5 == 4 { "2011-02-03" } else { "1990-02-03" };
    let mut somebody = Somebody::man(&subject_ref, birth);
    if let Some(pb::record::Kind::Person(person)) = &mut somebody.last().kind {
        person.areas = vec![area.to_owned()];
        person.name = format!("{prefix} Surname {number}");
    }
    let somebody = somebody.charged("OF61102", "2026-02-01").domestic(&format!("{prefix}-V-{number}"), true);
    let offence_id = somebody.last_id();
    let file = pb::Outstanding {
        reason: pb::OutstandingReason::NamedSuspectNotArrested.into(),
        offence_ids: vec![offence_id],
        periods: vec![pb::OpenPeriod { opened_on: "2026-02-10".to_owned(), ..pb::OpenPeriod::default() }],
        circulation: pb::Circulation::PncWanted.into(),
        area: area.to_owned(),
        officer: format!("{prefix}-DC"),
        supervisor: format!("{prefix}-DS"),
        ..pb::Outstanding::default()
    };
    let member = pb::CohortMembership {
        status: pb::CohortStatus::Flex.into(),
        rag: pb::Rag::Amber.into(),
        offender_manager: format!("{prefix}-OM"),
        area: area.to_owned(),
        ..pb::CohortMembership::default()
    };
    let report = pb::Intelligence {
        indicator: pb::ThreatIndicator::AccessToFirearm.into(),
        source_reliability: 1,
        assessment: "A".to_owned(),
        handling: pb::Handling::C.into(),
        source_ref: format!("{prefix}-SOURCE"),
        ..pb::Intelligence::default()
    };
    let mut somebody = somebody
        .record("2026-02-10", pb::record::Kind::Outstanding(file))
        .record("2026-03-01", pb::record::Kind::Intelligence(report));
    if number.is_multiple_of(2) {
        somebody = somebody.record("2026-01-10", pb::record::Kind::CohortMembership(member));
    }
    somebody.records()
}

/// A role that may not make a call; `None`: there is none.
fn powerless(rule: &Rule) -> &'static str {
    let role = Role::ALL.iter().find(|role| !role.permissions().hold(rule.permission));
    role.expect("no permission is everybody's").name()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_refuses_whoever_may_not_make_it_and_the_audit_says_so() {
    let guarded = Guarded::new().await;
    let mut expected: Vec<(String, &Rule, &str)> = Vec::new();
    for rule in RULES {
        for (place, Wrong { name, token, code, because }) in wrong(&guarded, rule).into_iter().enumerate() {
            let correlation_id = format!("{}-{place}", rule.name());
            let means = Means { token, correlation_id: correlation_id.clone() };
            let status = call(&guarded.channel, rule.path, Vec::new(), &means).await.expect_err("must be refused");
            assert_eq!(
                (status.code(), reason(&status).as_deref()),
                (code, Some(because)),
                "{} {name}: {status:?}",
                rule.name()
            );
            expected.push((correlation_id, rule, because));
        }
    }
    assert_refused(&guarded.audit().await, expected);
    guarded.server.kill();
}

/// That the audit tells of calls that were refused, once of each.
fn assert_refused(audit: &BTreeMap<String, Vec<pb::AuditEvent>>, expected: Vec<(String, &Rule, &str)>) {
    for (correlation_id, rule, because) in expected {
        let events = audit.get(&correlation_id).unwrap_or_else(|| panic!("{correlation_id} is not in the audit"));
        let [event] = events.as_slice() else { panic!("one call, one entry: {events:?}") };
        assert_eq!(event.outcome(), pb::AuditOutcome::Refused, "{correlation_id}");
        assert_eq!(event.rpc, rule.path.trim_start_matches('/'), "{correlation_id}");
        assert_eq!(event.reason().as_str_name().trim_start_matches("ERROR_REASON_"), because, "{correlation_id}");
        assert_eq!(event.subject_count, 0, "{correlation_id}");
    }
}

/// A token by which nobody may make a call.
struct Wrong {
    name: &'static str,
    token: Option<String>,
    code: Code,
    because: &'static str,
}

/// Every way in which a caller may be wrong for a call.
fn wrong(guarded: &Guarded, rule: &Rule) -> Vec<Wrong> {
    let roles = rule.roles().map(Role::name).collect::<Vec<_>>();
    let right = |more: &serde_json::Value| Issuer::claims("somebody", &roles, &["*"], more);
    let (own, plain) = (&guarded.issuer, json!({}));
    let powerless = Issuer::claims("somebody", &[powerless(rule)], &["*"], &plain);
    let early = json!({ "nbf": 4_000_000_000_u64, "exp": 4_000_000_600_u64 });
    [
        ("none", None, "UNAUTHENTICATED"),
        ("expired", Some(own.of(&right(&json!({ "nbf": 1, "exp": 2 })))), "TOKEN_EXPIRED"),
        ("early", Some(own.of(&right(&early))), "TOKEN_NOT_YET_VALID"),
        ("audience", Some(own.of(&right(&json!({ "aud": "another" })))), "TOKEN_WRONG_AUDIENCE"),
        ("issuer", Some(own.of(&right(&json!({ "iss": "https://another.test" })))), "TOKEN_WRONG_ISSUER"),
        ("unsigned", Some(Issuer::unsigned(&right(&plain))), "TOKEN_ALGORITHM_REFUSED"),
        ("key", Some(Issuer::new().of(&right(&plain))), "TOKEN_SIGNATURE_INVALID"),
        ("role", Some(own.of(&powerless)), "PERMISSION_DENIED"),
    ]
    .map(|(name, token, because)| {
        let code = if name == "role" { Code::PermissionDenied } else { Code::Unauthenticated };
        Wrong { name, token, code, because }
    })
    .into()
}

/// Requests about one person, valid but for the person, by call.
#[expect(clippy::too_many_lines, reason = "a table of requests")]
pub fn about(subject_ref: &str) -> Vec<(&'static str, Asked)> {
    let subject_ref = subject_ref.to_owned();
    let list = i32::from(pb::List::Outstanding);
    let id = || new_id();
    let reason = "Because the test says so.".to_owned();
    let file = || "file-1".to_owned();
    let known = reference("N", 0);
    vec![
        (
            "RankingService/GetStanding",
            pb::GetStandingRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "RankingService/GetNeighbourhood",
            pb::GetNeighbourhoodRequest { list, subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "RankingService/CompareStandings",
            pb::CompareStandingsRequest {
                list,
                subject_ref_a: known,
                subject_ref_b: subject_ref.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "RankingService/ListStandingHistory",
            pb::ListStandingHistoryRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/GetSubject",
            pb::GetSubjectRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/ListEvidence",
            pb::ListEvidenceRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/WithdrawEvidence",
            pb::WithdrawEvidenceRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                record_id: "r-1".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/WriteEvidence",
            pb::WriteEvidenceRequest {
                request_id: id(),
                records: Somebody::man(&subject_ref, "1990-01-01").records(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/ImportEvidence",
            pb::ImportEvidenceRequest {
                request_id: id(),
                records: Somebody::man(&subject_ref, "1990-01-01").records(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/OpenOutstanding",
            pb::OpenOutstandingRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                reason: pb::OutstandingReason::Escape.into(),
                officer: "DC".to_owned(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/AmendOutstanding",
            pb::AmendOutstandingRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                outstanding_id: file(),
                fields: vec!["officer".to_owned()],
                file: Some(pb::Outstanding { officer: "DC".to_owned(), ..Default::default() }),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/UpdateCirculation",
            pb::UpdateCirculationRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                outstanding_id: file(),
                step: Some(pb::CirculationStep {
                    circulation: pb::Circulation::PncWanted.into(),
                    officer: "DC".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/RecordActivity",
            pb::RecordActivityRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                activity: Some(pb::Activity {
                    activity_kind: pb::ActivityKind::AddressVisited.into(),
                    officer: "DC".to_owned(),
                    outstanding_id: file(),
                    outcome: pb::ActivityOutcome::NoTrace.into(),
                    note: reason.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/RecordReview",
            pb::RecordReviewRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                review: Some(pb::Review {
                    officer: "DS".to_owned(),
                    rank: pb::SupervisorRank::Sergeant.into(),
                    findings: reason.clone(),
                    outstanding_id: file(),
                    ..Default::default()
                }),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/CloseOutstanding",
            pb::CloseOutstandingRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                outstanding_id: file(),
                outcome: pb::CloseOutcome::Arrested.into(),
                officer: "DC".to_owned(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "OutstandingService/GetOutstanding",
            pb::GetOutstandingRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "CohortService/RecordDecision",
            pb::RecordDecisionRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                decision: pb::DecisionKind::Select.into(),
                status: pb::CohortStatus::Flex.into(),
                officer: "DI".to_owned(),
                rationale: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "CohortService/OverrideBand",
            pb::OverrideBandRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                r#override: Some(pb::BandOverride {
                    band: pb::Band::VeryHigh.into(),
                    scope: pb::OverrideScope::Both.into(),
                    officer: "DI".to_owned(),
                    rationale: reason.clone(),
                    expires_on: "2026-04-20".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/MergeSubjects",
            pb::MergeSubjectsRequest {
                request_id: id(),
                survivor_ref: reference("N", 2),
                merged_ref: subject_ref.clone(),
                officer: "DI".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/UnmergeSubjects",
            pb::UnmergeSubjectsRequest {
                request_id: id(),
                merged_ref: subject_ref.clone(),
                officer: "DI".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/RestrictProcessing",
            pb::RestrictProcessingRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                ground: 1,
                officer: "DI".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/RecordDisclosure",
            pb::RecordDisclosureRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                recipient: "Probation".to_owned(),
                purpose: reason.clone(),
                what: reason.clone(),
                legal_basis: "section 35".to_owned(),
                officer: "DI".to_owned(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/ExportSubject",
            pb::ExportSubjectRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/ListDisclosures",
            pb::ListDisclosuresRequest { subject_ref: subject_ref.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/RecordRetentionReview",
            pb::RecordRetentionReviewRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                outcome: pb::RetentionOutcome::Retain.into(),
                officer: "DI".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "EvidenceService/LiftRestriction",
            pb::LiftRestrictionRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                officer: "DI".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "CohortService/WithdrawOverride",
            pb::WithdrawOverrideRequest {
                request_id: id(),
                subject_ref: subject_ref.clone(),
                override_id: "o-1".to_owned(),
                reason: reason.clone(),
                ..Default::default()
            }
            .ask(),
        ),
        // Last: nobody is left to be asked about.
        (
            "EvidenceService/EraseSubject",
            pb::EraseSubjectRequest {
                request_id: id(),
                subject_ref,
                officer: "DI".to_owned(),
                second_officer: "SUPT".to_owned(),
                reason,
                legal_ground: "section 47".to_owned(),
            }
            .ask(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_and_out_of_scope_are_refused_byte_for_byte_alike() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let (outside, nobody) = (reference(CANARY, 0), reference(CANARY, 99));
    let north = guarded.granted("d-north", &["Northgate"], &["see_children"]);
    for ((method, of_outsider), (_, of_nobody)) in about(&outside).into_iter().zip(about(&nobody)) {
        let path = format!("/steelyard.v1.{method}");
        let means = Means { correlation_id: format!("alike-{method}").replace('/', "-"), ..north.clone() };
        let refused = call(&guarded.channel, &path, of_outsider.bytes, &means).await.expect_err("is out of scope");
        let unknown = call(&guarded.channel, &path, of_nobody.bytes, &means).await.expect_err("is nobody");
        assert_eq!(
            (refused.code(), reason(&refused).as_deref()),
            (Code::PermissionDenied, Some("PERMISSION_DENIED")),
            "{method}: {refused:?}"
        );
        assert_eq!(refused.message(), unknown.message(), "{method}");
        assert_eq!(refused.details(), unknown.details(), "{method}");
        let headers = |status: &tonic::Status| {
            let mut names: Vec<String> = status.metadata().keys().map(|key| format!("{key:?}")).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(headers(&refused), headers(&unknown), "{method}");
    }
    // The same requests reach those in scope: not everything is refused.
    for (method, message) in about(&reference("N", 1)) {
        let answer = call(&guarded.channel, &format!("/steelyard.v1.{method}"), message.bytes, &north).await;
        if let Err(status) = answer {
            assert_ne!(status.code(), Code::PermissionDenied, "{method}: {status:?}");
        }
    }
    // Whom somebody tried to see is in the audit by number, told by reference to those who may read it.
    let tried = pb::ListSubjectAccessRequest { subject_ref: outside.clone(), page_size: 1_000, ..Default::default() };
    let tried: pb::ListSubjectAccessResponse = guarded
        .call(
            "/steelyard.v1.AuditService/ListSubjectAccess",
            &tried,
            &guarded.granted("auditor", &["*"], &["see_children"]),
        )
        .await;
    let refused: BTreeSet<&str> = tried
        .accesses
        .iter()
        .filter(|access| access.outcome() == pb::AuditOutcome::Refused && access.actor == "d-north")
        .map(|access| access.rpc.as_str())
        .collect();
    for (method, _) in about(&outside) {
        let streamed = method.ends_with("ImportEvidence");
        assert!(streamed || refused.contains(format!("steelyard.v1.{method}").as_str()), "{method}: {refused:?}");
    }
    guarded.server.kill();
}

#[test]
fn every_call_about_one_person_is_among_those_that_are_tried_out_of_scope() {
    let tried: BTreeSet<String> = about("X").iter().map(|(method, _)| format!("/steelyard.v1.{method}")).collect();
    let set = prost_types::FileDescriptorSet::decode(steelyard::DESCRIPTORS).expect("the contract");
    let files = || set.file.iter().filter(|file| file.package() == "steelyard.v1");
    let of_a_person: BTreeSet<&str> = files()
        .flat_map(|file| &file.message_type)
        .filter(|message| {
            message.field.iter().any(|field| ["subject_ref", "subject_ref_a", "merged_ref"].contains(&field.name()))
        })
        .map(prost_types::DescriptorProto::name)
        .collect();
    for service in files().flat_map(|file| file.service.iter()) {
        for method in &service.method {
            let asked = method.input_type().rsplit('.').next().unwrap_or_default();
            let path = format!("/steelyard.v1.{}/{}", service.name(), method.name());
            // Of the audit only the audit's readers may ask, and they see whom everybody saw.
            if of_a_person.contains(asked) && service.name() != "AuditService" {
                assert!(tried.contains(&path), "{path} takes a person and is not tried");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_records_are_due_is_told_by_scope_and_the_audit_names_exactly_them() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let path = "/steelyard.v1.EvidenceService/ListRetentionDue";
    let asked =
        pb::ListRetentionDueRequest { due_on_or_before: "2199-12-31".to_owned(), page_size: 7, ..Default::default() };
    let tally = |page: &pb::ListRetentionDueResponse| (page.total, page.due.iter().filter(|row| row.child).count());
    let north =
        Means { correlation_id: "due-1".to_owned(), ..guarded.granted("rm", &["Northgate"], &["see_children"]) };
    let first: pb::ListRetentionDueResponse = guarded.call(path, &asked, &north).await;
    assert_eq!(first.total, 20, "of the North alone");
    let whole = pb::ListRetentionDueRequest { page_size: 1_000, ..asked.clone() };
    let of_all: pb::ListRetentionDueResponse =
        guarded.call(path, &whole, &guarded.granted("rm", &["*"], &["see_children"])).await;
    let of_adults: pb::ListRetentionDueResponse = guarded.call(path, &whole, &guarded.whole()).await;
    assert_eq!((tally(&of_all), tally(&of_adults)), ((40, 8), (32, 0)));
    // The token is of one scope.
    let next = pb::ListRetentionDueRequest { page_token: first.next_page_token.clone(), ..asked };
    let status = call(&guarded.channel, path, next.encode_to_vec(), &guarded.whole()).await.expect_err("of another");
    assert_eq!(reason(&status).as_deref(), Some("PAGE_TOKEN_OF_OTHER_ARGUMENTS"));
    // To read is not to decide.
    let auditor = guarded.means("auditor", &["auditor"], &["*"]);
    let _: pb::ListRetentionDueResponse = guarded.call(path, &whole, &auditor).await;
    let review = about(&reference("N", 1)).into_iter().find(|(method, _)| method.ends_with("RecordRetentionReview"));
    let (_, review) = review.expect("it is among them");
    let write = "/steelyard.v1.EvidenceService/RecordRetentionReview";
    let status = call(&guarded.channel, write, review.bytes.clone(), &auditor).await.expect_err("may not decide");
    assert_eq!(status.code(), Code::PermissionDenied);
    let decided = Means { correlation_id: "due-2".to_owned(), ..guarded.whole() };
    call(&guarded.channel, write, review.bytes, &decided).await.expect("an administrator may");
    let audit = guarded.audit().await;
    let told: BTreeSet<&str> = audit["due-1"][0].subject_refs.iter().map(String::as_str).collect();
    assert_eq!(told, first.due.iter().map(|row| row.subject_ref.as_str()).collect(), "those of the page");
    let wrote = audit["due-2"].iter().find(|event| event.kind() == pb::AuditKind::Write).expect("who decided is there");
    assert_eq!((&*wrote.actor, &*wrote.subject_refs), ("chief", &[reference("N", 1)][..]));
    guarded.server.kill();
}

/// Reads of many people, as somebody of the North makes them.
pub fn of_many() -> Vec<(&'static str, Asked)> {
    let mut asked: Vec<(&'static str, Asked)> = Vec::new();
    for list in (1..=9).filter_map(|number| pb::List::try_from(number).ok()) {
        let list = i32::from(list);
        for view in [pb::View::Basic, pb::View::Full] {
            let whole = pb::ListStandingsRequest { list, view: view.into(), page_size: 100, ..Default::default() };
            asked.push(("RankingService/ListStandings", whole.ask()));
            let of_a_day = pb::ListStandingsRequest { generation: 1, ..whole };
            asked.push(("RankingService/ListStandings", of_a_day.ask()));
            let export = pb::ExportStandingsRequest { list, view: view.into(), ..Default::default() };
            asked.push(("RankingService/ExportStandings", export.ask()));
        }
        let summary = pb::GetListSummaryRequest { list, ..Default::default() };
        asked.push(("RankingService/GetListSummary", summary.ask()));
        let near = pb::GetNeighbourhoodRequest { list, subject_ref: reference("N", 0), k: 100, ..Default::default() };
        asked.push(("RankingService/GetNeighbourhood", near.ask()));
        let moved = pb::ListMovementsRequest { list, from_generation: 1, page_size: 100, ..Default::default() };
        asked.push(("RankingService/ListMovements", moved.ask()));
        let changes = pb::ListChangesRequest { list, page_size: 1_000, ..Default::default() };
        asked.push(("RankingService/ListChanges", changes.ask()));
        let watch = pb::WatchStandingsRequest { list, ..Default::default() };
        asked.push(("RankingService/WatchStandings", watch.ask()));
        let simulate = pb::SimulatePolicyRequest {
            list,
            limit: 1_000,
            policy: Some(pb::simulate_policy_request::Policy::Version("thr-2026.1".to_owned())),
            ..Default::default()
        };
        asked.push(("PolicyService/SimulatePolicy", simulate.ask()));
        let terms = pb::EvaluationTerms { list, ..Default::default() };
        let part = Some(pb::evaluate_policy_request::Part::Terms(terms));
        asked.push(("PolicyService/EvaluatePolicy", pb::EvaluatePolicyRequest { part }.ask()));
    }
    let north = reference("N", 0);
    asked.extend([
        (
            "RankingService/GetStanding",
            pb::GetStandingRequest { subject_ref: north.clone(), ..Default::default() }.ask(),
        ),
        (
            "RankingService/ListStandingHistory",
            pb::ListStandingHistoryRequest { subject_ref: north.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/GetSubject",
            pb::GetSubjectRequest { subject_ref: north.clone(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/ListEvidence",
            pb::ListEvidenceRequest { subject_ref: north.clone(), include_history: true, ..Default::default() }.ask(),
        ),
        (
            "OutstandingService/GetOutstanding",
            pb::GetOutstandingRequest { subject_ref: north, ..Default::default() }.ask(),
        ),
        (
            "OutstandingService/ListSupervisionGaps",
            pb::ListSupervisionGapsRequest { page_size: 1_000, ..Default::default() }.ask(),
        ),
        (
            "OutstandingService/ListVictimUpdates",
            pb::ListVictimUpdatesRequest { page_size: 1_000, ..Default::default() }.ask(),
        ),
        (
            "OutstandingService/GetOutstandingReturn",
            pb::GetOutstandingReturnRequest { as_at: "2026-03-30".to_owned(), ..Default::default() }.ask(),
        ),
        (
            "OutstandingService/GetDemand",
            pb::GetDemandRequest { from: "2026-01-01".to_owned(), to: "2026-12-31".to_owned(), ..Default::default() }
                .ask(),
        ),
        (
            "CohortService/ListDecisions",
            pb::ListDecisionsRequest { page_size: 100, with_detail: true, ..Default::default() }.ask(),
        ),
        ("CohortService/GetAlignment", pb::GetAlignmentRequest { most: 1_000, ..Default::default() }.ask()),
        ("CohortService/ListCohortReviews", pb::ListCohortReviewsRequest { most: 1_000, ..Default::default() }.ask()),
        ("RescoreService/ListRescoreRuns", pb::ListRescoreRunsRequest::default().ask()),
        ("EvidenceService/ListDisclosures", pb::ListDisclosuresRequest::default().ask()),
        (
            "EvidenceService/ListRetentionDue",
            pb::ListRetentionDueRequest {
                due_on_or_before: "2199-12-31".to_owned(),
                page_size: 1_000,
                ..Default::default()
            }
            .ask(),
        ),
    ]);
    asked
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_anybody_out_of_scope_leaves() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    for prefix in ["N", CANARY] {
        let decide = pb::RecordDecisionRequest {
            request_id: new_id(),
            subject_ref: reference(prefix, 1),
            decision: pb::DecisionKind::Decline.into(),
            officer: format!("{prefix}-DI"),
            rationale: format!("{prefix} rationale of the panel"),
            ..Default::default()
        };
        let _: pb::RecordDecisionResponse = guarded
            .call(
                "/steelyard.v1.CohortService/RecordDecision",
                &decide,
                &guarded.granted("panel", &["*"], &["see_children"]),
            )
            .await;
    }
    let start = pb::StartRescoreRequest { request_id: new_id(), as_of: AS_OF.to_owned(), ..Default::default() };
    let run: pb::StartRescoreResponse =
        guarded.call("/steelyard.v1.RescoreService/StartRescore", &start, &guarded.whole()).await;
    let watch = pb::WatchRescoreRunRequest { run_id: run.run.expect("a run").run_id };
    let path = "/steelyard.v1.RescoreService/WatchRescoreRun";
    call(&guarded.channel, path, watch.encode_to_vec(), &guarded.whole()).await.expect("a run can be followed");
    for prefix in ["N", CANARY] {
        let disclose = pb::RecordDisclosureRequest {
            request_id: new_id(),
            subject_ref: reference(prefix, 2),
            recipient: format!("{prefix} probation"),
            purpose: "Supervision after release.".to_owned(),
            what: "Band and address of the person.".to_owned(),
            legal_basis: "section 35".to_owned(),
            officer: format!("{prefix}-DI"),
            ..Default::default()
        };
        let path = "/steelyard.v1.EvidenceService/RecordDisclosure";
        let _: pb::RecordDisclosureResponse = guarded.call(path, &disclose, &guarded.whole()).await;
        guarded.reviewed(prefix).await;
    }
    // Something moves after the generation.
    for (prefix, area) in [("N", "Northgate"), (CANARY, "Southgate")] {
        guarded.write(person(prefix, area, 30)).await;
    }

    let everybody = guarded.granted("chief", &["*"], &["see_children", "see_sensitive_intelligence"]);
    let north = guarded.granted("north", &["Northgate"], &["see_children", "see_sensitive_intelligence"]);
    let nowhere = guarded.granted("nowhere", &["Eastgate"], &["see_children"]);
    let mut shown: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for (method, message) in of_many() {
        let path = format!("/steelyard.v1.{method}");
        for (means, allowed) in [(&everybody, None), (&north, Some(CANARY)), (&nowhere, Some("N-0"))] {
            match call(&guarded.channel, &path, message.bytes.clone(), means).await {
                Ok(messages) => {
                    let all = messages.concat();
                    if let Some(forbidden) = allowed {
                        let place = all.windows(forbidden.len()).position(|window| window == forbidden.as_bytes());
                        let near = place.map(|place| {
                            String::from_utf8_lossy(&all[place.saturating_sub(40)..(place + 40).min(all.len())])
                                .into_owned()
                        });
                        assert!(near.is_none(), "{method} lets out {near:?}");
                    } else {
                        let seen = shown.entry(method).or_default();
                        seen[0] |= holds(&all, CANARY);
                    }
                    if allowed == Some(CANARY) {
                        shown.entry(method).or_default()[1] |= holds(&all, "N-0") || holds(&all, "N-30");
                    }
                }
                Err(status) => {
                    let expected = [Code::PermissionDenied, Code::NotFound];
                    assert!(expected.contains(&status.code()), "{method}: {status:?}");
                    assert!(!holds(status.details(), CANARY) && !status.message().contains(CANARY), "{method}");
                }
            }
        }
    }
    // The search can fail: reads of many show the South to whoever may see it, and the North to the North.
    for method in [
        "RankingService/ListStandings",
        "RankingService/ExportStandings",
        "RankingService/GetNeighbourhood",
        "RankingService/ListMovements",
        "RankingService/ListChanges",
        "RankingService/WatchStandings",
        "OutstandingService/ListSupervisionGaps",
        "OutstandingService/ListVictimUpdates",
        "CohortService/ListDecisions",
        "CohortService/ListCohortReviews",
        "EvidenceService/ListDisclosures",
        "EvidenceService/ListRetentionDue",
    ] {
        assert_eq!(shown.get(method), Some(&[true, true]), "{method} shows nobody to anybody");
    }
    guarded.server.kill();
}

#[test]
fn every_read_of_people_is_searched_for_those_out_of_scope() {
    let mut tried: BTreeSet<String> = of_many().iter().map(|(method, _)| format!("/steelyard.v1.{method}")).collect();
    tried.extend(about("X").iter().map(|(method, _)| format!("/steelyard.v1.{method}")));
    // Tried by themselves, or about nobody.
    let apart = [
        "/steelyard.v1.RankingService/BatchGetStandings",
        "/steelyard.v1.RescoreService/GetRescoreRun",
        "/steelyard.v1.RescoreService/WatchRescoreRun",
    ];
    for rule in RULES {
        let of_people = rule.does == Does::Reads
            && ![
                Permission::ReadPolicies,
                Permission::ReadStore,
                Permission::KeepStore,
                Permission::ReadAudit,
                Permission::ReadRuns,
            ]
            .contains(&rule.permission);
        if of_people && !apart.contains(&rule.path) {
            assert!(tried.contains(rule.path), "{} is not searched", rule.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_told_apart_by_nothing_but_scope() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let north = guarded.granted("north", &["Northgate"], &["see_children"]);
    let subject_refs = vec![reference("N", 0), reference(CANARY, 0), reference(CANARY, 99)];
    let asked = pb::BatchGetStandingsRequest { list: pb::List::All.into(), subject_refs, ..Default::default() };
    let answer: pb::BatchGetStandingsResponse =
        guarded.call("/steelyard.v1.RankingService/BatchGetStandings", &asked, &north).await;
    let reasons: Vec<Option<i32>> = answer
        .results
        .iter()
        .map(|result| match &result.result {
            Some(pb::batch_standing::Result::Reason(reason)) => Some(*reason),
            Some(pb::batch_standing::Result::Standing(_)) | None => None,
        })
        .collect();
    let denied = Some(i32::from(pb::ErrorReason::PermissionDenied));
    assert_eq!(reasons, [None, denied, denied]);
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_are_seen_with_a_permission_of_its_own_alone() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let (without, with) = (guarded.whole(), guarded.granted("safeguarding", &["*"], &["see_children"]));
    let path = "/steelyard.v1.RankingService/ListStandings";
    let children = pb::ListStandingsRequest { list: pb::List::Children.into(), ..Default::default() };
    let status = call(&guarded.channel, path, children.encode_to_vec(), &without).await.expect_err("needs it");
    assert_eq!(status.code(), Code::PermissionDenied);
    let seen: pb::ListStandingsResponse = guarded.call(path, &children, &with).await;
    assert_eq!(seen.list_size, 8, "four of each area are under 18");
    for list in [pb::List::Wanted, pb::List::Outstanding, pb::List::All] {
        let asked = pb::ListStandingsRequest { list: list.into(), page_size: 100, ..Default::default() };
        let of_adults: pb::ListStandingsResponse = guarded.call(path, &asked, &without).await;
        let of_all: pb::ListStandingsResponse = guarded.call(path, &asked, &with).await;
        assert!(of_adults.standings.iter().all(|standing| !standing.child), "{list:?}");
        assert_eq!((of_adults.list_size, of_all.list_size), (32, 40), "{list:?}");
        // Whoever is seen by both stands at one place for both.
        let places = |page: &pb::ListStandingsResponse| -> BTreeMap<String, (u32, u32)> {
            page.standings.iter().map(|it| (it.subject_ref.clone(), (it.rank, it.position))).collect()
        };
        let all = places(&of_all);
        assert!(places(&of_adults).iter().all(|(person, place)| all.get(person) == Some(place)), "{list:?}");
    }
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_of_lists_shows_those_lists_and_who_is_on_them() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    guarded.write(Somebody::man("N-free", "1980-01-01").records()).await;
    let claims = Issuer::claims("desk", EVERY_ROLE, &["*"], &json!({ "lists": ["WANTED"] }));
    let means = Means { token: Some(guarded.issuer.of(&claims)), ..Means::default() };
    let path = "/steelyard.v1.RankingService/ListStandings";
    for (list, code) in [(pb::List::Wanted, Code::Ok), (pb::List::Cohort, Code::PermissionDenied)] {
        let asked = pb::ListStandingsRequest { list: list.into(), ..Default::default() };
        let answer = call(&guarded.channel, path, asked.encode_to_vec(), &means).await;
        assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), code, "{list:?}");
    }
    let path = "/steelyard.v1.RankingService/GetStanding";
    let wanted = pb::GetStandingRequest { subject_ref: reference("N", 0), ..Default::default() };
    let standing: pb::GetStandingResponse = guarded.call(path, &wanted, &means).await;
    let lists: Vec<pb::List> = standing.standings.iter().map(pb::ListedStanding::list).collect();
    assert_eq!(lists, [pb::List::Wanted], "the person is on others too");
    let free = pb::GetStandingRequest { subject_ref: "N-free".to_owned(), ..Default::default() };
    let status = call(&guarded.channel, path, free.encode_to_vec(), &means).await.expect_err("is on no such list");
    assert_eq!(status.code(), Code::PermissionDenied);
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sensitive_intelligence_shows_its_points_and_not_its_content() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let without = guarded.whole();
    let with = guarded.granted("handler", &["*"], &["see_sensitive_intelligence"]);
    let path = "/steelyard.v1.RankingService/GetStanding";
    let asked = pb::GetStandingRequest { subject_ref: reference("N", 0), ..Default::default() };
    let detail = |standing: pb::GetStandingResponse| -> pb::StandingDetail {
        standing.standings.into_iter().find_map(|listed| listed.standing?.detail).expect("is explained")
    };
    let seen = detail(guarded.call(path, &asked, &with).await);
    let withheld = detail(guarded.call(path, &asked, &without).await);
    let points = |detail: &pb::StandingDetail| detail.contributions.iter().map(|it| it.milli_points).sum::<u32>();
    assert_eq!(points(&seen), points(&withheld), "the sum to the score does not change");
    let firearm = seen.contributions.iter().find(|it| it.rule == "ACCESS_TO_FIREARM").expect("counts");
    assert!(firearm.sensitive && firearm.description.contains("firearm"), "{firearm:?}");
    let hidden: Vec<_> = withheld.contributions.iter().filter(|it| it.sensitive).collect();
    assert_eq!(hidden.len(), seen.contributions.iter().filter(|it| it.sensitive).count());
    assert!(hidden.iter().any(|it| it.milli_points == firearm.milli_points && it.evidence_ids == firearm.evidence_ids));
    for text in ["firearm", "FIREARM"] {
        assert!(!holds(&withheld.encode_to_vec(), text), "{text} is told: {withheld:?}");
    }
    // What grading it otherwise would do tells what it says.
    let asked = pb::GetStandingRequest { with_counterfactuals: true, ..asked };
    let regraded = |standing: pb::GetStandingResponse| -> Vec<pb::Counterfactual> {
        let told = standing.standings.into_iter().flat_map(|listed| listed.counterfactuals);
        told.filter(|it| it.kind() == pb::CounterfactualKind::IntelligenceRegraded).collect()
    };
    let seen = regraded(guarded.call(path, &asked, &with).await);
    assert!(seen.iter().any(|it| it.found) && seen.iter().all(|it| it.found == it.sensitive), "{seen:?}");
    let withheld = regraded(guarded.call(path, &asked, &without).await);
    assert!(!withheld.is_empty());
    for it in &withheld {
        assert!(!it.found && it.evidence_ids.is_empty() && it.composite == 0, "{it:?}");
        assert!(it.description.contains("handling code C are left out"), "{it:?}");
    }
    let path = "/steelyard.v1.EvidenceService/ListEvidence";
    let kinds = vec!["intelligence".to_owned()];
    let asked = pb::ListEvidenceRequest { subject_ref: reference("N", 0), kinds, ..Default::default() };
    let held: pb::ListEvidenceResponse = guarded.call(path, &asked, &without).await;
    let [record] = held.records.as_slice() else { panic!("one report: {held:?}") };
    assert!(record.content_withheld && !holds(&record.encode_to_vec(), "N-SOURCE"), "{record:?}");
    let held: pb::ListEvidenceResponse = guarded.call(path, &asked, &with).await;
    assert!(!held.records[0].content_withheld && holds(&held.encode_to_vec(), "N-SOURCE"));
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_saw_somebody_when_why_and_for_whom_is_in_the_audit() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let north =
        Means { correlation_id: "look-1".to_owned(), ..guarded.granted("d-north", &["Northgate"], &["see_children"]) };
    let list = pb::ListStandingsRequest { list: pb::List::Wanted.into(), page_size: 100, ..Default::default() };
    let page: pb::ListStandingsResponse =
        guarded.call("/steelyard.v1.RankingService/ListStandings", &list, &north).await;
    let export = pb::ExportStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    let exported = Means { correlation_id: "look-2".to_owned(), ..guarded.granted("chief", &["*"], &["see_children"]) };
    call(&guarded.channel, "/steelyard.v1.RankingService/ExportStandings", export.encode_to_vec(), &exported)
        .await
        .expect("an export");
    let audit = guarded.audit().await;
    let looked = &audit["look-1"];
    assert_eq!(looked.len(), 1, "{looked:?}");
    assert_eq!((looked[0].outcome(), looked[0].kind()), (pb::AuditOutcome::Allowed, pb::AuditKind::Access));
    assert_eq!(looked[0].subject_count, page.standings.len() as u64);
    let told: BTreeSet<&str> = looked[0].subject_refs.iter().map(String::as_str).collect();
    let shown: BTreeSet<&str> = page.standings.iter().map(|standing| standing.subject_ref.as_str()).collect();
    assert_eq!(told, shown, "exactly those who were shown");
    assert_eq!(looked[0].scope.as_ref().map(|scope| scope.areas.clone()), Some(vec!["Northgate".to_owned()]));
    let messages: Vec<_> = audit["look-2"].iter().filter(|event| event.stream_message > 0).collect();
    assert_eq!(messages.iter().map(|event| event.subject_count).sum::<u64>(), 40, "each message before it left");
    let asked = pb::ListSubjectAccessRequest { subject_ref: reference("N", 0), page_size: 1_000, ..Default::default() };
    let seen: pb::ListSubjectAccessResponse =
        guarded.call("/steelyard.v1.AuditService/ListSubjectAccess", &asked, &exported).await;
    let actors: BTreeSet<&str> = seen.accesses.iter().map(|access| access.actor.as_str()).collect();
    assert!(actors.contains("d-north") && actors.contains("chief"), "{actors:?}");
    // Who wrote about the person is there too, and that what was written was merged into a score.
    let kinds: BTreeSet<i32> = seen.accesses.iter().map(|access| access.kind).collect();
    assert!(
        kinds.contains(&pb::AuditKind::Write.into()) && kinds.contains(&pb::AuditKind::Combination.into()),
        "{kinds:?}"
    );
    let verified: pb::VerifyAuditResponse =
        guarded.call("/steelyard.v1.AuditService/VerifyAudit", &pb::VerifyAuditRequest::default(), &exported).await;
    assert!(verified.sound, "{verified:?}");
    guarded.server.kill();
}
