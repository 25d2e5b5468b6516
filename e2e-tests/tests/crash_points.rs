//! The engine worker is ended at every point at which it waits or says something, and started again: while it opens, sends, receives,
//! and puts a lock on the vault. Nothing is lost or doubled, and no key is used twice.
//!
//! A point is a call of the browser that the worker awaits, or that leaves it (`crash_points.js`): just before, and just after it is
//! done. A normal run takes a fixed sample of each scene, `CHOPAR_FULL` all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{Key, Organisation, Patience, Person, Stage, button, eventually, textbox};
use chopar_wire::frame;
use chopar_wire::proto::relay::client_frame::Body;
use serde_json::Value;

const SCRIPT: &str = include_str!("../src/crash_points.js");

/// Points of one scene in a normal run.
const SAMPLE: usize = 4;

/// Points of the opening in a normal run.
const OPENINGS: usize = 3;

/// Points of the relocking in a normal run and in a full one, besides those around its commit: each record is a few.
const RELOCKS: [usize; 2] = [1, 40];

/// After the last thing of a scene, for what follows of its own accord (acknowledgements are sent within two seconds).
const TAIL: Duration = Duration::from_millis(2_500);

/// First byte of an envelope in session form; its recognition tag follows.
const SESSION_FORM: u8 = 2;

const PASSPHRASE: &str = "quyosh daraxt kitob deraza";

/// The page hears from the worker where it was stopped.
const LISTEN: &str = "(() => {
  window.crashed = null;
  window.crashChannel ??= new BroadcastChannel('crash-points');
  window.crashChannel.onmessage = (event) => { window.crashed = event.data; };
})()";

// P-265, P-267
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_ends_anywhere_loses_nothing_and_repeats_nothing() -> Result<()> {
    Stage::play("crash_points", play).await
}

/// What the worker is doing when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    Sending,
    Receiving,
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let full = std::env::var_os("CHOPAR_FULL").is_some();
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.chrome().before_workers(SCRIPT);
    owner.open("/").await?;
    owner.start_chat("bek").await?;
    owner.say("suhbat boshlandi").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.say("eshityapman").await?;
    owner.until_sees("eshityapman").await?;
    owner.until_state("suhbat boshlandi", "Read").await?;

    let mut tried = 0;
    let mut texts = vec!["suhbat boshlandi".to_owned(), "eshityapman".to_owned()];
    for scene in [Scene::Sending, Scene::Receiving] {
        let names = record(&owner, &member, scene, &mut texts).await?;
        println!("{scene:?}: {} points: {names:?}", names.len());
        for number in sample(names.len(), if full { names.len() } else { SAMPLE }) {
            crash(&owner, &member, scene, number, &mut texts).await?;
            tried += 1;
        }
    }
    tried += openings(&owner, full, &texts).await?;
    tried += relocks(&owner, full, &texts).await?;
    everything_once(&owner, &texts).await?;
    everything_once(&member, &texts).await?;
    for person in [&owner, &member] {
        no_key_twice(person)?;
    }
    println!("the worker was ended at {tried} points");
    Ok(())
}

/// `wanted` of the points 1 to `count`, evenly.
fn sample(count: usize, wanted: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..wanted.min(count)).map(|at| 1 + at * count / wanted).collect();
    chosen.dedup();
    chosen
}

/// Counts the points of a scene from here on, and stops the worker at one of them (0: at none).
/// `counts`: commits count from here on, and not only from [`begin`]'s Enter on.
async fn arm(owner: &Person, stop_at: usize, counts: bool) -> Result<()> {
    owner.page().evaluate(LISTEN).await?;
    let armed = owner
        .chrome()
        .in_workers(&format!("self.crashPoints.arm({stop_at}, {counts})"))
        .await?;
    ensure!(armed == [Value::Bool(true)], "one worker is armed: {armed:?}");
    Ok(())
}

async fn begin(owner: &Person, member: &Person, scene: Scene, text: &str) -> Result<()> {
    match scene {
        Scene::Sending => {
            owner.page().fill(&textbox("Message"), text).await?;
            // The draft, and what the scene before left over, have commits of their own: only those after them are the message's.
            tokio::time::sleep(TAIL).await;
            if owner.page().evaluate("window.crashed").await?.is_null() {
                owner
                    .chrome()
                    .in_workers("self.crashPoints.countCommits()")
                    .await?;
            }
            owner.page().press(Key::Enter).await
        }
        Scene::Receiving => member.say(text).await,
    }
}

