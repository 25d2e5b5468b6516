//! Storage that is damaged, of a newer version, or full: each is said in plain words, and nothing that can still be read is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Stage, button, eventually, heading, link, textbox,
};
use serde_json::json;

/// Flips a bit of the oldest row of each partition: of the first message, and of what goes with it.
const DAMAGE: &str = "(async () => {
  const lines = keys.transaction.db.transaction('lines', 'readwrite').objectStore('lines');
  const partitions = new Set();
  for (const at of await done(lines.getAllKeys())) {
    const partition = String(new Uint8Array(at, 0, 16));
    if (partitions.has(partition)) continue;
    partitions.add(partition);
    const value = await done(lines.get(at));
    value[value.length - 1] ^= 1;
    await done(lines.put(value, at));
  }
  return partitions.size > 0;
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_storage_is_said_and_the_rest_stays() -> Result<()> {
    Stage::play("bad_storage", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    for text in ["birinchi", "ikkinchi"] {
        owner.say(text).await?;
    }
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("ikkinchi").await?;

    // One record is damaged: it is counted, and everything else works.
    ensure!(
        owner.page().from_vault(DAMAGE).await? == true,
        "a line was damaged"
    );
    owner.page().reload().await?;
    owner.until_sees("ikkinchi").await?;
    owner.say("uchinchi").await?;
    member.until_sees("uchinchi").await?;
    // Not by loading it anew: what does not open is counted where it is asked for.
    owner.page().click(&link("Settings")).await?;
    owner.page().until_shows("on this device do").await?;

    // The disk is full: said after a few attempts, and once there is room everything is as it was.
    let room = |bytes: Option<u64>| {
        let mut share = json!({ "origin": organisation.origin });
        if let Some(bytes) = bytes {
            share["quotaSize"] = bytes.into();
        }
        member.page().call("Storage.overrideQuotaForOrigin", share)
    };
    room(Some(1)).await?;
    until_full(&member).await?;
    room(None).await?;
    member.page().click(&button("Reload")).await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("uchinchi").await?;
    member.say("joy bor").await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_sees("joy bor").await?;

    // A newer build was here.
    owner.page().write_newer_database().await?;
    owner.page().reload().await?;
    owner
        .page()
        .find_within(&heading("Chopar cannot go on"), Patience::LONG)
        .await?;
    owner.page().until_shows("written by a newer version").await
}

/// Writes until the page says that the disk is full. Chromium believes for half a minute what it last knew of the room there is, so
/// the first messages may still be taken.
async fn until_full(person: &Person) -> Result<()> {
    let page = person.page();
    let taken = AtomicUsize::new(0);
    eventually("the disk to be full", Patience::LONG, || async {
        if page
            .everything()
            .await?
            .contains("There is no space left on this device")
        {
            return Ok(Some(()));
        }
        if page.has(&textbox("Message")).await? {
            let text = format!("sig‘maydi-{}", taken.fetch_add(1, Ordering::Relaxed));
            page.fill(&textbox("Message"), &text).await?;
            page.press(Key::Enter).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(None)
    })
    .await
}
