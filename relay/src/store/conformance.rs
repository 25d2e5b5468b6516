//! What every store must do, written once against the trait. An implementation runs it by giving a way to open itself.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chopar_wire::ids::{AccountId, DeviceId, EnvelopeId, InviteId, QueueSeq};
use chopar_wire::limits::{ACKED_ID_MEMORY_MS, ONE_TIME_POOL, QUEUE_BYTES};
use prost::bytes::Bytes;

use super::postgres::{Options as PostgresOptions, PostgresStore, PostgresUrl, server};
use super::sqlite::{Options, SqliteStore};
use super::{
    Append, Appended, Claim, DevicePublics, Fact, Head, Invite, LogEntry, NewAccount, NewDevice, OnStored,
    Parcel, Registration, Role, Store, Stored, Submission, Submitted,
};
use crate::audit::node::NodeKey;
use crate::audit::record::Actor;
use crate::clock::Clock;
use crate::nodes::Nobody;

const DAY: u64 = 24 * 3600 * 1000;

/// Opens the store of a folder; opening it again after `close` gives the same data.
type Open = fn(&Path, Clock, OnStored) -> Box<dyn Store>;

struct Bench {
    folder: tempfile::TempDir,
    clock: Clock,
    open: Open,
    store: Box<dyn Store>,
    told: Arc<Mutex<Vec<Stored>>>,
}

impl Bench {
    fn new(open: Open) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(1_800_000_000_000);
        let told = Arc::new(Mutex::new(Vec::new()));
        let store = open(folder.path(), clock.clone(), listener(&told));
        Self {
            folder,
            clock,
            open,
            store,
            told,
        }
    }

    async fn reopen(mut self) -> Self {
        self.store.close().await.unwrap();
        self.store = (self.open)(self.folder.path(), self.clock.clone(), listener(&self.told));
        self
    }

    async fn invite(&self, number: u8, role: Role, uses: u32) -> [u8; 32] {
        let (id, token) = (InviteId::new([number; 16]), [number; 32]);
        let now = self.clock.now();
        let invite = Invite {
            id,
            role,
            uses_left: uses,
            expires: now + DAY,
            created: now,
        };
        self.store
            .create_invite(invite, token, Actor::Console)
            .await
            .unwrap();
        token
    }

    /// An account named by a number, with one device of the same number.
    async fn account(&self, number: u8) -> Head {
        let token = self.invite(number, Role::Member, 1).await;
        let registered = self.store.register(new_account(number, token)).await.unwrap();
        assert_eq!(registered, Registration::Done(Role::Member));
        head_of(number)
    }

    async fn submit(&self, to: u8, id: u8, body: &[u8], lifetime: u64) -> Submitted {
        self.store
            .submit(submission(to, id, body, lifetime))
            .await
            .unwrap()
    }

    async fn queue(&self, number: u8) -> Vec<(u64, u8)> {
        let page = self
            .store
            .queue(device(number), 0, 1000, usize::MAX)
            .await
            .unwrap();
        page.envelopes
            .iter()
            .map(|stored| (stored.seq, stored.id.as_bytes()[0]))
            .collect()
    }
}

fn listener(told: &Arc<Mutex<Vec<Stored>>>) -> OnStored {
    let told = Arc::clone(told);
    Arc::new(move |stored| told.lock().unwrap().push(stored))
}

fn account(number: u8) -> AccountId {
    AccountId::new([number; 32])
}

fn device(number: u8) -> DeviceId {
    DeviceId::new([number; 16])
}

fn head_of(number: u8) -> Head {
    Head {
        length: 2,
        hash: [number ^ 0x80; 32],
    }
}

fn new_device(number: u8) -> NewDevice {
    NewDevice {
        id: device(number),
        keys: DevicePublics {
            signing: [number; 32],
            agreement: [number; 32],
        },
    }
}

