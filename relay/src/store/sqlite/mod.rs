//! The embedded store: one SQLite file, write-ahead log, `synchronous = FULL`.
//!
//! One thread writes (`writer`, `books`), a few connections read (`readers`); each file beside them holds the
//! statements of one concept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chopar_wire::ids::{AccountId, DeviceId, FileId, InviteId, OpaqueLogId, QueueSeq};
use chopar_wire::proto::audit::Record;
use prost::bytes::Bytes;

use self::books::Books;
use self::checkpoints::Checkpoints;
use self::readers::Readers;
use self::writer::Writer;
use super::administration::{Act, Administration, ListedDevice, Outcome, Standing};
use super::audit::AuditLog;
use super::{
    Answer, Append, Appended, Begun, Claim, Fact, FileFacts, FileKeys, Files, FilesKept, GroupSubmission,
    GroupSubmitted, Groups, Invite, LogPage, Member, NewAccount, NewFile, OnStored, OpaqueAppend,
    OpaqueAppended, OpaqueHead, OpaqueLogs, OpaquePage, OpaquePlace, Person, Progress, QueuePage,
    Registration, SignInFacts, Store, StoreError, Submission, Submitted, TokenHash,
};
use crate::audit::chain::{Row, Tip};
use crate::audit::node::{NodeId, NodeKey};
use crate::audit::record::Actor;
use crate::clock::Clock;

mod accounts;
mod administration;
mod audit;
mod books;
mod checkpoints;
mod delivered;
mod facts;
mod files;
mod groups;
mod invites;
mod mailbox;
mod opaque;
pub(crate) mod open;
mod prekeys;
mod queue;
mod readers;
mod sweep;
mod writer;

/// The database's name in the data folder.
pub(crate) const FILE: &str = "relay.db";

/// How to open a store.
pub(crate) struct Options {
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
    /// Whose audit log is written.
    pub(crate) node: Arc<NodeKey>,
    pub(crate) bytes_max: Option<u64>,
    pub(crate) on_stored: OnStored,
}

pub(crate) struct SqliteStore {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    clock: Clock,
}

impl SqliteStore {
    /// Opens or makes the database in an existing folder.
    pub(crate) fn open(options: Options) -> Result<Self, open::OpenError> {
        let path = path(&options.folder);
        let mut db = open::writer(&path, options.bytes_max)?;
        let checkpoints = Checkpoints::watch(&mut db, &path)?;
        let readers = Arc::new(Readers::open(&path)?);
        let clock = options.clock.clone();
        let books = Books::new(db, options.clock, options.node);
        let writer = Writer::start(books, checkpoints, options.on_stored)
            .map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))?;
        Ok(Self {
            writer: Arc::new(writer),
            readers,
            clock,
        })
    }
}

/// Where the database of a data folder is.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// A fact about the relay of a data folder, whether it runs or not; `None` where it is not known. Nothing is written.
pub(crate) fn fact(folder: &Path, fact: Fact) -> Result<Option<String>, open::OpenError> {
    let path = path(folder);
    if open::version(&path)? < open::SCHEMA_VERSION {
        return Ok(None);
    }
    Ok(facts::read(&open::reader(&path)?, fact)?)
}

impl Store for SqliteStore {
    fn register(&self, new: NewAccount) -> Answer<Registration> {
        self.writer.run(0, move |books| books.register(&new))
    }

    fn invite(&self, token: TokenHash) -> Answer<Option<Invite>> {
        self.readers.run(move |db| invites::invite(db, &token))
    }

    fn create_invite(&self, invite: Invite, token: TokenHash, by: Actor) -> Answer<()> {
        self.writer
            .run(0, move |books| books.create_invite(&invite, &token, false, by))
    }

    fn replace_first_invite(&self, invite: Invite, token: TokenHash) -> Answer<bool> {
        self.writer
            .run(0, move |books| books.replace_first_invite(&invite, &token))
    }

    fn invites(&self) -> Answer<Vec<Invite>> {
        self.readers.run(invites::list)
    }

