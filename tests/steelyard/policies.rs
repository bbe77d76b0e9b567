//! Policies over a real server: drafted by one officer, approved by another, tried
//! without a trace, and waiting for a run.

use std::path::Path;
use std::process::Output;

use steelyard::pb;
use steelyard::policy::Policy;
use tonic::Code;

use crate::harness::{Client, Server, new_id, reason, steelyard, told};
use crate::people::{AS_OF, Somebody};

/// The reference policy as another version, its bands from 2, 4 and 6 points.
fn lowered(version: &str) -> String {
    let text = Policy::default_text()
        .replace("version = \"thr-2026.1\"", &format!("version = \"{version}\""))
        .replace("medium = 25\n", "medium = 2\n")
        .replace("high = 40\nvery_high = 60\n", "high = 4\nvery_high = 6\n");
    assert!(text.contains("very_high = 6\n") && text.contains("high = 4\n"), "the cut-offs must be replaced");
    text
}

fn draft(text: &str, officer: &str) -> pb::CreatePolicyDraftRequest {
    pb::CreatePolicyDraftRequest {
        request_id: new_id(),
        text: text.to_owned(),
        officer: officer.to_owned(),
        reason: "Nobody stands at the top, and many should.".to_owned(),
        base_version: String::new(),
    }
}

fn approval(version: &str, officer: &str) -> pb::ApprovePolicyRequest {
    let (version, officer) = (version.to_owned(), officer.to_owned());
    let note = "Read with the analyst.".to_owned();
    pb::ApprovePolicyRequest { request_id: new_id(), version, officer, note, ..Default::default() }
}

/// An approval by somebody who has seen the policy evaluated and tried.
async fn approval_having_seen(client: &mut Client, version: &str, officer: &str) -> pb::ApprovePolicyRequest {
    let terms = pb::EvaluationTerms { version: version.to_owned(), ..Default::default() };
    let evaluation_id = client.evaluated(terms).await.expect("must be evaluated").id;
    let trial = pb::SimulatePolicyRequest {
        policy: Some(pb::simulate_policy_request::Policy::Version(version.to_owned())),
        list: pb::List::All.into(),
        ..Default::default()
    };
    let simulation_id = client.policies.simulate_policy(trial).await.expect("must be tried").into_inner().simulation_id;
    pb::ApprovePolicyRequest { evaluation_id, simulation_id, ..approval(version, officer) }
}

fn activation(version: &str, officer: &str) -> pb::ActivatePolicyRequest {
    let (version, officer) = (version.to_owned(), officer.to_owned());
    pb::ActivatePolicyRequest { request_id: new_id(), version, officer, reason: "Decided by the board.".to_owned() }
}

async fn policy(client: &mut Client, version: &str) -> pb::GetPolicyResponse {
    let request = pb::GetPolicyRequest { version: version.to_owned(), ..Default::default() };
    client.policies.get_policy(request).await.expect("must be known").into_inner()
}

/// Everybody on ALL, and the revision that they are of.
async fn everybody(client: &mut Client) -> (u64, Vec<pb::Standing>) {
    let summary = pb::GetListSummaryRequest { list: pb::List::All.into(), ..Default::default() };
    let summary = client.ranking.get_list_summary(summary).await.expect("must be told").into_inner();
    (summary.context.expect("told").revision, client.whole(pb::List::All, 100).await)
}

