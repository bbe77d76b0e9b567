//! `docs/PRIVACY.md` and `docs/TRANSPARENCY.md` state facts of the code: what is
//! read, what it weighs, who may see whom. Between their markers stand tables
//! that are made here from the code itself, and a paper that differs is stale.
//! Nothing here judges whether a paper's own sentences are right: those are
//! somebody's to sign.

mod calls;
mod facts;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};

use steelyard::policy::Policy;

use crate::safety_page::{is_test, quoted, tests};
use facts::Fact;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PAPERS: [&str; 2] = ["docs/PRIVACY.md", "docs/TRANSPARENCY.md"];
/// Every page with tables of facts.
const PAGES: [&str; 4] = [PAPERS[0], PAPERS[1], "docs/SECURITY.md", "docs/OPERATIONS.md"];
const BEGIN: &str = "<!-- facts: ";
const END: &str = "<!-- end of facts -->";

fn path(paper: &str) -> PathBuf {
    Path::new(ROOT).join(paper)
}

fn text(paper: &str) -> String {
    fs::read_to_string(path(paper)).expect("the paper must be there")
}

/// The paper with every table between its markers made anew, and the names of those tables.
fn renewed(paper: &str, facts: &[Fact]) -> Result<(String, Vec<String>), String> {
    let (mut made, mut names, mut rest) = (String::new(), Vec::new(), paper);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->\n").ok_or("a marker does not end its line")?;
        let (old, after) = after.split_once(END).ok_or_else(|| format!("{name} has no end"))?;
        if old.contains(BEGIN) {
            return Err(format!("{name} has no end before the next begins"));
        }
        let fact = facts.iter().find(|fact| fact.name == name).ok_or_else(|| format!("{name} is no table"))?;
        for part in [before, BEGIN, name, " -->\n\n", &fact.table, "\n", END] {
            made.push_str(part);
        }
        names.push(name.to_owned());
        rest = after;
    }
    made.push_str(rest);
    Ok((made, names))
}

fn is_stale(paper: &str, facts: &[Fact]) -> bool {
    renewed(paper, facts).expect("its markers must be whole").0 != paper
}

/// The first line that differs, to be shown.
fn first_difference(held: &str, made: &str) -> String {
    let differs = |(held, made): &(&str, &str)| held != made;
    match held.lines().zip(made.lines()).find(differs) {
        Some((held, made)) => format!("it says    {held}\nthe code   {made}"),
        None => "one ends before the other".to_owned(),
    }
}

#[test]
fn the_papers_say_what_the_code_does() {
    let facts = facts::all(Policy::default_text());
    for paper in PAGES {
        let held = text(paper);
        let (made, _) = renewed(&held, &facts).unwrap_or_else(|why| panic!("{paper}: {why}"));
        if std::env::var_os("STEELYARD_KEEP_PAPERS").is_some() {
            fs::write(path(paper), made).expect("the paper must be writable");
            continue;
        }
        assert!(
            held == made,
            "{paper} is out of date: `just keep` renews its tables; then read whether its sentences still hold.\n{}",
            first_difference(&held, &made)
        );
    }
}

#[test]
fn every_table_of_facts_stands_in_a_paper() {
    let facts = facts::all(Policy::default_text());
    let told: Vec<String> =
        PAGES.iter().flat_map(|paper| renewed(&text(paper), &facts).expect("must be whole").1).collect();
    let missing: Vec<_> = facts.iter().filter(|fact| !told.iter().any(|name| name == fact.name)).collect();
    assert!(missing.is_empty(), "no paper tells {missing:?}");
    for paper in PAGES {
        assert!(text(paper).contains(BEGIN), "{paper} tells no facts");
    }
}