fn new_account(number: u8, token: [u8; 32]) -> NewAccount {
    let entry = |hash| LogEntry {
        encoded: Bytes::from(vec![number; 10]),
        hash,
    };
    NewAccount {
        token,
        account: account(number),
        handle: format!("handle{number}"),
        display_name: format!("Name {number}"),
        words: vec![format!("handle{number}"), "name".to_owned()],
        log: vec![entry([1; 32]), entry(head_of(number).hash)],
        devices: vec![new_device(number)],
        bundle: (device(number), 1, Bytes::from_static(b"bundle")),
    }
}

fn submission(to: u8, id: u8, body: &[u8], lifetime: u64) -> Submission {
    let (device, id) = (device(to), EnvelopeId::new([id; 16]));
    Submission {
        account: account(to),
        head: Some(head_of(to)),
        except: None,
        parcels: vec![Parcel {
            device,
            id,
            body: Bytes::copy_from_slice(body),
            lifetime,
        }],
    }
}

fn accepted(outcome: &Submitted) -> bool {
    matches!(outcome, Submitted::Accepted(_))
}

/// P-093.
async fn queues_keep_order_across_reopening(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    for id in 1..=3 {
        assert!(accepted(&bench.submit(1, id, b"x", DAY).await));
    }
    let before = bench.queue(1).await;
    assert_eq!(before.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [1, 2, 3]);
    let told: Vec<u64> = bench
        .told
        .lock()
        .unwrap()
        .iter()
        .map(|stored| stored.seq)
        .collect();
    assert_eq!(
        told,
        before.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        "told in order"
    );

    // All delivered: the numbers are still not used again.
    let seqs = before.iter().map(|(seq, _)| QueueSeq(*seq)).collect();
    bench.store.acknowledge(device(1), seqs).await.unwrap();
    let bench = bench.reopen().await;
    assert!(bench.queue(1).await.is_empty());
    bench.submit(1, 4, b"x", DAY).await;
    assert!(bench.queue(1).await[0].0 > before[2].0);

    // A page is bounded by count and by bytes, holds at least one, and says whether more follows.
    bench.submit(1, 5, &[0; 100], DAY).await;
    let page = bench.store.queue(device(1), 0, 1, 1000).await.unwrap();
    assert_eq!((page.envelopes.len(), page.more), (1, true));
    let page = bench
        .store
        .queue(device(1), page.envelopes[0].seq, 10, 1)
        .await
        .unwrap();
    assert_eq!((page.envelopes.len(), page.more), (1, false));
}

/// P-091.
async fn ids_are_remembered(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    bench.account(2).await;
    for _ in 0..2 {
        assert!(accepted(&bench.submit(1, 7, b"x", DAY).await));
    }
    assert!(
        accepted(&bench.submit(2, 7, b"x", DAY).await),
        "ids belong to a device"
    );
    let queue = bench.queue(1).await;
    assert_eq!((queue.len(), bench.queue(2).await.len()), (1, 1));
    bench
        .store
        .acknowledge(device(2), vec![QueueSeq(queue[0].0 + 1), QueueSeq(999)])
        .await
        .unwrap();
    assert_eq!(
        bench.queue(1).await.len(),
        1,
        "nobody deletes from another's queue"
    );
    bench
        .store
        .acknowledge(device(1), vec![QueueSeq(queue[0].0)])
        .await
        .unwrap();

    let bench = bench.reopen().await;
    assert!(accepted(&bench.submit(1, 7, b"x", DAY).await));
    assert!(bench.queue(1).await.is_empty(), "delivered once is delivered");
    bench.clock.advance(ACKED_ID_MEMORY_MS - 1);
    while bench.store.sweep().await.unwrap() {}
    assert!(accepted(&bench.submit(1, 7, b"x", DAY).await));
    assert!(bench.queue(1).await.is_empty(), "for a day");
    // A store may go by whole days.
    bench.clock.advance(ACKED_ID_MEMORY_MS + 1);
    while bench.store.sweep().await.unwrap() {}
    assert!(accepted(&bench.submit(1, 7, b"x", DAY).await));
    assert_eq!(bench.queue(1).await.len(), 1, "after two it is forgotten");
}

