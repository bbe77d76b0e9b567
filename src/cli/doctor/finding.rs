//! What was found, of what, and how it is told.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::output::{Page, wrapped};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The settings, and whether they agree with the machine.
    Settings,
    /// Certificates, keys, and whoever vouches for callers.
    Certificates,
    /// The clock and the time zone.
    Clock,
    /// Disks and directories.
    Disk,
    /// The store.
    Store,
    /// The server, where one runs.
    Server,
    /// What has to be done each night and each hour.
    Schedule,
}

impl Area {
    const ALL: [Self; 7] =
        [Self::Settings, Self::Certificates, Self::Clock, Self::Disk, Self::Store, Self::Server, Self::Schedule];

    const fn heading(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Certificates => "Certificates and keys",
            Self::Clock => "Clock",
            Self::Disk => "Disk",
            Self::Store => "Store",
            Self::Server => "Server",
            Self::Schedule => "Schedule",
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Well,
    /// It works, and somebody should know.
    Note,
    /// It could not be found out.
    Unknown,
    /// It does not work, or will soon not.
    Wrong,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Wrong => "WRONG",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Of what.
    pub area: Area,
    /// How it stands.
    pub verdict: Verdict,
    /// What is seen.
    pub seen: String,
    /// What to do; none where nothing has to be done.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn well(area: Area, seen: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Well, seen: seen.into(), todo: None }
    }

    /// Somebody should know.
    pub fn note(area: Area, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Note, seen: seen.into(), todo: Some(todo.into()) }
    }

    /// It could not be found out.
    pub fn unknown(area: Area, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Unknown, seen: seen.into(), todo: Some(todo.into()) }
    }

    /// Somebody has to do something.
    pub fn wrong(area: Area, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Wrong, seen: seen.into(), todo: Some(todo.into()) }
    }
}

/// Everything found, for scripts.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Whether nothing is wrong.
    sound: bool,
    findings: &'a [Finding],
}

impl<'a> Report<'a> {
    /// Of these.
    pub fn of(findings: &'a [Finding]) -> Self {
        Self { sound: findings.iter().all(|it| it.verdict != Verdict::Wrong), findings }
    }
}

/// Everything found, for people, with what was looked at as headings.
pub fn screen(findings: &[Finding], page: Page) -> String {
    const MARGIN: usize = 11;
    let mut text = String::new();
    for area in Area::ALL {
        let mut of_area = findings.iter().filter(|it| it.area == area).peekable();
        if of_area.peek().is_none() {
            continue;
        }
        text += &page.heading(area.heading());
        for finding in of_area {
            let mut label = format!("  {:<9}", finding.verdict.word());
            for line in wrapped(&finding.seen, page.width - MARGIN) {
                let _ = writeln!(text, "{label}{line}");
                label = " ".repeat(MARGIN);
            }
            let mut arrow = format!("{}-> ", " ".repeat(MARGIN));
            for line in finding.todo.iter().flat_map(|todo| wrapped(todo, page.width - MARGIN - 3)) {
                let _ = writeln!(text, "{arrow}{line}");
                arrow = " ".repeat(MARGIN + 3);
            }
        }
    }
    text + "\n" + &sum(findings)
}

fn sum(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|it| it.verdict == verdict).count();
    let (wrong, notes, unknown) = (count(Verdict::Wrong), count(Verdict::Note), count(Verdict::Unknown));
    let wrong = if wrong == 0 { "Nothing is wrong".to_owned() } else { format!("{wrong} WRONG") };
    format!("{wrong}; {notes} to know of, {unknown} not known.\n")
}
