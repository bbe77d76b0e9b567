//! What supervisors, panels and inspectors ask. Live questions are answered from
//! the newest standings and the clock; questions about the past from immutable
//! keys of the ledger alone, so that they have one answer for ever.

pub mod alignment;
pub mod decisions;
pub mod demand;
pub mod files;
pub mod gaps;
pub mod orders;
pub mod returns;
pub mod reviews;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::error;

use super::fault::Fault;
use super::{Service, timestamp};
use crate::domain::moment::Moment;
use crate::store::{Store, StoreError};

/// How long a reader of the ledger waits for an engine that is opened and filled again on a full disk.
const REFILL_PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_READS: Duration = Duration::from_millis(20);

/// A moment in the contract.
pub fn instant(moment: Moment) -> pbjson_types::Timestamp {
    timestamp(moment.instant())
}

/// A count in the contract.
pub fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Service {
    /// This moment.
    pub fn moment(&self) -> Moment {
        Moment::of((self.now)())
    }

    /// Reads the ledger on a thread that may block, a few at a time. On a full disk the engine is closed, opened again and
    /// filled: what was read of it meanwhile does not count, and is read again.
    pub(super) async fn read_ledger<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Store) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<T, Fault> {
        let read = Arc::new(read);
        let deadline = Instant::now() + REFILL_PATIENCE;
        loop {
            let answer = self.read_settled(Arc::clone(&read)).await?;
            match answer {
                Ok(answer) => return Ok(answer),
                Err(StoreError::Full) if Instant::now() < deadline => tokio::time::sleep(BETWEEN_READS).await,
                Err(StoreError::Full) => return Err(Fault::ReadOnly),
                Err(fault) => {
                    error!(fault = %fault, "the ledger could not be read");
                    return Err(Fault::Internal);
                }
            }
        }
    }

    async fn read_settled<T: Send + 'static>(
        &self,
        read: Arc<impl Fn(&dyn Store) -> Result<T, StoreError> + Send + Sync + 'static>,
    ) -> Result<Result<T, StoreError>, Fault> {
        let permit = Arc::clone(&self.blocking).acquire_owned().await.map_err(|_| Fault::ShuttingDown)?;
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || {
            // Held until the end, though whoever asked may be gone by then.
            let _permit = permit;
            let before = store.refills();
            let answer = read(&*store);
            let settled = before.is_multiple_of(2) && store.refills() == before;
            if settled { answer } else { Err(StoreError::Full) }
        });
        read.await.map_err(|_| Fault::Internal)
    }
}
