//! What a person sees beside the words: what is new, which day it is, one pane on a phone, the theme and the language they chose.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{
    Look, Organisation, Patience, Person, Stage, Theme, eventually, heading, item, labelled, list, textbox,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_shows_what_is_new_and_keeps_what_was_chosen() -> Result<()> {
    Stage::play("looks", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("birinchi").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("birinchi").await?;

    what_is_new(&owner, &member).await?;
    receipts_are_switched_off(&owner, &member).await?;
    one_pane_on_a_phone(&owner).await?;
    theme_and_language_stay(&member).await
}

async fn what_is_new(owner: &Person, member: &Person) -> Result<()> {
    member.open("/settings").await?;
    member.until_connection("Online").await?;
    owner.say("ikkinchi").await?;
    owner.say("uchinchi").await?;
    member.page().until_shows("2 unread messages").await?;
    let title = member.page().evaluate("document.title").await?;
    ensure!(title.to_string().contains('2'), "the window says it too: {title}");

    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("uchinchi").await?;
    let page = member.page().everything().await?;
    let place = |words: &str| page.find(words);
    ensure!(
        place("Today").is_some(),
        "the day stands above its lines:\n{page}"
    );
    ensure!(
        place("New messages") > place("birinchi") && place("New messages").is_some(),
        "the line stands between old and new:\n{page}"
    );
    eventually("nothing to be unread any more", Patience::SOON, || async {
        let page = member.page().everything().await?;
        Ok((!page.contains("unread message")).then_some(()))
    })
    .await
}

/// Without receipts a message stays at "Sent" for the other side, though it was read.
async fn receipts_are_switched_off(owner: &Person, member: &Person) -> Result<()> {
    member.open("/settings").await?;
    member.page().click(&labelled("Delivered and read ticks")).await?;
    member.open_chat("Dilnoza Karimova").await?;
    owner.say("tiksiz").await?;
    member.until_sees("tiksiz").await?;
    owner.until_state("tiksiz", "Sent").await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    ensure!(
        owner.state("tiksiz").await? == "Sent",
        "the other side asked for no ticks"
    );
    member.open("/settings").await?;
    member.page().click(&labelled("Delivered and read ticks")).await
}

async fn one_pane_on_a_phone(owner: &Person) -> Result<()> {
    let (chats, message) = (list("Conversations"), textbox("Message"));
    let both = owner.page().has(&chats).await? && owner.page().has(&message).await?;
    ensure!(both, "two panes on a desk");
    let phone = Look {
        width: 390,
        height: 844,
        ..Look::default()
    };
    owner.page().set_look(&phone).await?;
    owner.page().until_gone(&chats).await?;
    ensure!(owner.page().has(&message).await?, "the conversation alone");
    let wide = "document.documentElement.scrollWidth > innerWidth";
    ensure!(
        owner.page().evaluate(wide).await? == false,
        "nothing is scrolled sideways"
    );
    owner.page().click(&item("Back")).await?;
    owner.page().find_within(&chats, Patience::SOON).await?;
    ensure!(!owner.page().has(&message).await?, "the list alone");
    owner.page().set_look(&Look::default()).await
}

async fn theme_and_language_stay(member: &Person) -> Result<()> {
    member.open("/settings").await?;
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = member.page().evaluate(ground).await?;
    // As the system says, and as it changes its mind.
    for (theme, dark) in [(Theme::Dark, true), (Theme::Light, false)] {
        let look = Look {
            theme,
            ..Look::default()
        };
        member.page().set_look(&look).await?;
        eventually("the page to follow the system", Patience::SOON, || async {
            let followed = (member.page().evaluate(ground).await? != light) == dark;
            Ok(followed.then_some(()))
        })
        .await?;
    }
    member.page().click(&labelled("Dark")).await?;
    eventually("a dark page", Patience::SOON, || async {
        Ok((member.page().evaluate(ground).await? != light).then_some(()))
    })
    .await?;
    let dark = member.page().evaluate(ground).await?;
    for (language, title) in [
        ("Oʻzbekcha", "Sozlamalar"),
        ("Ўзбекча", "Созламалар"),
        ("Русский", "Настройки"),
    ] {
        member.page().click(&labelled(language)).await?;
        member.page().find_within(&heading(title), Patience::SOON).await?;
        member.page().reload().await?;
        member.page().find_within(&heading(title), Patience::LONG).await?;
        ensure!(member.page().evaluate(ground).await? == dark, "still dark");
    }
    member.page().click(&labelled("English")).await?;
    member
        .page()
        .find_within(&heading("Settings"), Patience::SOON)
        .await
        .map(drop)
}
