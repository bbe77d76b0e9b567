//! Judges what is asked of an evaluation: everything wrong with it is told at
//! once, and every default is filled in.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use jiff::Timestamp;

use super::terms::{Asked, Days, MOST_TOLD, Sent, Terms};
use crate::domain::word::List;
use crate::domain::{Date, Moment, SubjectId};
use crate::pb;
use crate::policy::Policy;
use crate::ranking::Standings;
use crate::service::fault::Fault;
use crate::service::policies::{Policies, TEXT_BYTES, violations};

/// Days after an index date that are looked at unless asked otherwise: what the published predictors forecast.
const FOLLOW_UP: u32 = 730;
/// Most index dates.
const MOST_DATES: usize = 12;
/// Most characteristics.
const MOST_CHARACTERISTICS: usize = 8;

/// Judges what was asked, on the standings that outcomes are read from.
///
/// # Errors
/// [`Fault::UnknownPolicy`], or everything wrong with it.
pub fn judge(asked: &Asked, standings: &Standings, policies: &Policies, now: Timestamp) -> Result<Terms, Fault> {
    let mut judging = Judging { wrong: Vec::new(), standings };
    let terms = &asked.terms;
    let (version, text, policy) = judging.policy(terms, policies)?;
    let compared = match terms.compared_version.as_str() {
        "" => None,
        version => Policy::parse(&policies.get(version).ok_or(Fault::UnknownPolicy)?.text).ok(),
    };
    let follow_up = judging.number("follow_up_days", terms.follow_up_days, FOLLOW_UP, 28..=3_650);
    let capacity = judging.number("capacity", terms.capacity, 0, 0..=1_000_000);
    let least_proof = judging.number("least_proof", terms.least_proof, 80, 1..=100);
    let samples = judging.number("samples", terms.samples, 1_000, 100..=10_000);
    let window_days = judging.number("window_days", terms.window_days, 365, 90..=1_825);
    let known_by = judging.word("known_by", terms.known_by, pb::KnownBy::try_from, pb::KnownBy::Source);
    let outcome =
        judging.word("outcome", terms.outcome, pb::EvaluatedOutcome::try_from, pb::EvaluatedOutcome::AnyOffence);
    let declared = judging.word(
        "declared_fairness",
        terms.declared_fairness,
        pb::FairnessStandard::try_from,
        pb::FairnessStandard::Unspecified,
    );
    if declared == pb::FairnessStandard::Unspecified && !asked.groups.is_empty() {
        judging.wrong(
            "terms.declared_fairness",
            "REQUIRED",
            "declare which idea of fairness matters, as groups are sent",
        );
    }
    let list = if terms.list == 0 { Some(List::All) } else { List::from_proto(terms.list) };
    if list.is_none() {
        judging.wrong("terms.list", "UNKNOWN_VALUE", format!("{} is no list", terms.list));
    }
    let without = judging.without(&terms.without);
    let follow_up_days = i32::try_from(follow_up).unwrap_or(i32::MAX);
    let latest = standings.as_of() - follow_up_days;
    let stated_days = judging.days(&terms.index_dates);
    let days = judging.days_of(asked, stated_days, latest, follow_up_days);
    let known_at = judging.known_at(terms, &days, now);
    let (sent, unused_outcomes) = judging.sent(asked, &days);
    let (groups, characteristics, unused_groups) = judging.groups(&asked.groups);
    let (force_list, unused_list) = judging.force_list(asked);
    judging.tables(asked);
    let (Some(policy), Some(list)) = (policy, list) else { return Err(Fault::Invalid(judging.wrong)) };
    if !judging.wrong.is_empty() {
        judging.wrong.truncate(MOST_TOLD);
        return Err(Fault::Invalid(judging.wrong));
    }
    let stated = pb::EvaluationTerms {
        version,
        text: String::new(),
        index_dates: match &days {
            Days::Everybody(days) => days.iter().map(Date::to_string).collect(),
            Days::Own(_) => Vec::new(),
        },
        follow_up_days: follow_up,
        known_by: known_by.into(),
        list: list.proto().into(),
        capacity,
        outcome: outcome.into(),
        least_proof,
        samples,
        window_days,
        ..terms.clone()
    };
    Ok(Terms {
        stated,
        policy,
        text,
        compared,
        days,
        follow_up: follow_up_days,
        known_by,
        known_at,
        list,
        outcome,
        least_proof: f64::from(least_proof) / 100.0,
        sent,
        groups,
        characteristics,
        force_list,
        unused: unused_outcomes + unused_groups + unused_list,
        without,
        declared,
        window: terms.before_and_after.then(|| i32::try_from(window_days).unwrap_or(i32::MAX)),
    })
}

