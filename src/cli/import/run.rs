//! The import of one file: reading on one thread, sending beside it, and
//! settling what came back in the order of the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::batch::{Batch, Batches, Origin, Share};
use super::checkpoint::{Checkpoint, Found, Totals};
use super::client::{self, Settings, Stopped};
use super::progress::Progress;
use super::rejects::{Reject, Rejects, Wrong};
use super::{Args, file_name, is_stdin};
use crate::intake::{Form, Place, Refused, Rows, Unreadable};
use crate::pb;

/// A checkpoint is written when so many batches were settled since the last, or after a second.
const CHECKPOINT_BATCHES: u32 = 64;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// One file to import.
pub struct File<'a> {
    /// The file, or `-`.
    pub path: &'a Path,
    /// How to read it.
    pub form: &'a Form,
    /// Where refused rows go.
    pub rejects: PathBuf,
    /// Where it is kept how far the import has come.
    pub checkpoint: PathBuf,
}

/// What became of one file.
pub struct Report {
    /// Of the whole file, earlier runs included.
    pub totals: Totals,
    /// Rows of this run alone.
    pub rows_this_run: u64,
    /// How long this run took.
    pub elapsed: Duration,
    /// Lines of the file that are settled.
    pub lines: u64,
    /// Whether the same command would go on from there.
    pub resumable: bool,
}

impl File<'_> {
    /// Imports the file.
    ///
    /// # Errors
    /// When the rejects or the checkpoint cannot be written. What stopped the import otherwise stands beside the report.
    pub async fn import(
        &self,
        args: &Args,
        settings: &Settings,
        store: [u8; 32],
    ) -> anyhow::Result<(Report, Option<Stopped>)> {
        let mut origin = match self.origin(args.dry_run, store) {
            Ok(origin) => origin,
            Err(error) => return Ok((Report::nothing(), Some(Stopped::Unreadable(error)))),
        };
        let resumable = !is_stdin(self.path) && !args.dry_run;
        let found = if resumable && !args.no_resume { self.found(&origin, args.quiet) } else { None };
        if let Some(found) = &found {
            origin.run = found.run();
        }
        let begin = found.as_ref().map(Checkpoint::place);
        let rows = match self.open(begin) {
            Ok(rows) => rows,
            Err(error) => return Ok((Report::nothing(), Some(Stopped::Unreadable(error)))),
        };
        let begin = begin.unwrap_or_default();
        let total = std::fs::metadata(self.path).ok().map(|data| data.len()).filter(|_| !is_stdin(self.path));
        let mut settled = Settled {
            rejects: self.rejects(found.as_ref()).with_context(|| self.cannot_write(&self.rejects))?,
            totals: found.map(|found| found.totals).unwrap_or_default(),
            place: begin,
            rows_this_run: 0,
            checkpoint: resumable.then(|| Checkpoints::new(self.checkpoint.clone(), origin)),
            progress: Progress::new(&file_name(self.path), total, begin.offset, args.quiet),
        };
        let batches = Batches::new(rows, usize::from(args.batch), origin, begin);
        let receiver = read_ahead(batches, settings.in_flight);
        let stopped = client::send(settings, receiver, |batch, answer| settled.settle(&batch, &answer)).await.err();
        let report = settled.finish(stopped.is_none(), args.rejects.is_none())?;
        Ok((report, stopped))
    }

    fn open(&self, from: Option<Place>) -> Result<Rows, Unreadable> {
        if is_stdin(self.path) {
            Rows::read(Path::new("standard input"), Box::new(std::io::stdin()), self.form)
        } else {
            Rows::open(self.path, self.form, from)
        }
    }

    fn origin(&self, dry_run: bool, store: [u8; 32]) -> Result<Origin, Unreadable> {
        let mapping = match self.form {
            Form::Ndjson => [0; 32],
            Form::Csv(mapping) => mapping.digest(),
        };
        let file = if is_stdin(self.path) {
            [0; 32]
        } else {
            let mut hasher = blake3::Hasher::new();
            std::fs::File::open(self.path)
                .and_then(|file| hasher.update_reader(file).map(|hasher| *hasher.finalize().as_bytes()))
                .map_err(|error| Unreadable::Io { path: self.path.to_owned(), error })?
        };
        Ok(Origin { file, mapping, dry_run, store, run: Uuid::new_v4().into_bytes() })
    }

    /// The checkpoint to go on from, if there is one of this file.
    fn found(&self, origin: &Origin, quiet: bool) -> Option<Checkpoint> {
        let say = |message: &str| {
            if !quiet {
                eprintln!("{}: {message}", self.path.display());
            }
        };
        match Checkpoint::find(&self.checkpoint, origin) {
            Found::Nothing => None,
            Found::Same(found) => {
                say(&format!("going on after line {}, where an earlier run stopped", found.place().lines));
                Some(found)
            }
            Found::Other(why) => {
                say(&format!("the checkpoint {} {why}: beginning anew", self.checkpoint.display()));
                None
            }
        }
    }

    fn rejects(&self, found: Option<&Checkpoint>) -> std::io::Result<Rejects> {
        let json_rows = matches!(self.form, Form::Ndjson);
        match found {
            None => Rejects::create(&self.rejects, json_rows),
            Some(found) => Rejects::resume(&self.rejects, found.rejects_length, json_rows).map_err(|error| {
                let message = format!("{error}; --no-resume begins anew and writes all rejects again");
                std::io::Error::new(error.kind(), message)
            }),
        }
    }

    fn cannot_write(&self, path: &Path) -> String {
        format!("{} cannot be written, in which the rejects of {} belong", path.display(), self.path.display())
    }
}

