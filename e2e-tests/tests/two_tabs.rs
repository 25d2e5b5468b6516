//! Two tabs of one browser are one person: both show everything, either can write, and either can be closed.

use std::sync::Arc;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{Organisation, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_tabs_are_live_and_either_carries_on_alone() -> Result<()> {
    Stage::play("two_tabs", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("birinchi oyna").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("birinchi oyna").await?;

    let second = owner.another_tab().await?;
    second.open("/").await?;
    second.until_connection("Online").await?;
    second.open_chat("Bek Tursunov").await?;
    second.until_sees("birinchi oyna").await?;

    // Either writes, both see it once, in one order.
    second.say("ikkinchi oyna").await?;
    owner.until_sees("ikkinchi oyna").await?;
    owner.say("yana birinchi").await?;
    second.until_sees("yana birinchi").await?;
    member.say("ikkalasiga").await?;
    for tab in [&owner, &second] {
        tab.until_sees("ikkalasiga").await?;
    }
    second.until_state("yana birinchi", "Read").await?;
    ensure!(
        owner.lines().await?.len() == second.lines().await?.len(),
        "both tabs show the same"
    );

    // The tab whose worker has done everything so far goes in the middle of sending; the other carries on.
    owner.say("ketayotib").await?;
    owner.close_tab().await?;
    member.until_sees("ketayotib").await?;
    second.say("endi yolg‘iz").await?;
    member.until_sees("endi yolg‘iz").await?;
    member.say("eshitdim").await?;
    second.until_sees("eshitdim").await?;
    for text in [
        "birinchi oyna",
        "ikkinchi oyna",
        "yana birinchi",
        "ketayotib",
        "endi yolg‘iz",
    ] {
        ensure!(member.count(text).await? == 1, "{text:?} arrived once");
        ensure!(second.count(text).await? == 1, "{text:?} is shown once");
    }
    Ok(())
}