/// Approves thr-2026.2, which nobody does who has not seen it evaluated and tried.
async fn approved_having_seen(client: &mut Client) {
    let unseen = client.policies.approve_policy(approval("thr-2026.2", "DCI-7")).await.expect_err("must be refused");
    assert_eq!((unseen.code(), reason(&unseen).as_deref()), (Code::FailedPrecondition, Some("EVALUATION_REQUIRED")));
    let seen = approval_having_seen(client, "thr-2026.2", "DCI-7").await;
    let other = pb::ApprovePolicyRequest { simulation_id: "another".to_owned(), ..seen.clone() };
    let other = client.policies.approve_policy(other).await.expect_err("must be refused");
    assert_eq!(reason(&other).as_deref(), Some("EVALUATION_REQUIRED"), "the latest is to be seen, and both");
    let to_be_seen = policy(client, "thr-2026.2").await;
    assert_eq!(
        to_be_seen.evaluation.map(|it| it.id).as_deref(),
        Some(&*seen.evaluation_id),
        "it is shown to whoever asks"
    );
    client.policies.approve_policy(seen.clone()).await.expect("must be kept");
    let approved = policy(client, "thr-2026.2").await;
    assert_eq!(approved.evaluation.map(|it| it.id), Some(seen.evaluation_id));
    assert_eq!(approved.simulation.map(|it| it.id), Some(seen.simulation_id));
}