/// Plays a scene through and says which points it has.
async fn record(
    owner: &Person,
    member: &Person,
    scene: Scene,
    texts: &mut Vec<String>,
) -> Result<Vec<String>> {
    let text = format!("{scene:?}-0");
    arm(owner, 0, scene != Scene::Sending).await?;
    begin(owner, member, scene, &text).await?;
    for person in [owner, member] {
        person.until_sees(&text).await?;
    }
    tokio::time::sleep(TAIL).await;
    texts.push(text);
    names(owner).await
}

/// The points that were passed since the worker was armed.
async fn names(owner: &Person) -> Result<Vec<String>> {
    let names = owner.chrome().in_workers("self.crashPoints.names()").await?;
    let names: Vec<String> = serde_json::from_value(names.into_iter().next().context("no worker")?)?;
    ensure!(names.len() > 5, "only these points were passed: {names:?}");
    Ok(names)
}

/// The worker's word of where it was stopped, if it was within a while.
async fn stopped(owner: &Person) -> Result<Option<Value>> {
    let stopped = eventually(
        "the worker to stop",
        Patience::of(Duration::from_secs(12)),
        || async {
            let said = owner.page().evaluate("window.crashed").await?;
            Ok((!said.is_null()).then_some(said))
        },
    )
    .await;
    Ok(stopped.ok())
}

async fn crash(
    owner: &Person,
    member: &Person,
    scene: Scene,
    number: usize,
    texts: &mut Vec<String>,
) -> Result<()> {
    let text = format!("{scene:?}-{number}-qulash");
    arm(owner, number, scene != Scene::Sending).await?;
    begin(owner, member, scene, &text).await?;
    // The number of points differs a little from run to run (what is acknowledged together): the last ones may not come.
    let stopped = stopped(owner).await?;
    owner.page().reload().await?;
    owner
        .page()
        .find_within(&textbox("Message"), Patience::LONG)
        .await?;
    // Scenes are played one after another: the one before is on the page.
    owner
        .until_sees(texts.last().context("nothing was said")?)
        .await?;
    if scene == Scene::Sending && owner.count(&text).await? == 0 {
        let arrived = eventually(
            "the message after the start",
            Patience::of(Duration::from_secs(3)),
            || async { Ok((owner.count(&text).await? > 0).then_some(())) },
        );
        if arrived.await.is_err() {
            let commits = stopped
                .as_ref()
                .map_or(1, |at| at["commits"].as_u64().unwrap_or(1));
            ensure!(commits == 0, "{text:?} was committed and is gone: {stopped:?}");
            begin(owner, member, scene, &text).await?;
        }
    }
    for person in [owner, member] {
        person
            .until_sees(&text)
            .await
            .with_context(|| format!("stopped at {stopped:?}"))?;
        ensure!(
            person.count(&text).await? == 1,
            "{text:?} is there once, stopped at {stopped:?}"
        );
    }
    texts.push(text);
    Ok(())
}

/// The worker ends while it opens the vault and signs in.
async fn openings(owner: &Person, full: bool, texts: &[String]) -> Result<usize> {
    // Without a stop first: how many points there are.
    let armed = |number: usize| format!("{SCRIPT}\nself.crashPoints.arm({number});");
    owner.chrome().before_workers(&armed(0));
    owner.page().reload().await?;
    owner.until_connection("Online").await?;
    let names = names(owner).await?;
    println!("Opening: {} points: {names:?}", names.len());
    let chosen = sample(names.len(), if full { names.len() } else { OPENINGS });
    for number in &chosen {
        owner.chrome().before_workers(&armed(*number));
        owner.page().reload().await?;
        // The page cannot be told in time where it was; that it stands still is enough.
        tokio::time::sleep(Duration::from_secs(2)).await;
        owner.chrome().before_workers(SCRIPT);
        owner.page().reload().await?;
        owner.until_connection("Online").await?;
        owner
            .until_sees(texts.last().context("nothing was said")?)
            .await?;
    }
    everything_once(owner, texts).await?;
    Ok(chosen.len())
}

