//! A backup that is really old: taken under load, and more load after it, before the machine is lost. What is put back elsewhere
//! has everything from before the backup, repeats no number, and lacks only what came after.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chopar_wire::proto::relay::{Submit, client_frame as c, relay_frame::Body};
use common::client::kind;
use common::{Client, Person, Program, postgres};

/// Messages that wait when the backup begins, at least.
const WAITING: u32 = 100;

/// Everything that was accepted, by its number, as it was sent.
#[derive(Clone, Default)]
struct Sent {
    accepted: Arc<Mutex<BTreeMap<u32, Submit>>>,
    next: Arc<AtomicU32>,
}

impl Sent {
    /// Sends one message; `false`: the relay is gone.
    async fn one(&self, client: &mut Client, to: &Person) -> bool {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let mut body = vec![7; 512];
        body[..4].copy_from_slice(&number.to_be_bytes());
        let submit = to.submission(&body, None);
        let Some(request) = client.try_send(c::Body::Submit(submit.clone())).await else {
            return false;
        };
        match client.try_answer(request).await {
            Some(Body::Accepted(_)) => {
                self.accepted.lock().unwrap().insert(number, submit);
                true
            }
            Some(other) => panic!("{}", kind(&other)),
            None => false,
        }
    }

    /// Waits until so many from a number on were accepted.
    async fn at_least(&self, count: usize, from: u32) {
        while self.accepted.lock().unwrap().range(from..).count() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn numbers(&self) -> BTreeSet<u32> {
        self.accepted.lock().unwrap().keys().copied().collect()
    }
}

/// Takes and acknowledges all that waits: the queue's number of each.
async fn drained(client: &mut Client) -> BTreeMap<u32, u64> {
    let mut all = BTreeMap::new();
    for deliver in client.drain().await {
        let number = u32::from_be_bytes(deliver.body[..4].try_into().unwrap());
        assert_eq!(all.insert(number, deliver.seq), None, "{number} came twice");
    }
    all
}

/// How a relay's data is copied, and put back elsewhere.
trait Backup: Send + Sync + 'static {
    /// The database's address in the first life, or the second.
    fn database(&self, life: usize) -> Option<String>;
    fn take(&self, data: &Path, copy: &Path);
    fn put_back(&self, copy: &Path, first: &Path, second: &Path);
}

fn well(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(done.status.success(), "{command:?}: {said}");
    said
}

fn relay(words: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chopar-relay"));
    command.args(words).arg("--data").arg(data);
    command
}

struct OnSqlite;

impl Backup for OnSqlite {
    fn database(&self, _: usize) -> Option<String> {
        None
    }

    fn take(&self, data: &Path, copy: &Path) {
        well(&mut relay(&["backup", copy.to_str().unwrap()], data));
    }

    fn put_back(&self, copy: &Path, _: &Path, second: &Path) {
        well(&mut relay(&["restore", copy.to_str().unwrap()], second));
    }
}

/// With PostgreSQL's own programs, as docs/operations.md says.
struct OnPostgres([String; 2]);

impl OnPostgres {
    /// A command line for a shell, with those programs at hand.
    fn shell(line: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command.env("PATH", format!("{}:{path}", postgres::programs().display()));
        command
    }
}

impl Backup for OnPostgres {
    fn database(&self, life: usize) -> Option<String> {
        Some(self.0[life].clone())
    }

    /// By the very command that the relay says.
    fn take(&self, data: &Path, copy: &Path) {
        let mut ask = relay(
            &["backup", copy.to_str().unwrap(), "--database", &self.0[0]],
            data,
        );
        let said = String::from_utf8(ask.output().unwrap().stderr).unwrap();
        let line = said
            .lines()
            .find(|line| line.trim_start().starts_with("pg_dump"))
            .expect("the command to run");
        well(&mut Self::shell(line));
    }

    fn put_back(&self, copy: &Path, first: &Path, second: &Path) {
        let (server, name) = (postgres::shared(), "old_second");
        let line = format!(
            "pg_restore --exit-on-error --host={} --username=chopar --dbname={name} {}",
            server.socket().parent().unwrap().display(),
            copy.display()
        );
        well(&mut Self::shell(&line));
        std::fs::create_dir(second).unwrap();
        std::fs::copy(first.join("audit.key"), second.join("audit.key")).unwrap();
        well(&mut relay(
            &["restore", "--by-pg-restore", "--database", &self.0[1]],
            second,
        ));
    }
}