#[tokio::test]
async fn numbers_change_through_two_people_and_nobody_is_weighed_by_them_before_a_run() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    for (name, code, day) in
        [("A", "TH68010", "2026-02-01"), ("B", "OF61016", "2026-03-01"), ("C", "TH68010", "2025-02-01")]
    {
        client.write(Somebody::man(name, "1990-05-01").charged(code, day).records()).await;
    }

    // Everything wrong is told at once, of the request and of the text, under the keys at fault.
    let wrong = lowered("thr-2026.2")
        .replace("very_high = 6\n", "very_high = 3\n")
        .replace("half_life_days = 730\n", "half_life_days = -1\n")
        .replace("repeat_within_days", "repeat_in_days");
    let bad = pb::CreatePolicyDraftRequest { reason: "No.".to_owned(), ..draft(&wrong, "") };
    let all = told(&client.policies.create_policy_draft(bad).await.unwrap_err());
    let faults = [
        "officer: INVALID_REFERENCE",
        "reason: LENGTH_OUT_OF_RANGE",
        "bands.very_high: ",
        "harm.half_life_days: ",
        "harm.victim.repeat_in_days: ",
        "harm.victim.repeat_within_days: ",
    ];
    for fault in faults {
        assert!(all.contains(fault), "{fault}: {all}");
    }
    let validated = pb::ValidatePolicyRequest { text: wrong, ..Default::default() };
    let validated = client.policies.validate_policy(validated).await.expect("must be judged").into_inner();
    assert_eq!((validated.version.as_str(), validated.violations.len()), ("thr-2026.2", 4), "{validated:?}");

    let before = everybody(&mut client).await;
    let text = lowered("thr-2026.2");
    let request = draft(&text, "DI-1");
    let kept = client.policies.create_policy_draft(request.clone()).await.expect("must be kept").into_inner();
    let again = client.policies.create_policy_draft(request).await.expect("must be answered").into_inner();
    assert_eq!(kept, again, "the same request has the same answer");
    assert_eq!((kept.version.as_str(), kept.base_version.as_str()), ("thr-2026.2", "thr-2026.1"));
    let keys: Vec<&str> = kept.changes.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["bands.high", "bands.medium", "bands.very_high"]);
    let taken = told(&client.policies.create_policy_draft(draft(&text, "DI-1")).await.unwrap_err());
    assert!(taken.contains("version: VERSION_TAKEN"), "{taken}");
    let both = pb::CreatePolicyDraftRequest { base_version: "thr-0".to_owned(), ..draft(&text, "") };
    let both = told(&client.policies.create_policy_draft(both).await.unwrap_err());
    for fault in ["version: VERSION_TAKEN", "base_version: UNKNOWN_POLICY", "officer: INVALID_REFERENCE"] {
        assert!(both.contains(fault), "{fault}: {both}");
    }

    // Tried on the lists as they stand, which stay as they are.
    let held = everybody(&mut client).await;
    let trial = pb::SimulatePolicyRequest {
        policy: Some(pb::simulate_policy_request::Policy::Version("thr-2026.2".to_owned())),
        list: pb::List::All.into(),
        top_n: 1,
        ..Default::default()
    };
    let tried = client.policies.simulate_policy(trial.clone()).await.expect("must be tried").into_inner();
    assert!(tried.changed_total > 0 && tried.changed.len() == tried.changed_total as usize, "{tried:?}");
    assert!(tried.changed.iter().all(|it| it.to_band > it.from_band && it.from_composite == it.to_composite));
    assert_eq!(tried.bands.iter().map(|band| band.people_after).sum::<u32>(), 3);
    assert_eq!((tried.list_size_before, tried.list_size_after, tried.changes.len()), (3, 3, 3));
    assert_eq!(everybody(&mut client).await, held, "a trial changes nothing, not even the revision");
    assert_eq!(held.1, before.1, "nor does a draft");

    let activate = client.policies.activate_policy(activation("thr-2026.2", "DI-1")).await.unwrap_err();
    assert_eq!(reason(&activate).as_deref(), Some("POLICY_NOT_APPROVED"));
    let alone = client.policies.approve_policy(approval("thr-2026.2", "DI-1")).await.unwrap_err();
    assert_eq!((alone.code(), reason(&alone).as_deref()), (Code::FailedPrecondition, Some("SECOND_PERSON_REQUIRED")));
    approved_having_seen(&mut client).await;
    let activated = client.policies.activate_policy(activation("thr-2026.2", "DCI-7")).await;
    let activated = activated.expect("must be kept").into_inner();
    let unknown = client.policies.approve_policy(approval("thr-9", "DCI-7")).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_deref()), (Code::NotFound, Some("UNKNOWN_POLICY")));

    let told = policy(&mut client, "thr-2026.2").await;
    let waiting = told.policy.expect("told");
    assert_eq!(waiting.state(), pb::PolicyState::AwaitingRun);
    assert_eq!((told.text, told.changes), (text, kept.changes));
    let officer = |step: &Option<pb::PolicyStep>| step.as_ref().map(|step| step.officer.clone()).unwrap_or_default();
    let officers = [&waiting.drafted, &waiting.approved, &waiting.activated].map(officer);
    assert_eq!(officers, ["DI-1", "DCI-7", "DCI-7"]);
    let drafted = waiting.drafted.expect("told");
    assert_eq!(drafted.reason, "Nobody stands at the top, and many should.");
    assert!(drafted.time.is_some() && drafted.revision == kept.revision);
    let in_force = policy(&mut client, "").await;
    let context = in_force.context.expect("told");
    assert_eq!((context.policy_version.as_str(), context.revision), ("thr-2026.1", activated.revision));
    assert_eq!(in_force.policy.expect("told").state(), pb::PolicyState::InForce);
    let listed = client.policies.list_policies(pb::ListPoliciesRequest::default()).await.unwrap().into_inner();
    let versions: Vec<&str> = listed.policies.iter().map(|policy| policy.version.as_str()).collect();
    assert_eq!((versions, listed.awaiting_version.as_str()), (vec!["thr-2026.2", "thr-2026.1"], "thr-2026.2"));
    assert_eq!(everybody(&mut client).await.1, before.1, "nobody is weighed by it yet");

    // The next run brings it into force, and moves those whom the trial said it would.
    client.weigh_on("2026-04-01").await;
    let told = policy(&mut client, "").await;
    assert_eq!(told.context.expect("told").policy_version, "thr-2026.2");
    assert_eq!(policy(&mut client, "thr-2026.1").await.policy.expect("told").state(), pb::PolicyState::Superseded);
    for moved in tried.changed {
        let standing = client.on_list(&moved.subject_ref, pb::List::All).await;
        assert_eq!(standing.effective_band, moved.to_band, "{moved:?}");
    }
}

