//! `steelyard generate`: writes a demonstration force as NDJSON. Reads nothing but its arguments.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::demonstration::{self, Config, USUAL_RECORDS_PER_SUBJECT, Written};
use crate::domain::Date;

/// Write the records of an invented force, one a line, the same bytes for the same arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// People in the force, 1 to 10,000,000.
    #[arg(long, value_name = "N")]
    pub subjects: u32,
    /// Which force: another seed gives other people.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Day that the records stand at, YYYY-MM-DD; nothing in them is later but plans and expiries.
    #[arg(long, value_name = "DATE")]
    pub as_of: Date,
    /// Where to write: a file, which appears only when complete, or - for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub out: PathBuf,
    /// Mean number of records of a person, 5 to 40.
    #[arg(long, value_name = "MEAN", default_value_t = USUAL_RECORDS_PER_SUBJECT)]
    pub records_per_subject: u32,
}

/// Writes the force, and one line of counts to standard error.
///
/// # Errors
/// Arguments out of range, all of them; or an output that cannot be written, which leaves no file behind.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::new(args.subjects, args.seed, args.as_of, args.records_per_subject)
        .map_err(|refused| anyhow::anyhow!(refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let written = if args.out.as_os_str() == "-" {
        match demonstration::write_ndjson(config, &mut BufWriter::new(io::stdout().lock())) {
            // The reader has seen enough, as `head` has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            other => other.context("could not write to standard output")?,
        }
    } else {
        write_file(config, &args.out)?
    };
    let Written { subjects, records, bytes } = written;
    eprintln!("{records} records of {subjects} invented subjects as of {}, {bytes} bytes", args.as_of);
    Ok(ExitCode::SUCCESS)
}

/// Writes beside the file and puts it in place when complete: whoever reads it never sees a part.
fn write_file(config: Config, path: &Path) -> anyhow::Result<Written> {
    let partial = Partial::beside(path)?;
    let file =
        File::create_new(&partial.path).with_context(|| format!("could not create {}", partial.path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let written = demonstration::write_ndjson(config, &mut out)
        .with_context(|| format!("could not write {}", partial.path.display()))?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error);
    file.and_then(|file| file.sync_all()).with_context(|| format!("could not write {}", partial.path.display()))?;
    partial.put_in_place(path)?;
    Ok(written)
}

/// A file still being written. Dropped before it is put in place, it is removed.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn beside(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        Ok(Self { path: path.with_file_name(hidden) })
    }

    fn put_in_place(&self, path: &Path) -> anyhow::Result<()> {
        fs::rename(&self.path, path).with_context(|| format!("could not put {} in place", path.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; before it, a file that nobody asked for.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn args(out: &Path, subjects: u32) -> Args {
        Args {
            subjects,
            seed: 3,
            as_of: "2026-03-31".parse().expect("must be a date"),
            out: out.to_owned(),
            records_per_subject: USUAL_RECORDS_PER_SUBJECT,
        }
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_number_and_a_date_are_enough_and_a_date_that_is_none_is_refused() {
        let line = Line::try_parse_from(["generate", "--subjects", "5", "--as-of", "2026-03-31"]).unwrap();
        assert_eq!((line.args.out.to_str(), line.args.records_per_subject), (Some("-"), USUAL_RECORDS_PER_SUBJECT));
        let refused = Line::try_parse_from(["generate", "--subjects", "5", "--as-of", "31/03/2026"]).err().unwrap();
        assert!(refused.to_string().contains("YYYY-MM-DD"), "{refused}");
    }

    fn files_in(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_holds_a_whole_force_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("force.ndjson");
        fs::write(&path, "an older force").unwrap();
        run(&args(&path, 20)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() >= 40 && text.ends_with('\n'));
        assert!(text.lines().all(|line| serde_json::from_str::<crate::pb::Record>(line).is_ok()));
        assert_eq!(files_in(folder.path()), ["force.ndjson"]);
    }

    #[test]
    fn a_refused_argument_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("force.ndjson");
        fs::write(&path, "an older force").unwrap();
        let refused = run(&Args { records_per_subject: 99, ..args(&path, 0) }).unwrap_err().to_string();
        assert!(refused.contains("subjects is 0") && refused.contains("records-per-subject is 99"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "an older force");
    }

    #[test]
    fn an_output_that_cannot_be_put_in_place_leaves_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "").unwrap();
        assert!(run(&args(&path, 5)).is_err());
        assert_eq!(files_in(folder.path()), ["taken"]);
    }
}
