//! What people and links get wrong: each is named, and the form survives it.

use std::sync::Arc;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{
    Organisation, Patience, Person, RelayPort, Stage, button, eventually, heading, labelled, textbox,
};
use chopar_e2e::hostile::HostileProxy;
use chopar_wire::proto::relay::Reason;
use chopar_wire::proto::relay::client_frame::Body as Asked;
use chopar_wire::proto::relay::relay_frame::Body;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_is_named_and_the_form_survives() -> Result<()> {
    Stage::play("bad_input", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let server = HostileProxy::start(RelayPort::free()?).await?;
    let organisation = Organisation::found_behind(&stage, &server).await?;
    let owner_link = organisation.owner_link().await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let one = organisation.person("Aziz Rahimov", "aziz").await?;

    invites(&server, &organisation, &owner_link, &one).await?;
    let link = organisation.invite(2).await?;
    handles(&one, &link).await?;
    a_relay_without_room(&server, &one).await?;
    let other = owner_leaves_room_for_another(&organisation, &owner).await?;
    two_at_once(&one, &other, &link).await?;
    a_message_without_room(&server, &one, &other).await
}

async fn invites(
    server: &HostileProxy,
    organisation: &Organisation,
    used: &str,
    person: &Person,
) -> Result<()> {
    let unknown = format!("{}/join#{}", organisation.origin, "A".repeat(43));
    person.page().open(&unknown).await?;
    person
        .page()
        .find_within(&heading("This invite cannot be used"), Patience::LONG)
        .await?;
    person
        .page()
        .until_shows("This server does not know the invite.")
        .await?;
    person.page().open(used).await?;
    person.page().until_shows("The invite has been used up.").await?;
    let mangled = format!("{}/join#%00%ff", organisation.origin);
    person.page().open(&mangled).await?;
    person
        .page()
        .until_shows("This server does not know the invite.")
        .await?;

    // Nobody waits a day here: the server in between says what the relay says to an expired one.
    server.alter_relay(|mut frame| {
        if let Some(Body::InviteStatus(status)) = &mut frame.body {
            status.usable = false;
            status.reason = Reason::InviteExpired.into();
        }
        vec![frame]
    });
    person.page().open(&organisation.invite(1).await?).await?;
    person.page().until_shows("The invite has expired.").await?;
    server.be_honest();
    Ok(())
}

async fn handles(person: &Person, link: &str) -> Result<()> {
    person.page().open(link).await?;
    person
        .page()
        .find_within(&textbox("Handle"), Patience::LONG)
        .await?;
    person.page().fill(&textbox("Display name"), &person.name).await?;
    let long = "a".repeat(33);
    let cases = [
        ("a", "A handle has 2 to 32 characters."),
        (long.as_str(), "A handle has 2 to 32 characters."),
        ("az\u{7}iz", "The handle has a character it cannot have."),
        ("aziz rahimov", "The handle has a character it cannot have."),
        ("аziz", "A handle cannot mix Latin and Cyrillic letters."),
        ("dilnoza", "Somebody already has this handle."),
        ("DILNOZA", "Somebody already has this handle."),
    ];
    for (handle, words) in cases {
        person.page().fill(&textbox("Handle"), handle).await?;
        person.page().click(&button("Create account")).await?;
        person.page().until_alert(words).await?;
        let name = person.page().text(&textbox("Display name")).await?;
        ensure!(
            name == person.name,
            "the form keeps what was typed after {handle:?}"
        );
    }
    // Two hundred characters do not even fit the box.
    person.page().fill(&textbox("Handle"), "").await?;
    person.page().insert(&"b".repeat(200)).await?;
    person.page().click(&button("Create account")).await?;
    person
        .page()
        .until_alert("A handle has 2 to 32 characters.")
        .await?;

    person.page().fill(&textbox("Handle"), "aziz2").await?;
    person.page().fill(&textbox("Display name"), "   ").await?;
    person.page().click(&button("Create account")).await?;
    person.page().until_alert("The name is empty").await
}

/// A server whose disk is full: the form says so and stays as it was filled in, and so does a message.
async fn a_relay_without_room(server: &HostileProxy, person: &Person) -> Result<()> {
    let page = person.page();
    server.refuse(|asked| matches!(asked, Asked::Register(_)), Reason::Storage);
    page.fill(&textbox("Handle"), "aziz2").await?;
    page.fill(&textbox("Display name"), &person.name).await?;
    page.click(&button("Create account")).await?;
    page.until_alert("The server could not store it.").await?;
    server.be_honest();
    for (field, kept) in [("Handle", "aziz2"), ("Display name", person.name.as_str())] {
        let shown = page.text(&textbox(field)).await?;
        ensure!(shown == kept, "{field} keeps what was typed, not {shown:?}");
    }
    Ok(())
}

async fn owner_leaves_room_for_another(organisation: &Organisation, owner: &Person) -> Result<Person> {
    // Three browsers at once are one too many for a small machine.
    owner.leave().await?;
    organisation.person("Aziza Rahimova", "aziz").await
}

/// Two browsers ask for one handle in the same moment: one gets it, the other is told and takes another.
async fn two_at_once(one: &Person, other: &Person, link: &str) -> Result<()> {
    for person in [one, other] {
        person.page().open(link).await?;
        person
            .page()
            .find_within(&textbox("Handle"), Patience::LONG)
            .await?;
        person.page().fill(&textbox("Handle"), "aziz").await?;
        person.page().fill(&textbox("Display name"), &person.name).await?;
    }
    let create = button("Create account");
    let (a, b) = tokio::join!(one.page().click(&create), other.page().click(&create));
    a.and(b)?;
    let key = labelled("Recovery key");
    let (winner, loser) = eventually("one of the two to get the handle", Patience::LONG, || async {
        Ok(
            match (one.page().has(&key).await?, other.page().has(&key).await?) {
                (true, false) => Some((one, other)),
                (false, true) => Some((other, one)),
                (true, true) => anyhow::bail!("both have it"),
                (false, false) => None,
            },
        )
    })
    .await?;
    loser
        .page()
        .until_alert("Somebody already has this handle.")
        .await?;
    ensure!(!loser.page().has(&key).await?, "both have it");

    // The winner mistypes the recovery key first; the loser takes another handle with the same invite.
    let groups = winner.recovery_key().await?;
    winner.page().click(&button("I have saved it")).await?;
    let wrong: Vec<String> = groups.iter().map(|_| "0000".to_owned()).collect();
    winner.confirm(&wrong).await?;
    winner
        .page()
        .until_alert("These are not the groups of your key.")
        .await?;
    // As it was written down: small letters, and O for 0, I for 1 are the same to a person.
    let small: Vec<String> = groups
        .iter()
        .map(|group| format!(" {} ", group.to_lowercase()))
        .collect();
    winner.confirm(&small).await?;
    winner.until_in().await?;

    loser.page().fill(&textbox("Handle"), "aziz.2").await?;
    loser.page().click(&create).await?;
    let groups = loser.recovery_key().await?;
    // A reload before the key is confirmed does not lose it.
    loser.page().reload().await?;
    ensure!(
        loser.recovery_key().await? == groups,
        "the key is still shown, and the same"
    );
    loser.page().click(&button("I have saved it")).await?;
    loser.confirm(&groups).await?;
    loser.until_in().await
}

/// A message for which the server has no room says so on its line, and goes out by itself once there is some.
async fn a_message_without_room(server: &HostileProxy, one: &Person, other: &Person) -> Result<()> {
    let handle = if one.page().everything().await?.contains("aziz.2") {
        "aziz"
    } else {
        "aziz.2"
    };
    one.start_chat(handle).await?;
    one.say("salom").await?;
    other.open_chat(&one.name).await?;
    other.until_sees("salom").await?;
    one.until_state("salom", "Read").await?;
    server.refuse(|asked| matches!(asked, Asked::Submit(_)), Reason::Storage);
    one.say("joy yo‘q").await?;
    one.page()
        .until_shows("The server cannot store it now, its disk may be full.")
        .await?;
    ensure!(one.state("joy yo‘q").await? == "Waiting", "it waits");
    server.be_honest();
    other.until_sees("joy yo‘q").await?;
    ensure!(other.count("joy yo‘q").await? == 1, "it arrives once");
    one.page().until_gone(&button("Try again")).await
}
