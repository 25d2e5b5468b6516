//! Making the profile: everything in it was said, sent and received.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use chopar_e2e::harness::{Organisation, Patience, Person, Stage, eventually};

/// Who says it all.
pub(crate) const SENDER: &str = "Dilnoza Karimova";
/// Said between two looks at the clock.
const STRETCH: usize = 2_500;
/// How long the reader may lag behind.
const CATCH_UP: Duration = Duration::from_secs(600);

/// What message a number is, in JavaScript: words of everyday life, some sixty characters, no two alike.
pub(crate) const TEXT: &str = r"(number) => {
  const words = ['ertaga', 'hujjat', 'tayyor', 'boʻladi', 'kelishuv', 'boʻyicha', 'majlis', 'soat', 'choy', 'rahmat', 'завтра', 'договор',
    'встреча', 'документ', 'спасибо', 'хорошо', 'отчёт', 'қачон', 'келасиз', 'бугун', 'йиғилиш', 'Тошкент', 'Самарқанд', 'вилоят'];
  let seed = number * 2654435761 >>> 0;
  const next = () => words[(seed = (seed * 1664525 + 1013904223) >>> 0) % words.length];
  return [...Array(4 + number % 7)].map(next).join(' ') + ` ${number}.`;
}";

/// Two people, of whom the second has so many messages of the first. The conversation is not open there.
pub(crate) async fn fill(stage: &Arc<Stage>, messages: usize) -> Result<(Person, Person)> {
    let organisation = Organisation::found_unlimited(stage).await?;
    let sender = organisation.owner(SENDER, "dilnoza").await?;
    let reader = organisation.member(&sender, "Bek Tursunov", "bek").await?;
    sender.start_chat("bek").await?;
    sender.say("salom").await?;
    reader.open_chat(SENDER).await?;
    reader.until_sees("salom").await?;
    reader.open("/").await?;
    reader.until_in().await?;
    let began = Instant::now();
    for first in (0..messages).step_by(STRETCH) {
        let end = messages.min(first + STRETCH);
        sender.say_many(first..end, TEXT).await?;
        println!("{end} messages said after {} s", began.elapsed().as_secs());
    }
    until_listed(&reader, messages - 1).await?;
    println!(
        "{messages} messages received after {} s",
        began.elapsed().as_secs()
    );
    Ok((sender, reader))
}

/// Waits until the last message of the conversation, as the list has it, is this one.
pub(crate) async fn until_listed(reader: &Person, number: usize) -> Result<()> {
    let script = format!(
        "document.querySelector('[aria-label=Conversations]')?.textContent.includes(' {number}.') ?? false"
    );
    let what = format!("message {number} to be received");
    eventually(&what, Patience::of(CATCH_UP), || async {
        Ok((reader.page().evaluate(&script).await? == true).then_some(()))
    })
    .await
}