/// The worker ends while everything is sealed anew under a lock: the lock is there if and only if that was committed, and the history
/// is there in both cases.
async fn relocks(owner: &Person, full: bool, texts: &[String]) -> Result<usize> {
    put_lock_on(owner, 0).await?;
    let current = textbox("Current passphrase");
    owner.page().find_within(&current, Patience::LONG).await?;
    let names = names(owner).await?;
    let committed = names.iter().rposition(|name| name.starts_with("before commit"));
    let committed = 1 + committed.context("no commit")?;
    println!("Relocking: {} points, the commit at {committed}", names.len());
    take_lock_off(owner).await?;

    let mut chosen = sample(names.len(), RELOCKS[usize::from(full)]);
    chosen.extend([committed / 2, committed, committed + 1]);
    let mut outcomes = [0, 0];
    for number in &chosen {
        put_lock_on(owner, *number).await?;
        let at = stopped(owner)
            .await?
            .with_context(|| format!("point {number} was never reached"))?;
        owner.page().reload().await?;
        let locked = eventually("a lock or none", Patience::LONG, || async {
            let unlock = owner.page().has(&button("Unlock")).await?;
            let without = owner.page().has(&button("Set passphrase")).await?;
            Ok((unlock || without).then_some(unlock))
        })
        .await?;
        let commits = at["commits"].as_u64().context("no count of commits")?;
        ensure!(locked == (commits > 0), "locked: {locked}, after {at}");
        outcomes[usize::from(locked)] += 1;
        if locked {
            owner.page().fill(&textbox("Passphrase"), PASSPHRASE).await?;
            owner.page().press(Key::Enter).await?;
            take_lock_off(owner).await?;
        }
        owner.open_chat("Bek Tursunov").await?;
        everything_once(owner, texts)
            .await
            .with_context(|| format!("stopped at {at}, locked: {locked}"))?;
    }
    let [not, locked] = outcomes;
    ensure!(
        not > 0 && locked > 0,
        "{not} times without a lock, {locked} times with one"
    );
    Ok(chosen.len())
}

/// Asks for a lock, with the worker to be stopped at this point (0: at none).
async fn put_lock_on(owner: &Person, stop_at: usize) -> Result<()> {
    owner.type_new_passphrase(PASSPHRASE).await?;
    owner.until_connection("Online").await?;
    // What follows a start of its own accord is committed before the points are counted.
    tokio::time::sleep(TAIL).await;
    arm(owner, stop_at, true).await?;
    owner.page().click(&button("Set passphrase")).await
}

async fn take_lock_off(owner: &Person) -> Result<()> {
    let current = textbox("Current passphrase");
    owner.page().find_within(&current, Patience::LONG).await?;
    owner.page().fill(&current, PASSPHRASE).await?;
    owner.page().click(&button("Remove the lock")).await?;
    owner
        .page()
        .find_within(&button("Set passphrase"), Patience::LONG)
        .await?;
    Ok(())
}

async fn everything_once(of: &Person, texts: &[String]) -> Result<()> {
    let lines = of.history().await?;
    for text in texts {
        // Between commas: one text may begin with another.
        let times = lines
            .iter()
            .filter(|line| line.0.contains(&format!(", {text}, ")))
            .count();
        ensure!(times == 1, "{} has {text:?} {times} times", of.name);
    }
    Ok(())
}

/// An envelope is sent again as it was; two different ones under one recognition tag would be two messages under one key.
fn no_key_twice(person: &Person) -> Result<()> {
    let mut bodies: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for sent in person.watch().frames().into_iter().filter(|frame| frame.sent) {
        let Ok(frame) = frame::decode_client(sent.bytes.into()) else {
            continue;
        };
        let Some(Body::Submit(submit)) = frame.body else {
            continue;
        };
        for envelope in submit.envelopes {
            if envelope.body.first() != Some(&SESSION_FORM) {
                continue;
            }
            let tag = envelope
                .body
                .get(1..17)
                .context("an envelope without a tag")?
                .to_vec();
            let before = bodies.insert(tag, envelope.body.to_vec());
            ensure!(
                before.is_none_or(|before| before == envelope.body),
                "{} used a message key twice",
                person.name
            );
        }
    }
    ensure!(
        !bodies.is_empty(),
        "{} sent nothing that could be compared",
        person.name
    );
    Ok(())
}
