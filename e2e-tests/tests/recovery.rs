//! A browser is lost and the recovery key is not: the account comes back in a fresh one, contacts see the same safety number, and the lost
//! one is taken out.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{Organisation, Patience, Stage, button, heading, link, region};

/// P-222, P-310, P-312.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_key_brings_the_account_back_in_a_fresh_browser() -> Result<()> {
    Stage::play("recovery", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let mut lost = organisation.person("Bek Tursunov", "bek").await?;
    let key = lost.join(&owner.make_invite().await?).await?.join(" ");
    owner.start_chat("bek").await?;
    owner.say("eski qurilmaga").await?;
    lost.open_chat("Dilnoza Karimova").await?;
    lost.until_sees("eski qurilmaga").await?;
    lost.say("eski qurilmadan").await?;
    owner.until_sees("eski qurilmadan").await?;
    let of_lost = organisation.devices("bek").await?;
    let digits = owner.safety_number("Bek Tursunov").await?;
    owner.page().click(&button("Mark as verified")).await?;
    owner.page().until_gone(&button("Mark as verified")).await?;
    lost.leave().await?;

    // A slip of the pen, and a key that is nobody's: each is said, and what was typed stays to be mended.
    let fresh = organisation.person("Bek Tursunov", "bek-again").await?;
    let mut slip = key.clone();
    let last = slip.pop().context("a key")?;
    slip.push(if last == '0' { '1' } else { '0' });
    fresh.bring_back(&slip).await?;
    fresh.page().until_alert("This is not a recovery key").await?;
    fresh
        .type_recovery_key("000G 40R4 0M30 E209 185G R38E 1W81 24GK N2JD")
        .await?;
    fresh
        .page()
        .until_alert("No account here has this recovery key")
        .await?;
    // As it is read out: lower case, run together.
    fresh
        .type_recovery_key(&key.to_lowercase().replace(' ', ""))
        .await?;
    fresh.until_in().await?;
    fresh.until_connection("Online").await?;

    // Nobody is asked anything: the number is the same, and the conversation goes on.
    owner.open_chat("Bek Tursunov").await?;
    owner.say("yangi qurilmaga").await?;
    fresh.open_chat("Dilnoza Karimova").await?;
    fresh.until_sees("yangi qurilmaga").await?;
    fresh.say("yangi qurilmadan").await?;
    owner.until_sees("yangi qurilmadan").await?;
    owner.page().until_shows("Bek Tursunov now also uses").await?;
    ensure!(
        owner.safety_number("Bek Tursunov").await? == digits,
        "the safety number stays"
    );
    ensure!(
        !owner.page().has(&button("Mark as verified")).await?,
        "and the mark with it"
    );

    // An administrator suspends the lost one; only the person can take it out, and is asked to.
    ensure!(organisation.devices("bek").await?.len() == 2, "two devices");
    let gone = of_lost.first().context("the lost device")?;
    organisation.suspend("bek", gone).await?;
    fresh.page().until_alert("Your administrator suspended").await?;
    fresh.page().click(&link("Devices")).await?;
    fresh
        .page()
        .find_within(&button("Revoke"), Patience::LONG)
        .await?;
    fresh.page().click(&button("Revoke")).await?;
    let sure = button("Revoke").within(region("Revoke ").starting());
    fresh.page().click(&sure).await?;
    fresh.page().until_gone(&button("Revoke")).await?;
    ensure!(
        !fresh.page().everything().await?.contains("suspended"),
        "nothing more is asked"
    );
    ensure!(
        organisation.devices("bek").await?.len() == 1,
        "one device is left"
    );

    // The lost one says so, and reads what it has.
    lost.come_back("/").await?;
    lost.page().until_shows("This device was revoked").await?;
    lost.open_chat_to_read("Dilnoza Karimova").await?;
    lost.until_sees("eski qurilmaga").await?;
    let heading = heading("Messages only you two can read");
    ensure!(!lost.page().has(&heading).await?, "nothing is erased by itself");
    Ok(())
}
