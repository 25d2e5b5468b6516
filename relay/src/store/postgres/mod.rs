//! The store of several nodes: PostgreSQL.
//!
//! ```text
//!  submit, ack, … ──> writer: one transaction for all that waits ──> books: announce ──> on_stored, Here, bus ──> other nodes
//!  queue, log, …  ──> readers: a few shared connections
//! ```
//! Each node has one writer; between nodes the row of a device's mailbox is the lock of its queue (`batch`), so numbers
//! become visible in their order. Nothing is kept by heart that another node may change. An answer follows a commit that
//! waited for the disk (`synchronous_commit`).

use std::sync::{Arc, Mutex, PoisonError};

use chopar_wire::ids::{AccountId, DeviceId, FileId, InviteId, OpaqueLogId, QueueSeq};
use chopar_wire::proto::audit::Record;
use prost::bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::batch::Request;
use self::books::Books;
use self::bus::Bus;
use self::link::Link;
use self::open::OpenError;
use self::readers::Readers;
use self::target::Target;
pub use self::target::{PostgresUrl, UrlError};
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
use crate::nodes::{Here, Others};

mod accounts;
mod administration;
mod audit;
mod batch;
mod bodies;
mod books;
mod bus;
mod facts;
pub(crate) mod file_parts;
mod files;
mod invites;
mod link;
mod opaque;
pub(crate) mod open;
mod prekeys;
mod queue;
mod readers;
#[cfg(test)]
#[path = "../../../tests/common/postgres.rs"]
pub(crate) mod server;
mod target;
mod tls;
mod writer;

/// How to open a store.
pub(crate) struct Options {
    pub(crate) url: PostgresUrl,
    pub(crate) clock: Clock,
    pub(crate) on_stored: OnStored,
    /// Woken by what other nodes write.
    pub(crate) here: Arc<dyn Here>,
    /// Whose audit log is written.
    pub(crate) node: Arc<NodeKey>,
    /// Tells this program from the others, for as long as it runs: a command beside the relay has the same key.
    pub(crate) program: [u8; 8],
}

pub(crate) struct PostgresStore {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    bus: Arc<Bus>,
    listening: Mutex<Option<JoinHandle<()>>>,
    clock: Clock,
}

impl PostgresStore {
    /// Opens a database that is there; makes the tables in an empty one.
    pub(crate) async fn open(options: Options) -> Result<Self, OpenError> {
        open::bring_up_to_date(&options.url).await?;
        let target = |role| Target::new(&options.url, role);
        let link = Link::open(&target("writer")).await?;
        writer::prepare(&link).await?;
        let readers = Arc::new(Readers::new(target("reader")));
        let bus = Arc::new(Bus::new(hex::encode(options.program)));
        let books = Books::new(
            options.clock.clone(),
            options.node,
            options.on_stored,
            Arc::clone(&options.here),
            Arc::clone(&bus) as Arc<dyn Others>,
        );
        let writer = Arc::new(Writer::start(target("writer"), link, books));
        let listening = bus.start(target("nodes"), options.here, Arc::clone(&readers));
        Ok(Self {
            writer,
            readers,
            bus,
            listening: Mutex::new(Some(listening)),
            clock: options.clock,
        })
    }

    /// The way to the other nodes.
    pub(crate) fn others(&self) -> Arc<dyn Others> {
        Arc::clone(&self.bus) as Arc<dyn Others>
    }
}

/// A fact about the relays of a database, whether one runs or not; `None` where it is not known. Nothing is written.
pub(crate) async fn fact(url: &PostgresUrl, fact: Fact) -> Result<Option<String>, OpenError> {
    if open::version(url).await? == 0 {
        return Ok(None);
    }
    let link = Link::open(&Target::new(url, "look")).await?;
    Ok(facts::read(&link, fact).await?)
}