    fn revoke_invite(&self, id: InviteId, by: Actor) -> Answer<bool> {
        self.writer.run(0, move |books| books.revoke_invite(&id, by))
    }

    fn members(&self, after: String, limit: usize) -> Answer<Vec<Member>> {
        self.readers.run(move |db| accounts::members(db, &after, limit))
    }

    fn find(&self, words: Vec<String>, limit: usize) -> Answer<Vec<Person>> {
        self.readers.run(move |db| accounts::find(db, &words, limit))
    }

    fn set_display_name(&self, account: AccountId, name: String, words: Vec<String>) -> Answer<()> {
        self.writer
            .run(0, move |books| books.set_display_name(&account, &name, &words))
    }

    fn sign_in(&self, account: AccountId, device: DeviceId) -> Answer<Option<SignInFacts>> {
        self.readers
            .run(move |db| accounts::sign_in(db, &account, &device))
    }

    fn log(&self, account: AccountId, from: u32, bytes: usize) -> Answer<Option<LogPage>> {
        self.readers
            .run(move |db| accounts::log_page(db, &account, from, bytes))
    }

    fn append_log(&self, append: Append) -> Answer<Appended> {
        self.writer
            .run(append.entry.encoded.len(), move |books| books.append_log(&append))
    }

    fn publish_bundle(&self, device: DeviceId, sequence: u64, bundle: Bytes) -> Answer<bool> {
        self.writer.run(bundle.len(), move |books| {
            books.publish_bundle(device, sequence, &bundle)
        })
    }

    fn add_one_time(&self, device: DeviceId, pairs: Vec<(u32, Bytes)>) -> Answer<Option<usize>> {
        let bytes = pairs.iter().map(|(_, pair)| pair.len()).sum();
        self.writer
            .run(bytes, move |books| books.add_one_time(device, &pairs))
    }

    fn claim(&self, account: AccountId, device: DeviceId) -> Answer<Claim> {
        self.writer.run(0, move |books| books.claim(&account, device))
    }

    fn submit(&self, submission: Submission) -> Answer<Submitted> {
        let bytes = submission.parcels.iter().map(|parcel| parcel.body.len()).sum();
        self.writer.run(bytes, move |books| books.submit(&submission))
    }

    fn acknowledge(&self, device: DeviceId, seqs: Vec<QueueSeq>) -> Answer<()> {
        let writer = Arc::clone(&self.writer);
        let again = seqs.clone();
        let first = writer.run(0, move |books| books.acknowledge(device, &seqs, true));
        Box::pin(async move {
            match first.await {
                // A store at its bound must still drain: without room for the memory of ids, the ids are forgotten. Where
                // the disk itself has no room even a deletion finds none in the log: it is refused until there is some.
                Err(StoreError::Full) => {
                    writer
                        .run(0, move |books| books.acknowledge(device, &again, false))
                        .await
                }
                other => other,
            }
        })
    }

    fn queue(&self, device: DeviceId, after: u64, count: usize, bytes: usize) -> Answer<QueuePage> {
        let now = self.clock.now();
        self.readers
            .run(move |db| queue::page(db, device, after, count, bytes, now))
    }

    fn sweep(&self) -> Answer<bool> {
        self.writer.run(0, Books::sweep)
    }

    fn ready(&self) -> Answer<()> {
        self.writer.run(0, Books::probe)
    }

    fn set_fact(&self, fact: Fact, value: String) -> Answer<()> {
        self.writer.run(0, move |books| books.set_fact(fact, &value))
    }

    fn fact(&self, fact: Fact) -> Answer<Option<String>> {
        self.readers.run(move |db| facts::read(db, fact))
    }

    fn close(&self) -> Answer<()> {
        let thread = self.writer.close();
        let readers = Arc::clone(&self.readers);
        Box::pin(async move {
            readers.close().await;
            let Some(thread) = thread else { return Ok(()) };
            let ended = tokio::task::spawn_blocking(move || thread.join()).await;
            match ended {
                Ok(Ok(())) => Ok(()),
                _ => Err(StoreError::Failed("the writer stopped".to_owned())),
            }
        })
    }
}

