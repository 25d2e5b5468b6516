//! `bench e2e`: what two people feel. One relay, two browsers, one machine, one clock.
//!
//! | figure | from | to |
//! |---|---|---|
//! | `message` | Enter pressed in one browser | the text in the other's document |
//! | `painted` | the same | the frame after it |
//! | `cold` | navigation, empty cache and profile | the first screen can be used |
//! | `start` | navigation, account in the profile, no lock | the list of chats with its conversation |
//! | `unlock` | Enter behind the passphrase | the same; the passphrase is slow to try by design (P-261) |
//!
//! Prints a table, then one line of JSON for each figure.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chopar_bench::quantile;
use chopar_e2e::harness::{
    Key, Look, Organisation, Page, Patience, Person, Stage, button, eventually, heading, textbox,
};
use clap::Parser;
use serde_json::json;

/// Messages timed unless told otherwise: enough that the 99th percentile is not the maximum.
const MESSAGES: usize = 300;
/// Messages before the timed ones: handshakes, caches, the JIT.
const WARM_UP: usize = 20;
/// Loads of each kind.
const LOADS: usize = 10;

/// Notes the moments at which lines appear in the log, and when they are painted. `performance.timeOrigin` makes the clocks of
/// both browsers one.
const WATCH_LINES: &str = r#"(() => {
  window.benchLines = new Map();
  const now = () => performance.timeOrigin + performance.now();
  const log = document.querySelector('[role=log][aria-label=Messages]');
  new MutationObserver((changes) => {
    const there = now();
    for (const change of changes) for (const node of change.addedNodes) {
      const line = node.nodeType === 1 && (node.matches('[role=article]') ? node : node.querySelector('[role=article]'));
      const mark = line && /bench-\d+\./.exec(line.textContent)?.[0];
      if (mark && !window.benchLines.has(mark)) {
        const times = { there };
        window.benchLines.set(mark, times);
        requestAnimationFrame(() => setTimeout(() => { times.painted = now(); }));
      }
    }
  }).observe(log, { childList: true, subtree: true });
})()"#;

/// Notes when Enter is pressed.
const WATCH_ENTER: &str = r#"(() => {
  window.benchEnter = [];
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter') window.benchEnter.push(performance.timeOrigin + event.timeStamp);
  }, true);
})()"#;

/// Notes, from the first instruction of every document on, when something fits a selector for the first time.
fn watch_first(selector: &str) -> String {
    format!(
        r#"window.benchFirst = null;
        const look = () => {{
          if (window.benchFirst === null && document.querySelector({selector}))
            requestAnimationFrame(() => {{ window.benchFirst ??= performance.now(); }});
        }};
        new MutationObserver(look).observe(document, {{ childList: true, subtree: true, attributes: true }});"#,
        selector = json!(selector)
    )
}

/// What two people feel: from Enter in one browser to the text in the other's, and how long pages take.
#[derive(Parser)]
struct Options {
    /// How many messages are timed.
    #[arg(long, default_value_t = MESSAGES)]
    messages: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { messages } = Options::parse();
    Stage::play("bench-e2e", move |stage| play(stage, messages)).await
}

async fn play(stage: Arc<Stage>, messages: usize) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let one = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let other = organisation.member(&one, "Bek Tursunov", "bek").await?;
    one.start_chat("bek").await?;
    one.say("salom").await?;
    other.open_chat("Dilnoza Karimova").await?;
    other.until_sees("salom").await?;
    one.until_state("salom", "Read").await?;

    let (there, painted) = message_times(&one, &other, messages).await?;
    let start = start_times(&one).await?;
    let unlock = unlock_times(&one).await?;
    other.leave().await?;
    let cold = cold_times(&organisation).await?;
    let figures = [
        ("message", there),
        ("painted", painted),
        ("cold", cold),
        ("start", start),
        ("unlock", unlock),
    ];
    println!("{:10} {:>6} {:>12} {:>12}", "figure", "n", "median ms", "p99 ms");
    for (name, samples) in &figures {
        println!(
            "{name:10} {:>6} {:>12.1} {:>12.1}",
            samples.len(),
            quantile(samples, 0.5)?,
            quantile(samples, 0.99)?
        );
    }
    for (name, samples) in &figures {
        let line = json!({
            "bench": "e2e", "figure": name, "n": samples.len(),
            "median_ms": quantile(samples, 0.5)?, "p99_ms": quantile(samples, 0.99)?,
        });
        println!("{line}");
    }
    Ok(())
}

