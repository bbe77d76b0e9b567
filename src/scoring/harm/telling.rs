//! Harm in words: what each counted offence says, and what is doubtful. Runs
//! only when somebody asks why; weighing everybody never comes here.

use super::tally::{Once, Tally, Term};
use super::{HarmStep, is_own, repeat_dates, scoring};
use crate::domain::Date;
use crate::domain::dossier::OffenceView;
use crate::domain::offence::OffenceCode;
use crate::domain::word::{Component, Outcome};
use crate::reference;
use crate::scoring::{Case, Factor, Gap, Leaf, Listener};

/// The leaf of one offence, whatever the number of its records.
pub(super) fn leaf(case: &Case<'_>, term: &Term<'_>) -> Leaf {
    let records: Vec<(usize, OffenceView<'_>)> =
        scoring(case).filter(|(_, offence)| Once::of(offence) == term.once).collect();
    let (_, offence) =
        records.iter().find(|(place, _)| *place == term.place).expect("a term's speaker must be one of its records");
    let mut evidence: Vec<Box<str>> = vec![offence.id.into()];
    evidence.extend(records.iter().filter(|(place, _)| *place != term.place).map(|(_, other)| other.id.into()));
    Leaf {
        component: Component::Harm,
        rule: "OFFENCE",
        date: Some(offence.date()),
        evidence,
        share: term.days().point,
        description: description(case, term, offence),
        factors: factors(case, term),
    }
}

fn description(case: &Case<'_>, term: &Term<'_>, offence: &OffenceView<'_>) -> String {
    let mut text = format!("{}: {}", title(offence.code), outcome_words(offence.outcome));
    if let Some(date) = offence.outcome_date {
        text += " on ";
        text += &spelt(date);
    }
    text += "; ";
    match offence.committed {
        Some(date) => text += &["committed on ", &spelt(date)].concat(),
        None => text += &["reported on ", &spelt(offence.reported), ", date of the offence not known"].concat(),
    }
    for said in victim_words(case, term) {
        text += "; ";
        text += &said;
    }
    if term.parts.proactive {
        text += "; found by police activity alone";
    }
    if term.records > 1 {
        let others = term.records - 1;
        let records = if others == 1 { "1 other record" } else { &format!("{others} other records") };
        let alike = match term.once {
            Once::Incident(..) => "incident and victim",
            Once::Alike(..) => "code, date and victim",
        };
        text += &["; counted once with ", records, " of the same ", alike].concat();
    }
    text.push('.');
    text
}

/// Most other dates of a repeat victim that a sentence tells: the latest.
const DATES_TOLD: usize = 3;

/// What raised the multiplier for the victim, over every record of the offence.
fn victim_words(case: &Case<'_>, term: &Term<'_>) -> Vec<String> {
    let counted = scoring(case).filter(|(place, offence)| match term.once {
        // Of one incident, only the record that speaks lends its victim.
        Once::Incident(..) => *place == term.place,
        Once::Alike(..) => Once::of(offence) == term.once,
    });
    let (mut vulnerable, mut repeat, mut domestic, mut hate) = (false, false, false, false);
    let mut dates: Vec<Date> = Vec::new();
    for (_, offence) in counted {
        vulnerable |= offence.victim.is_some_and(|victim| victim.vulnerable);
        repeat |= offence.victim.is_some_and(|victim| victim.repeat);
        domestic |= offence.domestic_abuse;
        hate |= offence.hate;
        if offence.victim.is_some() {
            dates.extend(repeat_dates(case, &offence));
        }
    }
    dates.sort_unstable();
    dates.dedup();
    let mut said = Vec::new();
    if vulnerable {
        said.push("the victim is vulnerable".to_owned());
    }
    match (dates.as_slice(), repeat) {
        ([], false) => {}
        ([], true) => said.push("a repeat victim".to_owned()),
        ([date], _) => said.push(format!("a repeat victim, also on {}", spelt(*date))),
        (dates, _) => {
            let latest = &dates[dates.len().saturating_sub(DATES_TOLD)..];
            let latest: Vec<String> = latest.iter().map(|date| spelt(*date)).collect();
            let which = if dates.len() > DATES_TOLD { ", the latest" } else { ":" };
            said.push(format!("a repeat victim, also on {} other dates{which} {}", dates.len(), latest.join(", ")));
        }
    }
    if domestic {
        said.push("domestic abuse".to_owned());
    }
    if hate {
        said.push("a hate crime".to_owned());
    }
    said
}

fn factors(case: &Case<'_>, term: &Term<'_>) -> Vec<Factor> {
    let parts = term.parts;
    let reckoned = parts.reckon(&case.rules.policy.harm, parts.class.days, parts.age);
    let factor = |name, value, unit| Factor { name, value, unit };
    vec![
        factor("harm_days", decimal(parts.class.days), "days"),
        factor("step", parts.class.step.name().to_owned(), ""),
        factor("proof", decimal(parts.proof), ""),
        factor("found", decimal(reckoned.found), ""),
        factor("victim", decimal(parts.uplift), ""),
        factor("age_days", parts.age.to_string(), "clock days"),
        factor("half_life_days", decimal(reckoned.half_life), "clock days"),
        factor("decay", decimal(reckoned.decay), ""),
        factor("d", decimal(term.days().point), "days"),
    ]
}

/// Speaks of every doubt about the offences of a person.
pub(super) fn gaps(case: &Case<'_>, tally: &Tally<'_>, listener: &mut impl Listener) {
    // Asked of everybody weighed, so judged by flags and told only when heard.
    if tally.estimated {
        listener.gap(|| Gap {
            reason: "HARM_DAYS_ESTIMATED",
            description: "The harm index does not name these offences; their harm days are estimated from similar \
                          ones. Harm days set for their codes in the policy would settle it."
                .to_owned(),
            evidence: concerned(case, |offence| {
                let class = case.rules.catalogue.classify(offence.code);
                class.estimated && class.step != HarmStep::Unknown
            }),
            widens: true,
        });
    }
    if tally.unknown {
        listener.gap(|| Gap {
            reason: "HARM_DAYS_UNKNOWN",
            description: "Local or obsolete codes do not tell how grave these offences are; the national code of \
                          each, or harm days set in the policy, would settle it."
                .to_owned(),
            evidence: concerned(case, |offence| case.rules.catalogue.classify(offence.code).step == HarmStep::Unknown),
            widens: true,
        });
    }
    if tally.undated {
        listener.gap(|| Gap {
            reason: "OFFENCE_DATE_UNKNOWN",
            description: "The date of these offences is not known, so they count from the day reported; the date \
                          would settle how far they have faded."
                .to_owned(),
            evidence: concerned(case, |offence| {
                offence.committed.is_none() && !case.rules.catalogue.classify(offence.code).sexual
            }),
            widens: true,
        });
    }
    let no_offence =
        |offence: &OffenceView<'_>| is_own(offence.category) && !case.rules.catalogue.classify(offence.code).offence;
    // Whatever may score is an offence, so most people need no second look.
    let some_do_not_score = case.scores.iter().any(|scores| !scores);
    if some_do_not_score && case.dossier.offences().any(|offence| no_offence(&offence)) {
        listener.gap(|| Gap {
            reason: "NOT_AN_OFFENCE",
            description: "These codes stand for applications, breaches or other matters that are not offences; they \
                          are kept and add no harm. The code of the offence itself would let it count."
                .to_owned(),
            evidence: case.dossier.offences().filter(no_offence).map(|offence| offence.id.into()).collect(),
            widens: false,
        });
    }
}

/// Ids of the offences that count and of which something is true.
fn concerned(case: &Case<'_>, holds: impl Fn(&OffenceView<'_>) -> bool) -> Vec<Box<str>> {
    scoring(case)
        .filter(|(_, offence)| case.rules.catalogue.proof(offence, case.rules.catalogue.classify(offence.code)) > 0.0)
        .filter(|(_, offence)| holds(offence))
        .map(|(_, offence)| offence.id.into())
        .collect()
}

