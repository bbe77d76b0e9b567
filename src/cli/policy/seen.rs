//! What an approver has to have seen: the evaluation of a policy and its simulation, in
//! short, and the question whether they were read.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write};

use crate::cli::evaluate::screen;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Page, band_cell, count, drawn, left, plain, right};
use crate::cli::when;
use crate::cli::word::list_name;
use crate::pb;

/// Bands, the highest first, as a simulation tells them.
const BANDS: [pb::Band; 4] = [pb::Band::VeryHigh, pb::Band::High, pb::Band::Medium, pb::Band::Low];

/// What was seen, by its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Of the evaluation.
    pub evaluation: String,
    /// Of the simulation.
    pub simulation: String,
}

impl Seen {
    /// What the server holds of a policy.
    ///
    /// # Errors
    /// One or both are not there; the error says what to run.
    pub fn of(answer: &pb::GetPolicyResponse) -> Result<Self, Failure> {
        let version = answer.policy.as_ref().map_or("", |policy| policy.version.as_str());
        match (&answer.evaluation, &answer.simulation) {
            (Some(evaluation), Some(simulation)) => {
                Ok(Self { evaluation: evaluation.id.clone(), simulation: simulation.id.clone() })
            }
            (evaluation, simulation) => {
                let version = plain(version);
                let mut told = format!("{version} cannot be approved: there is nothing that you could have seen. Run");
                if evaluation.is_none() {
                    let _ = write!(told, "\n  steelyard evaluate --policy {version} --index-date DATE");
                }
                if simulation.is_none() {
                    let _ = write!(told, "\n  steelyard policy simulate {version}");
                }
                Err(Failure::new(Exit::DataRefused, told))
            }
        }
    }
}

/// Both in short, as far as they are there.
pub fn shown(answer: &pb::GetPolicyResponse, page: Page) -> String {
    let mut text = String::new();
    if let Some(evaluation) = &answer.evaluation {
        text.push('\n');
        text.push_str(&screen::summary(evaluation, page));
    }
    if let Some(simulation) = &answer.simulation {
        text.push('\n');
        text.push_str(&simulated(simulation, page));
    }
    text
}

fn simulated(simulation: &pb::KeptSimulation, page: Page) -> String {
    let heading = format!("SIMULATION OF {} ON {}", plain(&simulation.policy_version), list_name(simulation.list));
    let mut text = format!("{}  made {}\n", page.bold(&heading), when::told(simulation.time.as_ref()));
    text.push_str(&page.faint(&format!("id {}", plain(&simulation.id))));
    text.push('\n');
    let mut table = page.table();
    table.set_header([left("band"), right("now"), right("then")]);
    let people = |bands: &[u32], at: usize| right(bands.get(at).map_or_else(String::new, |people| count(*people)));
    for (at, band) in BANDS.into_iter().enumerate() {
        let (now, then) = (people(&simulation.bands_before, at), people(&simulation.bands_after, at));
        table.add_row([band_cell(band), now, then]);
    }
    let sizes = [simulation.list_size_before, simulation.list_size_after];
    table.add_row(std::iter::once(left("all")).chain(sizes.map(count).map(right)));
    text.push_str(&drawn(&mut table, 2));
    let _ = writeln!(
        text,
        "  {} change band, enter the list or leave it; {} enter the top {}, {} leave it",
        count(simulation.changed_total),
        count(simulation.entered_top_total),
        count(simulation.top_n),
        count(simulation.left_top_total)
    );
    text
}

/// Asks whether both were read: the version typed is yes.
///
/// # Errors
/// The answer cannot be read.
pub fn confirmed(version: &str, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    write!(output, "\nHave you read both? Type the version to approve: ")?;
    output.flush()?;
    let mut typed = String::new();
    input.read_line(&mut typed)?;
    Ok(typed.trim() == version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_screens::{agrees_with, london};
    use crate::evaluation::report::fixture;

    fn simulation() -> pb::KeptSimulation {
        pb::KeptSimulation {
            id: "5e".repeat(32),
            policy_version: "thr-2026.2".to_owned(),
            time: Some(london("2026-03-31T12:00:00Z")),
            list: pb::List::All.into(),
            top_n: 50,
            list_size_before: 5_390,
            list_size_after: 5_391,
            changed_total: 61,
            entered_top_total: 4,
            left_top_total: 3,
            bands_before: vec![40, 210, 900, 4_240],
            bands_after: vec![58, 220, 890, 4_223],
            ..Default::default()
        }
    }

    fn answer() -> pb::GetPolicyResponse {
        pb::GetPolicyResponse {
            policy: Some(pb::Policy { version: "thr-2026.2".to_owned(), ..Default::default() }),
            evaluation: Some(fixture::whole()),
            simulation: Some(simulation()),
            ..Default::default()
        }
    }

    #[test]
    fn both_are_shown_in_short() {
        agrees_with("policy_seen.txt", &shown(&answer(), Page::PLAIN));
    }

    #[test]
    fn what_was_seen_is_named_by_both_ids() {
        let seen = Seen::of(&answer()).unwrap();
        assert_eq!((seen.evaluation, seen.simulation), (fixture::whole().id, simulation().id));
    }

    #[test]
    fn where_there_is_nothing_to_have_seen_the_commands_are_named() {
        let without = |evaluation: bool, simulation: bool| {
            let mut answer = answer();
            answer.evaluation = answer.evaluation.filter(|_| evaluation);
            answer.simulation = answer.simulation.filter(|_| simulation);
            Seen::of(&answer).unwrap_err().to_string()
        };
        let (evaluate, simulate) =
            ("steelyard evaluate --policy thr-2026.2 --index-date DATE", "steelyard policy simulate thr-2026.2");
        let told = without(false, false);
        assert!(told.contains(evaluate) && told.contains(simulate), "{told}");
        let told = without(false, true);
        assert!(told.contains(evaluate) && !told.contains(simulate), "{told}");
        let told = without(true, false);
        assert!(!told.contains(evaluate) && told.contains(simulate), "{told}");
    }

    #[test]
    fn nothing_but_the_version_is_a_yes() {
        let answered = |typed: &str| {
            let mut asked = Vec::new();
            let yes = confirmed("thr-2026.2", &mut typed.as_bytes(), &mut asked).unwrap();
            assert!(String::from_utf8(asked).unwrap().contains("Type the version to approve: "));
            yes
        };
        assert!(answered("thr-2026.2\n"));
        for typed in ["yes\n", "y\n", "\n", "", "thr-2026.1\n"] {
            assert!(!answered(typed), "{typed:?}");
        }
    }
}
