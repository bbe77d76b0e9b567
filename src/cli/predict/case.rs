//! A case as the analyst writes it: which of the two forms it has, and whether
//! it can be answered.

use serde_json::Value;
use serde_json::error::Category as Fault;

use super::answer::{Answer, Refusal, Violation};
use super::check::{Check, Members};
use crate::domain::offence::Category;
use crate::reference;
use crate::scoring::risk::ogrs3;
use crate::scoring::risk::two_year::{Facts, Instrument};

/// Least age of criminal responsibility in England and Wales.
const LEAST_AGE: i32 = 10;
/// Oldest person that a case may tell of.
const OLDEST: i32 = 120;
/// Most sanction occasions that a case may tell of.
const MOST_SANCTIONS: u32 = 1_000;
/// Most offence-free months that a case may tell of; the instruments tell 36 and more apart no further.
const MOST_MONTHS: u32 = 1_200;

/// Fields of a case for ARP, VRP and SVRP. Of the last two, one.
const TWO_YEAR_FIELDS: &[&str] = &[
    "sex",
    "date_of_birth",
    "ho_code",
    "sanctions",
    "violent_sanctions",
    "first_sanction_date",
    "current_conviction_date",
    "followup_start_date",
    "offence_free_months",
    "as_of",
];

/// Fields of a case for OGRS3.
const OGRS3_FIELDS: &[&str] = &[
    "sex",
    "current_offence",
    "previous_sanctions",
    "date_of_birth",
    "conviction_date",
    "first_sanction_date",
    "assessment_date",
];

/// Known answers that a case may carry; they are not read.
const ANSWERS: &[&str] = &["ARP", "VRP", "SVRP", "one_year", "two_year"];

/// Reads and answers a line that is not blank.
pub fn answer(line: &[u8]) -> Result<Answer, Refusal> {
    let text = std::str::from_utf8(line).map_err(|why| {
        let place = why.valid_up_to() + 1;
        Refusal::of_line("NOT_UTF8", format!("the line is not UTF-8 at byte {place}"))
    })?;
    let members = object(text)?;
    let only = |fields: &[&'static str], others: &[&str]| -> Vec<&str> {
        fields.iter().filter(|field| !others.contains(field)).copied().collect()
    };
    let for_ogrs3 = members.count_of(&only(OGRS3_FIELDS, TWO_YEAR_FIELDS));
    let for_two_year = members.count_of(&only(TWO_YEAR_FIELDS, OGRS3_FIELDS));
    if for_ogrs3 > for_two_year { ogrs3_case(members) } else { two_year_case(members) }.map_err(Refusal::of_case)
}

fn object(text: &str) -> Result<Members, Refusal> {
    if text.starts_with('[') {
        let message = "the line is a JSON array: write one case, a JSON object, on each line";
        return Err(Refusal::of_line("NOT_AN_OBJECT", message.to_owned()));
    }
    if !text.starts_with('{') && serde_json::from_str::<Value>(text).is_ok() {
        return Err(Refusal::of_line("NOT_AN_OBJECT", "the line is JSON but not an object".to_owned()));
    }
    serde_json::from_str(text).map_err(|why| {
        let fault = match why.classify() {
            Fault::Eof => "ends before its object does",
            Fault::Io | Fault::Syntax | Fault::Data => "is not JSON",
        };
        Refusal::of_line("NOT_JSON", format!("the line {fault}, at column {}", why.column()))
    })
}