/// P-091, P-093.
async fn a_clock_set_back_repeats_nothing(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    bench.submit(1, 7, b"x", 30 * DAY).await;
    let first = bench.queue(1).await[0].0;
    let taken = vec![QueueSeq(first)];
    bench.store.acknowledge(device(1), taken).await.unwrap();
    bench.submit(1, 8, b"x", 30 * DAY).await;
    // A day, a month, and once more with nothing known by heart.
    for back in [DAY + 1, 3 * DAY, 30 * DAY] {
        let now = bench.clock.now();
        bench.clock.set(now - back);
        while bench.store.sweep().await.unwrap() {}
        for id in [7, 8] {
            assert!(accepted(&bench.submit(1, id, b"x", 30 * DAY).await));
        }
        let queue = bench.queue(1).await;
        assert_eq!(
            queue.len(),
            1,
            "neither what was delivered nor what waits is stored again"
        );
        bench.clock.set(now);
    }
    let bench = bench.reopen().await;
    bench.clock.set(bench.clock.now() - 3 * DAY);
    assert!(accepted(&bench.submit(1, 7, b"x", DAY).await));
    bench.submit(1, 9, b"x", DAY).await;
    let queue = bench.queue(1).await;
    assert_eq!(queue.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [8, 9]);
    assert!(first < queue[0].0 && queue[0].0 < queue[1].0, "numbers rise");
    let taken = queue.iter().map(|(seq, _)| QueueSeq(*seq)).collect();
    bench.store.acknowledge(device(1), taken).await.unwrap();
    assert!(accepted(&bench.submit(1, 9, b"x", DAY).await));
    assert!(
        bench.queue(1).await.is_empty(),
        "delivered before midnight of a day that comes again"
    );
}

async fn what_expires_goes(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    bench.submit(1, 1, b"day", DAY).await;
    bench.submit(1, 2, b"week", 7 * DAY).await;
    bench.clock.advance(DAY);
    assert_eq!(bench.queue(1).await.len(), 1, "not delivered although not swept");
    assert!(!bench.store.sweep().await.unwrap());
    bench.clock.advance(7 * DAY);
    while bench.store.sweep().await.unwrap() {}
    assert!(bench.queue(1).await.is_empty());
    assert!(accepted(&bench.submit(1, 2, b"again", DAY).await));
    assert_eq!(bench.queue(1).await.len(), 1, "an id that went is new again");
}

async fn a_queue_has_a_quota(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let body = vec![0; (QUEUE_BYTES / 4) as usize];
    for id in 0..4 {
        assert!(accepted(&bench.submit(1, id, &body, DAY).await));
    }
    assert_eq!(bench.submit(1, 5, b"x", DAY).await, Submitted::QueueFull);
    assert!(
        accepted(&bench.submit(1, 0, &body, DAY).await),
        "what is there needs no room"
    );
    let bench = bench.reopen().await;
    assert_eq!(
        bench.submit(1, 5, b"x", DAY).await,
        Submitted::QueueFull,
        "known after reopening"
    );
    let seq = bench.queue(1).await[0].0;
    bench
        .store
        .acknowledge(device(1), vec![QueueSeq(seq)])
        .await
        .unwrap();
    assert!(accepted(&bench.submit(1, 5, b"x", DAY).await));
}