fn acknowledgement(writer: &Writer, device: DeviceId, seqs: Vec<QueueSeq>, remember: bool) -> Answer<()> {
    let (reply, answer) = oneshot::channel();
    let request = Request::Acknowledge {
        device,
        seqs,
        remember,
        reply,
    };
    writer.request(0, request, answer)
}

impl Store for PostgresStore {
    fn register(&self, new: NewAccount) -> Answer<Registration> {
        let new = Arc::new(new);
        self.writer.run(0, move |books: &mut Books| {
            let new = Arc::clone(&new);
            Box::pin(async move { accounts::register(books, &new).await })
        })
    }

    fn invite(&self, token: TokenHash) -> Answer<Option<Invite>> {
        self.readers
            .run(move |link| Box::pin(async move { invites::invite(link, &token).await }))
    }

    fn create_invite(&self, invite: Invite, token: TokenHash, by: Actor) -> Answer<()> {
        self.writer.run(0, move |books: &mut Books| {
            let invite = invite.clone();
            Box::pin(async move { invites::create(books, &invite, &token, false, by).await })
        })
    }

    fn replace_first_invite(&self, invite: Invite, token: TokenHash) -> Answer<bool> {
        self.writer.run(0, move |books: &mut Books| {
            let invite = invite.clone();
            Box::pin(async move { invites::replace_first(books, &invite, &token).await })
        })
    }

    fn invites(&self) -> Answer<Vec<Invite>> {
        self.readers.run(|link| Box::pin(invites::list(link)))
    }

    fn revoke_invite(&self, id: InviteId, by: Actor) -> Answer<bool> {
        self.writer.run(0, move |books: &mut Books| {
            Box::pin(async move { invites::revoke(books, &id, by).await })
        })
    }

    fn members(&self, after: String, limit: usize) -> Answer<Vec<Member>> {
        self.readers
            .run(move |link| Box::pin(async move { accounts::members(link, &after, limit).await }))
    }

    fn find(&self, words: Vec<String>, limit: usize) -> Answer<Vec<Person>> {
        self.readers
            .run(move |link| Box::pin(async move { accounts::find(link, &words, limit).await }))
    }

    fn set_display_name(&self, account: AccountId, name: String, words: Vec<String>) -> Answer<()> {
        self.writer.run(0, move |books: &mut Books| {
            let (name, words) = (name.clone(), words.clone());
            Box::pin(async move { accounts::set_display_name(books, &account, &name, &words).await })
        })
    }

    fn sign_in(&self, account: AccountId, device: DeviceId) -> Answer<Option<SignInFacts>> {
        self.readers
            .run(move |link| Box::pin(async move { accounts::sign_in(link, &account, &device).await }))
    }

    fn log(&self, account: AccountId, from: u32, bytes: usize) -> Answer<Option<LogPage>> {
        self.readers
            .run(move |link| Box::pin(async move { accounts::log_page(link, &account, from, bytes).await }))
    }

    fn append_log(&self, append: Append) -> Answer<Appended> {
        let append = Arc::new(append);
        self.writer
            .run(append.entry.encoded.len(), move |books: &mut Books| {
                let append = Arc::clone(&append);
                Box::pin(async move { accounts::append_log(books, &append).await })
            })
    }

    fn publish_bundle(&self, device: DeviceId, sequence: u64, bundle: Bytes) -> Answer<bool> {
        self.writer.run(bundle.len(), move |books: &mut Books| {
            let bundle = bundle.clone();
            Box::pin(async move { prekeys::publish_bundle(books, device, sequence, &bundle).await })
        })
    }

    fn add_one_time(&self, device: DeviceId, pairs: Vec<(u32, Bytes)>) -> Answer<Option<usize>> {
        let bytes = pairs.iter().map(|(_, pair)| pair.len()).sum();
        self.writer.run(bytes, move |books: &mut Books| {
            let pairs = pairs.clone();
            Box::pin(async move { prekeys::add_one_time(books, device, &pairs).await })
        })
    }

