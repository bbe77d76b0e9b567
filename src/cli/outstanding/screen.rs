//! A person's files on one screen: for each what it is, what is due, whom to tell,
//! what to do next, and everything that happened.

use std::fmt::Write;

use super::timeline::timeline;
use crate::cli::list::told_from;
use crate::cli::output::{Page, band_word, count, day, drawn, indented, left, plain};
use crate::cli::when;
use crate::cli::word::spoken_number;
use crate::cli::write::bullets;
use crate::domain::word::{Circulation, CloseOutcome, OutstandingReason, SupervisionClock, WarrantCategory};
use crate::pb;
use crate::telling::bail_terms;

/// The files.
pub fn screen(answer: &pb::GetOutstandingResponse, page: Page) -> String {
    let open = answer.files.iter().filter(|file| file.open).count();
    let files = match answer.files.len() {
        0 => "no outstanding file is held".to_owned(),
        1 => format!("1 file, {open} open"),
        more => format!("{more} files, {open} open"),
    };
    let mut text = format!(
        "{}  {files}. Clocks read on {} in London.\n{}\n",
        page.bold(&plain(&answer.subject_ref)),
        when::told(answer.instant.as_ref()),
        page.faint(&told_from(answer.context.as_ref()))
    );
    for file in &answer.files {
        text.push_str(&one(file, answer.instant.as_ref(), page));
    }
    text
}

fn one(file: &pb::OutstandingFile, instant: Option<&pbjson_types::Timestamp>, page: Page) -> String {
    let none = pb::Outstanding::default();
    let record = file.file.as_ref().unwrap_or(&none);
    let mut text = heading(file, record, instant, page);
    text.push_str(&terms(record, page));
    text.push_str(&due(&file.clocks, page));
    text.push_str(&victims(&file.victims, page));
    if !file.prompts.is_empty() {
        text.push_str(&part("WHAT TO DO NEXT", page));
        text.push_str(&bullets(&file.prompts, page));
    }
    if !file.timeline.is_empty() {
        text.push_str(&part("WHAT HAPPENED", page));
        text.push_str(&timeline(&file.timeline, page));
    }
    text
}

fn part(title: &str, page: Page) -> String {
    page.heading(title)
}

fn heading(
    file: &pb::OutstandingFile,
    record: &pb::Outstanding,
    instant: Option<&pbjson_types::Timestamp>,
    page: Page,
) -> String {
    let reason = spoken_number::<OutstandingReason>(record.reason);
    let title = format!("FILE {}  {reason}", plain(&file.outstanding_id));
    let state = if file.open {
        let days = when::between(file.opened_time.as_ref(), instant).map(when::length).unwrap_or_default();
        format!("Open for {days}, since {}.", when::told(file.opened_time.as_ref()))
    } else {
        let last = record.periods.last();
        let outcome = spoken_number::<CloseOutcome>(last.map_or(0, |period| period.outcome));
        let on = last.map(|period| day(&period.closed_on)).unwrap_or_default();
        let by = last.map(|period| plain(&period.closed_by)).filter(|by| !by.is_empty());
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        format!("Closed on {on} as {outcome}{by}.")
    };
    let band = match file.band() {
        pb::Band::Unspecified => "On no outstanding list now.".to_owned(),
        band => format!("Band {}.", band_word(band)),
    };
    let known = spoken_number::<Circulation>(record.circulation);
    let circulation = if known.is_empty() { "not circulated".to_owned() } else { known };
    let who = [("Area", &record.area), ("Officer", &record.officer), ("Supervisor", &record.supervisor)];
    let who = who.map(|(word, name)| {
        let name = if name.is_empty() { "not recorded".to_owned() } else { plain(name) };
        format!("{word}: {name}.")
    });
    format!(
        "\n{}\n{}\n{}{}{}\n",
        page.faint(&"─".repeat(page.width)),
        page.bold(&title),
        indented(&format!("{state} {band} Circulation: {circulation}."), 0, page.width),
        indented(&who.join(" "), 0, page.width),
        page.faint(&format!("etag {}", plain(&file.etag)))
    )
}