/// `steelyard policy ...` against a server.
fn command(server: &Server, arguments: &[&str]) -> Output {
    let mut command = steelyard();
    command.arg("policy").args(arguments).env("STEELYARD_SERVER", server.url());
    command.output().expect("the command must run")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{:?}\n{}{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn done(server: &Server, arguments: &[&str], expected: &[&str]) {
    let said = said(&command(server, arguments));
    assert!(said.starts_with("Some(0)"), "{arguments:?}: {said}");
    for expected in expected {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).expect("must be written");
    path.to_str().expect("a temporary path must be text").to_owned()
}

#[tokio::test]
async fn the_command_line_takes_a_policy_from_draft_to_waiting_and_a_restart_forgets_nothing() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::on(data.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    client.write(Somebody::man("A", "1990-05-01").charged("TH68010", "2026-02-01").records()).await;
    let file = write(&files.path().join("new.toml"), &lowered("thr-2026.2"));
    let wrong = write(&files.path().join("wrong.toml"), "version = 3\n");

    done(
        &server,
        &["simulate", &file, "--list", "all", "--top", "1"],
        &["thr-2026.2 TRIED ON ALL", "Nothing was published"],
    );
    let refused = ["draft", &wrong, "--officer", "DI-1", "--reason", "To see what is wrong."];
    let refused = said(&command(&server, &refused));
    assert!(!refused.starts_with("Some(0)") && refused.contains("bands: "), "{refused}");
    let drafted = ["draft", &file, "--officer", "DI-1", "--reason", "Nobody stands at the top."];
    done(&server, &drafted, &["Draft thr-2026.2 kept (3 values differ from thr-2026.1) at revision"]);
    done(
        &server,
        &["diff", "thr-2026.1", &file],
        &["3 values differ between thr-2026.1 and thr-2026.2", "bands.very_high"],
    );
    let alone = said(&command(&server, &["approve", "thr-2026.2", "--officer", "DI-1"]));
    assert!(alone.starts_with("Some(65)") && alone.contains("there is nothing that you could have seen"), "{alone}");
    let seen = approval_having_seen(&mut client, "thr-2026.2", "DI-2").await;
    let unconfirmed = said(&command(&server, &["approve", "thr-2026.2", "--officer", "DI-2"]));
    assert!(unconfirmed.starts_with("Some(64)") && unconfirmed.contains(&seen.evaluation_id), "{unconfirmed}");
    let having_seen = [
        "approve",
        "thr-2026.2",
        "--evaluation",
        &seen.evaluation_id,
        "--simulation",
        &seen.simulation_id,
        "--officer",
    ];
    let by = |officer| [&having_seen[..], &[officer]].concat();
    let alone = said(&command(&server, &by("DI-1")));
    assert!(alone.starts_with("Some(65)") && alone.contains("SECOND_PERSON_REQUIRED"), "{alone}");
    done(&server, &by("DI-2"), &["Policy thr-2026.2 approved at revision"]);
    let activated = ["activate", "thr-2026.2", "--officer", "DI-1", "--reason", "Decided by the board."];
    done(&server, &activated, &["Policy thr-2026.2 activated at revision", "Nothing has changed yet"]);
    done(&server, &["show", "thr-2026.2"], &["awaiting a run", "drafted by DI-1", "approved by DI-2", "bands.high"]);
    let before = policy(&mut client, "thr-2026.2").await;
    drop(client);
    server.stop().await;

    let server = Server::on(data.path(), &[]);
    let mut client = server.client().await;
    let after = policy(&mut client, "thr-2026.2").await;
    assert_eq!((after.policy, after.text, after.changes), (before.policy, before.text, before.changes));
    done(&server, &["list"], &["thr-2026.2 comes into force with the next run that begins and publishes."]);
    let text = command(&server, &["show", "thr-2026.2", "--text"]);
    assert_eq!(String::from_utf8(text.stdout).unwrap(), lowered("thr-2026.2"), "a text to make another from");
    let same = command(&server, &["diff", "thr-2026.2", &file]);
    assert_eq!((same.status.code(), said(&same).contains("No value differs")), (Some(1), true));
    // The file on the command line of a server brings nothing into force that two people have yet to.
    drop(client);
    server.stop().await;
    let server = Server::on(data.path(), &["--policy", &file]);
    let in_force = policy(&mut server.client().await, "").await.policy.expect("told");
    assert_eq!((in_force.version.as_str(), in_force.state()), ("thr-2026.1", pb::PolicyState::InForce));
}