impl AuditLog for SqliteStore {
    fn record(&self, record: Record) -> Answer<()> {
        self.writer.run(0, move |books| books.record(record.clone()))
    }

    fn audit_page(&self, node: NodeId, after: u64, count: usize) -> Answer<Vec<Row>> {
        self.readers.run(move |db| audit::page(db, node, after, count))
    }

    fn audit_chains(&self) -> Answer<Vec<(NodeId, Tip)>> {
        self.readers.run(audit::chains)
    }

    fn prune_audit(&self) -> Answer<bool> {
        self.writer.run(0, Books::prune_audit)
    }
}

impl Administration for SqliteStore {
    fn administer(&self, act: Act, by: Actor) -> Answer<Outcome> {
        self.writer.run(0, move |books| books.administer(&act, by))
    }

    fn member_named(&self, handle: String) -> Answer<Option<Member>> {
        self.readers.run(move |db| accounts::member_named(db, &handle))
    }

    fn devices(&self, account: AccountId) -> Answer<Option<Vec<ListedDevice>>> {
        self.readers.run(move |db| administration::devices(db, &account))
    }

    fn standing(&self, after: u64) -> Answer<Standing> {
        self.readers.run(move |db| administration::standing(db, after))
    }

    fn after_restore(&self) -> Answer<()> {
        self.writer.run(0, Books::after_restore)
    }
}

impl Groups for SqliteStore {
    fn submit_group(&self, submission: GroupSubmission) -> Answer<GroupSubmitted> {
        self.writer.run(submission.body.len(), move |books| {
            books.submit_group(&submission)
        })
    }
}

impl OpaqueLogs for SqliteStore {
    fn opaque_head(&self, log: OpaqueLogId) -> Answer<Option<OpaqueHead>> {
        self.readers.run(move |db| opaque::head(db, &log))
    }

    fn append_opaque(&self, append: OpaqueAppend) -> Answer<OpaqueAppended> {
        self.writer
            .run(append.signed.len(), move |books| books.append_opaque(&append))
    }

    fn opaque_log(&self, log: OpaqueLogId, from: OpaquePlace, bytes: usize) -> Answer<Option<OpaquePage>> {
        self.readers.run(move |db| opaque::page(db, &log, from, bytes))
    }
}

impl Files for SqliteStore {
    fn file_keys(&self, fresh: FileKeys) -> Answer<FileKeys> {
        self.writer.run(0, move |books| books.file_keys(&fresh))
    }

    fn begin_file(&self, new: NewFile) -> Answer<Begun> {
        self.writer.run(0, move |books| books.begin_file(&new))
    }

    fn file(&self, file: FileId) -> Answer<Option<FileFacts>> {
        let now = self.clock.now();
        self.readers.run(move |db| files::file(db, &file, now))
    }

    fn file_received(&self, progress: Progress) -> Answer<bool> {
        self.writer.run(0, move |books| books.file_received(&progress))
    }

    fn end_file(&self, file: FileId, account: AccountId) -> Answer<bool> {
        self.writer.run(0, move |books| books.end_file(&file, &account))
    }

    fn ended_files(&self, after: Option<FileId>, limit: usize) -> Answer<Vec<FileId>> {
        let now = self.clock.now();
        self.readers
            .run(move |db| files::ended(db, after.as_ref(), limit, now))
    }

    fn forget_files(&self, files: Vec<FileId>) -> Answer<()> {
        self.writer.run(0, move |books| books.forget_files(&files))
    }

    fn unknown_files(&self, files: Vec<FileId>) -> Answer<Vec<FileId>> {
        self.readers.run(move |db| files::unknown(db, files))
    }

    fn stray_files(&self, files: Vec<FileId>, before: u64) -> Answer<Vec<FileId>> {
        self.writer.run(0, move |books| books.stray_files(&files, before))
    }

    fn forget_strays(&self, files: Vec<FileId>) -> Answer<()> {
        self.writer.run(0, move |books| books.forget_strays(&files))
    }

    fn files_kept(&self) -> Answer<FilesKept> {
        self.readers.run(files::kept)
    }
}
