//! The page as a whole: that it is well formed, closed in itself, readable without its
//! drawings, and silent about what is withheld.

use super::fixture::{self, TRACES};
use super::html;
use super::short::sentences;

/// Elements without an end.
const VOID: [&str; 3] = ["meta", "br", "hr"];

/// What is wrong with the tags of a page: a stray end, an end that is missing, an attribute without quotation marks.
fn unbalanced(page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let Some((tag, text)) = tag.split_once('>') else {
            faults.push(format!("no end of <{tag}"));
            continue;
        };
        if text.contains('>') && tag != "style" {
            faults.push(format!("a bare > after <{tag}>"));
        }
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                faults.push(format!("</{name}> ends nothing"));
            }
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let between: String = attributes.split('"').step_by(2).collect();
        if attributes.matches('"').count() % 2 == 1 || between.split_whitespace().any(|part| !part.ends_with('=')) {
            faults.push(format!("attributes of <{tag}>"));
        }
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    faults.extend(open.into_iter().map(|name| format!("<{name}> has no end")));
    faults
}

fn ids(page: &str) -> Vec<&str> {
    page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_page_is_well_formed_whether_it_holds_everything_or_nothing() {
    for evaluation in [fixture::whole(), fixture::empty(), crate::pb::Evaluation::default()] {
        let page = html(&evaluation);
        assert_eq!(unbalanced(&page), [""; 0]);
        let mut seen = ids(&page);
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "an id is given twice");
        for named in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(seen.binary_search(&named).is_ok(), "{named} names nothing");
        }
    }
}

#[test]
fn the_page_asks_nobody_for_anything_and_runs_nothing() {
    let page = html(&fixture::whole());
    for outside in ["http:", "https:", "//", "<script", "<link", "<img", "url(", "@import", " on", "src="] {
        let found = page.find(outside).map(|at| page[at..].chars().take(60).collect::<String>());
        let is_word = outside == " on" && found.as_ref().is_some_and(|found| !found.contains("=\""));
        assert!(found.is_none() || is_word, "{outside}: {found:?}");
    }
    assert!(page.contains(r#"<html lang="en">"#) && page.contains("default-src 'none'"));
}

#[test]
fn a_withheld_number_is_nowhere_on_the_page() {
    let page = html(&fixture::whole());
    for trace in TRACES {
        assert!(!page.contains(trace), "{trace} is told");
    }
    assert!(page.contains("withheld"));
    assert!(page.contains("Withheld as a whole"), "a characteristic may be withheld whole");
    assert!(!page.contains(r#"<th scope="row">yes</th>"#), "and then none of its groups is named");
}

#[test]
fn what_a_group_is_called_is_text_and_nothing_else() {
    let page = html(&fixture::whole());
    assert!(page.contains("Other &lt;b&gt;&amp;amp;&lt;/b&gt;"), "it is escaped");
}

#[test]
fn every_drawing_is_named_and_its_numbers_stand_in_a_table() {
    let page = html(&fixture::whole());
    let plots = page.matches("<svg class=\"plot\"").count();
    assert_eq!(plots, 6, "two of harm and one for each predictor");
    assert_eq!(page.matches("role=\"img\" aria-labelledby=").count(), plots);
    assert_eq!(page.matches("The same as a table").count(), 5);
}

#[test]
fn sentences_say_no_more_than_the_numbers() {
    let told = sentences(&fixture::whole()).join("\n");
    for sentence in [
        "the policy places the first higher in 72 of 100 pairs (95 %: 71 to 74). A random order does so in 50.",
        "Whether it does better at that than counting offences is inconclusive.",
        "It does worse at that than the force's own list.",
        "The first 50 people did 31 % of all the harm that followed (95 %: 27 to 36), 16.2 times as much as a random 50.",
        "Predicted chances are too low for these people: ARP expected 46.2 % and 49.8 % came about; VRP",
        "these groups by ethnicity differ from the one that they are held against: Asian, not stated.",
        "For 3 groups it is inconclusive or withheld.",
        "Nothing may be told of disability: its groups are too small.",
        "Whether selection into the cohort changed offending is inconclusive.",
        "Outside the bounds set when the policy was approved: ARP observed over expected.",
    ] {
        assert!(told.contains(sentence), "{sentence:?} is not in:\n{told}");
    }
}

#[test]
fn an_evaluation_of_nobody_claims_nothing() {
    let told = sentences(&fixture::empty()).join("\n");
    assert!(told.contains("cannot be computed, such as where everybody or nobody had the outcome."), "{told}");
    assert!(told.contains("Whether it does better at that than counting offences is inconclusive."), "{told}");
    assert!(told.contains("Whether predicted chances came true cannot be computed: ARP."), "{told}");
    let page = html(&fixture::empty());
    assert!(page.contains("not computable") && page.contains("There is no curve"));
    assert!(page.contains("Do not rely on this evaluation."), "without a check for leakage nothing may be relied on");
    assert!(!page.contains("NaN") && !page.contains("inf "));
}

#[test]
fn a_leak_is_told_before_any_number() {
    let mut evaluation = fixture::whole();
    evaluation.leakage.as_mut().unwrap().passed = false;
    let page = html(&evaluation);
    let place = |text: &str| page.find(text).unwrap();
    assert!(place("Do not rely on this evaluation.") < place("In short"));
}

#[test]
fn the_limits_of_fairness_are_stated_with_what_the_force_declared() {
    let page = html(&fixture::whole());
    assert!(page.contains("cannot all hold at once where groups differ"));
    assert!(page.contains("Chouldechova 2017; Kleinberg, Mullainathan and Raghavan 2016"));
    assert!(page.contains("This force declared <strong>equal false positive rates"));
    assert!(html(&fixture::empty()).contains("nothing is known of fairness. That is not the same as fair."));
}
