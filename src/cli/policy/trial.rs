//! A force's people weighed under a policy that is not in force anywhere: the
//! whole service runs in this process, on a store in memory, and nothing is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use uuid::Uuid;

use super::BandShares;
use crate::access::Caller;
use crate::cli::exit::{Exit, Failure};
use crate::domain::Date;
use crate::domain::word::{Band, List};
use crate::intake::{Form, Rows};
use crate::pb;
use crate::ranking::Filter;
use crate::service::mutation::{Mutation, MutationBody, Records};
use crate::service::{Options, Seen, Service, Started};
use crate::store::{Identity, MemoryStore};

/// Records judged together.
const BATCH: usize = 1_000;

/// How many people of ALL and of OUTSTANDING stand in each band, weighed on `as_of` under a policy that validates.
///
/// # Errors
/// When the file cannot be read, or holds a record that is refused: shares of a part would mislead.
pub fn shares(records: &Path, policy: &str, as_of: Date) -> anyhow::Result<Vec<BandShares>> {
    let store = Arc::new(MemoryStore::new(Identity::fresh()));
    let options = Options {
        as_of: Some(as_of),
        policy: Some(policy.to_owned()),
        stale_after: Duration::MAX,
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let Started { service, writer, .. } = Service::start(store, options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shares = runtime.block_on(weigh(&service, records));
    drop(service);
    writer.join().map_err(|_| anyhow::anyhow!("the writer ended in a panic"))??;
    shares
}

async fn weigh(service: &Service, path: &Path) -> anyhow::Result<Vec<BandShares>> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::new(Exit::InputMissing, error.to_string());
    let mut batch = Vec::with_capacity(BATCH);
    for row in Rows::open(path, &Form::Ndjson, None).map_err(|error| unreadable(&error))? {
        let row = row.map_err(|error| unreadable(&error))?;
        if !row.refused.is_empty() {
            return Err(refused(path, &format!("line {} cannot be read as a record", row.line)).into());
        }
        batch.extend(row.records);
        if batch.len() >= BATCH {
            write(service, path, std::mem::take(&mut batch)).await?;
        }
    }
    if !batch.is_empty() {
        write(service, path, batch).await?;
    }
    let mut shares = Vec::new();
    for list in [List::All, List::Outstanding] {
        let summary =
            service.summary(&Caller::service(), list, &Filter::default(), Seen::default()).await?.answer.found;
        let people = std::array::from_fn(|place| u64::from(summary.in_band(Band::ALL[place])));
        let list = list.proto().as_str_name().trim_start_matches("LIST_").to_owned();
        shares.push(BandShares { list, people });
    }
    Ok(shares)
}

async fn write(service: &Service, path: &Path, records: Vec<pb::Record>) -> anyhow::Result<()> {
    let records =
        Records { records, etags: BTreeMap::default(), all_or_none: false, validate_only: false, decisions: false };
    let mutation = Mutation {
        caller: Caller::service(),
        request_id: Uuid::new_v4().into_bytes(),
        digest: [0; 32],
        body: MutationBody::Write(records),
    };
    let answer = service.change(mutation).await.context("the records could not be weighed")?;
    match answer.verdicts.iter().find(|verdict| !verdict.violations.is_empty()) {
        None => Ok(()),
        Some(verdict) => {
            let why = &verdict.violations[0];
            Err(refused(path, &format!("record {}: {}: {}", verdict.record_id, why.field, why.description)).into())
        }
    }
}

fn refused(path: &Path, why: &str) -> Failure {
    Failure::new(
        Exit::DataRefused,
        format!("{}: {why}; import it once to see everything that is refused", path.display()),
    )
}
