//! What is typed is never lost and never doubled: the other is away, the page is loaded again, the network goes while
//! typing, answers get lost, the browser is closed or dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use chopar_e2e::harness::{Key, Organisation, Patience, Person, RelayPort, Stage, eventually, textbox};
use chopar_e2e::hostile::HostileProxy;
use chopar_wire::proto::relay::relay_frame::Body;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_typed_is_lost_or_doubled() -> Result<()> {
    Stage::play("offline", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let network = HostileProxy::start(RelayPort::free()?).await?;
    let organisation = Organisation::found_behind(&stage, &network).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let mut member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("birinchi").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("birinchi").await?;
    owner.until_state("birinchi", "Read").await?;

    the_other_is_away(&owner, &mut member).await?;
    the_page_is_loaded_again(&owner, &member).await?;
    the_network_goes_while_typing(&network, &owner, &member).await?;
    answers_get_lost_and_deliveries_come_twice(&network, &owner, &member).await?;
    the_browser_ends(&owner, &mut member).await
}

async fn the_other_is_away(owner: &Person, member: &mut Person) -> Result<()> {
    member.leave().await?;
    for text in ["kelganda-1", "kelganda-2", "kelganda-3"] {
        owner.say(text).await?;
    }
    owner.until_state("kelganda-3", "Sent").await?;
    ensure!(
        owner.state("kelganda-3").await? == "Sent",
        "nobody has taken it from the relay"
    );
    member.come_back("/").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("kelganda-3").await?;
    ensure!(
        member.count("kelganda-").await? == 3,
        "each once: {:?}",
        member.lines().await?
    );
    owner.until_state("kelganda-1", "Read").await
}

async fn the_page_is_loaded_again(owner: &Person, member: &Person) -> Result<()> {
    let before = member.lines().await?;
    member.page().reload().await?;
    member.until_sees("kelganda-3").await?;
    ensure!(member.lines().await? == before, "the same lines after a reload");

    // Loaded again in the very moment of sending: no wait for anything.
    owner.page().fill(&textbox("Message"), "shoshilinch").await?;
    // Long enough for the text to be kept as a draft.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    owner.page().press(Key::Enter).await?;
    owner.page().reload().await?;
    let field = owner
        .page()
        .find_within(&textbox("Message"), Patience::LONG)
        .await?;
    let waits = owner.page().text_of(&field).await?;
    ensure!(
        waits.is_empty(),
        "{waits:?} stands in the box, ready to be sent twice"
    );
    member.until_sees("shoshilinch").await?;
    owner.until_state("shoshilinch", "Read").await?;
    ensure!(
        owner.count("shoshilinch").await? == 1 && member.count("shoshilinch").await? == 1,
        "once on both sides"
    );

    // What was typed and not sent is still in the box.
    owner.page().fill(&textbox("Message"), "chala qolgan gap").await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    owner.page().reload().await?;
    eventually("the draft to come back", Patience::SOON, || async {
        let field = owner.page().find(&textbox("Message")).await?;
        Ok((owner.page().text_of(&field).await? == "chala qolgan gap").then_some(()))
    })
    .await?;
    owner.say("draft-yuborildi").await?;
    member.until_sees("draft-yuborildi").await.map(drop)
}

async fn the_network_goes_while_typing(
    network: &HostileProxy,
    owner: &Person,
    member: &Person,
) -> Result<()> {
    owner.page().fill(&textbox("Message"), "tarmoq uzildi").await?;
    network.cut();
    owner.chrome().set_offline(true).await?;
    owner.until_connection("Offline").await?;
    owner.page().press(Key::Enter).await?;
    owner.until_sees("tarmoq uzildi").await?;
    owner.say("tarmoqsiz-2").await?;
    owner.until_sees("tarmoqsiz-2").await?;
    ensure!(
        owner.state("tarmoq uzildi").await? == "Waiting",
        "it waits for the network"
    );
    network.mend();
    owner.chrome().set_offline(false).await?;
    owner.until_connection("Online").await?;
    member.until_sees("tarmoqsiz-2").await?;
    owner.until_state("tarmoq uzildi", "Read").await?;
    owner.until_state("tarmoqsiz-2", "Read").await?;
    ensure!(
        member.count("tarmoq").await? == 2,
        "each once: {:?}",
        member.lines().await?
    );
    Ok(())
}

/// The relay's word that it has a message is lost, the connection breaks, and every delivery comes twice.
async fn answers_get_lost_and_deliveries_come_twice(
    network: &HostileProxy,
    owner: &Person,
    member: &Person,
) -> Result<()> {
    let lost = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&lost);
    network.alter_relay(move |frame| match &frame.body {
        Some(Body::Accepted(_)) if counted.fetch_add(1, Ordering::SeqCst) < 2 => Vec::new(),
        Some(Body::Deliver(_)) => vec![frame.clone(), frame],
        _ => vec![frame],
    });
    for text in ["ikki-marta-1", "ikki-marta-2", "ikki-marta-3"] {
        owner.say(text).await?;
    }
    eventually("two answers to be lost", Patience::LONG, || async {
        Ok((lost.load(Ordering::SeqCst) >= 2).then_some(()))
    })
    .await?;
    network.cut();
    network.mend();
    member.until_sees("ikki-marta-3").await?;
    for text in ["ikki-marta-1", "ikki-marta-2", "ikki-marta-3"] {
        owner.until_state(text, "Read").await?;
    }
    ensure!(
        member.count("ikki-marta-").await? == 3,
        "each once: {:?}",
        member.lines().await?
    );
    ensure!(
        owner.count("ikki-marta-").await? == 3,
        "each once: {:?}",
        owner.lines().await?
    );
    network.be_honest();
    Ok(())
}

async fn the_browser_ends(owner: &Person, member: &mut Person) -> Result<()> {
    let before = member.lines().await?;
    member.leave().await?;
    member.come_back("/").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("ikki-marta-3").await?;
    ensure!(
        member.lines().await? == before,
        "the same lines after the browser was closed and opened"
    );

    // And without a chance to write anything out.
    member.say("oxirgi so‘z").await?;
    member.until_state("oxirgi so‘z", "Sent").await?;
    member.crash().await?;
    member.come_back("/").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("oxirgi so‘z").await?;
    owner.until_sees("oxirgi so‘z").await?;
    ensure!(owner.count("oxirgi so‘z").await? == 1, "once");
    member.say("yana shu yerdaman").await?;
    owner.until_sees("yana shu yerdaman").await.map(drop)
}