    fn claim(&self, account: AccountId, device: DeviceId) -> Answer<Claim> {
        self.writer.run(0, move |books: &mut Books| {
            Box::pin(async move { prekeys::claim(books, &account, device).await })
        })
    }

    fn submit(&self, submission: Submission) -> Answer<Submitted> {
        let bytes = submission.parcels.iter().map(|parcel| parcel.body.len()).sum();
        let (reply, answer) = oneshot::channel();
        let request = Request::Submit {
            submission,
            outcome: None,
            reply,
        };
        self.writer.request(bytes, request, answer)
    }

    fn acknowledge(&self, device: DeviceId, seqs: Vec<QueueSeq>) -> Answer<()> {
        let first = acknowledgement(&self.writer, device, seqs.clone(), true);
        let writer = Arc::clone(&self.writer);
        Box::pin(async move {
            match first.await {
                // A database without room must still drain: the memory of ids is given up for it.
                Err(StoreError::Full) => acknowledgement(&writer, device, seqs, false).await,
                other => other,
            }
        })
    }

    fn queue(&self, device: DeviceId, after: u64, count: usize, bytes: usize) -> Answer<QueuePage> {
        let now = self.clock.now();
        self.readers.run(move |link| {
            Box::pin(async move { queue::page(link, device, after, count, bytes, now).await })
        })
    }

    fn sweep(&self) -> Answer<bool> {
        self.writer
            .run(0, |books: &mut Books| Box::pin(queue::sweep(books)))
    }

    fn ready(&self) -> Answer<()> {
        self.writer
            .run(0, |books: &mut Books| Box::pin(facts::probe(books)))
    }

    fn set_fact(&self, fact: Fact, value: String) -> Answer<()> {
        self.writer.run(0, move |books: &mut Books| {
            let value = value.clone();
            Box::pin(async move { facts::set(books, fact, &value).await })
        })
    }

    fn fact(&self, fact: Fact) -> Answer<Option<String>> {
        self.readers.run(move |link| Box::pin(facts::read(link, fact)))
    }

    fn close(&self) -> Answer<()> {
        let task = self.writer.close();
        let readers = Arc::clone(&self.readers);
        let listening = self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Box::pin(async move {
            let ended = match task {
                Some(task) => task.await,
                None => Ok(()),
            };
            if let Some(listening) = listening {
                listening.abort();
            }
            readers.close().await;
            ended.map_err(|_| StoreError::Failed("the writer stopped".to_owned()))
        })
    }
}

impl AuditLog for PostgresStore {
    fn record(&self, record: Record) -> Answer<()> {
        self.writer.run(0, move |books: &mut Books| {
            let record = record.clone();
            Box::pin(async move {
                books.record(record);
                Ok(())
            })
        })
    }

    fn audit_page(&self, node: NodeId, after: u64, count: usize) -> Answer<Vec<Row>> {
        self.readers
            .run(move |link| Box::pin(audit::page(link, node, after, count)))
    }

    fn audit_chains(&self) -> Answer<Vec<(NodeId, Tip)>> {
        self.readers.run(|link| Box::pin(audit::chains(link)))
    }

    fn prune_audit(&self) -> Answer<bool> {
        self.writer
            .run(0, |books: &mut Books| Box::pin(audit::prune(books)))
    }
}

impl Administration for PostgresStore {
    fn administer(&self, act: Act, by: Actor) -> Answer<Outcome> {
        self.writer.run(0, move |books: &mut Books| {
            let act = act.clone();
            Box::pin(async move { administration::administer(books, &act, by).await })
        })
    }

    fn member_named(&self, handle: String) -> Answer<Option<Member>> {
        self.readers
            .run(move |link| Box::pin(async move { accounts::member_named(link, &handle).await }))
    }

    fn devices(&self, account: AccountId) -> Answer<Option<Vec<ListedDevice>>> {
        self.readers
            .run(move |link| Box::pin(async move { administration::devices(link, &account).await }))
    }

    fn standing(&self, after: u64) -> Answer<Standing> {
        self.readers
            .run(move |link| Box::pin(administration::standing(link, after)))
    }