async fn an_old_backup_is_put_back(backup: impl Backup) {
    let backup = Arc::new(backup);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (first, second, copy) = (path("first"), path("second"), path("copy"));
    let program = Program::start_on(backup.database(0).as_deref(), &first);
    let (ann, bob) = program.ann_and_bob().await;
    let bob = Arc::new(bob);
    let mut a = Client::signed_in(program.port, &ann, 0).await;
    let sent = Sent::default();

    // Some was delivered, some waits, and more comes while the copy is made.
    for _ in 0..50 {
        assert!(sent.one(&mut a, &bob).await);
    }
    let mut b = Client::signed_in(program.port, &bob, 0).await;
    let settled = drained(&mut b).await;
    drop(b);
    for _ in 0..WAITING {
        assert!(sent.one(&mut a, &bob).await);
    }
    let load = tokio::spawn({
        let (sent, bob) = (sent.clone(), Arc::clone(&bob));
        async move { while sent.one(&mut a, &bob).await {} }
    });
    sent.at_least(50, 50 + WAITING).await;
    let before = sent.numbers();
    tokio::task::spawn_blocking({
        let (backup, first, copy) = (Arc::clone(&backup), first.clone(), copy.clone());
        move || backup.take(&first, &copy)
    })
    .await
    .unwrap();
    let begun_before = sent.next.load(Ordering::SeqCst);
    sent.at_least(100, begun_before).await;

    // What came since is delivered, in part; then the machine is lost.
    let mut b = Client::signed_in(program.port, &bob, 0).await;
    let mut since = BTreeMap::new();
    for _ in 0..WAITING + 100 {
        let deliver = b.delivery().await;
        b.ack(&[deliver.seq]).await;
        let number = u32::from_be_bytes(deliver.body[..4].try_into().unwrap());
        since.insert(number, deliver.seq);
    }
    sent.at_least(50, sent.next.load(Ordering::SeqCst)).await;
    program.kill();
    load.await.unwrap();
    let after: BTreeSet<u32> = sent.numbers().range(begun_before..).copied().collect();
    assert!(
        before.len() > 150 && after.len() > 50,
        "too little load to say anything"
    );

    tokio::task::spawn_blocking({
        let (backup, first, second) = (Arc::clone(&backup), first.clone(), second.clone());
        move || backup.put_back(&copy, &first, &second)
    })
    .await
    .unwrap();
    let program = Program::start_on(backup.database(1).as_deref(), &second);
    let mut b = Client::signed_in(program.port, &bob, 0).await;
    let back = drained(&mut b).await;
    let got: BTreeSet<u32> = back.keys().copied().collect();
    let waited: BTreeSet<u32> = before
        .iter()
        .filter(|number| !settled.contains_key(number))
        .copied()
        .collect();
    let lost: Vec<_> = waited.difference(&got).collect();
    assert!(lost.is_empty(), "from before the backup, and lost: {lost:?}");
    assert!(
        got.iter().all(|number| !settled.contains_key(number)),
        "settled before"
    );
    let missing: BTreeSet<u32> = sent.numbers().difference(&got).copied().collect();
    assert!(
        after.is_subset(&missing),
        "what came after the backup cannot be in it"
    );
    for (number, seq) in &back {
        // Delivered in the life that was lost as well: the client knows it by its number there.
        assert!(
            since.get(number).is_none_or(|known| known == seq),
            "{number} has another number"
        );
    }

    // Numbers go on beyond all that were given, in whichever life. Who sends again what is missing is heard, once.
    let used = settled.values().chain(since.values()).chain(back.values()).max();
    let mut last = *used.unwrap();
    let mut a = Client::signed_in(program.port, &ann, 0).await;
    let again: Vec<(u32, Submit)> = {
        let accepted = sent.accepted.lock().unwrap();
        let of = |number: &u32| (*number, accepted[number].clone());
        after.iter().map(of).collect()
    };
    for (number, submit) in again {
        for _ in 0..2 {
            let answer = a.ask(c::Body::Submit(submit.clone())).await;
            assert!(matches!(answer, Body::Accepted(_)), "{}", kind(&answer));
        }
        let deliver = b.delivery().await;
        assert_eq!(deliver.body[..4], number.to_be_bytes());
        assert!(deliver.seq > last, "{} was used before", deliver.seq);
        last = deliver.seq;
        b.ack(&[last]).await;
    }
    program.kill();
}

/// P-229, P-093.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_backup_is_put_back_on_sqlite() {
    an_old_backup_is_put_back(OnSqlite).await;
}

/// P-229, P-093.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_backup_is_put_back_on_postgres() {
    let server = postgres::shared();
    let databases = ["old_first", "old_second"].map(|name| server.database(name));
    an_old_backup_is_put_back(OnPostgres(databases)).await;
}
