//! A long conversation: it opens where one has read to, holds few of its lines, keeps its place, and leads to any day.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Stage, button, eventually, heading, labelled, line,
};

/// Messages of the conversation: forty pages of what the page asks for at a time.
const MESSAGES: usize = 2_400;
/// Lines that a page holds at most.
const MOST: u64 = 300;
/// What a line may move by when others come or go, in CSS pixels: rounding.
const STILL: f64 = 2.0;
/// What it may move by when several hundred come one after another, in CSS pixels: each rounds, and it is less than half a line.
const DRIFT: f64 = 10.0;
const TEXT: &str = "(number) => `xabar-${String(number).padStart(4, '0')}.`";

/// P-365.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_conversation_opens_where_one_was_and_leads_everywhere() -> Result<()> {
    Stage::play("long_history", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found_unlimited(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("boshladik").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("boshladik").await?;
    owner.until_state("boshladik", "Read").await?;
    member.open("/").await?;
    member.until_in().await?;
    owner.say_many(0..MESSAGES, TEXT).await?;
    few_lines(&owner).await?;
    until_listed(&member, MESSAGES - 1).await?;

    // Where one has read to, however much has come since.
    member.open_chat("Dilnoza Karimova").await?;
    member
        .page()
        .find_within(&line("xabar-0000."), Patience::LONG)
        .await?;
    ensure!(
        member.page().has(&labelled("New messages")).await?,
        "a line says where the new begins"
    );
    ensure!(member.count("xabar-2399.").await? == 0, "the latest are not held");
    let unread = member
        .page()
        .evaluate("document.querySelector('.jump').getAttribute('aria-description')")
        .await?;
    let unread = unread.as_str().context("it does not say how many are unread")?;
    let count: usize = unread.split(' ').next().context("no count")?.parse()?;
    ensure!(
        count > MESSAGES - 100 && unread.ends_with("unread messages"),
        "{unread:?}"
    );
    member.page().click(&button("Jump to latest")).await?;
    member.until_sees("xabar-2399.").await?;
    few_lines(&member).await?;

    // Up and down again nothing moves that somebody reads, and nothing is missing.
    for (what, way, pages) in [("up", -1, 8), ("down", 1, 4)] {
        for _ in 0..pages {
            let moved = turn_page(&member, way).await?;
            ensure!(moved < STILL, "scrolled {what}, a line has moved by {moved}");
            few_lines(&member).await?;
        }
    }
    let lines = member.history().await?;
    let said: Vec<_> = lines.iter().filter(|line| line.says("xabar-")).collect();
    ensure!(said.len() == MESSAGES, "{} of {MESSAGES} lines", said.len());
    let in_order = said
        .iter()
        .zip(0..)
        .all(|(line, number)| line.says(&format!("xabar-{number:04}.")));
    ensure!(in_order, "each once, in their order");

    // What arrives while somebody reads further up waits there, and moves nothing.
    turn_page(&member, -1).await?;
    let before = shown(&member).await?;
    owner.say_many(MESSAGES..MESSAGES + 400, TEXT).await?;
    until_listed(&member, MESSAGES + 399).await?;
    let after = shown(&member).await?;
    ensure!(
        after.0 == before.0 && (after.1 - before.1).abs() < DRIFT,
        "nothing moves where somebody reads: {before:?}, then {after:?}"
    );
    few_lines(&member).await?;
    member.to_latest().await?;
    member.until_sees("xabar-2799.").await?;

    // To a day, from the person's page, with the keyboard; then from the day's own line.
    member.open_person("Dilnoza Karimova").await?;
    member.page().click(&button("Jump to a date")).await?;
    member
        .page()
        .find_within(&heading("Jump to a date"), Patience::LONG)
        .await?;
    until_keyboard_in_box(&member).await?;
    member.page().press(Key::Enter).await?;
    let first = "document.activeElement?.matches('[role=log] [role=article]') ? document.activeElement.parentElement.querySelector('[role=article]') === document.activeElement : false";
    eventually(
        "the keyboard to be on the first line of the day",
        Patience::LONG,
        || async { Ok((member.page().evaluate(first).await? == true).then_some(())) },
    )
    .await?;
    member.until_sees("boshladik").await?;
    let day = button("Today, jump to a date");
    member.page().find_within(&day, Patience::LONG).await?;
    member.page().click(&day).await?;
    until_keyboard_in_box(&member).await?;
    member.page().press(Key::Escape).await?;
    member.page().until_gone(&heading("Jump to a date")).await
}

/// The page holds no more lines than it may.
async fn few_lines(person: &Person) -> Result<()> {
    let held = person
        .page()
        .evaluate("document.querySelectorAll('[role=log] [role=article]').length")
        .await?;
    let held = held.as_u64().context("no count")?;
    ensure!(held > 0 && held <= MOST, "{} lines on the page", held);
    Ok(())
}

/// Scrolls to one end of what is held, until the next page is there; says by how many pixels a line that was in sight has moved on the
/// screen.
async fn turn_page(person: &Person, way: i32) -> Result<f64> {
    let script = format!(
        r"(async () => {{
  const log = document.querySelector('[role=log]');
  const lines = () => [...log.querySelectorAll('[role=article]')];
  const ends = () => {{ const all = lines(); return all.at({way} < 0 ? 0 : -1).dataset.sequence; }};
  const frame = () => new Promise(requestAnimationFrame);
  // Not to the very end: there, nothing is beyond.
  log.scrollTop = {way} < 0 ? log.clientHeight - log.scrollHeight + 500 : -500;
  const before = ends();
  const middle = log.getBoundingClientRect().top + log.clientHeight / 2;
  const line = lines().find((line) => line.getBoundingClientRect().bottom > middle);
  const at = line.getBoundingClientRect().top;
  for (let count = 0; count < 300 && ends() === before; count += 1) await frame();
  await frame();
  await frame();
  return line.isConnected ? Math.abs(line.getBoundingClientRect().top - at) : 1e9;
}})()"
    );
    person
        .page()
        .evaluate(&script)
        .await?
        .as_f64()
        .context("no distance")
}

/// The line in the middle of the log, and where it stands, in CSS pixels.
async fn shown(person: &Person) -> Result<(String, f64)> {
    let script = r"(() => {
  const log = document.querySelector('[role=log]');
  const middle = log.getBoundingClientRect().top + log.clientHeight / 2;
  const line = [...log.querySelectorAll('[role=article]')].find((line) => line.getBoundingClientRect().bottom > middle);
  return `${line.dataset.sequence} ${line.getBoundingClientRect().top}`;
})()";
    let shown = person.page().evaluate(script).await?;
    let (line, top) = shown
        .as_str()
        .and_then(|shown| shown.split_once(' '))
        .context("nothing is shown")?;
    Ok((line.to_owned(), top.parse()?))
}

async fn until_listed(person: &Person, number: usize) -> Result<()> {
    let script = format!(
        "document.querySelector('[aria-label=Conversations]')?.textContent.includes('xabar-{number:04}.') ?? false"
    );
    eventually("the last message to have come", Patience::LONG, || async {
        Ok((person.page().evaluate(&script).await? == true).then_some(()))
    })
    .await
}

async fn until_keyboard_in_box(person: &Person) -> Result<()> {
    eventually(
        "the keyboard to be in the box for the date",
        Patience::LONG,
        || async {
            let is = person
                .page()
                .evaluate("document.activeElement?.type === 'date'")
                .await?;
            Ok((is == true).then_some(()))
        },
    )
    .await
}