/// One message after the other, each when the last has arrived: what is measured is the way, not a queue.
async fn message_times(from: &Person, to: &Person, messages: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    to.page().evaluate(WATCH_LINES).await?;
    from.page().evaluate(WATCH_ENTER).await?;
    let (mut there, mut painted) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + messages {
        let mark = format!("bench-{number}.");
        from.page().fill(&textbox("Message"), &mark).await?;
        from.page().press(Key::Enter).await?;
        let look =
            format!("window.benchLines.get('{mark}')?.painted ? window.benchLines.get('{mark}') : null");
        let times = eventually(&format!("{mark} on the other page"), Patience::LONG, || async {
            Ok(Some(to.page().evaluate(&look).await?).filter(|times| !times.is_null()))
        })
        .await?;
        let pressed = from
            .page()
            .evaluate("window.benchEnter.at(-1)")
            .await?
            .as_f64()
            .context("no Enter")?;
        if number >= WARM_UP {
            there.push(times["there"].as_f64().context("no time")? - pressed);
            painted.push(times["painted"].as_f64().context("no time")? - pressed);
        }
        // As fast as people write at most; receipts of the last message are not part of the next one's way.
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    ensure!(
        there.iter().all(|ms| *ms > 0.0),
        "a message cannot arrive before it was sent"
    );
    Ok((there, painted))
}

/// A browser with an account opens the app: until the conversations are there.
async fn start_times(person: &Person) -> Result<Vec<f64>> {
    let script = watch_first("[aria-label=Conversations] > li");
    person
        .page()
        .call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": script }),
        )
        .await?;
    let mut times = Vec::new();
    for _ in 0..LOADS {
        person.open("/").await?;
        person
            .page()
            .find_within(&button("New chat"), Patience::LONG)
            .await?;
        times.push(first(person.page()).await?);
    }
    Ok(times)
}

/// A locked browser, opened with its passphrase. [`start_times`] has let every document note when the list is there.
async fn unlock_times(person: &Person) -> Result<Vec<f64>> {
    const PASSPHRASE: &str = "quyosh daraxt kitob deraza";
    let page = person.page();
    person.type_new_passphrase(PASSPHRASE).await?;
    page.click(&button("Set passphrase")).await?;
    page.find_within(&button("Lock now"), Patience::LONG).await?;
    let mut times = Vec::new();
    for _ in 0..LOADS {
        // No other tab is open: a page that is loaded anew is locked.
        person.open("/").await?;
        page.find_within(&heading("Chopar is locked"), Patience::LONG)
            .await?;
        page.evaluate(WATCH_ENTER).await?;
        page.fill(&textbox("Passphrase"), PASSPHRASE).await?;
        page.press(Key::Enter).await?;
        let there = first(page).await?;
        let pressed = page
            .evaluate("window.benchEnter.at(-1) - performance.timeOrigin")
            .await?
            .as_f64()
            .context("no Enter")?;
        times.push(there - pressed);
    }
    Ok(times)
}

/// A browser that was never here: until it says what to do.
async fn cold_times(organisation: &Organisation) -> Result<Vec<f64>> {
    let script = watch_first("#app h1");
    let mut times = Vec::new();
    for number in 0..LOADS {
        let visitor = organisation
            .person_with("Visitor", &format!("visitor-{number}"), Look::default())
            .await?;
        visitor
            .page()
            .call(
                "Page.addScriptToEvaluateOnNewDocument",
                json!({ "source": script }),
            )
            .await?;
        visitor.open("/").await?;
        visitor
            .page()
            .find_within(&heading("Messages only you two can read"), Patience::LONG)
            .await?;
        times.push(first(visitor.page()).await?);
        visitor.leave().await?;
    }
    Ok(times)
}

async fn first(page: &Page) -> Result<f64> {
    eventually("the moment it was there", Patience::LONG, || async {
        Ok(page.evaluate("window.benchFirst").await?.as_f64())
    })
    .await
}
