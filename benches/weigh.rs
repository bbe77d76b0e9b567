//! Weighing without explanation, against decoding the same evidence from its stored bytes.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use common::verdict::{Target, heading, note, tell};
use common::{AS_OF, Options, force, run};
use prost::Message;
use rayon::prelude::*;
use steelyard::domain::dossier::Dossier;
use steelyard::domain::{Date, SubjectId};
use steelyard::policy::Policy;
use steelyard::reference;
use steelyard::scoring::harm::Catalogue;
use steelyard::scoring::{Rules, composite};
use steelyard::service::group::fold_dossier;
use steelyard::service::start;
use steelyard::store::ViewKey;
use steelyard::store::pb::event::Body;
use steelyard::store::pb::{Event, EvidenceWritten, StoredDossier};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(50_000);
    let stored = stored(subjects)?;
    let tables = reference::tables();
    let policy = Policy::parse(Policy::default_text()).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let rules = Arc::new(Rules { catalogue: Catalogue::new(tables, &policy), policy });
    let as_of: Date = AS_OF.parse().map_err(|_| anyhow::anyhow!("the day is no date"))?;
    let decode = |(key, bytes): &(ViewKey, Vec<u8>)| start::decode(key, bytes, tables);
    let dossiers: Vec<Dossier> = stored.iter().map(decode).collect::<Result<_, _>>()?;

    let bytes: usize = stored.iter().map(|(_, bytes)| bytes.len()).sum();
    heading(&format!(
        "Weighing {subjects} subjects, on average {} bytes of stored evidence each",
        bytes / stored.len()
    ));
    let mut of_decoding = Vec::new();
    let mut of_one_core = Vec::new();
    let mut last = (0.0, 0.0, 0.0);
    for _ in 0..options.pairs {
        let decoding = seconds(|| stored.iter().for_each(|entry| drop(black_box(decode(entry)))));
        let weighing = seconds(|| {
            for dossier in &dossiers {
                black_box(composite::weigh(dossier, &rules, as_of));
            }
        });
        let spread = seconds(|| {
            dossiers.par_iter().for_each(|dossier| {
                black_box(composite::weigh(dossier, &rules, as_of));
            });
        });
        of_decoding.push(weighing / decoding);
        of_one_core.push(weighing / spread);
        last = (decoding, weighing, spread);
    }
    tell("weighing: times the cost of decoding", &of_decoding, Target::AtMost(0.5));
    let cores = std::thread::available_parallelism()?.get();
    tell(
        &format!("in bulk on {cores} cores: times the speed of one"),
        &of_one_core,
        Target::AtLeast(0.75 * cores as f64),
    );
    let each = |seconds: f64| seconds * 1e6 / f64::from(subjects);
    note(&format!(
        "last pair: {:.2} us a subject to decode, {:.2} us to weigh, {:.2} us in bulk",
        each(last.0),
        each(last.1),
        each(last.2)
    ));
    Ok(())
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

/// The view of dossiers of a force, as its store would hold it.
fn stored(subjects: u32) -> anyhow::Result<Vec<(ViewKey, Vec<u8>)>> {
    let mut dossiers: Vec<StoredDossier> = Vec::new();
    for (revision, record) in (1..).zip(force::records(subjects)?) {
        if dossiers.last().is_none_or(|dossier| dossier.subject_ref != record.subject_ref) {
            dossiers.push(StoredDossier::default());
        }
        let dossier = dossiers.last_mut().expect("one was just pushed");
        let body = Some(Body::EvidenceWritten(EvidenceWritten { record: Some(record), supersedes: 0 }));
        fold_dossier(dossier, &Event { revision, body, ..Event::default() });
    }
    let keyed = (0..).map(SubjectId).zip(&dossiers);
    Ok(keyed.map(|(subject, dossier)| (ViewKey::dossier(subject), dossier.encode_to_vec())).collect())
}