/// Bail, warrant, recall and offences, where there are any.
fn terms(record: &pb::Outstanding, page: Page) -> String {
    let mut said = Vec::new();
    if !record.offence_ids.is_empty() {
        said.push(format!("Wanted for: {}", record.offence_ids.join(", ")));
    }
    if let Some(bail) = &record.bail {
        said.push(format!("Bail: {}", bail_terms(bail)));
    }
    if let Some(warrant) = &record.warrant {
        let category = spoken_number::<WarrantCategory>(warrant.category).to_uppercase();
        let mut text =
            if category.is_empty() { "Warrant".to_owned() } else { format!("Warrant of category {category}") };
        if !warrant.court.is_empty() {
            let _ = write!(text, " of {}", warrant.court);
        }
        if !warrant.issued_on.is_empty() {
            let _ = write!(text, ", issued on {}", day(&warrant.issued_on));
        }
        if !warrant.target_on.is_empty() {
            let _ = write!(text, ", to be executed by {}", day(&warrant.target_on));
        }
        said.push(text);
    }
    if let Some(recall) = &record.recall {
        let told = when::told(recall.notified_time.as_ref());
        let told = if told.is_empty() { "when the file opened".to_owned() } else { format!("on {told}") };
        let mut text = format!("Recall: the force was told {told}");
        if !recall.target_on.is_empty() {
            let _ = write!(text, ", to be back in custody by {}", day(&recall.target_on));
        }
        said.push(text);
    }
    said.iter().map(|text| indented(&format!("{text}."), 0, page.width)).collect()
}

/// What a clock asks for.
pub(in crate::cli) fn clock_word(clock: i32) -> String {
    match pb::SupervisionClock::try_from(clock).unwrap_or_default() {
        pb::SupervisionClock::Inspector => "inspector's review".to_owned(),
        pb::SupervisionClock::ChiefInspector => "chief inspector's review".to_owned(),
        pb::SupervisionClock::Execution => "execution or return".to_owned(),
        pb::SupervisionClock::VictimUpdate => "victim to be told".to_owned(),
        pb::SupervisionClock::Circulation
        | pb::SupervisionClock::Activity
        | pb::SupervisionClock::Review
        | pb::SupervisionClock::Unspecified => spoken_number::<SupervisionClock>(clock),
    }
}

fn due(clocks: &[pb::ClockReading], page: Page) -> String {
    if clocks.is_empty() {
        return String::new();
    }
    let mut table = page.table();
    table.set_header(["what", "runs since", "due", "how it stands"].map(left));
    for reading in clocks {
        table.add_row([
            left(clock_word(reading.clock)),
            left(when::told(reading.since_time.as_ref())),
            left(when::told(reading.due_time.as_ref())),
            left(when::standing(reading.overdue_seconds)),
        ]);
    }
    part("WHAT IS DUE", page) + &drawn(&mut table, 2)
}

/// Who a victim is, in the words of a list.
pub(in crate::cli) fn victim_word(victim: &pb::LinkedVictim) -> String {
    match (victim.vulnerable, victim.repeat) {
        (true, true) => "vulnerable, repeat",
        (true, false) => "vulnerable",
        (false, true) => "repeat",
        (false, false) => "",
    }
    .to_owned()
}

/// A victim's reference, or that there is none.
pub(in crate::cli) fn victim_ref(victim: &pb::LinkedVictim) -> String {
    if victim.victim_ref.is_empty() { "not known who".to_owned() } else { plain(&victim.victim_ref) }
}

/// When a victim was last told.
pub(in crate::cli) fn last_told(victim: &pb::LinkedVictim) -> String {
    victim.updated_time.as_ref().map_or_else(|| "never".to_owned(), |time| when::told(Some(time)))
}

/// How telling a victim stands. Empty: nothing is due.
pub(in crate::cli) fn victim_standing(victim: &pb::LinkedVictim) -> String {
    victim.due_time.as_ref().map_or_else(String::new, |_| when::standing(victim.overdue_seconds))
}

fn victims(victims: &[pb::LinkedVictim], page: Page) -> String {
    if victims.is_empty() {
        return String::new();
    }
    let mut table = page.table();
    table.set_header(["victim", "recorded as", "last told", "due", "how it stands"].map(left));
    for victim in victims {
        table.add_row([
            left(victim_ref(victim)),
            left(victim_word(victim)),
            left(last_told(victim)),
            left(when::told(victim.due_time.as_ref())),
            left(victim_standing(victim)),
        ]);
    }
    let title = format!("LINKED VICTIMS ({})", count(u64::try_from(victims.len()).unwrap_or(u64::MAX)));
    part(&title, page) + &drawn(&mut table, 2)
}
