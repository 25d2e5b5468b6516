//! Checkpoints: what stands in the write-ahead log goes into the file. A thread of its own copies nearly all of it while the writer
//! goes on; the writer copies the rest after its next commits, until the log begins anew.
//!
//! ```text
//!   log grows ─ long enough ─> copying (beside the writer) ─> finishing (each commit the rest) ─> log begins anew
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

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
        writer.wal_hook(Some(move |wal: &mut Wal, pages| {
            match log.grown(pages, || copied.swap(false, Ordering::Acquire)) {
                Step::Wait => {}
                Step::Copy => {
                    if wake.try_send(()).is_err() {
                        // It is gone, by a mistake of ours: the writer does it all, as SQLite would.
                        tracing::error!("the thread of the checkpoints stopped");
                        log.stage = Stage::Finishing;
                        finish(wal);
                    }
                }
                Step::Finish => finish(wal),
            }
            Ok(())
        }))?;
        Ok(Self { thread })
    }

    /// Ends the thread, once the writer watches no more.
    pub(super) fn end(self, writer: &mut Connection) {
        type Hook = fn(&mut Wal, i32) -> rusqlite::Result<()>;
        if let Err(fault) = writer.wal_hook(None::<Hook>) {
            tracing::warn!(%fault, "the log is watched to the end");
            return;
        }
        if self.thread.join().is_err() {
            tracing::error!("the thread of the checkpoints stopped");
        }
    }
}

/// Copies what is left. The commit is durable whatever comes of this.
fn finish(wal: &mut Wal) {
    if let Err(fault) = wal.checkpoint() {
        tracing::warn!(%fault, "a checkpoint was not finished; the next commit tries it again");
    }
}

/// The thread's work: a checkpoint each time it is woken. What it leaves, the writer takes.
fn copy(beside: &Connection, woken: &Receiver<()>, copied: &AtomicBool) {
    while woken.recv().is_ok() {
        let _told = Told(copied);
        if let Err(fault) = passive(beside) {
            tracing::warn!(%fault, "a checkpoint failed; the writer makes it");
        }
    }
}

/// A checkpoint that takes what is there, and waits for nobody.
pub(super) fn passive(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Tells the writer that copying ended, however it did.
struct Told<'a>(&'a AtomicBool);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
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
    /// Pages after the last commit: where there are fewer now, the log began anew.
    last: i32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Growing,
    Copying,
    /// Each commit tries it. A reader that began before keeps the log from beginning anew until it has read.
    Finishing,
}

impl Log {
    const fn new() -> Self {
        Self {
            last: 0,
            stage: Stage::Growing,
        }
    }

    /// A commit left `pages` in the log; `is_copied` says once that copying ended.
    fn grown(&mut self, pages: i32, is_copied: impl FnOnce() -> bool) -> Step {
        let began_anew = pages < self.last;
        self.last = pages;
        match self.stage {
            Stage::Copying if is_copied() => self.stage = Stage::Finishing,
            Stage::Copying => return Step::Wait,
            Stage::Finishing if began_anew => self.stage = Stage::Growing,
            Stage::Growing | Stage::Finishing => {}
        }
        match self.stage {
            Stage::Finishing => Step::Finish,
            _ if pages < LONG => Step::Wait,
            _ => {
                self.stage = Stage::Copying;
                Step::Copy
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> bool {
        panic!("nobody copies")
    }

    #[test]
    fn a_long_log_is_copied_beside_the_writer_and_finished_by_it() {
        let mut log = Log::new();
        assert_eq!(log.grown(LONG - 1, nobody), Step::Wait);
        assert_eq!(log.grown(LONG, nobody), Step::Copy);
        assert_eq!(log.grown(LONG + 10, || false), Step::Wait);
        assert_eq!(log.grown(LONG + 20, || true), Step::Finish);
        assert_eq!(log.grown(5, nobody), Step::Wait, "the log began anew");
        assert_eq!(log.grown(LONG, nobody), Step::Copy);
    }

    #[test]
    fn what_is_in_the_way_is_waited_for_commit_by_commit() {
        let mut log = Log::new();
        assert_eq!(log.grown(LONG, nobody), Step::Copy);
        assert_eq!(log.grown(LONG + 1, || true), Step::Finish);
        assert_eq!(
            log.grown(LONG + 2, nobody),
            Step::Finish,
            "a reader is in the way"
        );
        assert_eq!(log.grown(3 * LONG, nobody), Step::Finish);
        assert_eq!(log.grown(LONG + 5, nobody), Step::Copy, "anew, and long at once");
    }

    /// Writes a commit of a hundred pages.
    fn load(db: &mut Connection) {
        let tx = db.transaction().unwrap();
        for _ in 0..100 {
            tx.execute("INSERT INTO load (filling) VALUES (zeroblob(3000))", [])
                .unwrap();
        }
        tx.commit().unwrap();
    }

    fn made(path: &Path) -> (Connection, Checkpoints) {
        let mut db = open::writer(path, None).unwrap();
        db.execute_batch("CREATE TABLE load (number INTEGER PRIMARY KEY, filling BLOB)")
            .unwrap();
        let checkpoints = Checkpoints::watch(&mut db, path).unwrap();
        (db, checkpoints)
    }

    /// What changes in a log each time it begins anew: its salts.
    fn age(path: &Path) -> Vec<u8> {
        std::fs::read(path.with_extension("db-wal")).unwrap()[16..24].to_vec()
    }

    /// Commits until the log begins anew; whether it did within so many.
    fn begins_anew(db: &mut Connection, path: &Path, commits: usize) -> bool {
        let before = age(path);
        (0..commits).any(|_| {
            load(db);
            age(path) != before
        })
    }

    #[test]
    fn the_log_of_a_writer_that_never_rests_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let (mut db, checkpoints) = made(&path);
        for _ in 0..2 {
            // A long log is forty commits; a slow disk copies for longer than that.
            assert!(begins_anew(&mut db, &path, 1_000));
        }
        let alone = folder.path().join("alone.db");
        std::fs::copy(&path, &alone).unwrap();
        let count: i32 = Connection::open(&alone)
            .unwrap()
            .query_row("SELECT count(*) FROM load", [], |row| row.get(0))
            .unwrap();
        assert!(count >= LONG, "{count} of what was written is in the file");
        checkpoints.end(&mut db);
    }

    #[test]
    fn a_reader_keeps_the_log_for_as_long_as_it_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let (mut db, checkpoints) = made(&path);
        load(&mut db);
        let reader = open::reader(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM load").unwrap();
        assert!(
            !begins_anew(&mut db, &path, 100),
            "what is read is not written over"
        );
        reader.execute_batch("COMMIT").unwrap();
        assert!(begins_anew(&mut db, &path, 1_000));
        checkpoints.end(&mut db);
    }
}
