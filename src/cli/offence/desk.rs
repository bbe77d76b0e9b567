//! Finds codes and puts what the tables say of them into words.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::sheet::{blank, right_align};
use crate::domain::offence::{Category, CjsIndex, HoIndex, OffenceCode};
use crate::policy::Policy;
use crate::reference::{MaxSentence, Mode, Tables};
use crate::scoring::harm::{Basis, Catalogue, Classified, HarmStep, Resolved, Resolver};

/// Rows of the harm index shown for one code; estimates rest on up to hundreds.
const ROWS_SHOWN: usize = 12;

/// Everything needed to answer.
pub(super) struct Desk<'a> {
    tables: &'a Tables,
    policy: &'a Policy,
    pub(super) resolver: Resolver<'a>,
    catalogue: Catalogue,
}

impl<'a> Desk<'a> {
    pub(super) fn new(tables: &'a Tables, policy: &'a Policy) -> Self {
        Self { tables, policy, resolver: Resolver::new(tables, policy), catalogue: Catalogue::new(tables, policy) }
    }

    /// The one code that the query is, or every code whose title holds its words.
    pub(super) fn find(&self, query: &str) -> Vec<OffenceCode> {
        let query = query.trim();
        let upper = query.to_uppercase();
        if let Some(cjs) = self.tables.cjs(&upper) {
            return vec![of_cjs(cjs)];
        }
        if let Some(ho) = self.tables.ho(query) {
            return vec![of_ho(ho)];
        }
        let found = self.tables.search(query);
        found.cjs.into_iter().map(of_cjs).chain(found.ho.into_iter().map(of_ho)).collect()
    }

    /// What to say when nothing is found.
    pub(super) fn nothing(&self, query: &str) -> String {
        let near = self.tables.near(query.trim(), 5);
        let mut text = format!("No offence has the code or the words \"{}\".", query.trim().escape_debug());
        if near.is_empty() {
            text += " Try fewer or other words of the title, such as: steelyard offence burglary dwelling";
        } else {
            let _ = write!(text, " The nearest codes are {}.", near.join(", "));
        }
        text
    }

