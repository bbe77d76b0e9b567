//! A short sample of what the fuzzer does at length, without its toolchain:
//! the seeds, and each of them changed a few hundred times.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use steelyard::reference::tables;
use steelyard::service::record::{KINDS, kind_name, take_in};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// One change of a seed, at a place given in thousandths of its length.
#[derive(Clone, Debug)]
enum Change {
    Put(Vec<u8>),
    Cut(usize),
    Flip(u8),
    Repeat(usize),
}

fn changes() -> impl Strategy<Value = Vec<(usize, Change)>> {
    // What parsers trip over: ends of numbers and dates, quotes, signs of four bytes.
    const TOLD: [&str; 20] = [
        "\"",
        "\u{0}",
        "\u{feff}",
        "9999999999999999999999",
        "-1",
        "1e400",
        "NaN",
        "2199-12-31",
        "1900-01-01",
        "2024-02-29",
        "0001-01-01",
        "[[",
        "{",
        ",",
        "\n",
        "\u{10ffff}",
        "null",
        "\\u0000",
        "=",
        "\t",
    ];
    let put = prop_oneof![
        prop::sample::select(&TOLD[..]).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..6),
        (1_usize..70).prop_map(|times| "\u{10348}".repeat(times).into_bytes()),
    ];
    let change = prop_oneof![
        put.prop_map(Change::Put),
        (1_usize..40).prop_map(Change::Cut),
        (0_u8..8).prop_map(Change::Flip),
        (1_usize..60).prop_map(Change::Repeat),
    ];
    prop::collection::vec((0_usize..1_000, change), 1..5)
}

fn changed(seed: &[u8], changes: Vec<(usize, Change)>) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (thousandths, change) in changes {
        let at = bytes.len() * thousandths / 1_000;
        match change {
            Change::Put(put) => drop(bytes.splice(at..at, put)),
            Change::Cut(count) => drop(bytes.drain(at..bytes.len().min(at + count))),
            Change::Flip(bit) => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Change::Repeat(count) => {
                let piece = bytes[at..bytes.len().min(at + count)].to_vec();
                drop(bytes.splice(at..at, piece));
            }
        }
    }
    bytes
}

/// Every seed of a target as it is, then `times` changed ones of each.
fn sample(name: &str, times: u32, target: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut seeds: Vec<_> = std::fs::read_dir(&folder).expect("a target must have seeds").collect();
    seeds.sort_by_key(|seed| seed.as_ref().expect("a folder can be read").file_name());
    assert!(!seeds.is_empty());
    for seed in seeds {
        let seed = std::fs::read(seed.expect("a folder can be read").path()).expect("a seed can be read");
        target(&seed);
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(times) };
        let outcome = TestRunner::new(config).run(&changes(), |changes| {
            target(&changed(&seed, changes));
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

#[test]
fn no_page_token_harms_the_reader() {
    sample("page_token", 400, targets::page_token);
}

#[test]
fn no_mapping_and_no_rows_harm_the_reader() {
    sample("csv_mapping", 200, targets::csv_mapping);
}

#[test]
fn no_policy_harms_the_parser_and_every_accepted_one_weighs() {
    sample("policy", 100, targets::policy);
}

#[test]
fn no_batch_harms_the_server_and_everybody_accepted_is_weighed_exactly() {
    sample("evidence_batch", 200, targets::evidence_batch);
}

#[test]
fn no_line_of_records_harms_the_server() {
    sample("ndjson_row", 60, targets::ndjson_row);
}

#[test]
fn every_line_of_cases_has_its_answer() {
    sample("predict_line", 200, targets::predict_line);
}

#[test]
fn no_backup_harms_the_reader_and_what_is_read_holds_together() {
    sample("backup_file", 400, targets::backup_file);
}

#[test]
fn no_segment_harms_the_reader_of_the_journal() {
    sample("journal_segment", 2_000, targets::journal_segment);
}

#[test]
fn no_segment_harms_the_reader_of_the_audit() {
    sample("audit_segment", 2_000, targets::audit_segment);
}

#[test]
fn the_seeds_tell_of_every_kind_and_are_all_accepted() {
    // A sample of refusals alone would prove nothing of what is accepted.
    let mut kinds = std::collections::BTreeSet::new();
    for record in targets::somebody() {
        let taken = take_in(&record, tables(), targets::now());
        assert!(taken.is_ok(), "{} must be accepted: {taken:?}", record.id);
        kinds.insert(kind_name(&record));
    }
    assert_eq!(kinds.len(), KINDS.len(), "{kinds:?}");
}
