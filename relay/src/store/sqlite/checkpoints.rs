//! Checkpoints: what stands in the write-ahead log goes into the file. A thread of its own copies nearly all of it while the writer
//! goes on; the writer copies the rest after one of its commits, so that the log begins anew.
//!
//! ```text
//!   log grows ─ long enough ─> copying (beside the writer) ─> copied ─ next commit: the rest ─> log begins anew
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::open::{self, OpenError};

/// Pages in the log (16 MiB) from which on they are copied. The pages at the ends of queues change with every commit, and of each
/// only its last state is copied: a log four times as long as SQLite's own means a quarter of the work.
const LONG: i32 = 4_000;

/// The thread that copies; it ends with the connection that watches.
pub(super) struct Checkpoints {
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Lets `writer`, a connection to the database at `path`, watch its log.
    pub(super) fn watch(writer: &mut Connection, path: &Path) -> Result<Self, OpenError> {
        let beside = open::beside(path)?;
        let (wake, woken) = sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&copied);
        let thread = std::thread::Builder::new()
            .name("store-checkpoints".to_owned())
            .spawn(move || copy(&beside, &woken, &done))
            .map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))?;
        let mut log = Log::new();
        writer.wal_hook(Some(move |wal: &mut rusqlite::hooks::Wal, pages| {
            match log.grown(pages, || copied.swap(false, Ordering::Acquire)) {
                Step::Wait => {}
                // It has been woken and not yet begun, or is gone: the next commit asks again.
                Step::Copy => log.asked(wake.try_send(()).is_ok()),
                // The commit is durable whatever comes of this.
                Step::Finish => {
                    if let Err(fault) = wal.checkpoint() {
                        tracing::warn!(%fault, "a checkpoint was not finished; it is tried again");
                    }
                }
            }
            Ok(())
        }))?;
        Ok(Self { thread })
    }

    /// Ends the thread, once the writer watches no more.
    pub(super) fn end(self, writer: &mut Connection) {
        type Hook = fn(&mut rusqlite::hooks::Wal, i32) -> rusqlite::Result<()>;
        if let Err(fault) = writer.wal_hook(None::<Hook>) {
            tracing::warn!(%fault, "the log is watched to the end");
            return;
        }
        if self.thread.join().is_err() {
            tracing::error!("the thread of the checkpoints stopped");
        }
    }
}

/// The thread's work: a checkpoint each time it is woken, which takes what is there and waits for nobody.
fn copy(beside: &Connection, woken: &Receiver<()>, copied: &AtomicBool) {
    while woken.recv().is_ok() {
        if let Err(fault) = beside.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%fault, "a checkpoint failed; the writer tries it itself");
        }
        copied.store(true, Ordering::Release);
    }
}

/// What is to be done after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wait,
    Copy,
    Finish,
}

/// The log as the writer sees it grow.
struct Log {
    /// Pages from which on something is done.
    long: i32,
    copying: bool,
}

impl Log {
    const fn new() -> Self {
        Self {
            long: LONG,
            copying: false,
        }
    }

    /// A commit left `pages` in the log; `is_copied` says once that copying ended.
    fn grown(&mut self, pages: i32, is_copied: impl FnOnce() -> bool) -> Step {
        if self.copying {
            if !is_copied() {
                return Step::Wait;
            }
            self.copying = false;
            // Where a reader is in the way, or the disk is full, the log goes on growing and is as long again before the next try.
            self.long = pages.saturating_add(LONG);
            return Step::Finish;
        }
        if pages < LONG {
            self.long = LONG;
        }
        if pages < self.long { Step::Wait } else { Step::Copy }
    }

    /// Whether the thread has heard that it is to copy.
    fn asked(&mut self, heard: bool) {
        self.copying = heard;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_copied_beside_the_writer_and_finished_by_it() {
        let mut log = Log::new();
        assert_eq!(log.grown(LONG - 1, || panic!("nobody copies")), Step::Wait);
        assert_eq!(log.grown(LONG, || panic!("nobody copies")), Step::Copy);
        log.asked(true);
        assert_eq!(log.grown(LONG + 10, || false), Step::Wait);
        assert_eq!(log.grown(LONG + 20, || true), Step::Finish);
        assert_eq!(
            log.grown(5, || panic!("nobody copies")),
            Step::Wait,
            "the log began anew"
        );
        assert_eq!(log.grown(LONG, || panic!("nobody copies")), Step::Copy);
    }

    #[test]
    fn a_log_that_does_not_begin_anew_is_tried_again_when_it_has_doubled() {
        let mut log = Log::new();
        assert_eq!(log.grown(LONG, || false), Step::Copy);
        log.asked(false);
        assert_eq!(log.grown(LONG + 1, || false), Step::Copy, "nobody had heard");
        log.asked(true);
        assert_eq!(log.grown(LONG + 2, || true), Step::Finish);
        assert_eq!(log.grown(LONG + 3, || false), Step::Wait);
        assert_eq!(log.grown(2 * LONG + 1, || false), Step::Wait);
        assert_eq!(log.grown(2 * LONG + 2, || false), Step::Copy);
    }

    /// The log of a writer that never rests stays bounded, and what it held is in the file.
    #[test]
    fn the_log_of_a_busy_writer_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let mut db = open::writer(&path, None).unwrap();
        db.execute_batch("CREATE TABLE load (number INTEGER PRIMARY KEY, filling BLOB)")
            .unwrap();
        let checkpoints = Checkpoints::watch(&mut db, &path).unwrap();
        // Four times as many pages as make a long log, a hundred with each commit.
        let commits = 4 * LONG / 100;
        for _ in 0..commits {
            let tx = db.transaction().unwrap();
            for _ in 0..100 {
                tx.execute("INSERT INTO load (filling) VALUES (zeroblob(3000))", [])
                    .unwrap();
            }
            tx.commit().unwrap();
        }
        checkpoints.end(&mut db);
        let log = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        let page = 4096 + 24;
        assert!(log < 3 * LONG as u64 * page, "{} pages in the log", log / page);
        drop(db);
        let count: i32 = open::reader(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM load", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 100 * commits);
    }
}
