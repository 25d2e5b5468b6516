//! Voice messages: one speaks, the other listens; and everything that ends a recording.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chopar_e2e::harness::{
    Key, Look, Organisation, Patience, Person, Sought, Stage, button, bytes_below, eventually, item, link,
    list, option, region, textbox,
};
use chopar_e2e::hunt::Marker;

/// What the smallest file takes at a relay, in bytes: more than a voice message of some seconds has.
const SMALLEST: u64 = 65_552;
/// Where it is said to several.
const GROUP: &str = "Ovozlar";
/// For how long nothing may come of what was cancelled.
const A_WHILE: Duration = Duration::from_secs(2);

/// P-380, P-381, P-382, P-383, T-124, T-141, T-142.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_speaks_and_the_other_listens() -> Result<()> {
    Stage::play("voice", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let look = Look {
        microphone: true,
        ..Look::default()
    };
    let owner = organisation
        .person_with("Dilnoza Karimova", "dilnoza", look)
        .await?;
    owner.join(&organisation.owner_link().await?).await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("Ovozim keladi").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("Ovozim keladi").await?;
    owner.page().watch_microphone().await?;

    refused(&owner).await?;
    owner.page().answer_for_microphone(true).await?;
    thrown_away(&owner, &member).await?;
    interrupted(&owner).await?;
    let before = bytes_below(organisation.relay_data())?;
    spoken(&owner, &member).await?;
    hidden_at_the_relay(organisation.relay_data(), before)?;
    heard(&member).await?;
    bare(&member, &stage.folder().join("member")).await?;
    one_at_a_time(&owner, &member).await?;
    in_a_group(&owner, &member).await
}

/// Who may not use the microphone is told what to do, and can go on writing.
async fn refused(owner: &Person) -> Result<()> {
    owner.page().answer_for_microphone(false).await?;
    owner.page().click(&button("Record a voice message")).await?;
    owner
        .page()
        .until_alert("This site may not use the microphone. Allow it")
        .await?;
    owner.say("Mikrofonsiz ham yozaman").await?;
    let gone = "what was said of the microphone to go with the next message";
    eventually(gone, Patience::SOON, || async {
        let said = owner.page().everything().await?;
        Ok((!said.contains("may not use the microphone")).then_some(()))
    })
    .await
}

/// Cancelled by the button and by the key: nothing is sent, and the microphone is off.
async fn thrown_away(owner: &Person, member: &Person) -> Result<()> {
    let recorder = region("Recording a voice message");
    for way in ["button", "key"] {
        record(owner, "0:01").await?;
        ensure!(owner.page().is_listening().await?, "the microphone is off");
        match way {
            "button" => {
                owner
                    .page()
                    .click(&button("Cancel").within(recorder.clone()))
                    .await?
            }
            _ => owner.page().press(Key::Escape).await?,
        }
        owner.page().until_gone(&recorder).await?;
        until_off(owner).await?;
    }
    tokio::time::sleep(A_WHILE).await;
    for person in [owner, member] {
        ensure!(
            person.count("Voice message").await? == 0,
            "a cancelled one was sent"
        );
    }
    Ok(())
}

/// Who leaves, or puts the page out of view, is not listened to; what they have said waits for them, and can be removed.
async fn interrupted(owner: &Person) -> Result<()> {
    let (page, recorder) = (owner.page(), region("Recording a voice message"));
    for way in ["leaving", "out of view"] {
        record(owner, "0:01").await?;
        if way == "leaving" {
            page.click(&link("Settings")).await?;
        } else {
            page.evaluate(&looked_at("hidden")).await?;
        }
        page.until_gone(&recorder).await?;
        until_off(owner).await?;
        if way == "leaving" {
            owner.open_chat("Bek Tursunov").await?;
        } else {
            page.evaluate(&looked_at("visible")).await?;
        }
        page.until_alert("Recording stopped because this conversation was out of view")
            .await?;
        ensure!(!page.has(&recorder).await?, "it is recorded again");
        let remove = button("Remove Voice message, 0:0").starting();
        page.click(&remove).await?;
        page.until_gone(&remove).await?;
    }
    ensure!(owner.count("Voice message").await? == 0, "it was sent");
    Ok(())
}

/// Shows a page, or puts it out of view, as far as the page can tell.
fn looked_at(state: &str) -> String {
    format!(
        "Object.defineProperty(document, 'visibilityState', {{ configurable: true, get: () => '{state}' }});
        document.dispatchEvent(new Event('visibilitychange', {{ bubbles: true }}))"
    )
}

async fn until_off(person: &Person) -> Result<()> {
    eventually("the microphone to be off", Patience::SOON, || async {
        Ok((!person.page().is_listening().await?).then_some(()))
    })
    .await
}

/// Two seconds, sent by Enter: a line with its length, and the same in the list.
async fn spoken(owner: &Person, member: &Person) -> Result<()> {
    record(owner, "0:02").await?;
    owner.page().press(Key::Enter).await?;
    owner.until_sees("You, Voice message, 0:0").await?;
    owner.until_state("Voice message", "Delivered").await?;
    ensure!(!owner.page().is_listening().await?, "the microphone is still on");
    let line = member.until_sees("Voice message, 0:0").await?;
    ensure!(line.sender() == "Dilnoza Karimova", "{line:?}");
    let listed = item("Dilnoza Karimova").within(list("Conversations"));
    member
        .page()
        .until_says(&listed, "Voice message, 0:0", Patience::SOON)
        .await
}