/// So that a table that reads nothing cannot pass: each of these figures is one that a force may change.
#[test]
fn a_changed_figure_makes_both_papers_stale() {
    let policy = Policy::default_text();
    let facts = facts::all(policy);
    let current = PAPERS.map(|paper| (paper, renewed(&text(paper), &facts).expect("its markers must be whole").0));
    for (figure, other) in [
        ("cohort]\nthreat = 25\nrisk = 35", "cohort]\nthreat = 26\nrisk = 34"),
        ("very_high = 60", "very_high = 61"),
        ("intelligence_most = 0.60", "intelligence_most = 0.59"),
        ("cap_male = 92", "cap_male = 91"),
        ("none_while_release_over_days = 84", "none_while_release_over_days = 83"),
        ("version = \"thr-2026.1\"", "version = \"thr-2026.2\""),
    ] {
        assert_eq!(policy.matches(figure).count(), 1, "{figure}");
        let changed = facts::all(&policy.replace(figure, other));
        for (paper, current) in &current {
            assert!(!is_stale(current, &facts), "{paper}");
            assert!(is_stale(current, &changed), "{paper} does not tell {figure}");
        }
    }
}

#[test]
fn a_table_that_was_edited_by_hand_is_stale() {
    let facts = [Fact { name: "roles", table: "| a |\n".to_owned() }];
    let sound = format!("Text.\n\n{BEGIN}roles -->\n\n| a |\n\n{END}\n\nMore.\n");
    assert!(!is_stale(&sound, &facts));
    assert!(is_stale(&sound.replace("| a |", "| b |"), &facts));
    assert!(!is_stale(&sound.replace("More", "Less"), &facts), "sentences are nobody's but the writer's");
    for broken in [sound.replace(END, ""), sound.replace("roles", "rules"), sound.replace(" -->\n\n|", "\n\n|")] {
        renewed(&broken, &facts).expect_err("a marker that is not whole must be told");
    }
}

#[test]
fn every_test_and_file_that_the_papers_name_is_there() {
    let tests = tests();
    let mut missing = Vec::new();
    for paper in PAPERS {
        for name in quoted(&text(paper)) {
            let is_file =
                ["src/", "tests/", "docs/", "policies/", "reference/"].iter().any(|root| name.starts_with(root));
            if is_test(name) && !tests.contains(name) || is_file && !path(name).exists() {
                missing.push(format!("{paper}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "named and not there:\n{}", missing.join("\n"));
}

#[test]
fn the_assessment_has_every_step_of_its_template() {
    let held = text("docs/PRIVACY.md");
    let mut steps = held.lines().filter_map(|line| line.strip_prefix("## Step "));
    for step in [
        "1: Identify the need",
        "2: Describe the processing",
        "3: Consultation",
        "4: Necessity and proportionality",
        "5: Identify and assess risks",
        "6: Measures to reduce risk",
        "7: Sign-off and outcomes",
    ] {
        assert_eq!(steps.next(), Some(step));
    }
    assert_eq!(steps.next(), None);
    for section in [35, 36, 37, 38, 39, 40, 42, 44, 45, 46, 47, 49, 50, 62, 64, 66, 73] {
        assert!(held.contains(&format!("s.{section}")), "section {section} is not dealt with");
    }
}

#[test]
fn the_record_has_every_part_of_its_standard() {
    let held = text("docs/TRANSPARENCY.md");
    let parts: Vec<&str> = held.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for part in [
        "Tier 1: overview",
        "Tier 2: owner and responsibility",
        "Tier 2: description and rationale",
        "Tier 2: decision-making process",
        "Tier 2: tool specification",
        "Tier 2: risks, mitigations and impact assessments",
        "What has not been evaluated",
    ] {
        assert!(parts.contains(&part), "there is no part `{part}` among {parts:?}");
    }
}

/// An inspector found five faults in an earlier gang database. Each has a control here and a test that proves it.
#[test]
fn every_finding_about_gang_databases_has_a_control_and_a_test() {
    let held = text("docs/PRIVACY.md");
    let findings: Vec<&str> = held.lines().filter(|line| line.starts_with("| F")).collect();
    assert_eq!(findings.len(), 7, "the findings must be read");
    for finding in findings {
        let cells: Vec<&str> = finding.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 5, "{finding}");
        assert!(quoted(cells[3]).any(is_test) || cells[3].contains("no test"), "nothing proves this: {finding}");
    }
}
