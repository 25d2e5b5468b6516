//! Stop and ask: the safety number of a verified contact changes, because somebody with the recovery key replaced the
//! account key.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{Organisation, Patience, RelayPort, Sought, Stage, button, eventually, textbox};
use chopar_e2e::hostile::{HostileProxy, forge};

/// P-032.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_to_a_verified_contact_stops_until_a_person_decides() -> Result<()> {
    Stage::play("changed_number", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let relay = HostileProxy::start(RelayPort::free()?).await?;
    let organisation = Organisation::found_behind(&stage, &relay).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let link = owner.make_invite().await?;
    let member = organisation.person("Bek Tursunov", "bek").await?;
    let recovery_key = member.join(&link).await?.join(" ");

    owner.start_chat("bek").await?;
    owner.say("raqamni solishtirdik").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("raqamni solishtirdik").await?;
    let before = owner.safety_number("Bek Tursunov").await?;
    owner.page().click(&button("Mark as verified")).await?;
    owner.page().until_gone(&button("Mark as verified")).await?;

    let his = relay.registered("bek").context("he did not register here")?;
    relay.put_entry(his.account, forge::replaced_account_key(&his.log, &recovery_key)?);
    member.say("kalitim almashdi").await?;
    relay.until_entry_is_put().await?;
    owner.until_sees("kalitim almashdi").await?;
    // The member's own page learns of it when it signs in again.
    relay.cut_sockets();
    relay.mend();
    member.until_connection("Online").await?;
    owner.until_connection("Online").await?;

    // The next message stops before it leaves, and the page says why.
    owner.say("bu gap kutadi").await?;
    let stop = Sought::any(&["alert", "alertdialog"]);
    owner
        .page()
        .until_says(
            &stop,
            "The safety number with Bek Tursunov has changed",
            Patience::LONG,
        )
        .await?;
    ensure!(
        !owner.page().has(&textbox("Message")).await?,
        "one can still write"
    );
    ensure!(
        owner.state("bu gap kutadi").await? == "Waiting",
        "it has left without a decision"
    );
    ensure!(
        member.count("bu gap kutadi").await? == 0,
        "it has arrived without a decision"
    );

    // Both see the same new number; after the decision the message goes.
    let changed = eventually("the new number", Patience::LONG, || async {
        let number = owner
            .page()
            .text(&chopar_e2e::harness::labelled("Safety number digits"))
            .await?;
        let number = number.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok((number != before && number.len() == before.len()).then_some(number))
    })
    .await?;
    let theirs = eventually("the new number on the other side", Patience::LONG, || async {
        member.open("/").await?;
        member.open_chat("Dilnoza Karimova").await?;
        let number = member.safety_number("Dilnoza Karimova").await?;
        Ok((number != before).then_some(number))
    })
    .await?;
    ensure!(
        changed == theirs,
        "the new numbers differ: {changed} and {theirs}"
    );
    owner.page().click(&button("Accept the new number")).await?;
    member.until_sees("bu gap kutadi").await?;
    owner.until_state("bu gap kutadi", "Read").await?;
    owner.say("davom etamiz").await?;
    member.until_sees("davom etamiz").await.map(drop)
}