fn two_year_case(members: Members) -> Result<Answer, Vec<Violation>> {
    let mut check = Check::new(members, &[TWO_YEAR_FIELDS, ANSWERS]);
    let sex = check.sex();
    let birth = check.date("date_of_birth");
    let category = category(&mut check);
    let sanctions = check.whole("sanctions", 1, MOST_SANCTIONS);
    let violent = check.whole("violent_sanctions", 0, MOST_SANCTIONS);
    let first = check.date("first_sanction_date");
    let current = check.date("current_conviction_date");
    let start = check.date("followup_start_date");
    let months = match (check.has("offence_free_months"), check.has("as_of")) {
        (true, true) => {
            check.wrong("as_of", "CONTRADICTION", "stands in place of offence_free_months: give one of them");
            None
        }
        (false, false) => {
            check.wrong("offence_free_months", "REQUIRED", "is required, or as_of in its place");
            None
        }
        (true, false) => {
            check.whole("offence_free_months", 0, MOST_MONTHS).and_then(|months| i32::try_from(months).ok())
        }
        (false, true) => {
            let as_of = check.date("as_of");
            check.not_before("as_of", as_of, start, "followup_start_date");
            start.zip(as_of).map(|(start, as_of)| start.completed_months(as_of))
        }
    };

    check.not_after("date_of_birth", birth, current, "current_conviction_date");
    check.not_after("first_sanction_date", first, current, "current_conviction_date");
    check.not_before("followup_start_date", start, current, "current_conviction_date");
    check.age(birth, first, "first_sanction_date", LEAST_AGE, OLDEST);
    check.age(birth, start, "followup_start_date", LEAST_AGE, OLDEST);
    if let (Some(sanctions), Some(violent)) = (sanctions, violent) {
        check.wrong_if(violent > sanctions, "violent_sanctions", "OUT_OF_RANGE", "must be at most sanctions");
    }
    let only_one = sanctions == Some(1) && first.zip(current).is_some_and(|(first, current)| first != current);
    check.wrong_if(
        only_one,
        "first_sanction_date",
        "CONTRADICTION",
        "must be current_conviction_date where sanctions is 1: the current one is the first",
    );

    let answer = (|| {
        let (birth, current, first) = (birth?, current?, first?);
        let facts = Facts {
            sex: sex?,
            age: birth.completed_years(start?),
            category: category?,
            occasions: sanctions?,
            violent: violent?,
            years_between: birth.completed_years(current) - birth.completed_years(first),
            months: months?,
        };
        let assess = |instrument: Instrument| Some((instrument, instrument.assess(&facts)?));
        let all = [assess(Instrument::Arp)?, assess(Instrument::Vrp)?, assess(Instrument::Svrp)?];
        Some(Answer::TwoYear(Box::new(all)))
    })();
    check.finish(answer)
}

fn ogrs3_case(members: Members) -> Result<Answer, Vec<Violation>> {
    let mut check = Check::new(members, &[OGRS3_FIELDS, ANSWERS]);
    let sex = check.sex();
    let group = check.text("current_offence").and_then(|name| {
        let group = ogrs3::Group::named(&name);
        if group.is_none() {
            let names: Vec<_> = ogrs3::Group::names().collect();
            let message = format!("must be one of: {}", names.join("; "));
            check.wrong("current_offence", "UNKNOWN_VALUE", message);
        }
        group
    });
    let previous = check.whole("previous_sanctions", 0, MOST_SANCTIONS);
    let birth = check.date("date_of_birth");
    let conviction = check.date("conviction_date");
    let first = check.date("first_sanction_date");
    let assessed = check.date("assessment_date");

    check.not_after("date_of_birth", birth, conviction, "conviction_date");
    check.not_after("first_sanction_date", first, conviction, "conviction_date");
    check.not_before("assessment_date", assessed, conviction, "conviction_date");
    check.age(birth, first, "first_sanction_date", LEAST_AGE, OLDEST);
    check.age(birth, assessed, "assessment_date", LEAST_AGE, OLDEST);
    let none_before =
        previous == Some(0) && first.zip(conviction).is_some_and(|(first, conviction)| first != conviction);
    check.wrong_if(
        none_before,
        "first_sanction_date",
        "CONTRADICTION",
        "must be conviction_date where previous_sanctions is 0: the current one is the first",
    );

    let answer = (|| {
        let birth = birth?;
        let facts = ogrs3::Facts {
            sex: sex?,
            group: group?,
            previous: previous?,
            years_between: birth.completed_years(conviction?) - birth.completed_years(first?),
            age_at_risk: birth.completed_years(assessed?),
        };
        ogrs3::assess(&facts).map(Answer::Ogrs3)
    })();
    check.finish(answer)
}

fn category(check: &mut Check) -> Option<Category> {
    let code = check.text("ho_code")?;
    match category_of(&code) {
        Some(Category::Unknown) => {
            let message = "has no actuarial category, so the instruments have no coefficient for it";
            check.wrong("ho_code", "NO_COEFFICIENT", message);
            None
        }
        Some(category) => Some(category),
        None => {
            let message = "is not in the published table of Home Office codes; the form is 028/03";
            check.wrong("ho_code", "UNKNOWN_OFFENCE_CODE", message);
            None
        }
    }
}

/// The actuarial category of a Home Office code in the published table, UNKNOWN among them; `None` where the table
/// does not list the code.
fn category_of(ho_code: &str) -> Option<Category> {
    let offence = reference::tables().ho_offence(reference::tables().ho(ho_code)?);
    offence.listed.then(|| offence.category.unwrap_or(Category::Unknown))
}