    fn after_restore(&self) -> Answer<()> {
        self.writer.run(0, |books: &mut Books| {
            Box::pin(administration::after_restore(books))
        })
    }
}

impl Groups for PostgresStore {
    fn submit_group(&self, submission: GroupSubmission) -> Answer<GroupSubmitted> {
        let bytes = submission.body.len();
        let (reply, answer) = oneshot::channel();
        let request = Request::SubmitGroup {
            submission,
            outcome: None,
            reply,
        };
        self.writer.request(bytes, request, answer)
    }
}

impl OpaqueLogs for PostgresStore {
    fn opaque_head(&self, log: OpaqueLogId) -> Answer<Option<OpaqueHead>> {
        self.readers
            .run(move |link| Box::pin(async move { opaque::head(link, &log).await }))
    }

    fn append_opaque(&self, append: OpaqueAppend) -> Answer<OpaqueAppended> {
        self.writer.run(append.signed.len(), move |books: &mut Books| {
            let append = append.clone();
            Box::pin(async move { opaque::append(books, &append).await })
        })
    }

    fn opaque_log(&self, log: OpaqueLogId, from: OpaquePlace, bytes: usize) -> Answer<Option<OpaquePage>> {
        self.readers
            .run(move |link| Box::pin(async move { opaque::page(link, &log, from, bytes).await }))
    }
}

impl Files for PostgresStore {
    fn file_keys(&self, fresh: FileKeys) -> Answer<FileKeys> {
        self.writer.run(0, move |books: &mut Books| {
            Box::pin(async move { files::keys(books, &fresh).await })
        })
    }

    fn begin_file(&self, new: NewFile) -> Answer<Begun> {
        self.writer.run(0, move |books: &mut Books| {
            Box::pin(async move { files::begin(books, &new).await })
        })
    }

    fn file(&self, file: FileId) -> Answer<Option<FileFacts>> {
        let now = self.clock.now();
        self.readers
            .run(move |link| Box::pin(async move { files::file(link, &file, now).await }))
    }

    fn file_received(&self, progress: Progress) -> Answer<bool> {
        self.writer.run(0, move |books: &mut Books| {
            Box::pin(async move { files::received(books, &progress).await })
        })
    }

    fn end_file(&self, file: FileId, account: AccountId) -> Answer<bool> {
        self.writer.run(0, move |books: &mut Books| {
            Box::pin(async move { files::end(books, &file, &account).await })
        })
    }

    fn ended_files(&self, after: Option<FileId>, limit: usize) -> Answer<Vec<FileId>> {
        let now = self.clock.now();
        self.readers
            .run(move |link| Box::pin(files::ended(link, after, limit, now)))
    }

    fn forget_files(&self, files: Vec<FileId>) -> Answer<()> {
        let files = Arc::new(files);
        self.writer.run(0, move |books: &mut Books| {
            let files = Arc::clone(&files);
            Box::pin(async move { files::forget(books, &files).await })
        })
    }

    fn unknown_files(&self, files: Vec<FileId>) -> Answer<Vec<FileId>> {
        self.readers
            .run(move |link| Box::pin(files::unknown(link, files)))
    }

    fn stray_files(&self, files: Vec<FileId>, before: u64) -> Answer<Vec<FileId>> {
        let files = Arc::new(files);
        self.writer.run(0, move |books: &mut Books| {
            let files = Arc::clone(&files);
            Box::pin(async move { files::strays(books, &files, before).await })
        })
    }

    fn forget_strays(&self, files: Vec<FileId>) -> Answer<()> {
        let files = Arc::new(files);
        self.writer.run(0, move |books: &mut Books| {
            let files = Arc::clone(&files);
            Box::pin(async move { files::forget_strays(books, &files).await })
        })
    }

    fn files_kept(&self) -> Answer<FilesKept> {
        self.readers.run(|link| Box::pin(files::kept(link)))
    }
}
