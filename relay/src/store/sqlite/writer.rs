//! The one writer: takes everything that waits, runs it in one transaction, commits durably, then answers.
//!
//! A batch that fails is rolled back and its jobs run again one by one, each in a transaction of its own, so that one
//! submission too large for a full disk does not take the acknowledgements beside it along.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;

use super::books::Books;
use super::checkpoints::Checkpoints;
use crate::store::waiting::{Reply, WAITING_MAX, WaitingBytes, answered};
use crate::store::{Answer, OnStored, StoreError};

/// Jobs of one transaction: bounds how long one commit keeps everybody waiting.
const BATCH_MAX: usize = 1024;
/// How long a batch is held open for more under load. Alone, a job never waits; nor does one where the last transaction took
/// longer than this, for others have gathered meanwhile.
const COMMIT_WAIT: Duration = Duration::from_millis(1);
/// From this size of the previous batch on, waiting pays: the writer is what others wait for.
const BUSY_BATCH: usize = 16;

/// The way to the writer thread.
pub(super) struct Writer {
    jobs: std::sync::Mutex<Option<SyncSender<Order>>>,
    waiting: WaitingBytes,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// Something to run in a transaction and to answer after it.
trait Job: Send {
    fn run(&mut self, books: &mut Books) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Order {
    job: Box<dyn Job>,
    bytes: usize,
}

struct Task<F, T> {
    work: F,
    reply: Reply<T>,
}

impl<F, T> Job for Task<F, T>
where
    F: FnMut(&mut Books) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, books: &mut Books) -> rusqlite::Result<()> {
        self.reply.keep((self.work)(books)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        self.reply.send(outcome);
    }
}

impl Writer {
    /// Starts the thread that owns `db`.
    pub(super) fn start(
        books: Books,
        checkpoints: Checkpoints,
        on_stored: OnStored,
    ) -> std::io::Result<Self> {
        let (jobs, orders) = sync_channel(WAITING_MAX);
        let waiting = WaitingBytes::default();
        let waited = waiting.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Desk {
                    books,
                    checkpoints,
                    on_stored,
                    orders,
                    waiting: waited,
                }
                .work()
            })?;
        Ok(Self {
            jobs: std::sync::Mutex::new(Some(jobs)),
            waiting,
            thread: std::sync::Mutex::new(Some(thread)),
        })
    }

    /// Queues `work` now; `bytes` is what it holds in memory. `work` may run more than once, each time on unchanged
    /// books.
    pub(super) fn run<T, F>(&self, bytes: usize, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Books) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = Reply::new();
        let job = Box::new(Task { work, reply });
        let queued = self.waiting.queue(bytes, || self.send(Order { job, bytes }));
        answered(queued, answer)
    }

    fn send(&self, order: Order) -> Result<(), StoreError> {
        let jobs = self
            .jobs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let jobs = jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.try_send(order).map_err(|fault| match fault {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// Lets the thread finish what waits and ends it.
    pub(super) fn close(&self) -> Option<JoinHandle<()>> {
        self.jobs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        self.thread
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }
}

/// The writer thread's side.
struct Desk {
    books: Books,
    checkpoints: Checkpoints,
    on_stored: OnStored,
    orders: Receiver<Order>,
    waiting: WaitingBytes,
}

impl Desk {
    fn work(mut self) {
        let (mut last, mut took) = (0, Duration::ZERO);
        let mut batch = Vec::new();
        while let Ok(first) = self.orders.recv() {
            batch.push(first);
            if last >= BUSY_BATCH && took < COMMIT_WAIT {
                // Asleep, not at the channel: whoever sends is not held up by waking this thread for each job.
                std::thread::sleep(COMMIT_WAIT);
            }
            self.fill(&mut batch);
            last = batch.len();
            let held: usize = batch.iter().map(|order| order.bytes).sum();
            let begun = Instant::now();
            self.settle(&mut batch);
            took = begun.elapsed();
            self.waiting.release(held);
            self.merge();
        }
        self.books.close(self.checkpoints);
    }

    /// Takes what waits.
    fn fill(&self, batch: &mut Vec<Order>) {
        while batch.len() < BATCH_MAX
            && let Ok(order) = self.orders.try_recv()
        {
            batch.push(order);
        }
    }

    fn settle(&mut self, batch: &mut Vec<Order>) {
        let whole = self.transaction(batch);
        if whole.is_err() && batch.len() > 1 {
            for order in batch.drain(..) {
                let mut alone = vec![order];
                let outcome = self.transaction(&mut alone);
                self.tell(&mut alone, outcome);
            }
        } else {
            self.tell(batch, whole);
        }
    }

    fn transaction(&mut self, batch: &mut [Order]) -> Result<(), StoreError> {
        let done = self
            .books
            .begin()
            .and_then(|()| {
                batch
                    .iter_mut()
                    .try_for_each(|order| order.job.run(&mut self.books))
            })
            .and_then(|()| self.books.commit());
        done.map_err(|fault| {
            self.books.roll_back();
            let fault = named(&fault);
            tracing::error!(%fault, jobs = batch.len(), "a transaction was rolled back");
            if fault == StoreError::Full {
                self.books.make_room();
            }
            fault
        })
    }

    /// A part of what acknowledgements put off, in a transaction of its own: no job fails for it.
    fn merge(&mut self) {
        if !self.books.has_to_merge() {
            return;
        }
        let merged = self
            .books
            .begin()
            .and_then(|()| self.books.merge())
            .and_then(|()| self.books.commit());
        if let Err(fault) = merged {
            self.books.roll_back();
            self.books.put_off_merge();
            let fault = named(&fault);
            tracing::warn!(%fault, "ids of delivered envelopes could not be put in order; it is tried again");
        }
    }

    fn tell(&mut self, batch: &mut Vec<Order>, outcome: Result<(), StoreError>) {
        for stored in self.books.take_stored() {
            (self.on_stored)(stored);
        }
        for order in batch.drain(..) {
            order.job.answer(outcome.clone());
        }
    }
}

/// The store's name for SQLite's fault. Its text names tables and codes, never values.
pub(super) fn named(fault: &rusqlite::Error) -> StoreError {
    match fault.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseBusy) => StoreError::Busy,
        _ => StoreError::Failed(fault.to_string()),
    }
}