    fn entry(&self, code: OffenceCode) -> Entry<'a> {
        let resolved = self.resolver.code(code);
        let class = *self.catalogue.classify(code);
        let tables = self.tables;
        match (code.cjs, code.ho) {
            (Some(cjs), _) => {
                let offence = tables.cjs_offence(cjs);
                Entry {
                    kind: "CJS",
                    code: offence.code,
                    title: offence.title,
                    ho: tables.ho_offence(offence.ho).code,
                    ho_class: tables.ho_offence(offence.ho).class,
                    category: offence.category,
                    mode: offence.mode.map_or("", Mode::words),
                    notifiable: Some(offence.notifiable),
                    max_sentence: offence.max_sentence,
                    specified: offence.specified,
                    class,
                    resolved,
                }
            }
            (None, Some(ho)) => {
                let offence = tables.ho_offence(ho);
                let of_index = || tables.rows_of(ho).first().map_or("", |row| tables.row(*row).title);
                Entry {
                    kind: "Home Office",
                    code: offence.code,
                    title: if offence.sub_class.is_empty() { of_index() } else { offence.sub_class },
                    ho: offence.code,
                    ho_class: offence.class,
                    category: "",
                    mode: "",
                    notifiable: None,
                    max_sentence: None,
                    specified: "",
                    class,
                    resolved,
                }
            }
            (None, None) => unreachable!("a look-up must find codes"),
        }
    }

    /// Where the figure comes from, in a sentence.
    fn origin(&self, resolved: &Resolved) -> String {
        let (tables, harm) = (self.tables, &self.policy.harm);
        let of_policy = |key: &str| {
            harm.overrides.get(key).map_or_else(String::new, |set| {
                format!("set by policy {} for {key} ({}): {}", self.policy.version, set.decided, set.reason)
            })
        };
        let from = match resolved.basis {
            Basis::OverrideOfCjs(code) => of_policy(tables.cjs_offence(code).code),
            Basis::OverrideOfHo(code) => of_policy(tables.ho_offence(code).code),
            Basis::OverrideOfClass(code) => of_policy(tables.ho_offence(code).class_code()),
            Basis::NamingCjs(code) => {
                format!("median of harm index rows naming {}", tables.cjs_offence(code).code)
            }
            Basis::OfHo(code) => {
                format!("median of harm index rows of Home Office code {}", tables.ho_offence(code).code)
            }
            Basis::ClassAndCategory(class, category) => {
                format!("estimate: median of harm index rows of class {class} and category {category}")
            }
            Basis::Class(class) => format!("estimate: median of harm index rows of class {class}"),
            Basis::Category(category) => format!(
                "estimate: median of harm index rows of category {category}, at most {} days",
                harm.category_estimate_most_days
            ),
            Basis::Mode(Some(mode)) => {
                format!("unknown: median of harm index rows tried the same way ({})", mode.words())
            }
            Basis::Mode(None) => "unknown: median of all harm index rows".to_owned(),
            Basis::NotAnOffence => "not an offence: kept on file, no harm".to_owned(),
        };
        match resolved.stem {
            Some(stem) => format!("as its stem {}: {from}", tables.cjs_offence(stem).code),
            None => from,
        }
    }

    /// Everything about one code.
    pub(super) fn sheet(&self, code: OffenceCode) -> String {
        let entry = self.entry(code);
        let mut table = blank();
        table.add_row([format!("{} code", entry.kind), entry.code.to_owned()]);
        let mut line = |name: &str, value: String| {
            if !value.is_empty() {
                table.add_row([name.to_owned(), value]);
            }
        };
        line("Title", entry.title.to_owned());
        match code.cjs {
            Some(_) => line("Home Office code", [entry.ho, entry.ho_class].join("  ").trim().to_owned()),
            None => line("Class", entry.ho_class.to_owned()),
        }
        line(
            "Group",
            entry.class.group.map_or_else(String::new, |group| words_of(group.proto().as_str_name(), "OFFENCE_GROUP_")),
        );
        line("Actuarial category", entry.actuarial().to_owned());
        line("CJS category", [entry.category, entry.mode].join("  ").trim().to_owned());
        line("Maximum sentence", entry.sentence());
        line("Specified in schedule 15", entry.specified.replace('|', ", "));
        line("On the PNC", yes_no(entry.class.recordable).to_owned());
        line("In crime statistics", entry.notifiable.map_or("", yes_no).to_owned());
        line("Violent sanction", yes_no(entry.class.violent_sanction).to_owned());
        line("Harm days", entry.days());
        line("Step", step_words(entry.resolved.step).to_owned());
        line("From", self.origin(&entry.resolved));
        let mut text = format!("{table}\n");
        let rows = self.resolver.rows(entry.resolved.basis);
        if !rows.is_empty() {
            let mut index = blank();
            index.set_header(["Harm index row", "Home Office code", "Days", "Title"]);
            for row in rows.iter().take(ROWS_SHOWN).map(|row| self.tables.row(*row)) {
                let code = self.tables.ho_offence(row.ho).code;
                index.add_row([row.athena_urn, code, &row.days.to_string(), row.title]);
            }
            right_align(&mut index, 2);
            let _ = writeln!(text, "\n{index}");
            if rows.len() > ROWS_SHOWN {
                let _ = writeln!(text, "and {} rows more", rows.len() - ROWS_SHOWN);
            }
        }
        text
    }

    /// One line a code.
    pub(super) fn list(&self, codes: &[OffenceCode], found: usize) -> String {
        let mut table = blank();
        table.set_header(["Code", "Title", "Category", "Harm days", "Step", "Max sentence"]);
        for entry in codes.iter().map(|code| self.entry(*code)) {
            table.add_row([
                entry.code.to_owned(),
                entry.title.to_owned(),
                entry.actuarial().to_owned(),
                entry.class.days.to_string(),
                step_words(entry.resolved.step).to_owned(),
                entry.sentence(),
            ]);
        }
        right_align(&mut table, 3);
        let mut text = format!("{table}\n");
        if found > codes.len() {
            let _ = writeln!(text, "{} of {found} codes; --limit shows more", codes.len());
        }
        text
    }

    pub(super) fn json(&self, codes: &[OffenceCode]) -> anyhow::Result<String> {
        let entries: Vec<Value> = codes.iter().map(|code| self.entry_json(*code)).collect();
        Ok(serde_json::to_string_pretty(&entries)? + "\n")
    }

    pub(super) fn entry_json(&self, code: OffenceCode) -> Value {
        let entry = self.entry(code);
        let rows: Vec<Value> = self
            .resolver
            .rows(entry.resolved.basis)
            .into_iter()
            .map(|row| self.tables.row(row))
            .map(|row| {
                let ho = self.tables.ho_offence(row.ho).code;
                json!({"athena_urn": row.athena_urn, "ho_code": ho, "title": row.title, "days": row.days, "basis": row.basis})
            })
            .collect();
        json!({
            "kind": entry.kind,
            "code": entry.code,
            "title": entry.title,
            "ho_code": entry.ho,
            "class": entry.ho_class,
            "group": entry.class.group.map(|group| group.proto().as_str_name()),
            "actuarial_category": entry.class.category.map(Category::name),
            "cjs_category": some(entry.category),
            "mode_of_trial": some(entry.mode),
            "max_sentence_days": match entry.max_sentence {
                Some(MaxSentence::Days(days)) => json!(days),
                Some(MaxSentence::Life) => json!("life"),
                None => Value::Null,
            },
            "specified": some(entry.specified),
            "recordable": entry.class.recordable,
            "notifiable": entry.notifiable,
            "violent_sanction": entry.class.violent_sanction,
            "offence": entry.class.offence,
            "harm_days": entry.class.days,
            "harm_days_low": entry.class.low,
            "harm_days_high": entry.class.high,
            "estimated": entry.class.estimated,
            "step": entry.resolved.step.name(),
            "from": self.origin(&entry.resolved),
            "stem": entry.resolved.stem.map(|stem| self.tables.cjs_offence(stem).code),
            "policy_version": self.policy.version,
            "rows": rows,
        })
    }

    pub(super) fn csv(&self, codes: &[OffenceCode]) -> anyhow::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record([
            "kind",
            "code",
            "title",
            "ho_code",
            "group",
            "actuarial_category",
            "cjs_category",
            "max_sentence",
            "recordable",
            "harm_days",
            "harm_days_low",
            "harm_days_high",
            "step",
            "from",
        ])?;
        for entry in codes.iter().map(|code| self.entry(*code)) {
            writer.write_record([
                entry.kind,
                entry.code,
                entry.title,
                entry.ho,
                entry.class.group.map_or("", |group| group.proto().as_str_name()),
                entry.class.category.map_or("", Category::name),
                entry.category,
                &match entry.max_sentence {
                    Some(MaxSentence::Days(days)) => days.to_string(),
                    Some(MaxSentence::Life) => "life".to_owned(),
                    None => String::new(),
                },
                &entry.class.recordable.to_string(),
                &entry.class.days.to_string(),
                &entry.class.low.to_string(),
                &entry.class.high.to_string(),
                entry.resolved.step.name(),
                &self.origin(&entry.resolved),
            ])?;
        }
        Ok(String::from_utf8(writer.into_inner()?)?)
    }
}

