//! From the first visit to the empty list, with a picture at every step, in the visitor's language.

use anyhow::{Context, Result};
use chopar_e2e::harness::{Patience, Person, button, labelled, link as link_named, textbox};

use crate::album::Album;
use crate::words::Words;

/// Walks `person` through it. Gives the recovery key.
pub(crate) async fn join(person: &Person, link: &str, words: &Words, album: &Album) -> Result<String> {
    let page = person.page();
    let language = words.language;

    person.open("/").await?;
    page.find_within(
        &chopar_e2e::harness::heading(words.say("welcome.title")?),
        Patience::LONG,
    )
    .await?;
    album.take(page, "welcome", language).await?;

    page.click(&link_named(words.say("recover.open")?)).await?;
    let key = textbox(words.say("recovery.label")?);
    page.find_within(&key, Patience::LONG).await?;
    album.take(page, "recover", language).await?;
    page.fill(&key, "0000 1111 2222").await?;
    page.click(&button(words.say("recover.act")?)).await?;
    page.until_alert(words.say("failure.key_mistyped")?).await?;
    album.take(page, "recover-problem", language).await?;

    person.open(&format!("/join#{}", "A".repeat(43))).await?;
    page.find_within(
        &chopar_e2e::harness::heading(words.say("join.unusable")?),
        Patience::LONG,
    )
    .await?;
    album.take(page, "invite-refused", language).await?;

    page.open(link).await?;
    let handle = textbox(words.say("join.handle")?);
    page.find_within(&handle, Patience::LONG).await?;
    album.take(page, "join", language).await?;
    page.fill(&handle, "a").await?;
    page.fill(&textbox(words.say("join.display_name")?), &person.name)
        .await?;
    page.click(&button(words.say("join.create")?)).await?;
    page.until_alert(words.say("failure.handle_length")?).await?;
    album.take(page, "join-problem", language).await?;
    page.fill(&handle, &person.handle).await?;
    page.click(&button(words.say("join.create")?)).await?;

    let shown = labelled(words.say("recovery.label")?);
    page.find_within(&shown, Patience::LONG).await?;
    let key = page.text(&shown).await?;
    let groups: Vec<&str> = key.split_whitespace().collect();
    album.take(page, "recovery-key", language).await?;
    page.click(&button(words.say("recovery.saved")?)).await?;
    let mut asked = Vec::new();
    for number in 1..=groups.len() {
        let field = textbox(&words.numbered("recovery.group", number)?);
        if page.has(&field).await? {
            asked.push((field, groups.get(number - 1).context("no such group")?));
        }
    }
    album.take(page, "recovery-confirm", language).await?;
    for (field, group) in asked {
        page.fill(&field, group).await?;
    }
    page.click(&button(words.say("continue_")?)).await?;
    page.find_within(&button(words.say("chats.new")?), Patience::LONG)
        .await?;
    album.take(page, "chats-empty", language).await?;
    Ok(groups.join(" "))
}