/// P-092.
async fn a_mismatch_stores_nothing(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let mut other_head = submission(1, 1, b"x", DAY);
    other_head.head = Some(Head {
        length: 2,
        hash: [0; 32],
    });
    let mut shorter = submission(1, 1, b"x", DAY);
    shorter.head = Some(Head {
        length: 1,
        hash: [1; 32],
    });
    let mut no_head = submission(1, 1, b"x", DAY);
    no_head.head = None;
    let mut too_few = submission(1, 1, b"x", DAY);
    too_few.parcels.clear();
    for (submission, from, entries) in [
        (other_head, 0, 2),
        (shorter, 1, 1),
        (no_head, 0, 2),
        (too_few, 2, 0),
    ] {
        match bench.store.submit(submission).await.unwrap() {
            Submitted::Mismatch(page) => {
                assert_eq!(
                    (page.from, page.entries.len(), page.head),
                    (from, entries, head_of(1))
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let mut own = submission(1, 1, b"x", DAY);
    own.except = Some(device(1));
    own.parcels.clear();
    assert!(
        accepted(&bench.store.submit(own).await.unwrap()),
        "one device alone has nobody to tell"
    );
    assert_eq!(bench.submit(9, 1, b"x", DAY).await, Submitted::NoAccount);
    assert!(bench.queue(1).await.is_empty() && bench.told.lock().unwrap().is_empty());
}

async fn logs_are_compared_and_set(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let append = |hash, added, removed| Append {
        account: account(1),
        parent: head_of(1),
        entry: LogEntry {
            encoded: Bytes::from_static(b"entry"),
            hash,
        },
        added,
        removed,
    };
    // At once from two sides: exactly one wins.
    let (left, right) = tokio::join!(
        bench
            .store
            .append_log(append([5; 32], vec![new_device(11)], vec![])),
        bench
            .store
            .append_log(append([6; 32], vec![new_device(12)], vec![])),
    );
    assert_eq!(
        (left.unwrap(), right.unwrap()),
        (Appended::Done, Appended::Conflict)
    );
    assert!(
        bench
            .store
            .sign_in(account(1), device(12))
            .await
            .unwrap()
            .is_none()
    );
    let facts = bench
        .store
        .sign_in(account(1), device(11))
        .await
        .unwrap()
        .unwrap();
    assert!(
        facts.active
            && facts.head
                == Head {
                    length: 3,
                    hash: [5; 32]
                }
    );
    assert!(
        bench
            .store
            .sign_in(account(2), device(11))
            .await
            .unwrap()
            .is_none(),
        "not of another account"
    );

    // Removal empties queue, bundle and pool.
    bench
        .store
        .publish_bundle(device(11), 1, Bytes::from_static(b"b"))
        .await
        .unwrap();
    bench
        .store
        .add_one_time(device(11), vec![(1, Bytes::from_static(b"p"))])
        .await
        .unwrap();
    let both = |head| Submission {
        account: account(1),
        head: Some(head),
        except: None,
        parcels: [1, 11]
            .map(|n| Parcel {
                device: device(n),
                id: EnvelopeId::new([n; 16]),
                body: Bytes::from_static(b"x"),
                lifetime: DAY,
            })
            .to_vec(),
    };
    let head = Head {
        length: 3,
        hash: [5; 32],
    };
    assert!(accepted(&bench.store.submit(both(head)).await.unwrap()));
    let mut revoke = append([7; 32], vec![], vec![device(11)]);
    revoke.parent = head;
    assert_eq!(bench.store.append_log(revoke).await.unwrap(), Appended::Done);
    assert!(bench.queue(11).await.is_empty());
    assert_eq!(bench.queue(1).await.len(), 1);
    assert_eq!(
        bench.store.claim(account(1), device(11)).await.unwrap(),
        Claim::NoDevice
    );
    assert!(
        !bench
            .store
            .sign_in(account(1), device(11))
            .await
            .unwrap()
            .unwrap()
            .active
    );
    let page = bench.store.log(account(1), 3, 1).await.unwrap().unwrap();
    assert_eq!((page.entries.len(), page.head.length), (1, 4));
}

/// P-041.
async fn prekeys_are_handed_out_once(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let pairs = |ids: std::ops::Range<u32>| {
        ids.map(|id| (id, Bytes::from(id.to_be_bytes().to_vec())))
            .collect()
    };
    let pool = ONE_TIME_POOL as u32;
    assert_eq!(
        bench.store.add_one_time(device(1), pairs(0..pool)).await.unwrap(),
        Some(ONE_TIME_POOL)
    );
    assert_eq!(
        bench
            .store
            .add_one_time(device(1), pairs(pool..pool + 1))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        bench.store.add_one_time(device(1), pairs(0..pool)).await.unwrap(),
        Some(ONE_TIME_POOL)
    );
    let claims: Vec<_> = (0..pool + 5)
        .map(|_| bench.store.claim(account(1), device(1)))
        .collect();
    let mut given = Vec::new();
    for claim in claims {
        match claim.await.unwrap() {
            Claim::Bundle { base, one_time, left } => {
                assert_eq!(&base[..], b"bundle");
                given.extend(one_time);
                assert_eq!(left, ONE_TIME_POOL.saturating_sub(given.len()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(given.len(), ONE_TIME_POOL);
    given.sort();
    given.dedup();
    assert_eq!(given.len(), ONE_TIME_POOL);
    assert!(
        !bench
            .store
            .publish_bundle(device(1), 1, Bytes::new())
            .await
            .unwrap()
    );
    assert!(
        bench
            .store
            .publish_bundle(device(1), 2, Bytes::new())
            .await
            .unwrap()
    );
    assert_eq!(
        bench.store.claim(account(2), device(1)).await.unwrap(),
        Claim::NoDevice
    );
}

/// P-101.
async fn a_lost_registration_uses_no_invite(open: Open) {
    let bench = Bench::new(open);
    let token = bench.invite(1, Role::Auditor, 2).await;
    let mut twin = new_account(2, token);
    twin.handle = "handle1".to_owned();
    let (first, second) = tokio::join!(
        bench.store.register(new_account(1, token)),
        bench.store.register(twin)
    );
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (Registration::Done(Role::Auditor), Registration::HandleTaken)
    );
    assert_eq!(bench.store.invite(token).await.unwrap().unwrap().uses_left, 1);
    assert_eq!(
        bench.store.register(new_account(1, token)).await.unwrap(),
        Registration::AccountExists
    );
    assert_eq!(
        bench.store.register(new_account(2, token)).await.unwrap(),
        Registration::Done(Role::Auditor)
    );
    assert_eq!(
        bench.store.register(new_account(3, token)).await.unwrap(),
        Registration::InviteUsed
    );
    // A device that is somebody's already: nothing is taken, as often as it is tried.
    let token = bench.invite(3, Role::Member, 1).await;
    for _ in 0..2 {
        let mut twin = new_account(3, token);
        twin.devices = vec![new_device(1)];
        twin.bundle.0 = device(1);
        assert_eq!(
            bench.store.register(twin).await.unwrap(),
            Registration::DeviceExists
        );
    }
    assert_eq!(bench.store.invite(token).await.unwrap().unwrap().uses_left, 1);
    assert_eq!(
        bench.store.register(new_account(3, [9; 32])).await.unwrap(),
        Registration::InviteUnknown
    );
    let members = bench.store.members(String::new(), 10).await.unwrap();
    assert_eq!(
        members.iter().map(|member| &*member.handle).collect::<Vec<_>>(),
        ["handle1", "handle2"]
    );
    let found = bench
        .store
        .find(vec!["na".to_owned(), "handle2".to_owned()], 10)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
}

async fn the_first_invite_is_replaced_until_there_is_an_owner(open: Open) {
    let bench = Bench::new(open);
    let invite = |n: u8| {
        let expires = bench.clock.now() + DAY;
        Invite {
            id: InviteId::new([n; 16]),
            role: Role::Owner,
            uses_left: 1,
            expires,
            created: 0,
        }
    };
    assert!(
        bench
            .store
            .replace_first_invite(invite(1), [1; 32])
            .await
            .unwrap()
    );
    assert!(
        bench
            .store
            .replace_first_invite(invite(2), [2; 32])
            .await
            .unwrap()
    );
    assert_eq!(
        bench.store.register(new_account(1, [1; 32])).await.unwrap(),
        Registration::InviteUnknown
    );
    assert_eq!(
        bench.store.register(new_account(1, [2; 32])).await.unwrap(),
        Registration::Done(Role::Owner)
    );
    assert!(
        !bench
            .store
            .replace_first_invite(invite(3), [3; 32])
            .await
            .unwrap()
    );
    assert_eq!(
        bench.store.register(new_account(2, [3; 32])).await.unwrap(),
        Registration::InviteUnknown
    );
}

async fn facts_are_kept_and_readiness_is_proven(open: Open) {
    let bench = Bench::new(open);
    assert_eq!(bench.store.fact(Fact::Origin).await.unwrap(), None);
    for origin in ["http://localhost:1", "http://localhost:2", "http://localhost:2"] {
        bench
            .store
            .set_fact(Fact::Origin, origin.to_owned())
            .await
            .unwrap();
    }
    bench.store.ready().await.unwrap();
    bench.store.ready().await.unwrap();
    let bench = bench.reopen().await;
    bench.store.ready().await.unwrap();
    assert_eq!(
        bench.store.fact(Fact::Origin).await.unwrap().as_deref(),
        Some("http://localhost:2")
    );
    assert_eq!(bench.store.fact(Fact::BehindProxy).await.unwrap(), None);
}

async fn a_closed_store_finishes_and_refuses(open: Open) {
    let bench = Bench::new(open);
    bench.account(1).await;
    let waiting: Vec<_> = (0..50)
        .map(|id| bench.store.submit(submission(1, id, b"x", DAY)))
        .collect();
    bench.store.close().await.unwrap();
    for answer in waiting {
        assert!(accepted(&answer.await.unwrap()));
    }
    assert!(bench.store.submit(submission(1, 99, b"x", DAY)).await.is_err());
    assert!(bench.store.ready().await.is_err());
    let bench = bench.reopen().await;
    assert_eq!(bench.queue(1).await.len(), 50);
}

/// Runs the suite for one implementation.
macro_rules! conformance {
    ($name:ident, $open:expr, [$($case:ident),* $(,)?]) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case($open).await;
                }
            )*
        }
    };
}

fn open_sqlite(folder: &Path, clock: Clock, on_stored: OnStored) -> Box<dyn Store> {
    let folder = folder.to_owned();
    let node = Arc::new(NodeKey::of_folder(&folder).unwrap());
    Box::new(
        SqliteStore::open(Options {
            folder,
            node,
            clock,
            bytes_max: None,
            on_stored,
        })
        .unwrap(),
    )
}

/// The name of a folder's database.
fn database_of(folder: &Path) -> String {
    let path = folder.to_str().unwrap();
    path.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A database named after the folder, on a server of this test's own.
fn open_postgres(folder: &Path, clock: Clock, on_stored: OnStored) -> Box<dyn Store> {
    let name = database_of(folder);
    let url = if server::shared().ask(
        "postgres",
        &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"),
    ) == "1"
    {
        server::shared().url(&name)
    } else {
        server::shared().database(&name)
    };
    let options = PostgresOptions {
        url: PostgresUrl::parse(&url, None).unwrap(),
        clock,
        on_stored,
        here: Arc::new(Nobody),
        node: Arc::new(NodeKey::of_folder(folder).unwrap()),
        program: crate::token::random().unwrap(),
    };
    let opening = PostgresStore::open(options);
    let store = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(opening));
    Box::new(store.unwrap())
}

/// Runs the suite for all implementations.
macro_rules! conformances {
    ($($name:ident: $open:expr),* => $cases:tt) => {
        $(conformance!($name, $open, $cases);)*
    };
}

// After the macros, which they use.
mod bodies;
mod files;
mod groups;
mod opaque;
mod oversight;
mod size;

conformances!(
    sqlite: super::open_sqlite,
    postgres: super::open_postgres
    => [
        queues_keep_order_across_reopening,
        ids_are_remembered,
        a_clock_set_back_repeats_nothing,
        what_expires_goes,
        a_queue_has_a_quota,
        a_mismatch_stores_nothing,
        logs_are_compared_and_set,
        prekeys_are_handed_out_once,
        a_lost_registration_uses_no_invite,
        the_first_invite_is_replaced_until_there_is_an_owner,
        facts_are_kept_and_readiness_is_proven,
        a_closed_store_finishes_and_refuses,
    ]
);
