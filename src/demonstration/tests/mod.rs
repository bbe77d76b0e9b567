//! What must hold of every demonstration force.

mod lawful;
mod shape;
mod supervised;

use std::collections::BTreeSet;

use super::*;
use crate::pb::Record;

const AS_OF: &str = "2026-03-31";

fn config(subjects: u32, seed: u64) -> Config {
    Config::new(subjects, seed, AS_OF.parse().unwrap(), USUAL_RECORDS_PER_SUBJECT).unwrap()
}

fn force(subjects: u32, seed: u64) -> Vec<Record> {
    records(config(subjects, seed)).collect()
}

/// The records of each person, in order.
fn people(records: &[Record]) -> Vec<&[Record]> {
    records.chunk_by(|a, b| a.subject_ref == b.subject_ref).collect()
}

fn lines(config: Config) -> Vec<u8> {
    let mut out = Vec::new();
    write_ndjson(config, &mut out).unwrap();
    out
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_seed_gives_others() {
    let bytes = lines(config(300, 7));
    assert_eq!(bytes, lines(config(300, 7)));
    assert_ne!(bytes, lines(config(300, 8)));
    let other_day = Config::new(300, 7, "2026-04-01".parse().unwrap(), USUAL_RECORDS_PER_SUBJECT).unwrap();
    assert_ne!(bytes, lines(other_day));
}

/// Pinned, so that neither a machine nor a library changes a force unnoticed. Whoever means to
/// change what is generated writes the new digest here.
#[test]
fn a_seed_gives_the_same_force_on_every_machine() {
    let digest = blake3::hash(&lines(config(200, 20_260_331))).to_hex();
    assert_eq!(&digest[..16], "604f9d626d0c2597");
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let several = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let draw = || lines(config(2_100, 11));
    assert_eq!(alone.install(draw), several.install(draw));
}

#[test]
fn a_line_reads_back_as_the_record_it_was_written_from() {
    let mut out = Vec::new();
    let written = write_ndjson(config(1_050, 5), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let read: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, force(1_050, 5));
    let counted = Written { subjects: 1_050, records: read.len() as u64, bytes: text.len() as u64 };
    assert_eq!(written, counted);
}

#[test]
fn a_person_is_the_same_however_many_follow() {
    let (few, some, many) = (force(100, 3), force(1_000, 3), force(1_300, 3));
    assert_eq!(few[..], some[..few.len()]);
    assert_eq!(some[..], many[..some.len()]);
}

#[test]
fn every_record_keeps_the_contract_and_every_life_makes_sense() {
    for (seed, as_of) in [(1, AS_OF), (2, "2024-02-29"), (99, "2031-12-31")] {
        let as_of = as_of.parse().unwrap();
        let records: Vec<Record> =
            records(Config::new(2_000, seed, as_of, USUAL_RECORDS_PER_SUBJECT).unwrap()).collect();
        let faults: Vec<String> =
            people(&records).iter().flat_map(|person| lawful::faults(person, as_of)).take(20).collect();
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

#[test]
fn ids_are_unique_and_a_persons_records_stand_together() {
    let records = force(2_000, 4);
    let ids: BTreeSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids.len(), records.len());
    let people = people(&records);
    let subjects: BTreeSet<&str> = people.iter().map(|person| person[0].subject_ref.as_str()).collect();
    assert_eq!((people.len(), subjects.len()), (2_000, 2_000));
    assert_eq!(people[122][0].subject_ref, "DEMO-000123");
}

#[test]
fn out_of_range_arguments_are_refused_all_at_once() {
    let refused = Config::new(0, 1, "1999-12-31".parse().unwrap(), 41).unwrap_err();
    assert_eq!(refused.len(), 3);
    assert!(refused[1].to_string().contains("from 2015-01-01 to 2150-12-31"), "{}", refused[1]);
}
