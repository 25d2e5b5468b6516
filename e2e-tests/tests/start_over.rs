//! The relay's data is gone: the browser says that it is not known any more, keeps what it has, and starts over on purpose.

use std::sync::Arc;

use anyhow::Result;
use chopar_e2e::harness::{Organisation, Patience, Stage, button, heading};

/// T-018.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_the_relay_does_not_know_says_so_and_starts_over_when_told_to() -> Result<()> {
    Stage::play("start_over", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let mut organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("eski xabar").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("eski xabar").await?;

    organisation.kill_relay().await?;
    tokio::fs::remove_dir_all(organisation.relay_data()).await?;
    organisation.restart_relay().await?;

    // Both are told, and what they have stays readable, after a reload too.
    for person in [&owner, &member] {
        person
            .page()
            .find_within(&button("Start over…"), Patience::LONG)
            .await?;
        person.until_connection("Offline").await?;
        person.page().reload().await?;
        person
            .page()
            .find_within(&button("Start over…"), Patience::LONG)
            .await?;
        person.until_sees("eski xabar").await?;
    }

    // Asked and declined: nothing happens. Confirmed: everything is gone, in the other tab too.
    // The second tab has the vault when the first is loaded anew.
    let second = member.another_tab().await?;
    second.open("/").await?;
    second
        .page()
        .find_within(&button("Start over…"), Patience::LONG)
        .await?;
    member.open("/").await?;
    member
        .page()
        .find_within(&button("Start over…"), Patience::LONG)
        .await?;
    member.page().click(&button("Start over…")).await?;
    member.page().find(&button("Erase and start over")).await?;
    member.page().click(&button("Cancel")).await?;
    member.page().until_gone(&button("Erase and start over")).await?;
    member.page().click(&button("Start over…")).await?;
    member.page().click(&button("Erase and start over")).await?;
    for tab in [&member, &second] {
        tab.page()
            .find_within(&heading("Messages only you two can read"), Patience::LONG)
            .await?;
    }
    second.close_tab().await?;

    // As on a first visit: a new invite leads to a new account.
    member.join(&organisation.invite(1).await?).await?;
    member.until_connection("Online").await
}
