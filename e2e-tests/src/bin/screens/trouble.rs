//! What is shown where something is wrong, or waits: each a moment that a small organisation may never see.

use anyhow::Result;
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Sought, button, heading, item, line, link, menu_item, option,
    textbox,
};
use chopar_e2e::hostile::HostileProxy;
use chopar_wire::proto::relay::Reason;
use chopar_wire::proto::relay::client_frame::Body as Asked;
use serde_json::json;

use crate::album::Album;
use crate::kept::newcomer;
use crate::story::{path_of, speak, widest};
use crate::words::Words;

/// A contact who is not there.
const AWAY: &str = "Malika Yo‘ldosheva";

/// Everything but the last.
pub(crate) async fn each(
    relay: &HostileProxy,
    organisation: &Organisation,
    owner: &Person,
    group: &str,
    languages: [&Words; 2],
    album: &Album,
) -> Result<()> {
    let invite = organisation.invite(1).await?;
    forged_keys(relay, owner, languages, album).await?;
    for words in languages {
        widest(owner.page()).await?;
        speak(owner, words).await?;
        held_line(relay, owner, words, album).await?;
        moved_handle(relay, owner, words, album).await?;
        readers(owner, group, words, album).await?;
        no_camera(owner, words, album).await?;
        part_that_was_altered(relay, owner, words, album).await?;
        owner.page().open(&invite).await?;
        owner
            .page()
            .find_within(&heading(words.say("join.already")?), Patience::LONG)
            .await?;
        album.take(owner.page(), "join-already", words.language).await?;
        newer_database(organisation, words, album).await?;
    }
    Ok(())
}

/// A message for which the server has no room.
async fn held_line(relay: &HostileProxy, owner: &Person, words: &Words, album: &Album) -> Result<()> {
    let page = owner.page();
    owner.open("/").await?;
    page.find_within(&item(AWAY), Patience::LONG).await?;
    page.click(&item(AWAY)).await?;
    let message = textbox(words.say("talk.message")?);
    page.find_within(&message, Patience::LONG).await?;
    relay.refuse(|asked| matches!(asked, Asked::Submit(_)), Reason::Storage);
    page.fill(&message, "Yetib boradimi?").await?;
    page.press(Key::Enter).await?;
    page.until_shows(words.say("held.relay_storage")?).await?;
    album.take(page, "message-held", words.language).await?;
    relay.be_honest();
    page.until_gone_within(&button(words.say("retry")?), Patience::LONG)
        .await
}

/// A handle that names somebody else than before.
async fn moved_handle(relay: &HostileProxy, owner: &Person, words: &Words, album: &Album) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    relay.move_handles();
    page.click(&button(words.say("chats.new")?)).await?;
    page.fill(&textbox(words.say("find.label")?), "malika").await?;
    page.click(&option("malika")).await?;
    page.find_within(&heading(words.say("find.moved_title")?), Patience::LONG)
        .await?;
    album.take(page, "handle-moved", words.language).await?;
    page.click(&button(words.say("cancel")?)).await?;
    page.press(Key::Escape).await?;
    relay.be_honest();
    Ok(())
}

/// Keys of somebody that are not theirs: sending is stopped. Once the true ones are known there is nothing more to see.
async fn forged_keys(
    relay: &HostileProxy,
    owner: &Person,
    languages: [&Words; 2],
    album: &Album,
) -> Result<()> {
    let (page, first) = (owner.page(), languages[0]);
    widest(page).await?;
    speak(owner, first).await?;
    relay.swap_bundles();
    owner.open("/").await?;
    page.click(&button(first.say("chats.new")?)).await?;
    page.fill(&textbox(first.say("find.label")?), "nodira").await?;
    page.click(&option("nodira")).await?;
    let message = textbox(first.say("talk.message")?);
    if page.find_within(&message, Patience::SOON).await.is_ok() {
        page.fill(&message, "Buni faqat siz o‘qiysiz").await?;
        page.press(Key::Enter).await?;
    }
    let stopped = |words: &Words| -> Result<Sought> {
        let title = words.say("stop.alarm_title")?.replace("{name}", "Nodira Saidova");
        Ok(heading(&title))
    };
    page.find_within(&stopped(first)?, Patience::LONG).await?;
    let talk = path_of(page).await?;
    for words in languages {
        widest(page).await?;
        speak(owner, words).await?;
        owner.open(&talk).await?;
        page.find_within(&stopped(words)?, Patience::LONG).await?;
        album.take(page, "keys-forged", words.language).await?;
    }
    relay.be_honest();
    Ok(())
}

