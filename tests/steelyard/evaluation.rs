//! Evaluations over a real server: who may ask, that what is sent in is kept
//! nowhere, and that a policy in force is held against what it was approved with.

use std::path::Path;

use steelyard::pb;
use steelyard::pb::evaluate_policy_request::Part;
use tonic::Code;

use crate::harness::{Client, Server, new_id, reason, told};
use crate::people::Somebody;

const AS_OF: &str = "2026-03-31";
/// A value that stands nowhere else.
const TELLTALE: &str = "zz-telltale-group";

/// Eighty people, half of whom went on.
fn people() -> Vec<pb::Record> {
    let somebody = |number: u32| {
        let mut one =
            Somebody::man(&format!("P-{number:02}"), "1991-05-01").convictions("TH68010", 2, 40, "2022-06-01");
        if number.is_multiple_of(2) {
            one = one.convicted("TH68010", "2022-11-01", "2022-12-01").charged("TH68010", "2024-02-01");
        }
        one.records()
    };
    (0..80).flat_map(somebody).collect()
}

fn terms() -> pb::EvaluationTerms {
    pb::EvaluationTerms {
        index_dates: vec!["2023-06-30".to_owned()],
        samples: 200,
        capacity: 30,
        declared_fairness: pb::FairnessStandard::EqualSelection.into(),
        ..Default::default()
    }
}

fn groups() -> Part {
    let row = |number: u32| pb::GroupRow {
        subject_ref: format!("P-{number:02}"),
        values: [("ethnicity".to_owned(), if number < 40 { TELLTALE } else { "other" }.to_owned())].into(),
    };
    Part::Groups(pb::GroupRows { rows: (0..80).map(row).collect() })
}

