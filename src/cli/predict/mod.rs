//! `steelyard predict`: the analyst's calculator of the published predictors.
//!
//! It reads cases as NDJSON, one object a line, and prints one JSON object for
//! each: the instruments as published, or what is wrong with the line, and goes
//! on. It never touches a store or a policy, and nothing that a score adjusts
//! is adjusted here.

mod answer;
mod case;
mod check;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::Exit;
use answer::{Answer, Refusal};

/// Longest line that is read, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// Bytes read at once.
const READ_AT_ONCE: usize = 1 << 16;

/// Computes ARP, VRP and SVRP, or OGRS3, as published, for cases given as NDJSON.
///
/// One JSON object a line goes in, one comes out. ARP, VRP and SVRP ask: sex (M or F), date_of_birth, ho_code,
/// sanctions, violent_sanctions, first_sanction_date, current_conviction_date, followup_start_date, and either
/// offence_free_months or as_of. OGRS3 asks: sex, current_offence, previous_sanctions, date_of_birth,
/// conviction_date, first_sanction_date, assessment_date. Dates are YYYY-MM-DD.
///
/// A line that cannot be answered gets {"error": {"reason", "violations"}} and the rest go on; the exit code is
/// then still 0. It is 66 when the input cannot be read.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// File of cases, one JSON object a line; - reads standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
}

/// Answers every case of the input on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let from_stdin = args.file.as_os_str() == "-";
    let source: Box<dyn Read> = if from_stdin {
        Box::new(io::stdin().lock())
    } else {
        match File::open(&args.file) {
            Ok(file) => Box::new(file),
            Err(why) => return Ok(unreadable(args, &why)),
        }
    };
    let mut reader = BufReader::with_capacity(READ_AT_ONCE, source);
    match answer_all(&mut reader, &mut BufWriter::new(io::stdout().lock())) {
        Ok(Tally { lines, refused }) => {
            if refused > 0 {
                eprintln!("steelyard predict: {refused} of {lines} lines refused; each answer says why");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(Broken::Input(why)) => Ok(unreadable(args, &why)),
        // Whoever was reading has seen enough.
        Err(Broken::Output(why)) if why.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(Broken::Output(why)) => Err(anyhow::Error::new(why).context("cannot write to standard output")),
    }
}

fn unreadable(args: &Args, why: &io::Error) -> ExitCode {
    eprintln!("steelyard predict: cannot read {}: {why}", args.file.display());
    Exit::InputMissing.into()
}

/// Answers every case held in memory: one JSON object a line.
pub fn answered(cases: &[u8]) -> Vec<u8> {
    let mut answers = Vec::new();
    answer_all(&mut BufReader::new(cases), &mut answers).expect("memory must be readable and writable");
    answers
}

/// How many lines were answered, and how many of these with a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    lines: u64,
    refused: u64,
}

#[derive(Debug)]
enum Broken {
    Input(io::Error),
    Output(io::Error),
}

/// Answers every line that is not blank, in order, and flushes before it waits for more input.
fn answer_all<R: Read>(reader: &mut BufReader<R>, output: &mut impl Write) -> Result<Tally, Broken> {
    let mut tally = Tally::default();
    let mut line = Vec::new();
    let mut first = true;
    while let Some(length) = next_line(reader, &mut line).map_err(Broken::Input)? {
        if first {
            first = false;
            if line.starts_with("\u{feff}".as_bytes()) {
                line.drain(.."\u{feff}".len());
            }
        }
        let answered = if length > LONGEST_LINE { Some(Answer::Refused(Refusal::too_long())) } else { answer(&line) };
        if let Some(answered) = answered {
            tally.lines += 1;
            tally.refused += u64::from(matches!(answered, Answer::Refused(_)));
            serde_json::to_writer(&mut *output, &answered).map_err(|why| Broken::Output(why.into()))?;
            output.write_all(b"\n").map_err(Broken::Output)?;
        }
        if !reader.buffer().contains(&b'\n') {
            output.flush().map_err(Broken::Output)?;
        }
    }
    output.flush().map_err(Broken::Output)?;
    Ok(tally)
}

/// Reads the next line, without its end, into `line`; `None` at the end of the input. Returns its length, which
/// exceeds that of `line` where the line is longer than allowed: the rest of it is passed over.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<usize>> {
    line.clear();
    let most = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX).saturating_add(1);
    if reader.by_ref().take(most).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(line.len()));
    }
    let mut length = line.len();
    if length > LONGEST_LINE {
        line.clear();
        length += reader.skip_until(b'\n')?;
    }
    Ok(Some(length))
}

/// The answer to one line; `None` where it is blank.
fn answer(line: &[u8]) -> Option<Answer> {
    let line = line.trim_ascii();
    (!line.is_empty()).then(|| case::answer(line).unwrap_or_else(Answer::Refused))
}

#[cfg(test)]
mod tests;