/// The official title of a code.
fn title(code: OffenceCode) -> &'static str {
    let tables = reference::tables();
    let by_ho = |ho| {
        let offence = tables.ho_offence(ho);
        let own = [offence.sub_class, offence.class].into_iter().find(|text| !text.is_empty());
        // A code that only the harm index knows has that row's title.
        own.or_else(|| tables.rows_of(ho).first().map(|row| tables.row(*row).title)).unwrap_or(offence.code)
    };
    // Some titles end in advice to whoever codes the record.
    let shown = match (code.cjs, code.ho) {
        (Some(cjs), _) => tables.cjs_offence(cjs).title,
        (None, Some(ho)) => by_ho(ho),
        (None, None) => "Offence",
    };
    shown.split('[').next().unwrap_or(shown).trim().trim_end_matches('.')
}

/// How far the case has gone, as one says it.
fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Suspected => "named as suspect",
        Outcome::Arrested => "arrested",
        Outcome::Bailed => "on police bail",
        Outcome::ReleasedUnderInvestigation => "released under investigation",
        Outcome::Charged => "charged",
        Outcome::Summonsed => "summonsed",
        Outcome::PostalRequisition => "charged by postal requisition",
        Outcome::Convicted => "convicted",
        Outcome::Cautioned => "cautioned",
        Outcome::Reprimanded => "reprimanded",
        Outcome::Warned => "warned",
        Outcome::CommunityResolution => "admitted, community resolution",
        Outcome::PenaltyNotice => "penalty notice",
        Outcome::TakenIntoConsideration => "taken into consideration",
        Outcome::Acquitted => "acquitted",
        Outcome::Discontinued => "discontinued",
        Outcome::Withdrawn => "withdrawn",
        Outcome::NoCrime => "no crime",
        Outcome::Eliminated => "eliminated as suspect",
        Outcome::NoFurtherAction => "no further action",
        Outcome::NotGuiltyInsanity => "not guilty by reason of insanity",
        Outcome::EvidentialDifficulty => "ended for evidential difficulty",
    }
}

/// A date as an officer writes it: `3 March 2026`.
pub(in crate::scoring) fn spelt(date: Date) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (year, month, day) = date.ymd();
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month - 1)).copied().unwrap_or_default();
    format!("{day} {month} {year}")
}

/// A number in plain decimal with at most six places, none of them idle.
fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