/// Whether a text stands in any file under a directory.
fn stands_in(directory: &Path, text: &str) -> bool {
    let holds = |path: &Path| {
        std::fs::read(path).is_ok_and(|held| held.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    let found = |path: &Path| if path.is_dir() { stands_in(path, text) } else { holds(path) };
    std::fs::read_dir(directory).is_ok_and(|entries| entries.flatten().any(|entry| found(&entry.path())))
}

#[tokio::test]
async fn characteristics_are_used_for_one_evaluation_and_kept_nowhere() {
    let data = tempfile::tempdir().expect("must make a folder");
    let server = Server::on(data.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    client.write(people()).await;
    let lists = client.whole(pb::List::All, 100).await;
    let revision = |client: &mut Client| {
        let mut ranking = client.ranking.clone();
        async move {
            let asked = pb::GetListSummaryRequest { list: pb::List::All.into(), ..Default::default() };
            ranking.get_list_summary(asked).await.expect("must be told").into_inner().context.expect("told").revision
        }
    };
    let before = revision(&mut client).await;
    let found = client.evaluated_with(terms(), vec![groups()]).await.expect("must be evaluated");
    let fairness = found.fairness.first().expect("must be told");
    let group = fairness.groups.iter().find(|group| group.group == TELLTALE).expect("must be told");
    assert_eq!((group.people, fairness.groups.len()), (Some(40), 2));
    assert_eq!((found.dates[0].people, found.dates[0].with_outcome), (80, 40));

    assert_eq!(client.whole(pb::List::All, 100).await, lists, "no list");
    assert_eq!(revision(&mut client).await, before, "no ledger");
    let again = client.evaluated(terms()).await.expect("must be evaluated");
    assert!(again.fairness.is_empty(), "and the next evaluation knows nothing of them");
    assert_eq!(again.orders, found.orders, "no score");
    assert!(!server.log().contains(TELLTALE), "no log");
    drop(client);
    server.stop().await;
    assert!(!stands_in(data.path(), TELLTALE), "and no file");
}

#[tokio::test]
async fn what_is_sent_in_the_wrong_order_or_too_much_is_refused_by_message() {
    let server = Server::with(&["--memory", "--as-of", AS_OF]);
    let mut client = server.client().await;
    let sent = |parts: Vec<Option<Part>>| {
        let mut policies = client.policies.clone();
        async move {
            let parts: Vec<_> = parts.into_iter().map(|part| pb::EvaluatePolicyRequest { part }).collect();
            let mut told = policies.evaluate_policy(tokio_stream::iter(parts)).await?.into_inner();
            while told.message().await?.is_some() {}
            Ok::<(), tonic::Status>(())
        }
    };
    let stated = || Some(Part::Terms(terms()));
    let row = pb::GroupRow { subject_ref: "P-01".to_owned(), ..Default::default() };
    let many = Part::Groups(pb::GroupRows { rows: vec![row; 10_001] });
    for (parts, expected) in [
        (vec![], "terms: REQUIRED"),
        (vec![Some(groups()), stated()], "messages[0]: REQUIRED"),
        (vec![stated(), stated()], "messages[1]: REPEATED"),
        (vec![stated(), None], "messages[1]: REQUIRED"),
        (vec![stated(), Some(many)], "messages[1]: TOO_MANY"),
    ] {
        let refused = sent(parts).await.expect_err("must be refused");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(told(&refused).contains(expected), "{expected}: {}", told(&refused));
    }
    let unknown = client.evaluated(pb::EvaluationTerms { version: "thr-9".into(), ..terms() }).await.unwrap_err();
    assert_eq!(reason(&unknown).as_deref(), Some("UNKNOWN_POLICY"));
}

/// The reference policy as another version.
fn other(version: &str) -> String {
    steelyard::policy::Policy::default_text().replace("version = \"thr-2026.1\"", &format!("version = \"{version}\""))
}

#[tokio::test]
async fn a_policy_in_force_is_held_against_the_bounds_of_its_approval_for_ever() {
    let data = tempfile::tempdir().expect("must make a folder");
    let server = Server::on(data.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    client.write(people()).await;
    let draft = pb::CreatePolicyDraftRequest {
        request_id: new_id(),
        text: other("thr-2026.2"),
        officer: "DI-1".to_owned(),
        reason: "To see it approved with bounds.".to_owned(),
        ..Default::default()
    };
    client.policies.create_policy_draft(draft).await.expect("must be kept");
    let of = |version: &str| pb::EvaluationTerms { version: version.to_owned(), ..terms() };
    let evaluation = client.evaluated_with(of("thr-2026.2"), vec![groups()]).await.expect("must be evaluated");
    assert!(evaluation.drift.is_empty(), "nobody has approved it");
    let measure = "area under the curve".to_owned();
    let proposed = evaluation.proposed_bounds.iter().find(|bound| bound.measure == measure).expect("must be proposed");
    assert!(proposed.low < 1.0 && proposed.high > 0.999, "{proposed:?}");
    let trial = pb::SimulatePolicyRequest {
        policy: Some(pb::simulate_policy_request::Policy::Version("thr-2026.2".to_owned())),
        list: pb::List::All.into(),
        ..Default::default()
    };
    let simulation_id = client.policies.simulate_policy(trial).await.expect("must be tried").into_inner().simulation_id;
    let approval = pb::ApprovePolicyRequest {
        request_id: new_id(),
        version: "thr-2026.2".to_owned(),
        officer: "DCI-7".to_owned(),
        evaluation_id: evaluation.id.clone(),
        simulation_id,
        // Bounds that no evaluation meets.
        bounds: vec![pb::DriftBound { measure: measure.clone(), low: 0.0, high: 0.1 }],
        ..Default::default()
    };
    let unheard = pb::DriftBound { measure: "luck".to_owned(), low: 2.0, high: 1.0 };
    let unheard = pb::ApprovePolicyRequest { bounds: vec![unheard], request_id: new_id(), ..approval.clone() };
    let refused = told(&client.policies.approve_policy(unheard).await.unwrap_err());
    assert!(
        refused.contains("bounds[0].measure: UNKNOWN_VALUE") && refused.contains("bounds[0]: OUT_OF_RANGE"),
        "{refused}"
    );
    client.policies.approve_policy(approval.clone()).await.expect("must be kept");
    drop(client);
    server.stop().await;

    let server = Server::on(data.path(), &[]);
    let mut client = server.client().await;
    let asked = pb::GetPolicyRequest { version: "thr-2026.2".to_owned(), ..Default::default() };
    let kept = client.policies.get_policy(asked).await.expect("must be known").into_inner();
    assert_eq!(kept.evaluation.as_ref(), Some(&evaluation), "what the approver had seen, whole, after a restart");
    assert_eq!(kept.simulation.map(|it| it.id).as_deref(), Some(&*approval.simulation_id));
    assert_eq!(kept.bounds, approval.bounds);
    let later = client.evaluated(of("thr-2026.2")).await.expect("must be evaluated");
    let [drift] = &later.drift[..] else { panic!("one bound: {:?}", later.drift) };
    assert!(drift.left && drift.measure == measure && (drift.high - 0.1).abs() < 1e-12, "{drift:?}");
    // The same request again is answered as before, though this server has seen no evaluation.
    client.policies.approve_policy(approval).await.expect("must be answered again");
}
