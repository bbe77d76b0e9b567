//! sled with nothing around it: the same version, the same cache, the same
//! guarantee (flush, then fdatasync), and the keys and values that the service
//! wrote. Here alone, the benchmarks reach below the store's door.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A key and its value.
pub type Pair = (sled::IVec, sled::IVec);

/// Cache of the server unless it is told otherwise.
pub const CACHE_BYTES: u64 = 128 << 20;

/// A raw database.
pub struct Raw {
    db: sled::Db,
    data: File,
}

impl Raw {
    /// An empty database.
    pub fn new(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Self::open(directory)
    }

    /// The database in a directory that no server has open.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        let config = sled::Config::new().path(directory).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let deadline = Instant::now() + Duration::from_secs(5);
        let db = loop {
            match config.open() {
                Ok(db) => break db,
                // The lock may outlive the process that held it by a moment.
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => std::thread::yield_now(),
            }
        };
        let data = File::options().write(true).open(directory.join("db"))?;
        Ok(Self { db, data })
    }

    /// Every pair, in order.
    pub fn pairs(&self) -> impl Iterator<Item = anyhow::Result<Pair>> {
        self.db.iter().map(|pair| pair.map_err(anyhow::Error::from))
    }

    /// Pairs whose keys begin with some bytes and come from `from` on.
    pub fn pairs_from(&self, prefix: &[u8], from: &[u8]) -> anyhow::Result<Vec<Pair>> {
        // No key goes on with this byte: what follows a prefix is a number far below its end, or a slash.
        let end = [prefix, &[0xFF]].concat();
        self.db.range(from.to_vec()..end).map(|pair| pair.map_err(anyhow::Error::from)).collect()
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> anyhow::Result<Option<sled::IVec>> {
        Ok(self.db.get(key)?)
    }

    fn commit(&self, batch: sled::Batch) -> anyhow::Result<()> {
        self.db.apply_batch(batch)?;
        self.db.flush()?;
        self.data.sync_data()?;
        Ok(())
    }

    /// Loads pairs, so many a durable batch. Seconds that took.
    pub fn load(&self, pairs: &[Pair], each: usize) -> anyhow::Result<f64> {
        let started = Instant::now();
        for some in pairs.chunks(each) {
            let mut batch = sled::Batch::default();
            for (key, value) in some {
                batch.insert(key, value);
            }
            self.commit(batch)?;
        }
        Ok(started.elapsed().as_secs_f64())
    }

    /// Commits writes of several clients, each waiting for its own before the next: what waits goes
    /// into one batch. Seconds that all took.
    pub fn group_commit(&self, writes: &[Vec<Pair>], clients: usize) -> anyhow::Result<f64> {
        let (queue, waiting) = mpsc::sync_channel::<(&[Pair], mpsc::SyncSender<()>)>(clients);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for client in 0..clients {
                let queue = queue.clone();
                scope.spawn(move || {
                    let (done, wait) = mpsc::sync_channel(1);
                    for write in writes.iter().skip(client).step_by(clients) {
                        if queue.send((write.as_slice(), done.clone())).is_err() || wait.recv().is_err() {
                            return;
                        }
                    }
                });
            }
            drop(queue);
            while let Ok(first) = waiting.recv() {
                let group: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let mut batch = sled::Batch::default();
                for (write, _) in &group {
                    for (key, value) in *write {
                        batch.insert(key, value);
                    }
                }
                self.commit(batch)?;
                for (_, done) in group {
                    done.send(())?;
                }
            }
            anyhow::Ok(())
        })?;
        Ok(started.elapsed().as_secs_f64())
    }
}

/// Bytes of everything in a directory.
pub fn size(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}

/// Copies a directory whole.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
