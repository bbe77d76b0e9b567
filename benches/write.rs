//! Durable writes of one record by 16 clients: against sled alone committing the
//! same keys and values in groups, as durably, and against the service without
//! its journal.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use common::force::Force;
use common::load::{Load, Outcome};
use common::plain::Plain;
use common::raw::{self, Pair, Raw};
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, evidence, run};
use prost::Message;
use steelyard::domain::Revision;
use steelyard::service::group::event_kind;
use steelyard::store::{SledStore, Store};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLIENTS: usize = 16;
/// Writes on each side of a pair, for each second that is asked for.
const WRITES_A_SECOND: f64 = 4_000.0;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    let force = Force::of(options, subjects)?;
    let scratch = options.scratch("write")?;
    let (ours, alone) = (scratch.join("data"), scratch.join("alone"));
    raw::copy(&force.data(), &ours)?;
    raw::copy(&ours.join("sled"), &alone)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of writes")]
    let writes = (WRITES_A_SECOND * options.seconds) as u64;

    heading(&format!(
        "WriteEvidence of one record, {CLIENTS} clients, {subjects} subjects held, {writes} writes a side"
    ));
    let mut ratios = Vec::new();
    let mut number = 0;
    for _ in 0..options.pairs {
        let asked: Vec<_> = (number..number + writes).map(|number| evidence::write(number, subjects)).collect();
        let ids: HashSet<Uuid> = asked.iter().map(|write| write.request_id.parse()).collect::<Result<_, _>>()?;
        let requests: Vec<Bytes> = asked.iter().map(|write| write.encode_to_vec().into()).collect();
        number += writes;
        let file = scratch.join("writes");
        common::bytes::keep(&file, &requests)?;
        let held = SledStore::open(&ours, raw::CACHE_BYTES)?.head()?;
        let server = Server::on(&ours, &[])?;
        let outcome = write(&server.address, &file)?;
        server.stop()?;
        let written = written(&ours.join("sled"), held.revision, &ids)?;
        anyhow::ensure!(written.len() as u64 == writes, "{} of {writes} writes were found", written.len());
        let seconds = Raw::open(&alone)?.group_commit(&written, CLIENTS)?;
        let rate = writes as f64 / seconds;
        ratios.push(outcome.rate() / rate);
        note(&format!(
            "{:.0} writes/s (p50 {} us, p99 {} us); sled alone {rate:.0}/s, {} keys and {} bytes a write",
            outcome.rate(),
            outcome.p50,
            outcome.p99,
            written.iter().map(Vec::len).sum::<usize>() / written.len(),
            written.iter().flatten().map(|(key, value)| key.len() + value.len()).sum::<usize>() / written.len(),
        ));
    }
    tell("of the writes that sled alone commits", &ratios, Target::AtLeast(0.6));
    std::fs::remove_dir_all(scratch)?;
    against_none(options, &force, subjects, writes)
}

/// The journal's price: the same writes with it, and by the same service without it.
fn against_none(options: &Options, force: &Force, subjects: u32, writes: u64) -> anyhow::Result<()> {
    let scratch = options.scratch("journal")?;
    let (with, without) = (scratch.join("with"), scratch.join("without"));
    raw::copy(&force.data(), &with)?;
    raw::copy(&force.data().join("sled"), &without.join("sled"))?;
    heading(&format!("The same writes with the journal, and by the service without it, {writes} a side"));
    let mut ratios = Vec::new();
    let mut number = 0;
    for _ in 0..options.pairs {
        let file = scratch.join("writes");
        let requests: Vec<Bytes> =
            (number..number + writes).map(|number| evidence::write(number, subjects).encode_to_vec().into()).collect();
        number += writes;
        common::bytes::keep(&file, &requests)?;
        let server = Server::on(&with, &["--backup-every-minutes", "0"])?;
        let journalled = write(&server.address, &file)?;
        server.stop()?;
        let server = Plain::on(&without)?;
        let plain = write(&server.address, &file)?;
        server.stop()?;
        ratios.push(journalled.rate() / plain.rate());
        note(&format!(
            "{:.0} writes/s (p50 {} us, p99 {} us); without {:.0}/s (p50 {} us, p99 {} us)",
            journalled.rate(),
            journalled.p50,
            journalled.p99,
            plain.rate(),
            plain.p50,
            plain.p99,
        ));
    }
    tell("with the journal: of the writes without it", &ratios, Target::AtLeast(0.7));
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

/// Every write in a file, sent once.
fn write(address: &str, requests: &Path) -> anyhow::Result<Outcome> {
    let load = Load {
        get: false,
        address: address.to_owned(),
        method: "/steelyard.v1.EvidenceService/WriteEvidence".to_owned(),
        requests: requests.to_owned(),
        connections: CLIENTS,
        in_flight: 1,
        seconds: None,
        secure: None,
    };
    load.run()
}

/// What each write after a revision set: its event, its entries in both indexes, its answer, the
/// dossier of its person as last written, and the head.
fn written(sled: &Path, after: Revision, ids: &HashSet<Uuid>) -> anyhow::Result<Vec<Vec<Pair>>> {
    let raw = Raw::open(sled)?;
    let head = raw.get(b"m/head")?.context("a store has a head")?;
    let first = [b"e/".as_slice(), &after.next().0.to_be_bytes()].concat();
    let mut writes: BTreeMap<u64, Vec<Pair>> = BTreeMap::new();
    for pair in raw.pairs_from(b"e/", &first)? {
        writes.entry(revision(&pair.0[2..10])?).or_default().push(pair);
    }
    for pair in raw.pairs_from(b"i/", b"i/")? {
        let revision = revision(&pair.0[7..15])?;
        if let Some(write) = writes.get_mut(&revision) {
            let dossier = [b"s/".as_slice(), &pair.0[2..6]].concat();
            write.extend(raw.pairs_from(&dossier, &dossier)?);
            write.push(pair);
        }
    }
    let mut noted = BTreeSet::new();
    for pair in raw.pairs_from(b"k/", b"k/")? {
        if pair.0[2] == event_kind::OUTSTANDING_NOTED {
            noted.insert(revision(&pair.0[4..12])?);
        }
        if let Some(write) = writes.get_mut(&revision(&pair.0[4..12])?) {
            write.push(pair);
        }
    }
    // What is noted of a person with an open file belongs to the write before it, as it does in the service.
    for note in noted {
        if let Some(pairs) = writes.remove(&note)
            && let Some((_, write)) = writes.range_mut(..note).next_back()
        {
            write.extend(pairs);
        }
    }
    // Which answer is whose makes no difference: they are of one length, under keys without order.
    let answers = raw.pairs_from(b"r/", b"r/")?.into_iter();
    let answers = answers.filter(|(key, _)| Uuid::from_slice(&key[18..34]).is_ok_and(|id| ids.contains(&id)));
    for (write, answer) in writes.values_mut().zip(answers) {
        write.push(answer);
        write.push((b"m/head".into(), head.clone()));
    }
    Ok(writes.into_values().collect())
}

fn revision(bytes: &[u8]) -> anyhow::Result<u64> {
    Ok(u64::from_be_bytes(bytes.try_into()?))
}
