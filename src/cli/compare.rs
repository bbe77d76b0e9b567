//! Shows why one person stands above another: what decided, and the gap part by part.

use std::process::ExitCode;

use super::client::ServerArgs;
use super::exit::Exit;
use super::list::told_from;
use super::output::{
    self, Format, OutputArgs, Page, band_word, drawn, indented, left, ordinal, plain, points, right, signed_points,
};
use super::word::{Typed, component, parser};
use crate::domain::word::List;
use crate::pb;

/// Reasons shown of each person.
const REASONS: usize = 5;

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One person's reference
    #[arg(value_name = "SUBJECT_REF")]
    a: String,
    /// The other's
    #[arg(value_name = "SUBJECT_REF")]
    b: String,
    /// The list on which to compare
    #[arg(long, value_parser = parser::<List>(), ignore_case = true, default_value = "cohort")]
    list: List,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Prints the comparison.
///
/// # Errors
/// The server does not answer or refuses: a person is unknown, or not on the list.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = args.server.ranking().await?;
    let request = pb::CompareStandingsRequest {
        list: args.list.number(),
        subject_ref_a: args.a.clone(),
        subject_ref_b: args.b.clone(),
        ..Default::default()
    };
    let answer = client.compare_standings(request).await?.into_inner();
    let text = match args.output.output {
        Format::Table => screen(args.list, &answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    };
    output::print(&text)?;
    Ok(Exit::Done.into())
}

/// What put one above the other, in words.
pub(super) const fn decided(by: pb::DecidedBy) -> &'static str {
    match by {
        pb::DecidedBy::EffectiveBand => "the band",
        pb::DecidedBy::Composite => "the composite score",
        pb::DecidedBy::Harm => "harm, the composites being equal",
        pb::DecidedBy::Threat => "threat, composite and harm being equal",
        pb::DecidedBy::Risk => "risk, composite, harm and threat being equal",
        pb::DecidedBy::OutstandingSince => "the longer time outstanding, the scores being equal",
        pb::DecidedBy::SubjectRef => "the order of references, everything else being equal",
        pb::DecidedBy::Unspecified => "nothing that was stated",
    }
}

/// The comparison: the sentence, the gap by part, the largest reasons of each.
pub fn screen(list: List, answer: &pb::CompareStandingsResponse, page: Page) -> String {
    let (above, below) = (answer.above.clone().unwrap_or_default(), answer.below.clone().unwrap_or_default());
    let title = format!(
        "{} ({}) stands above {} ({}) on {}",
        plain(&above.subject_ref),
        ordinal(above.rank),
        plain(&below.subject_ref),
        ordinal(below.rank),
        list.contract_name()
    );
    let mut text = format!("{}\n{}\n", page.bold(&title), told_from(answer.context.as_ref()));
    text.push_str(&indented(
        &format!("Decided by {}. {}", decided(answer.decided_by()), answer.explanation),
        0,
        page.width,
    ));
    text.push('\n');
    text.push_str(&gap(answer, &above, &below, page));
    for standing in [&above, &below] {
        text.push_str(&reasons(standing, page));
    }
    text
}

fn gap(answer: &pb::CompareStandingsResponse, above: &pb::Standing, below: &pb::Standing, page: Page) -> String {
    let mut table = page.table();
    table.set_header([
        left("points from"),
        right(plain(&above.subject_ref)),
        right(plain(&below.subject_ref)),
        right("difference"),
    ]);
    for it in &answer.differences {
        table.add_row([
            left(component(it.component())),
            right(points(it.above)),
            right(points(it.below)),
            right(signed_points(it.difference)),
        ]);
    }
    table.add_row([
        left("composite"),
        right(points(above.composite)),
        right(points(below.composite)),
        right(signed_points(answer.gap)),
    ]);
    table.add_row([
        left("band"),
        right(band_word(above.effective_band())),
        right(band_word(below.effective_band())),
        right(""),
    ]);
    drawn(&mut table, 2)
}

fn reasons(standing: &pb::Standing, page: Page) -> String {
    let contributions = standing.detail.as_ref().map(|detail| detail.contributions.as_slice()).unwrap_or_default();
    let mut text = page.heading(&format!("LARGEST REASONS FOR {}", plain(&standing.subject_ref)));
    for it in contributions.iter().take(REASONS) {
        let lead = format!("{:>8}  {:<6}  ", points(it.milli_points), component(it.component()));
        let body = indented(&it.description, lead.len(), page.width);
        text.push_str(&lead);
        text.push_str(&body[lead.len()..]);
    }
    if contributions.is_empty() {
        text.push_str("  None: nothing held adds to the score.\n");
    }
    text
}

fn csv(answer: &pb::CompareStandingsResponse) -> anyhow::Result<String> {
    let name = |standing: &Option<pb::Standing>| standing.as_ref().map(|it| it.subject_ref.clone()).unwrap_or_default();
    let composite = |standing: &Option<pb::Standing>| standing.as_ref().map_or(0, |it| it.composite).to_string();
    let (above, below) = (name(&answer.above), name(&answer.below));
    let parts = answer.differences.iter().map(|it| {
        let part = component(it.component()).to_owned();
        [above.clone(), below.clone(), part, it.above.to_string(), it.below.to_string(), it.difference.to_string()]
    });
    let whole = [
        above.clone(),
        below.clone(),
        "composite".to_owned(),
        composite(&answer.above),
        composite(&answer.below),
        answer.gap.to_string(),
    ];
    let header = ["above", "below", "part", "above_milli_points", "below_milli_points", "difference_milli_points"];
    output::csv(header, parts.chain([whole]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_screens::{agrees_with, context, standing};

    fn answer() -> pb::CompareStandingsResponse {
        let part = |part: pb::Component, above: u32, below: u32, difference: i32| pb::ComponentDifference {
            component: part.into(),
            above,
            below,
            difference,
        };
        let mut above = standing("S-000113", 3, pb::Band::VeryHigh, 62_150);
        above.detail = Some(pb::StandingDetail {
            contributions: vec![pb::Contribution {
                component: pb::Component::Harm.into(),
                milli_points: 20_100,
                description: "Convicted of robbery on 3 January 2026: 365 harm days, uplifted because the victim is \
                              vulnerable and a repeat victim, and not yet faded."
                    .to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        });
        pb::CompareStandingsResponse {
            context: Some(context()),
            above: Some(above),
            below: Some(standing("S-000042", 7, pb::Band::High, 59_960)),
            gap: 2_190,
            differences: vec![
                part(pb::Component::Threat, 12_000, 13_500, -1_500),
                part(pb::Component::Risk, 21_350, 21_350, 0),
                part(pb::Component::Harm, 28_800, 25_110, 3_690),
            ],
            decided_by: pb::DecidedBy::EffectiveBand.into(),
            explanation: "S-000113 is at VERY HIGH and S-000042 at HIGH.".to_owned(),
        }
    }

    #[test]
    fn a_comparison_reads_well() {
        agrees_with("compare.txt", &screen(List::Cohort, &answer(), Page::PLAIN));
    }

    #[test]
    fn csv_gives_the_gap_part_by_part() {
        let text = csv(&answer()).unwrap();
        assert_eq!(text.lines().count(), 5);
        assert_eq!(text.lines().nth(1), Some("S-000113,S-000042,threat,12000,13500,-1500"));
        assert_eq!(text.lines().last(), Some("S-000113,S-000042,composite,62150,59960,2190"));
    }
}
