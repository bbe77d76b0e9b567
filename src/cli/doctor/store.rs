//! The store as it lies on the disk. Beside a running server only what that writes
//! whole is read; of a stopped one also whether the next start would find damage.

use std::path::PathBuf;

use super::finding::{Area, Finding};
use super::server::Server;
use crate::config::{Home, Settings};
use crate::store::backup::Catalogue;
use crate::store::journal::SegmentReport;
use crate::store::survey::Survey;

/// What looking at the data directory gave.
#[derive(Debug)]
pub enum Looked {
    /// There is none to look at: everything is in memory.
    Memory,
    /// There is no store yet.
    Nothing,
    /// There is none, and backups of one are.
    Lost(PathBuf),
    /// It cannot be looked at.
    Refused(String),
    /// A store.
    Found(Survey),
}

impl Looked {
    /// Whether a server has it open.
    pub fn in_use(&self) -> bool {
        matches!(self, Self::Found(survey) if survey.in_use)
    }

    /// Bytes of the engine's files; 0 where there are none.
    pub fn engine_bytes(&self) -> u64 {
        match self {
            Self::Found(survey) => survey.engine_bytes.unwrap_or(0),
            Self::Memory | Self::Nothing | Self::Lost(_) | Self::Refused(_) => 0,
        }
    }
}

/// Looks at the data directory.
pub fn look(settings: &Settings) -> Looked {
    let Home::Directory(home) = &settings.store.home else { return Looked::Memory };
    match Survey::of(home) {
        Ok(Some(survey)) => Looked::Found(survey),
        Ok(None) => {
            let backups = settings.backup.directory.clone();
            let held = backups.filter(|it| Catalogue::read(it).is_ok_and(|catalogue| !catalogue.files.is_empty()));
            held.map_or(Looked::Nothing, Looked::Lost)
        }
        Err(error) => Looked::Refused(error.to_string()),
    }
}

/// What is found.
pub fn examine(looked: &Looked, server: &Server) -> Vec<Finding> {
    match looked {
        Looked::Memory => Vec::new(),
        Looked::Nothing => vec![Finding::note(
            Area::Store,
            "There is no store in `data_dir` yet.",
            "The first start makes one. If there should be one, do not start: is the right disk mounted?",
        )],
        Looked::Lost(backups) => vec![Finding::wrong(
            Area::Store,
            format!("There is no store in `data_dir`, and {} holds backups of one.", backups.display()),
            "Is the right disk mounted? If the store is lost, `steelyard restore`. No server starts like this.",
        )],
        Looked::Refused(error) => vec![Finding::wrong(
            Area::Store,
            format!("The data directory cannot be read: {error}."),
            "Run this as the user that the server runs as, and see that the directory is that user's.",
        )],
        Looked::Found(survey) => found(survey, server),
    }
}

fn found(survey: &Survey, server: &Server) -> Vec<Finding> {
    let mut findings = vec![at_rest(survey)];
    findings.extend(survey.engine_log.as_ref().map(|fault| {
        Finding::wrong(
            Area::Store,
            format!("{fault}."),
            "Start the server: it sets these files aside and makes them anew from backup and journal. Look for the reason \
             on the disk first (`dmesg`, SMART).",
        )
    }));
    findings.extend(journal(&survey.journal, survey.in_use));
    if survey.engine_bytes.is_none() {
        findings.push(Finding::note(
            Area::Store,
            "The engine's files are not there; the journal is.",
            "The next start makes them anew from backup and journal, and refuses to if something is missing.",
        ));
    }
    findings.extend(survey.suspect.as_ref().filter(|_| !matches!(server, Server::Answering(_))).map(|told| {
        Finding::wrong(
            Area::Store,
            format!("A read met damage: {told}."),
            "Start the server again: it then checks everything, and rebuilds what is damaged.",
        )
    }));
    if !survey.quarantine.is_empty() {
        findings.push(Finding::note(
            Area::Store,
            format!("{} in `quarantine`: an earlier start set engine files aside.", times(survey.quarantine.len())),
            "Read `why` in each, look at the disk, then remove them: they hold personal data.",
        ));
    }
    findings
}

fn at_rest(survey: &Survey) -> Finding {
    let size = survey.engine_bytes.unwrap_or(0) >> 20;
    if survey.in_use {
        return Finding::well(Area::Store, format!("A server has the store open; its engine's files are {size} MiB."));
    }
    match survey.checkpoint {
        Some((revision, true)) => Finding::well(
            Area::Store,
            format!("The store was closed in order at revision {revision}; its engine's files are {size} MiB."),
        ),
        Some((revision, false)) => Finding::note(
            Area::Store,
            format!("The store was not closed in order; the engine has revision {revision} on the disk."),
            "The next start fills it from the journal. Nothing that was acknowledged is lost.",
        ),
        None => Finding::note(
            Area::Store,
            "How far the engine has the ledger on the disk is not known.",
            "The next start checks everything; give it time.",
        ),
    }
}

fn journal(segments: &[SegmentReport], in_use: bool) -> Vec<Finding> {
    let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let damaged: Vec<&SegmentReport> = segments.iter().filter(|segment| !segment.state.is_usable()).collect();
    if damaged.is_empty() {
        let (count, size) = (segments.len(), bytes >> 20);
        return vec![Finding::well(
            Area::Store,
            format!("The journal holds, {count} segments of {size} MiB together."),
        )];
    }
    let todo = if in_use {
        "Make a backup at once (`steelyard backup --full`), then see docs/OPERATIONS.md, When the store is damaged. The next \
         start would be refused."
    } else {
        "The start is refused. Do not remove anything: docs/OPERATIONS.md, When the store is damaged."
    };
    let told = |segment: &SegmentReport| {
        let name = segment.segment.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Finding::wrong(Area::Store, format!("journal/{name}: {}.", segment.state), todo)
    };
    damaged.into_iter().map(told).collect()
}

fn times(count: usize) -> String {
    if count == 1 { "Something is".to_owned() } else { format!("{count} things are") }
}