/// Neither what it is called nor how many bytes it has.
fn hidden_at_the_relay(data: &Path, before: u64) -> Result<()> {
    for marker in ["voice-message.webm", "audio/webm;codecs"] {
        let traces = Marker::new(marker)?.traces_below(data)?;
        ensure!(traces.is_empty(), "the relay knows what it is: {traces:#?}");
    }
    let grown = bytes_below(data)? - before;
    ensure!(grown >= SMALLEST, "its size shows: {grown} bytes");
    Ok(())
}

/// Fetched when it is played, and gone through by press and key.
async fn heard(member: &Person) -> Result<()> {
    let page = member.page();
    ensure!(fetched(member) == 0, "it was fetched before anybody wanted it");
    ensure!(
        page.evaluate(LISTENED).await? == 0,
        "it cannot be gone through yet"
    );
    page.click(&button("Play voice message")).await?;
    eventually("the position to advance", Patience::LONG, || async {
        Ok((at(member).await? > 0.2).then_some(()))
    })
    .await?;
    ensure!(fetched(member) > 0, "it did not come from the relay");
    // It ends by itself.
    page.find_within(&button("Play voice message"), Patience::LONG)
        .await?;
    let length = number(member, "ariaValueMax").await?;
    ensure!((1.5..8.0).contains(&length), "{length} seconds were recorded");
    eventually("the end", Patience::SOON, || async {
        Ok((at(member).await? > length - 0.3).then_some(()))
    })
    .await?;

    // By a press into its middle, then by keys.
    let track = Sought::any(&["slider"]);
    page.click(&track).await?;
    until_at(member, length * 0.3, length * 0.7).await?;
    page.press(Key::Home).await?;
    until_at(member, 0.0, 0.0).await?;
    page.press(Key::Right).await?;
    until_at(member, 0.9, 1.1).await?;
    page.press(Key::End).await?;
    until_at(member, length - 0.2, length).await?;
    page.click(&button("Speed 1×")).await?;
    page.find(&button("Speed 1.5×")).await.map(drop)
}

/// Of what the browser wrote only the sound is there, and how long it lasts.
async fn bare(member: &Person, folder: &Path) -> Result<()> {
    member.page().save_into(folder).await?;
    let recording = member.save(folder, "voice-message.webm").await?;
    let has = |part: &[u8]| recording.windows(part.len()).any(|window| window == part);
    ensure!(
        has(b"webm") && has(b"A_OPUS") && has(b"Chopar"),
        "no WebM of Opus"
    );
    for part in ["Chrom", "libwebm", "Lavf"] {
        ensure!(!has(part.as_bytes()), "it says what wrote it: {part}");
    }
    Ok(())
}

/// Whoever plays another one hears that one only.
async fn one_at_a_time(owner: &Person, member: &Person) -> Result<()> {
    record(owner, "0:02").await?;
    owner.page().click(&button("Send voice message")).await?;
    let another = "two voice messages";
    eventually(another, Patience::LONG, || async {
        Ok((member.count("Voice message").await? == 2).then_some(()))
    })
    .await?;
    let page = member.page();
    let all = page.all(&button("Play voice message")).await?;
    let [first, latest] = &all[..] else {
        bail!("{} can be played", all.len())
    };
    page.click_element(first).await?;
    page.click_element(latest).await?;
    eventually("the second alone to be listened to", Patience::LONG, || async {
        let (first, second) = (
            page.evaluate("document.querySelectorAll('[role=slider]')[0].ariaDisabled")
                .await?,
            page.evaluate("document.querySelectorAll('[role=slider]')[1].ariaDisabled")
                .await?,
        );
        Ok((first == "true" && second == "false").then_some(()))
    })
    .await?;
    page.find(&button("Speed 1.5×")).await.map(drop)
}

/// In a group as between two.
async fn in_a_group(owner: &Person, member: &Person) -> Result<()> {
    let page = owner.page();
    page.click(&button("New group")).await?;
    page.fill(&textbox("Group name"), GROUP).await?;
    page.fill(&textbox("Find people"), "bek").await?;
    page.click(&option("bek")).await?;
    page.find(&list("Chosen people")).await?;
    page.click(&button("Create group")).await?;
    page.find_within(&textbox("Message"), Patience::LONG).await?;
    record(owner, "0:01").await?;
    page.click(&button("Send voice message")).await?;
    member.open_chat(GROUP).await?;
    member.until_sees("Voice message, 0:0").await?;
    member.page().click(&button("Play voice message")).await?;
    eventually("the position to advance", Patience::LONG, || async {
        Ok((at(member).await? > 0.2).then_some(()))
    })
    .await
}

/// How many can be gone through.
const LISTENED: &str = "document.querySelectorAll('[role=slider][aria-disabled=false]').length";

/// Begins to record, and goes on until so much is recorded.
async fn record(person: &Person, until: &str) -> Result<()> {
    person.page().click(&button("Record a voice message")).await?;
    person
        .page()
        .until_says(&Sought::any(&["timer"]), until, Patience::LONG)
        .await
}

async fn until_at(person: &Person, least: f64, most: f64) -> Result<()> {
    let what = format!("a position between {least} and {most}");
    eventually(&what, Patience::SOON, || async {
        Ok((least..=most).contains(&at(person).await?).then_some(()))
    })
    .await
}

async fn at(person: &Person) -> Result<f64> {
    number(person, "ariaValueNow").await
}

/// What the first slider of the page says.
async fn number(person: &Person, what: &str) -> Result<f64> {
    let said = format!("Number(document.querySelector('[role=slider]').{what})");
    person.page().evaluate(&said).await?.as_f64().context("no number")
}

/// How often bytes of files were asked for.
fn fetched(person: &Person) -> usize {
    let asked = person.watch().requests();
    asked
        .iter()
        .filter(|address| address.contains("/v1/files/"))
        .count()
}