impl Report {
    fn nothing() -> Self {
        Self { totals: Totals::default(), rows_this_run: 0, elapsed: Duration::ZERO, lines: 0, resumable: false }
    }
}

/// Reads on a thread of its own, at most `ahead` batches before what is sent.
fn read_ahead(mut batches: Batches, ahead: usize) -> mpsc::Receiver<Result<Batch, Unreadable>> {
    let (sender, receiver) = mpsc::channel(ahead.max(1));
    tokio::task::spawn_blocking(move || {
        while let Some(batch) = batches.next_batch().transpose() {
            let failed = batch.is_err();
            // Nobody listens any more once sending has stopped.
            if sender.blocking_send(batch).is_err() || failed {
                break;
            }
        }
    });
    receiver
}

/// What is settled so far.
struct Settled {
    rejects: Rejects,
    totals: Totals,
    place: Place,
    rows_this_run: u64,
    checkpoint: Option<Checkpoints>,
    progress: Progress,
}

impl Settled {
    fn settle(&mut self, batch: &Batch, answer: &pb::ImportEvidenceResponse) -> anyhow::Result<()> {
        let mut refused: Vec<Option<&pb::RecordVerdict>> = vec![None; batch.request.records.len()];
        for (place, verdict) in answer.refused_positions.iter().zip(&answer.refused) {
            if let Some(slot) = usize::try_from(*place).ok().and_then(|place| refused.get_mut(place)) {
                *slot = Some(verdict);
            }
        }
        for share in &batch.shares {
            self.settle_row(share, batch, &refused)?;
        }
        let rows = batch.shares.len() as u64;
        self.totals.rows += rows;
        self.rows_this_run += rows;
        self.totals.records += batch.request.records.len() as u64;
        self.totals.created += u64::from(answer.created);
        self.totals.superseded += u64::from(answer.superseded);
        self.totals.unchanged += u64::from(answer.unchanged);
        self.place = batch.after;
        self.progress.advance(rows, self.place.offset);
        if let Some(checkpoint) = &mut self.checkpoint {
            checkpoint.batch_settled(&mut self.rejects, self.place, self.totals)?;
        }
        Ok(())
    }

