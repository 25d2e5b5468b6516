//! A relay that lies is refused and named on the page; rules of `docs/threat-model.md` broken by a hostile relay.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, RelayPort, Stage, button, eventually, heading, option, textbox,
};
use chopar_e2e::hostile::{HostileProxy, forge};
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::relay::DeviceMismatch;
use chopar_wire::proto::relay::client_frame::Body as Asked;
use chopar_wire::proto::relay::relay_frame::Body;

/// An honest answer is asked for again with a growing pause.
const HEALS_WITHIN: Duration = Duration::from_secs(90);

/// T-001, T-002, P-014.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_relay_is_refused_and_named() -> Result<()> {
    Stage::play("hostile", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let relay = HostileProxy::start(RelayPort::free()?).await?;
    let organisation = Organisation::found_behind(&stage, &relay).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    // A third account, whose browser is not needed again.
    let third = organisation.member(&owner, "Nodira Saidova", "nodira").await?;
    third.until_connection("Online").await?;
    third.leave().await?;

    swapped_bundle(&relay, &owner).await?;
    ghost_in_the_first_log(&relay, &member).await?;
    ghost_in_the_middle_of_a_conversation(&relay, &owner, &member).await?;
    a_handle_of_somebody_else(&relay, &owner).await
}

/// The relay gives the handle of a person one talks with to another account: the page stops and asks.
async fn a_handle_of_somebody_else(relay: &HostileProxy, owner: &Person) -> Result<()> {
    relay.move_handles();
    let page = owner.page();
    let before = page.address().await?;
    page.click(&button("New chat")).await?;
    page.fill(&textbox("Find people"), "bek").await?;
    page.click(&option("bek")).await?;
    page.find_within(&heading("This handle belonged to somebody else"), Patience::LONG)
        .await?;
    page.click(&button("Cancel")).await?;
    page.until_gone(&heading("This handle belonged to somebody else"))
        .await?;
    relay.be_honest();
    ensure!(page.address().await? == before, "nothing was opened");
    says(owner, "The handle bek now belongs to another account").await
}

/// The relay hands out a bundle whose keys it could decrypt for.
async fn swapped_bundle(relay: &HostileProxy, owner: &Person) -> Result<()> {
    let swapped = relay.swap_bundles();
    let submitted = count_submits(relay, "nodira")?;
    try_to_write(owner, "nodira", "buni faqat Nodira o‘qiydi").await?;
    says(
        owner,
        "The server showed keys for Nodira Saidova that do not come from Nodira Saidova's device.",
    )
    .await?;
    ensure!(swapped.load(Ordering::SeqCst) > 0, "no bundle was swapped");
    held(owner, "buni faqat Nodira", &submitted).await?;
    relay.be_honest();
    // Nothing forged was accepted, so nothing has to be undone: with the true keys one can write again, and what was written goes
    // out by itself.
    let message = textbox("Message");
    eventually(
        "the place to write to come back",
        Patience::of(HEALS_WITHIN),
        || async { Ok(owner.page().has(&message).await?.then_some(())) },
    )
    .await?;
    if owner.count("buni faqat Nodira").await? == 0 {
        owner.say("buni faqat Nodira").await?;
    }
    eventually(
        "the message to go out with the true keys",
        Patience::of(HEALS_WITHIN),
        || async { Ok((owner.state("buni faqat Nodira").await? == "Sent").then_some(())) },
    )
    .await
}

/// The relay adds a device to the log that a person sees first.
async fn ghost_in_the_first_log(relay: &HostileProxy, member: &Person) -> Result<()> {
    let haunted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&haunted);
    relay.alter_relay(move |mut frame| {
        if let Some(Body::Log(log)) = &mut frame.body
            && let Ok(ghost) = forge::ghost_device(&log.entries)
        {
            log.head = forge::head_of(&ghost).ok();
            log.entries.push(ghost);
            count.fetch_add(1, Ordering::SeqCst);
        }
        vec![frame]
    });
    let submitted = count_submits(relay, "nodira")?;
    try_to_write(member, "nodira", "bu ham faqat unga").await?;
    says(
        member,
        "The server showed a device of Nodira Saidova that Nodira Saidova never signed.",
    )
    .await?;
    ensure!(haunted.load(Ordering::SeqCst) > 0, "no log was altered");
    held(member, "bu ham faqat unga", &submitted).await?;
    relay.be_honest();
    Ok(())
}

