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
fn nobody_changes_a_person_without_a_name_and_a_reason() {
    for line in ["merge S-2 --into S-1 --officer dc-1", "unmerge S-2 --reason none", "lift S-1"] {
        assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}