    fn settle_row(
        &mut self,
        share: &Share,
        batch: &Batch,
        verdicts: &[Option<&pb::RecordVerdict>],
    ) -> anyhow::Result<()> {
        let range = share.first..share.first + share.count;
        let by_server: Vec<_> =
            range.clone().filter_map(|place| verdicts[place].map(|verdict| (place, verdict))).collect();
        if share.refused.is_empty() && by_server.is_empty() {
            return Ok(());
        }
        let dry_run = batch.request.validate_only;
        let written: Vec<_> = range
            .filter(|place| verdicts[*place].is_none() && !dry_run)
            .map(|place| batch.request.records[place].id.as_str())
            .collect();
        let rejects = &mut self.rejects;
        let mut write = |record_id: &str, wrongs: Vec<Wrong<'_>>| {
            let reject = Reject { line: share.line, record_id, wrongs, written: &written, raw: &share.raw };
            rejects.write(&reject).with_context(|| format!("{} cannot be written", rejects.path().display()))
        };
        for Refused { record_id, faults } in &share.refused {
            write(record_id, faults.iter().map(Wrong::from).collect())?;
        }
        for (place, verdict) in &by_server {
            write(&batch.request.records[*place].id, wrongs_of(verdict))?;
        }
        self.totals.records += share.refused.len() as u64;
        self.totals.refused += (share.refused.len() + by_server.len()) as u64;
        self.totals.refused_rows += 1;
        Ok(())
    }

    /// Leaves behind what should stay: the rejects if there are any (or were asked for), the checkpoint if it goes on.
    fn finish(mut self, complete: bool, rejects_by_default: bool) -> anyhow::Result<Report> {
        let path = self.rejects.path().to_owned();
        self.rejects.sync().with_context(|| format!("{} cannot be written", path.display()))?;
        let resumable = self.checkpoint.is_some() && !complete;
        if let Some(checkpoint) = &mut self.checkpoint {
            if complete {
                Checkpoint::remove(&checkpoint.path).context("the checkpoint cannot be removed")?;
            } else {
                checkpoint.save(&mut self.rejects, self.place, self.totals)?;
            }
        }
        if complete && rejects_by_default && self.totals.refused == 0 {
            std::fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        Ok(Report {
            totals: self.totals,
            rows_this_run: self.rows_this_run,
            elapsed: self.progress.finish(),
            lines: self.place.lines,
            resumable,
        })
    }
}

/// What the server found wrong with one record. Its paths are of the batch; the rejects name the field of the record.
fn wrongs_of(verdict: &pb::RecordVerdict) -> Vec<Wrong<'_>> {
    if verdict.violations.is_empty() {
        return vec![Wrong { field: "", reason: "REFUSED", message: "the server refused it without saying why" }];
    }
    let violations = verdict.violations.iter();
    violations
        .map(|wrong| Wrong { field: of_record(&wrong.field), reason: &wrong.reason, message: &wrong.description })
        .collect()
}

/// `records[3].offence.ho_code` is `offence.ho_code` of the record.
fn of_record(path: &str) -> &str {
    match path.strip_prefix("records[").and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => rest.strip_prefix('.').unwrap_or(rest),
        None => path,
    }
}

/// Writes the checkpoint now and then.
struct Checkpoints {
    path: PathBuf,
    origin: Origin,
    batches: u32,
    saved: Instant,
}

impl Checkpoints {
    fn new(path: PathBuf, origin: Origin) -> Self {
        Self { path, origin, batches: 0, saved: Instant::now() }
    }

    fn batch_settled(&mut self, rejects: &mut Rejects, place: Place, totals: Totals) -> anyhow::Result<()> {
        self.batches += 1;
        if self.batches >= CHECKPOINT_BATCHES || self.saved.elapsed() >= CHECKPOINT_EVERY {
            self.save(rejects, place, totals)?;
        }
        Ok(())
    }

    /// The rejects first: a checkpoint must never point beyond them.
    fn save(&mut self, rejects: &mut Rejects, place: Place, totals: Totals) -> anyhow::Result<()> {
        let length = rejects.sync().with_context(|| format!("{} cannot be written", rejects.path().display()))?;
        Checkpoint::new(&self.origin, place, length, totals)
            .save(&self.path)
            .with_context(|| format!("the checkpoint {} cannot be written", self.path.display()))?;
        (self.batches, self.saved) = (0, Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::of_record;

    #[test]
    fn a_path_of_the_batch_becomes_one_of_the_record() {
        assert_eq!(of_record("records[3].offence.ho_code"), "offence.ho_code");
        assert_eq!(of_record("records[12]"), "");
        assert_eq!(of_record("offence.ho_code"), "offence.ho_code");
        assert_eq!(of_record("records[x"), "records[x");
    }
}
