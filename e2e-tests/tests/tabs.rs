//! Three tabs of one browser while one after the other fails: closed, and frozen and thawed again, each time the very tab whose
//! worker does the work, in the middle of sending. Nothing is lost, nothing comes twice, and all tabs show the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{Key, Organisation, Patience, Person, Stage, eventually, textbox};

/// Messages in a normal run, and in a full one (`CHOPAR_FULL`).
const MESSAGES: [usize; 2] = [200, 1_000];

/// How long a hand-over may take in this test, from the moment the owner is frozen: less than a second where a machine is idle. One
/// that compiles beside needs more, and gets it; the figure is printed.
const HAND_OVER: Duration = Duration::from_secs(20);

/// The owner's epoch, which stands in clear in the vault's header: schema u32 ‖ epoch u64 ‖ canary.
const EPOCH: &str = "done(keys.get('header')).then((header) => Number(new DataView(header.buffer, header.byteOffset).getBigUint64(4)))";

// P-113, P-265
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_happens_to_the_tab_that_works() -> Result<()> {
    Stage::play("tabs", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let full = std::env::var_os("CHOPAR_FULL").is_some();
    let messages = MESSAGES[usize::from(full)];
    let organisation = Organisation::found(&stage).await?;
    let first = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&first, "Bek Tursunov", "bek").await?;
    first.start_chat("bek").await?;
    let mut count = Count::default();
    count.say(&first).await?;
    member.open_chat("Dilnoza Karimova").await?;
    let second = tab(&first).await?;
    let third = tab(&first).await?;

    // Each tab sends, in turn.
    while count.said < messages / 3 {
        for sender in [&first, &second, &third] {
            count.say(sender).await?;
        }
    }

    // The tab that works goes in the middle of sending. The one that stands first in line takes over.
    count.begin(&first).await?;
    let before = epoch(&third).await?;
    first.close_tab().await?;
    taken_over(&third, before, "closed").await?;
    while count.said < messages * 2 / 3 {
        for sender in [&second, &third] {
            count.say(sender).await?;
        }
    }

    // The next one is frozen in the middle of sending, for longer than anybody waits, and thawed.
    count.begin(&second).await?;
    let before = epoch(&third).await?;
    second.page().set_frozen(true).await?;
    taken_over(&third, before, "frozen").await?;
    while count.said < messages - 6 {
        count.say(&third).await?;
    }
    let before = epoch(&third).await?;
    second.page().set_frozen(false).await?;
    while count.said < messages {
        for sender in [&second, &third] {
            count.say(sender).await?;
        }
    }
    ensure!(
        epoch(&third).await? == before,
        "the thawed tab stood in line, and took nothing back"
    );

    // And the other direction, into every tab.
    member.say("hammaga").await?;
    for tab in [&second, &third] {
        tab.until_sees("hammaga").await?;
    }
    count.exact(&member, "the other person").await?;
    count.exact(&second, "the thawed tab").await?;
    count.exact(&third, "the tab that lived through it").await?;
    let (one, other) = (texts(&second).await?, texts(&third).await?);
    ensure!(one == other, "both tabs show the same in the same order");
    Ok(())
}

async fn tab(of: &Person) -> Result<Person> {
    let tab = of.another_tab().await?;
    tab.open("/").await?;
    tab.until_connection("Online").await?;
    tab.open_chat("Bek Tursunov").await?;
    Ok(tab)
}

async fn epoch(tab: &Person) -> Result<u64> {
    tab.page().from_vault(EPOCH).await?.as_u64().context("no epoch")
}

async fn taken_over(by: &Person, before: u64, what: &str) -> Result<()> {
    let begun = Instant::now();
    let waited = format!("another tab to take over from the one that was {what}");
    eventually(&waited, Patience::of(HAND_OVER), || async {
        Ok((epoch(by).await? > before).then_some(()))
    })
    .await?;
    println!("{what}: taken over after {} ms", begun.elapsed().as_millis());
    Ok(())
}

async fn texts(of: &Person) -> Result<Vec<String>> {
    let lines = of.history().await?;
    Ok(lines.into_iter().filter_map(|line| number(&line.0)).collect())
}

/// The marker of a message within a line's name.
fn number(line: &str) -> Option<String> {
    let at = line.find("xabar-")?;
    line.get(at..at + 10).map(str::to_owned)
}

/// What was said so far: each message has a number of its own.
#[derive(Default)]
struct Count {
    said: usize,
}

impl Count {
    fn next(&mut self) -> String {
        self.said += 1;
        format!("xabar-{:04}", self.said)
    }

    async fn say(&mut self, sender: &Person) -> Result<()> {
        sender.say(&self.next()).await
    }

    /// Presses Enter and waits for nothing.
    async fn begin(&mut self, sender: &Person) -> Result<()> {
        sender.page().fill(&textbox("Message"), &self.next()).await?;
        sender.page().press(Key::Enter).await
    }

    /// Waits until everything is there, and looks that it is there once.
    async fn exact(&self, of: &Person, who: &str) -> Result<()> {
        of.until_sees(&format!("xabar-{:04}", self.said)).await?;
        let found = eventually(&format!("all messages at {who}"), Patience::LONG, || async {
            let found = texts(of).await?;
            Ok((found.len() >= self.said).then_some(found))
        })
        .await?;
        let mut times = BTreeMap::new();
        for text in &found {
            *times.entry(text.as_str()).or_insert(0) += 1;
        }
        let doubled: Vec<_> = times.iter().filter(|(_, times)| **times != 1).collect();
        ensure!(doubled.is_empty(), "{who} has more than once: {doubled:?}");
        ensure!(
            times.len() == self.said,
            "{who} has {} of {} messages",
            times.len(),
            self.said
        );
        Ok(())
    }
}
