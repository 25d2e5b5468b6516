//! The figures. Each is noted by the page itself: what the way from here to the browser takes is in none of them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{Key, Page, Patience, Person, button, eventually, heading, textbox};
use serde_json::{Value, json};

use crate::profile::{TEXT, until_listed};

/// Loads, openings and searches.
const TIMES: usize = 10;
/// Messages whose receiving is measured.
pub(crate) const RECEIVED: usize = 300;
/// Between two of them: as fast as people write at most, so that each has a commit of its own.
const PAUSE: Duration = Duration::from_millis(60);
/// So long after a start nothing is left of it.
const SETTLED: Duration = Duration::from_secs(3);
/// Frames of one stretch of scrolling.
const FRAMES: usize = 300;
/// Stretches up, and as many down again.
const STRETCHES: usize = 3;
const PASSPHRASE: &str = "quyosh daraxt kitob deraza";

/// Functions that the measuring scripts share: waiting for what the document shows, and for its being painted.
const HELP: &str = r"
  const until = (there) => new Promise((ok) => {
    const look = () => { const found = there(); if (found) { observer.disconnect(); ok(found); } };
    const observer = new MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true, attributes: true });
    look();
  });
  const painted = () => new Promise((ok) => requestAnimationFrame(() => setTimeout(ok)));
";

/// In the worker: from the first look at a message that came to the next frame that leaves. What the relay answers to others is smaller.
/// That this frame is the acknowledgement of that message is not looked at.
const WATCH_TURNS: &str = r"(() => {
  const SMALLER = 256;
  const data = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data');
  const send = WebSocket.prototype.send;
  let came = null;
  globalThis.benchTurns = [];
  Object.defineProperty(MessageEvent.prototype, 'data', { ...data, get() {
    const value = data.get.call(this);
    if (this.target instanceof WebSocket && value?.byteLength > SMALLER) came ??= performance.now();
    return value;
  } });
  WebSocket.prototype.send = function (...frame) {
    if (came !== null) benchTurns.push(performance.now() - came);
    came = null;
    return send.apply(this, frame);
  };
})()";

/// Receiving one message after the other.
pub(crate) async fn turnaround(sender: &Person, reader: &Person, known: usize) -> Result<Vec<f64>> {
    reader.page().in_worker(WATCH_TURNS).await?;
    for number in known..known + RECEIVED {
        sender.say_many(number..number + 1, TEXT).await?;
        tokio::time::sleep(PAUSE).await;
    }
    until_listed(reader, known + RECEIVED - 1).await?;
    numbers(&reader.page().in_worker("benchTurns").await?)
}

/// From navigation to the list.
pub(crate) async fn start(reader: &Person) -> Result<Vec<f64>> {
    note_list(reader).await?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        start_over(reader).await?;
        times.push(listed(reader.page()).await?);
    }
    Ok(times)
}

/// From a press on the conversation to the first line that was not read, far from the end.
pub(crate) async fn open_unread(reader: &Person, with: &str) -> Result<Vec<f64>> {
    open_until(reader, with, "document.querySelector('[role=log] .unread-line')").await
}

/// From a press on the conversation, all of which is read, to its last message.
pub(crate) async fn open(reader: &Person, with: &str, last: usize) -> Result<Vec<f64>> {
    const UNREAD: &str = "document.querySelector('[aria-label=Conversations] .badge') !== null";
    let there = format!(
        "[...document.querySelectorAll('[role=log] [role=article]')].some((line) => line.textContent.includes(' {last}.'))"
    );
    reader.page().evaluate(&opening(with, LINES)).await?;
    reader.to_latest().await?;
    // Otherwise it would open somewhere else again.
    eventually("everything to be read", Patience::LONG, || async {
        Ok((reader.page().evaluate(UNREAD).await? == false).then_some(()))
    })
    .await?;
    open_until(reader, with, &there).await
}

/// From a press on the conversation until something is there.
async fn open_until(reader: &Person, with: &str, there: &str) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        start_over(reader).await?;
        times.push(number(&reader.page().evaluate(&opening(with, there)).await?)?);
    }
    Ok(times)
}