/// Who of a group has read a message.
async fn readers(owner: &Person, group: &str, words: &Words, album: &Album) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    owner.open(group).await?;
    let shown = page.find_within(&line("Ha, ekran bilan"), Patience::LONG).await?;
    page.click_for_menu(&shown).await?;
    page.click(&menu_item(words.say("menu.receivers")?)).await?;
    page.find_within(&Sought::any(&["dialog"]), Patience::LONG)
        .await?;
    album.take(page, "receivers", words.language).await?;
    page.press(Key::Escape).await
}

/// Scanning a code with a device that has no camera.
async fn no_camera(owner: &Person, words: &Words, album: &Album) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    owner.open("/").await?;
    page.find_within(&item(AWAY), Patience::LONG).await?;
    page.click(&item(AWAY)).await?;
    page.find_within(&textbox(words.say("talk.message")?), Patience::LONG)
        .await?;
    let person = path_of(page).await?.replacen("/c/", "/p/", 1);
    owner.open(&person).await?;
    let scan = button(words.say("person.scan")?);
    page.find_within(&scan, Patience::LONG).await?;
    page.click(&scan).await?;
    page.find_within(&button(words.say("scan.again")?), Patience::LONG)
        .await?;
    album.take(page, "scan-no-camera", words.language).await?;
    page.press(Key::Escape).await
}

/// A later part of the app that is not what was built.
async fn part_that_was_altered(
    relay: &HostileProxy,
    owner: &Person,
    words: &Words,
    album: &Album,
) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    // It was looked at before, and what a browser has cached is not asked for again.
    page.call("Network.clearBrowserCache", json!({})).await?;
    owner.open("/").await?;
    let settings = link(words.say("chats.settings")?);
    page.find_within(&settings, Patience::LONG).await?;
    relay.spoil(".wasm");
    page.click(&settings).await?;
    page.until_shows(words.say("part.altered")?).await?;
    album.take(page, "part-altered", words.language).await?;
    relay.be_honest();
    // These errors are what the picture is of. Some are told late, and once more for what the browser has cached: not before the page
    // is another, and the cache empty.
    page.call("Network.clearBrowserCache", json!({})).await?;
    owner.open("/").await?;
    page.find_within(&settings, Patience::LONG).await?;
    owner.watch().forgive_errors();
    owner.watch().forgive_violations();
    Ok(())
}

/// A newer build was here.
async fn newer_database(organisation: &Organisation, words: &Words, album: &Album) -> Result<()> {
    let visitor = newcomer(organisation, words, "newer").await?;
    visitor.page().write_newer_database().await?;
    visitor.open("/").await?;
    visitor
        .page()
        .until_shows(words.say("fatal.vault_newer")?)
        .await?;
    album
        .take(visitor.page(), "newer-database", words.language)
        .await?;
    visitor.leave().await
}

/// The server's data is gone. Nothing comes after it.
pub(crate) async fn unknown_here(
    organisation: &mut Organisation,
    bek: &Person,
    languages: [&Words; 2],
    album: &Album,
) -> Result<()> {
    organisation.kill_relay().await?;
    tokio::fs::remove_dir_all(organisation.relay_data()).await?;
    organisation.restart_relay().await?;
    let page = bek.page();
    for words in languages {
        widest(page).await?;
        speak(bek, words).await?;
        bek.open("/").await?;
        let open = button(words.say("start_over.open")?);
        page.find_within(&open, Patience::LONG).await?;
        album.take(page, "unknown-here", words.language).await?;
        page.click(&open).await?;
        page.find(&button(words.say("start_over.confirm")?)).await?;
        album.take(page, "start-over", words.language).await?;
        page.press(Key::Escape).await?;
    }
    Ok(())
}
