//! A browser throws storage away: all of it or half of it. What is left leads to Recovery, and never to a new identity by itself.

use std::sync::Arc;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{Organisation, Patience, Person, Stage, button, eventually, heading, textbox};

const CANARY: &str = "localStorage.getItem('chopar.canary')";

/// Counts how often the page asks the browser to keep its storage.
const COUNT_ASKING: &str = "(() => {
  const persist = navigator.storage.persist.bind(navigator.storage);
  window.askedToKeep = 0;
  navigator.storage.persist = () => { window.askedToKeep += 1; return persist(); };
})()";

// T-072, P-266
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_browser_throws_away_is_said_and_never_replaced_in_silence() -> Result<()> {
    Stage::play("eviction", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    the_browser_is_asked_to_keep_it(&member, &owner).await?;

    // localStorage alone: the vault is whole, and so is everything.
    let before = member.page().evaluate(CANARY).await?;
    evicted(&organisation, &member, "local_storage").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("birinchi").await?;
    member.say("hammasi joyida").await?;
    owner.until_sees("hammasi joyida").await?;
    let after = member.page().evaluate(CANARY).await?;
    let vault = |canary: &serde_json::Value| {
        canary
            .as_str()
            .and_then(|text| text.split('.').next().map(str::to_owned))
    };
    ensure!(
        vault(&before).is_some() && vault(&before) == vault(&after),
        "the same vault is remembered again: {before} and {after}"
    );

    // IndexedDB alone: the keys are gone.
    evicted(&organisation, &member, "indexeddb").await?;
    for _ in 0..2 {
        member
            .page()
            .find_within(&heading("Recovery"), Patience::LONG)
            .await?;
        ensure!(
            member.page().from_vault("done(keys.count())").await? == 0,
            "nothing was made in place of what is gone"
        );
        member.page().reload().await?;
    }
    // With an invite in hand it is no other: nobody joins over what is remembered.
    let invite = organisation.invite(2).await?;
    member.page().open(&invite).await?;
    member
        .page()
        .find_within(&heading("Recovery"), Patience::LONG)
        .await?;
    ensure!(
        !member.page().has(&textbox("Handle")).await?,
        "no form for a new account"
    );

    // The way out, once a person has confirmed it, in the other tab too.
    let second = member.another_tab().await?;
    second.open("/").await?;
    second
        .page()
        .find_within(&heading("Recovery"), Patience::LONG)
        .await?;
    second.page().click(&button("Start over…")).await?;
    second.page().click(&button("Erase and start over")).await?;
    second
        .page()
        .find_within(&heading("Messages only you two can read"), Patience::LONG)
        .await?;
    second.close_tab().await?;
    member
        .page()
        .find_within(&textbox("Handle"), Patience::LONG)
        .await?;

    // Both: as on a first visit. Nothing is made before somebody comes with an invite.
    evicted(&organisation, &owner, "indexeddb,local_storage").await?;
    owner
        .page()
        .find_within(&heading("Messages only you two can read"), Patience::LONG)
        .await?;
    ensure!(
        !owner.page().has(&button("New chat")).await?,
        "no account by itself"
    );
    Ok(())
}

/// After the first message, once.
async fn the_browser_is_asked_to_keep_it(member: &Person, owner: &Person) -> Result<()> {
    member.page().evaluate(COUNT_ASKING).await?;
    member.start_chat("dilnoza").await?;
    ensure!(
        member.page().evaluate("window.askedToKeep").await? == 0,
        "not before there is something to lose"
    );
    member.say("birinchi").await?;
    eventually("the browser to be asked", Patience::SOON, || async {
        Ok((member.page().evaluate("window.askedToKeep").await? == 1).then_some(()))
    })
    .await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_sees("birinchi").await?;
    let kept = member.page().evaluate("navigator.storage.persisted()").await?;
    member.open("/settings").await?;
    let words = if kept == true {
        "Storage: the browser will not delete it by itself"
    } else {
        "Storage: the browser may delete it when the disk is full"
    };
    member.page().until_shows(words).await
}

async fn evicted(organisation: &Organisation, person: &Person, kinds: &str) -> Result<()> {
    person.page().evict(&organisation.origin, kinds).await?;
    person.open("/").await
}