/// What is shown of one code.
struct Entry<'a> {
    kind: &'static str,
    code: &'a str,
    title: &'a str,
    ho: &'a str,
    ho_class: &'a str,
    category: &'a str,
    mode: &'static str,
    notifiable: Option<bool>,
    max_sentence: Option<MaxSentence>,
    specified: &'a str,
    class: Classified,
    resolved: Resolved,
}

impl Entry<'_> {
    fn actuarial(&self) -> &'static str {
        self.class.category.map_or("", Category::name)
    }

    fn days(&self) -> String {
        let Classified { days, low, high, estimated, .. } = self.class;
        if estimated { format!("{days}, somewhere from {low} to {high}") } else { days.to_string() }
    }

    /// Years where whole, as the statutes say it.
    fn sentence(&self) -> String {
        match self.max_sentence {
            None => String::new(),
            Some(MaxSentence::Life) => "life".to_owned(),
            Some(MaxSentence::Days(365)) => "1 year".to_owned(),
            Some(MaxSentence::Days(days)) if days > 0 && days.is_multiple_of(365) => format!("{} years", days / 365),
            Some(MaxSentence::Days(1)) => "1 day".to_owned(),
            Some(MaxSentence::Days(days)) => format!("{days} days"),
        }
    }
}

fn of_cjs(cjs: CjsIndex) -> OffenceCode {
    OffenceCode { cjs: Some(cjs), ho: None }
}

fn of_ho(ho: HoIndex) -> OffenceCode {
    OffenceCode { cjs: None, ho: Some(ho) }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// A word of the contract as one reads it: `OFFENCE_GROUP_DRUG_OFFENCES` is "drug offences".
fn words_of(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

fn step_words(step: HarmStep) -> &'static str {
    match step {
        HarmStep::Override => "policy override",
        HarmStep::OtherTable => "another table",
        HarmStep::IndexByCjs => "index, by CJS code",
        HarmStep::IndexByHo => "index, by Home Office code",
        HarmStep::Stem => "stem",
        HarmStep::Estimate => "estimate",
        HarmStep::Unknown => "unknown",
        HarmStep::NotAnOffence => "not an offence",
    }
}