/// Two people talk, and then the relay claims that one of them has a new device.
async fn ghost_in_the_middle_of_a_conversation(
    relay: &HostileProxy,
    owner: &Person,
    member: &Person,
) -> Result<()> {
    owner.start_chat("bek").await?;
    owner.say("hammasi joyida").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("hammasi joyida").await?;
    owner.until_state("hammasi joyida", "Read").await?;

    let his = relay.registered("bek").context("he did not register here")?;
    let (account, entries) = (Bytes::from(his.account), his.log);
    let ghost = forge::ghost_device(&entries)?;
    let from = u32::try_from(entries.len())?;
    // The relay keeps what it was given, and asks for a copy to its ghost.
    let submits: Arc<Mutex<HashSet<u64>>> = Arc::default();
    let noted = Arc::clone(&submits);
    let to_him = account.clone();
    relay.alter_client(move |frame| {
        if let (Some(Asked::Submit(submit)), Ok(mut noted)) = (&frame.body, noted.lock())
            && submit.account == to_him
        {
            noted.insert(frame.request);
        }
        vec![frame]
    });
    relay.alter_relay(move |mut frame| {
        let asked = submits
            .lock()
            .is_ok_and(|submits| submits.contains(&frame.reply_to));
        if asked && matches!(frame.body, Some(Body::Accepted(_))) {
            let mismatch = DeviceMismatch {
                account: account.clone(),
                entries: vec![ghost.clone()],
                from,
            };
            frame.body = Some(Body::DeviceMismatch(mismatch));
        }
        vec![frame]
    });
    // Not with `say`: the words that stop it may take the place of the box before it is seen empty.
    owner.page().fill(&textbox("Message"), "arvohga emas").await?;
    owner.page().press(Key::Enter).await?;
    says(
        owner,
        "The server showed a device of Bek Tursunov that Bek Tursunov never signed.",
    )
    .await?;
    // That text had left before the lie and may arrive; from the lie on nothing leaves any more.
    let after = count_submits(relay, "bek")?;
    nothing_leaves(owner, &after).await?;
    relay.be_honest();
    Ok(())
}

/// Finds a person and writes to them, as far as the page still lets one.
async fn try_to_write(person: &Person, to: &str, text: &str) -> Result<()> {
    let page = person.page();
    page.click(&button("New chat")).await?;
    page.fill(&textbox("Find people"), to).await?;
    page.click(&option(to)).await?;
    let (message, stopped) = (textbox("Message"), heading("Sending to ").starting());
    eventually(
        "the conversation, or the words that stop it",
        Patience::LONG,
        || async {
            if page.has(&message).await? {
                page.fill(&message, text).await?;
                page.press(Key::Enter).await?;
                return Ok(Some(()));
            }
            Ok(page.has(&stopped).await?.then_some(()))
        },
    )
    .await
}

/// Counts what is submitted from here on for the one about whom the relay lies.
fn count_submits(relay: &HostileProxy, victim: &str) -> Result<Arc<AtomicUsize>> {
    let victim = Bytes::from(
        relay
            .registered(victim)
            .context("nobody of that handle registered")?
            .account,
    );
    let submitted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&submitted);
    relay.alter_client(move |frame| {
        if matches!(&frame.body, Some(Asked::Submit(submit)) if submit.account == victim) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        vec![frame]
    });
    Ok(submitted)
}

/// The message stays where it was written.
async fn held(person: &Person, text: &str, submitted: &AtomicUsize) -> Result<()> {
    nothing_leaves(person, submitted).await?;
    if person.count(text).await? > 0 {
        let state = person.state(text).await?;
        ensure!(state == "Waiting", "{text:?} is {state}");
    }
    Ok(())
}

/// Nothing more can be written, and nothing is encrypted for the liar.
async fn nothing_leaves(person: &Person, submitted: &AtomicUsize) -> Result<()> {
    // As long as a retry would take to slip through.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    ensure!(
        !person.page().has(&textbox("Message")).await?,
        "one can still write"
    );
    let count = submitted.load(Ordering::SeqCst);
    ensure!(count == 0, "{count} submissions went out to a liar");
    Ok(())
}

async fn says(person: &Person, words: &str) -> Result<()> {
    eventually(
        &format!("{}'s page to say {words:?}", person.name),
        Patience::LONG,
        || async {
            Ok(person
                .page()
                .everything()
                .await?
                .replace('’', "'")
                .contains(words)
                .then_some(()))
        },
    )
    .await
}