/// The first search after a start, and others.
pub(crate) async fn search(reader: &Person) -> Result<(Vec<f64>, Vec<f64>)> {
    const WORDS: [&str; 5] = ["hujjat", "договор", "йиғилиш", "ertaga choy", "9"];
    let (mut first, mut next) = (Vec::new(), Vec::new());
    for _ in 0..TIMES / 2 {
        start_over(reader).await?;
        for (at, words) in WORDS.iter().enumerate() {
            let script = format!(
                r"(async () => {{ {HELP}
  const box = document.getElementById('search');
  const words = {};
  const began = performance.now();
  box.value = words;
  box.dispatchEvent(new InputEvent('input', {{ bubbles: true }}));
  await until(() => document.getElementById('search-found')?.dataset.query === words);
  await painted();
  return performance.now() - began;
}})()",
                json!(words)
            );
            let time = number(&reader.page().evaluate(&script).await?)?;
            if at == 0 { &mut first } else { &mut next }.push(time);
        }
    }
    Ok((first, next))
}

/// Times between frames while the log goes up and down again, and how many lines stood on the page at most.
pub(crate) async fn scroll(reader: &Person, with: &str) -> Result<(Vec<f64>, u64)> {
    start_over(reader).await?;
    reader.page().evaluate(&opening(with, LINES)).await?;
    let (mut times, mut most) = (Vec::new(), 0);
    for step in [-60, 60]
        .iter()
        .flat_map(|step| std::iter::repeat_n(step, STRETCHES))
    {
        let script = format!(
            r"(async () => {{
  const log = document.querySelector('[role=log]');
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  let [last, most] = [await frame(), 0];
  for (let count = 0; count < {FRAMES}; count += 1) {{
    log.scrollTop += {step};
    const now = await frame();
    times.push(now - last);
    last = now;
    most = Math.max(most, log.querySelectorAll('[role=article]').length);
  }}
  return {{ times, most }};
}})()"
        );
        let answer = reader.page().evaluate(&script).await?;
        times.extend(numbers(&answer["times"])?);
        most = most.max(answer["most"].as_u64().context("no count of lines")?);
    }
    Ok((times, most))
}

/// From Enter behind the passphrase to the list. [`start`] has let every document note when that is there.
pub(crate) async fn unlock(reader: &Person) -> Result<Vec<f64>> {
    const WATCH_ENTER: &str = "addEventListener('keydown', (event) => { if (event.key === 'Enter') window.benchEnter = event.timeStamp; }, true)";
    let page = reader.page();
    reader.type_new_passphrase(PASSPHRASE).await?;
    page.click(&button("Set passphrase")).await?;
    page.find_within(&button("Lock now"), Patience::of(Duration::from_secs(300)))
        .await?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        // No other tab is open: a page that is loaded anew is locked.
        reader.open("/").await?;
        page.find_within(&heading("Chopar is locked"), Patience::LONG)
            .await?;
        page.evaluate(WATCH_ENTER).await?;
        page.fill(&textbox("Passphrase"), PASSPHRASE).await?;
        page.press(Key::Enter).await?;
        let there = listed(page).await?;
        times.push(there - number(&page.evaluate("window.benchEnter").await?)?);
    }
    Ok(times)
}

/// Loads the page anew, and waits until it has nothing to do.
async fn start_over(reader: &Person) -> Result<()> {
    reader.open("/").await?;
    reader.until_in().await?;
    tokio::time::sleep(SETTLED).await;
    Ok(())
}

/// Whether there are lines, in JavaScript.
const LINES: &str = "document.querySelector('[role=log] [role=article]')";

/// A script that presses on a conversation and gives the milliseconds until something is there and painted.
fn opening(with: &str, there: &str) -> String {
    format!(
        r"(async () => {{ {HELP}
  const rows = [...document.querySelectorAll('[aria-label=Conversations] a')];
  const row = rows.find((row) => row.textContent.includes({}));
  const began = performance.now();
  row.click();
  await until(() => {there});
  await painted();
  return performance.now() - began;
}})()",
        json!(with)
    )
}

/// Lets every document from here on note when the list is there.
async fn note_list(reader: &Person) -> Result<()> {
    let source = format!(
        "(async () => {{ {HELP}
  await until(() => document.querySelector('[aria-label=Conversations] > li'));
  await painted();
  window.benchListed = performance.now();
}})()"
    );
    reader
        .page()
        .call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": source }),
        )
        .await
        .map(drop)
}

async fn listed(page: &Page) -> Result<f64> {
    eventually("the list to be there", Patience::LONG, || async {
        Ok(page.evaluate("window.benchListed ?? null").await?.as_f64())
    })
    .await
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().context("not a time")
}

fn numbers(values: &Value) -> Result<Vec<f64>> {
    let times = values.as_array().context("no times")?.iter().map(number);
    let times = times.collect::<Result<Vec<_>>>()?;
    ensure!(times.iter().all(|ms| *ms >= 0.0), "time does not run backwards");
    Ok(times)
}
