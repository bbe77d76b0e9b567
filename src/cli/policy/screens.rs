//! What the commands about policies show.

use super::named::Named;
use super::{diff, show, simulate};
use crate::cli::output::Page;
use crate::cli::test_screens::context;
use crate::pb;

fn change(key: &str, from: Option<&str>, to: Option<&str>) -> pb::NumberChange {
    pb::NumberChange { key: key.to_owned(), from: from.map(str::to_owned), to: to.map(str::to_owned) }
}

fn step(officer: &str, reason: &str) -> pb::PolicyStep {
    let time = Some(pbjson_types::Timestamp { seconds: 1_780_000_000, nanos: 0 });
    pb::PolicyStep { officer: officer.to_owned(), reason: reason.to_owned(), time, ..Default::default() }
}

fn waiting() -> pb::Policy {
    pb::Policy {
        version: "thr-2026.2".to_owned(),
        state: pb::PolicyState::AwaitingRun.into(),
        base_version: "thr-2026.1".to_owned(),
        drafted: Some(step("DI-1", "Too few stand at the top.")),
        approved: Some(step("DI-2", "")),
        ..Default::default()
    }
}

#[test]
fn a_policy_is_shown_with_who_changed_which_number_when_and_why() {
    let answer = pb::GetPolicyResponse {
        context: Some(context()),
        policy: Some(waiting()),
        text: String::new(),
        changes: vec![
            change("bands.very_high", Some("60"), Some("55")),
            change("harm_override.X.days", None, Some("2")),
        ],
        ..Default::default()
    };
    let text = show::shown(&answer, Page::PLAIN);
    assert!(text.starts_with("POLICY thr-2026.2  awaiting a run\n"), "{text}");
    assert!(
        text.contains("  drafted by DI-1, 28 May 2026 21:26\n    Too few stand at the top.\n  approved by DI-2, "),
        "{text}"
    );
    assert!(text.contains("2 VALUES DIFFER FROM thr-2026.1\n"), "{text}");
    let row = |key: &str| text.lines().find(|line| line.contains(key)).unwrap_or_default().split_whitespace().count();
    assert_eq!((row("bands.very_high"), row("harm_override.X.days")), (3, 3), "{text}");
    assert!(text.contains("none"), "{text}");
}

#[test]
fn the_policy_that_waits_is_told_below_the_list() {
    let answer = pb::ListPoliciesResponse {
        policies: vec![waiting()],
        total: 1,
        awaiting_version: "thr-2026.2".to_owned(),
        ..Default::default()
    };
    let text = show::listed(&answer, Page::PLAIN);
    assert!(text.contains("thr-2026.2  awaiting a run  thr-2026.1  DI-1"), "{text}");
    assert!(text.ends_with("thr-2026.2 comes into force with the next run that begins and publishes.\n"), "{text}");
}

#[test]
fn a_trial_shows_bands_before_and_after_and_whom_it_moves() {
    let answer = pb::SimulatePolicyResponse {
        context: Some(context()),
        version: "thr-2026.2".to_owned(),
        list: pb::List::Candidates.into(),
        top_n: 10,
        list_size_before: 2,
        list_size_after: 3,
        bands: vec![pb::SimulatedBand {
            band: pb::Band::VeryHigh.into(),
            people_after: 1,
            share_after: 3_333,
            ..Default::default()
        }],
        changed_total: 2,
        changed: vec![pb::SimulatedMove {
            subject_ref: "S-1".to_owned(),
            to_band: pb::Band::VeryHigh.into(),
            from_composite: 24_990,
            to_composite: 61_000,
            to_position: 1,
            ..Default::default()
        }],
        changes: vec![change("bands.very_high", Some("60"), Some("55"))],
        simulation_id: "5e0f".to_owned(),
        ..Default::default()
    };
    let text = simulate::screen(&answer, Page::PLAIN);
    assert!(text.starts_with("thr-2026.2 TRIED ON CANDIDATES  1 value differs from "), "{text}");
    assert!(text.contains("Nothing was published.") && text.contains("33.33 %"), "{text}");
    assert!(text.contains("2 CHANGE BAND") && text.contains("not listed") && text.contains("24.9"), "{text}");
    assert!(
        text.contains("and 1 more: --limit shows more") && text.contains("0 LEAVE THE TOP 10\n  nobody\n"),
        "{text}"
    );
    assert!(text.ends_with("\nSimulation 5e0f\n"), "an approver states it: {text}");
}

#[test]
fn a_difference_names_both_policies() {
    let versions = ["a".to_owned(), "b".to_owned()];
    assert_eq!(diff::told(&versions, &[], Page::PLAIN), "No value differs between a and b.\n");
    let one = [change("bands.high", Some("40"), None)];
    assert!(diff::told(&versions, &one, Page::PLAIN).starts_with("1 value differs between a and b.\n\n  key"));
}

#[test]
fn a_name_is_a_version_unless_it_looks_like_a_file() {
    assert_eq!(Named::of("thr-2026.2"), Named::Version("thr-2026.2"));
    for path in ["thr.toml", "./thr-2026.2", "policies/thr", "Cargo.toml"] {
        assert!(matches!(Named::of(path), Named::File(_)), "{path}");
    }
}