struct Judging<'a> {
    wrong: Vec<pb::Violation>,
    standings: &'a Standings,
}

impl Judging<'_> {
    /// The policy's version and text, and the policy itself where the text is right.
    fn policy(
        &mut self,
        terms: &pb::EvaluationTerms,
        policies: &Policies,
    ) -> Result<(String, String, Option<Policy>), Fault> {
        let in_force = policies.in_force().map(|known| known.version.to_string()).unwrap_or_default();
        let version = if terms.version.is_empty() { in_force } else { terms.version.clone() };
        if terms.text.is_empty() {
            let text = policies.get(&version).ok_or(Fault::UnknownPolicy)?.text.to_string();
            let policy = Policy::parse(&text).map_err(|faults| self.wrong.extend(violations(&faults))).ok();
            return Ok((version, text, policy));
        }
        if !terms.version.is_empty() {
            self.wrong("terms.text", "CONTRADICTORY", "state a version or a text, not both");
        }
        if terms.text.len() > TEXT_BYTES {
            let told = format!("{} bytes; at most {TEXT_BYTES} are allowed", terms.text.len());
            self.wrong("terms.text", "LENGTH_OUT_OF_RANGE", told);
            return Ok((String::new(), String::new(), None));
        }
        let policy = Policy::parse(&terms.text).map_err(|faults| self.wrong.extend(violations(&faults))).ok();
        Ok((String::new(), terms.text.clone(), policy))
    }

    fn wrong(&mut self, field: &str, reason: &str, description: impl Into<String>) {
        // Of a file of a million wrong rows the first hundred are told.
        if self.wrong.len() < MOST_TOLD {
            let (field, reason, description) = (field.to_owned(), reason.to_owned(), description.into());
            self.wrong.push(pb::Violation { field, reason, description });
        }
    }

    fn number(&mut self, field: &str, stated: u32, default: u32, range: std::ops::RangeInclusive<u32>) -> u32 {
        if stated == 0 {
            return default;
        }
        if !range.contains(&stated) {
            let (least, most) = (range.start(), range.end());
            let told = format!("{stated}; {least} to {most} is allowed");
            self.wrong(&format!("terms.{field}"), "OUT_OF_RANGE", told);
        }
        stated
    }

    fn word<T: Default + PartialEq + Copy, E>(
        &mut self,
        field: &str,
        number: i32,
        read: impl Fn(i32) -> Result<T, E>,
        default: T,
    ) -> T {
        match read(number) {
            Ok(word) if word == T::default() => default,
            Ok(word) => word,
            Err(_) => {
                self.wrong(&format!("terms.{field}"), "UNKNOWN_VALUE", format!("{number} is none of its values"));
                default
            }
        }
    }

    fn without(&mut self, numbers: &[i32]) -> Vec<pb::ScoringInput> {
        let mut inputs = Vec::new();
        for (place, number) in numbers.iter().enumerate() {
            match pb::ScoringInput::try_from(*number) {
                Ok(pb::ScoringInput::Unspecified) | Err(_) => {
                    let field = format!("terms.without[{place}]");
                    self.wrong(&field, "UNKNOWN_VALUE", format!("{number} is no input that can be left out"));
                }
                Ok(input) if inputs.contains(&input) => {
                    self.wrong(&format!("terms.without[{place}]"), "REPEATED", "it is left out already");
                }
                Ok(input) => inputs.push(input),
            }
        }
        inputs
    }

    fn days(&mut self, stated: &[String]) -> Vec<Date> {
        let mut days = BTreeSet::new();
        if stated.len() > MOST_DATES {
            self.wrong("terms.index_dates", "TOO_MANY", format!("{}; at most {MOST_DATES}", stated.len()));
        }
        for (place, text) in stated.iter().enumerate() {
            let field = format!("terms.index_dates[{place}]");
            match text.parse::<Date>() {
                Ok(day) if !days.insert(day) => self.wrong(&field, "REPEATED", format!("{text} is stated already")),
                Ok(_) => {}
                Err(_) => self.wrong(&field, "INVALID_DATE", format!("{text} is no date such as 2024-03-31")),
            }
        }
        days.into_iter().collect()
    }

    /// On which days people are scored; that what came after them is over.
    fn days_of(&mut self, asked: &Asked, stated: Vec<Date>, latest: Date, follow_up: i32) -> Days {
        let own = asked.outcomes.iter().any(|row| !row.index_date.is_empty());
        let as_of = self.standings.as_of();
        if !own {
            let days = if asked.terms.index_dates.is_empty() { vec![latest] } else { stated };
            for day in days.iter().filter(|day| **day > latest && asked.outcomes.is_empty()) {
                let told = format!("{follow_up} days after {day} are not over: lists are of {as_of}");
                self.wrong("terms.index_dates", "FOLLOW_UP_NOT_OVER", told);
            }
            for day in days.iter().filter(|day| **day > as_of && !asked.outcomes.is_empty()) {
                self.wrong(
                    "terms.index_dates",
                    "FOLLOW_UP_NOT_OVER",
                    format!("{day} is after {as_of}, the day of the lists"),
                );
            }
            return Days::Everybody(days);
        }
        if !asked.terms.index_dates.is_empty() {
            self.wrong("terms.index_dates", "CONTRADICTORY", "outcome rows state index dates of their own");
        }
        let mut days: BTreeMap<Date, Vec<SubjectId>> = BTreeMap::new();
        for (place, row) in asked.outcomes.iter().enumerate() {
            match row.index_date.parse::<Date>() {
                Ok(day) if day > as_of => {
                    let told = format!("{day} is after {as_of}, the day of the lists");
                    self.wrong(&format!("outcomes[{place}].index_date"), "FOLLOW_UP_NOT_OVER", told);
                }
                Ok(day) => {
                    if let Some(subject) = self.standings.find(&row.subject_ref) {
                        days.entry(day).or_default().push(subject);
                    }
                }
                Err(_) => {
                    let field = format!("outcomes[{place}].index_date");
                    self.wrong(&field, "INVALID_DATE", format!("{:?} is no date such as 2024-03-31", row.index_date));
                }
            }
        }
        Days::Own(days)
    }

    fn known_at(&mut self, terms: &pb::EvaluationTerms, days: &Days, now: Timestamp) -> Option<Timestamp> {
        let stated = terms.known_at.as_ref()?;
        let instant = Timestamp::new(stated.seconds, stated.nanos).ok();
        let (Some(instant), Days::Everybody(days)) = (instant, days) else {
            self.wrong("terms.known_at", "INVALID_TIME", "known_at is an instant, and goes with one index date alone");
            return None;
        };
        match days[..] {
            [day] if instant <= Moment::end_of(day).instant() && instant <= now => Some(instant),
            [day] => {
                let told = format!("{instant} is later than the end of {day}: what came after would be used");
                self.wrong("terms.known_at", "LATER_THAN_INDEX_DATE", told);
                None
            }
            _ => {
                self.wrong("terms.known_at", "CONTRADICTORY", "known_at goes with one index date alone");
                None
            }
        }
    }

    fn sent(&mut self, asked: &Asked, days: &Days) -> (Option<HashMap<SubjectId, Sent>>, u32) {
        if asked.outcomes.is_empty() {
            return (None, 0);
        }
        let own = matches!(days, Days::Own(_));
        let (mut sent, mut unused) = (HashMap::with_capacity(asked.outcomes.len()), 0);
        for (place, row) in asked.outcomes.iter().enumerate() {
            let field = |name: &str| format!("outcomes[{place}].{name}");
            if row.subject_ref.is_empty() {
                self.wrong(&field("subject_ref"), "REQUIRED", "subject_ref is required");
                continue;
            }
            if !own && !row.index_date.is_empty() {
                self.wrong(&field("index_date"), "CONTRADICTORY", "the terms state index dates");
            }
            let harm_days = row.harm_days.unwrap_or(if row.any { 1.0 } else { 0.0 });
            if !(harm_days.is_finite() && (0.0..=1e9).contains(&harm_days)) {
                self.wrong(&field("harm_days"), "OUT_OF_RANGE", format!("{harm_days}; 0 or more harm days"));
            }
            let Some(subject) = self.standings.find(&row.subject_ref) else {
                unused += 1;
                continue;
            };
            let (violent, serious) = (row.violent, row.serious_violent);
            if sent.insert(subject, Sent { any: row.any, violent, serious, harm_days }).is_some() {
                self.wrong(&field("subject_ref"), "REPEATED", "an outcome of this person was stated before");
            }
        }
        (Some(sent), unused)
    }

    #[expect(clippy::type_complexity, reason = "three parts that belong together and are taken apart at once")]
    fn groups(
        &mut self,
        rows: &[pb::GroupRow],
    ) -> (HashMap<SubjectId, Vec<Option<u16>>>, Vec<(String, Vec<String>)>, u32) {
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in rows {
            for (name, value) in row.values.iter().filter(|(_, value)| !value.trim().is_empty()) {
                names.entry(name).or_default().insert(value.trim());
            }
        }
        if names.len() > MOST_CHARACTERISTICS {
            let told = format!("{} characteristics; at most {MOST_CHARACTERISTICS}", names.len());
            self.wrong("groups", "TOO_MANY", told);
        }
        for (name, values) in names.iter().filter(|(_, values)| values.len() > 200) {
            let told = format!("{name} has {} values; at most 200: put ages and the like into bands", values.len());
            self.wrong("groups", "TOO_MANY", told);
        }
        let characteristics: Vec<(String, Vec<String>)> = names
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
            .collect();
        let (mut groups, mut unused) = (HashMap::with_capacity(rows.len()), 0);
        for (place, row) in rows.iter().enumerate() {
            let Some(subject) = self.standings.find(&row.subject_ref) else {
                unused += 1;
                continue;
            };
            let value = |(name, values): &(String, Vec<String>)| {
                let stated = row.values.get(name)?.trim();
                values.iter().position(|value| value == stated).and_then(|place| u16::try_from(place).ok())
            };
            if groups.insert(subject, characteristics.iter().map(value).collect()).is_some() {
                let field = format!("groups[{place}].subject_ref");
                self.wrong(&field, "REPEATED", "characteristics of this person were stated before");
            }
        }
        (groups, characteristics, unused)
    }

    fn force_list(&mut self, asked: &Asked) -> (Option<HashMap<SubjectId, f64>>, u32) {
        let (references, scores) = (&asked.force_list, &asked.force_scores);
        if !scores.is_empty() && scores.len() != references.len() {
            let told = format!("{} scores of {} people: give them of all or of nobody", scores.len(), references.len());
            self.wrong("force_list.scores", "CONTRADICTORY", told);
        }
        if references.is_empty() {
            return (None, 0);
        }
        let (mut list, mut unused) = (HashMap::with_capacity(references.len()), 0);
        for (place, reference) in references.iter().enumerate() {
            let score = scores.get(place).copied().unwrap_or(-(place as f64));
            if !score.is_finite() {
                self.wrong(&format!("force_list.scores[{place}]"), "OUT_OF_RANGE", format!("{score} is no score"));
            }
            let Some(subject) = self.standings.find(reference) else {
                unused += 1;
                continue;
            };
            if list.insert(subject, score).is_some() {
                self.wrong(&format!("force_list[{place}]"), "REPEATED", "this person stands on the list already");
            }
        }
        (Some(list), unused)
    }

    fn tables(&mut self, asked: &Asked) {
        for (place, table) in asked.harm_tables.iter().enumerate() {
            let field = format!("harm_tables[{place}]");
            if table.name.trim().is_empty() || table.name.chars().count() > 64 {
                self.wrong(&format!("{field}.name"), "LENGTH_OUT_OF_RANGE", "a table has a name of 1 to 64 characters");
            }
            if table.rows.is_empty() || table.rows.len() > 100_000 {
                self.wrong(&format!("{field}.rows"), "TOO_MANY", "a table has 1 to 100,000 rows");
            }
        }
        let Some(costs) = &asked.costs else { return };
        if !(1..=200).contains(&costs.source.trim().chars().count()) {
            self.wrong("costs.source", "LENGTH_OUT_OF_RANGE", "say in 1 to 200 characters where the costs are from");
        }
        if costs.rows.is_empty() || costs.rows.len() > 1_000 {
            self.wrong("costs.rows", "TOO_MANY", "a table of costs has 1 to 1,000 rows");
        }
    }
}
