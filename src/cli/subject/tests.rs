//! What each subcommand asks for.

use clap::Parser;

use super::*;
use crate::pb;

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn parsed(line: &str) -> Command {
    // Underscores stand for spaces within a word.
    let words = line.split_whitespace().map(|word| word.replace('_', " "));
    Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args.command
}

#[test]
fn a_merge_names_both_and_a_restriction_its_ground() {
    let Command::Merge(args) = parsed("merge S-2 --into S-1 --officer dc-1 --reason same_prints_and_photograph") else {
        panic!("must be merge")
    };
    let asked = args.request("id");
    assert_eq!((&*asked.survivor_ref, &*asked.merged_ref), ("S-1", "S-2"));
    assert_eq!((&*asked.officer, &*asked.reason), ("dc-1", "same prints and photograph"));
    let Command::Unmerge(args) = parsed("unmerge S-2 --officer dc-1 --reason prints_of_a_brother --etag 7") else {
        panic!("must be unmerge")
    };
    assert_eq!((&*args.request("id").merged_ref, &*args.request("id").etag), ("S-2", "7"));
    let Command::Restrict(args) =
        parsed("restrict S-1 --ground kept-as-evidence --officer dpo-1 --reason trial_is_pending")
    else {
        panic!("must be restrict")
    };
    assert_eq!(args.request("id").ground(), pb::RestrictionGround::KeptAsEvidence);
    let Command::Lift(args) = parsed("lift S-1 --officer dpo-1 --reason trial_has_ended") else {
        panic!("must be lift")
    };
    assert_eq!(&*args.request("id").reason, "trial has ended");
}

#[test]
fn a_disclosure_is_asked_for_and_shown_with_its_basis() {
    let Command::Disclose(args) = parsed(
        "disclose S-1 --recipient Probation_North --for supervision_on_release --what standing_and_two_convictions \
         --legal-basis CDA_1998_s115 --officer dc-1 --case-ref C-9 --at 2026-03-31T14:05:00Z",
    ) else {
        panic!("must be disclose")
    };
    let asked = args.request("id");
    assert_eq!((&*asked.recipient, &*asked.legal_basis, &*asked.case_ref), ("Probation North", "CDA 1998 s115", "C-9"));
    let Command::Disclosures(args) = parsed("disclosures --recipient probation --from 2026-03-01") else {
        panic!("must be disclosures")
    };
    let asked_for = args.request();
    assert_eq!((&*asked_for.subject_ref, &*asked_for.recipient, &*asked_for.from), ("", "probation", "2026-03-01"));
    let told = pb::Disclosure {
        subject_ref: asked.subject_ref,
        recipient: asked.recipient,
        purpose: asked.purpose,
        what: asked.what,
        legal_basis: asked.legal_basis,
        officer: asked.officer,
        disclosed_time: asked.disclosed_time,
        ..Default::default()
    };
    let answer = pb::ListDisclosuresResponse { disclosures: vec![told], ..Default::default() };
    let screen = disclose::screen(&answer, crate::cli::output::Page::PLAIN);
    for part in ["31 Mar 2026 15:05", "S-1", "Probation North", "standing and two convictions", "CDA 1998 s115"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
}

#[test]
fn nobody_changes_a_person_without_a_name_and_a_reason() {
    for line in ["merge S-2 --into S-1 --officer dc-1", "unmerge S-2 --reason none", "lift S-1"] {
        assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}
