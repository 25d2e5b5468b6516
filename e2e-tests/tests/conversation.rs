//! What is done with messages, by hand: answers, reactions, edits, deletions, a timer. All of it survives a reload.

use std::sync::Arc;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Stage, button, eventually, item, line, link, list, menu_item, radio,
    region, textbox,
};

/// P-160, P-163, P-164.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_answer_react_edit_delete_and_set_a_timer() -> Result<()> {
    Stage::play("conversation", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("Choy tayyor").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("Choy tayyor").await?;

    // An answer, with the mouse; what it answers stands above it on both sides.
    choose(&member, "Choy tayyor", "Reply").await?;
    let replying = region("Replying to Dilnoza Karimova");
    member.page().find(&replying).await?;
    member.say("Hozir boraman").await?;
    member.page().until_gone(&replying).await?;
    owner.until_sees("Hozir boraman").await?;
    let quote = button("Reply to your message: Choy tayyor");
    owner
        .page()
        .find_within(&quote.within(line("Hozir boraman")), Patience::LONG)
        .await?;

    // A reaction, with the keyboard alone.
    owner.page().click(&textbox("Message")).await?;
    focus_line(&owner, "Hozir boraman").await?;
    owner.page().press(Key::Enter).await?;
    owner.page().click(&button("React with 👍")).await?;
    let chip = button("👍: Dilnoza Karimova");
    member.page().find_within(&chip, Patience::LONG).await?;
    member.until_sees("Hozir boraman, 👍").await?;

    // Up edits the last message, Esc leaves it as it was.
    let message = textbox("Message");
    member.page().click(&message).await?;
    member.page().press(Key::Up).await?;
    member.page().find(&region("Editing")).await?;
    member.page().press(Key::Escape).await?;
    member.page().until_gone(&region("Editing")).await?;
    // An edit that was begun goes on after a look elsewhere.
    member.page().press(Key::Up).await?;
    member.page().fill(&message, "Besh daqiqada").await?;
    member.page().click(&link("Settings")).await?;
    member.page().until_gone(&message).await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.page().find(&region("Editing")).await?;
    let box_holds = member
        .page()
        .evaluate("document.getElementById('composer').value")
        .await?;
    ensure!(box_holds == "Besh daqiqada", "the box holds {box_holds}");
    member.page().fill(&message, "Besh daqiqada boraman").await?;
    member.page().press(Key::Enter).await?;
    owner.until_sees("Besh daqiqada boraman, edited").await?;
    ensure!(
        owner.count("Hozir boraman").await? == 0,
        "the text before is gone"
    );

    // Taken back for everybody.
    owner.say("Adashib yubordim").await?;
    member.until_sees("Adashib yubordim").await?;
    choose(&owner, "Adashib yubordim", "Delete for everyone").await?;
    member.until_sees("This message was deleted").await?;
    ensure!(member.count("Adashib").await? == 0, "nothing of it is left");

    // Passed on to nobody after all: the keyboard is where it was.
    choose(&member, "Choy tayyor", "Forward").await?;
    member.page().find(&textbox("Search")).await?;
    member.page().press(Key::Escape).await?;
    until_keyboard_on(&member, "Choy tayyor").await?;

    // For oneself only; the next message takes its place.
    choose(&member, "Choy tayyor", "Delete for me").await?;
    member.page().until_gone(&line("Choy tayyor")).await?;
    until_keyboard_on(&member, "Besh daqiqada boraman").await?;
    member
        .page()
        .find(&button("Reply to Dilnoza Karimova: Message not available"))
        .await?;
    ensure!(
        owner.count("Choy tayyor").await? > 0,
        "the other one still has it"
    );

    // A timer, and who set it.
    member.page().click(&button("Disappearing messages")).await?;
    member.page().click(&radio("After 30 seconds")).await?;
    member.page().click(&button("Save")).await?;
    owner
        .until_sees("Bek Tursunov set messages to disappear after 30 seconds.")
        .await?;
    owner.say("Bu yo‘qoladi").await?;
    member.until_sees("Bu yo‘qoladi").await?;

    for person in [&owner, &member] {
        person.page().reload().await?;
        person.until_sees("Besh daqiqada boraman, edited, 👍").await?;
        person.until_sees("This message was deleted").await?;
    }
    ensure!(member.count("Choy tayyor").await? == 0, "deleted for good");
    let page = member.page();
    page.until_gone_within(&line("Bu yo‘qoladi"), Patience::LONG)
        .await?;
    owner
        .page()
        .until_gone_within(&line("Bu yo‘qoladi"), Patience::LONG)
        .await?;

    // Passed on, pinned, blocked.
    choose(&owner, "Besh daqiqada", "Forward").await?;
    owner.page().fill(&textbox("Search"), "bek").await?;
    owner.page().press(Key::Enter).await?;
    member
        .page()
        .find_within(&line("Besh daqiqada boraman, Forwarded"), Patience::LONG)
        .await?;
    member.open_person("Dilnoza Karimova").await?;
    member.page().click(&button("Pin")).await?;
    member.page().find(&button("Unpin")).await?;
    member.page().click(&button("Block")).await?;
    member.page().find(&button("Unblock")).await?;
    owner.say("Eshityapsizmi?").await?;
    owner.until_state("Eshityapsizmi?", "Sent").await?;
    ensure!(
        member.count("Eshityapsizmi").await? == 0,
        "nothing of hers is shown"
    );
    let row = item("Dilnoza Karimova").within(list("Conversations"));
    member.page().find(&row).await?;
    Ok(())
}

/// Opens the menu of a message, and chooses from it.
async fn choose(person: &Person, text: &str, what: &str) -> Result<()> {
    let page = person.page();
    let shown = page.find_within(&line(text), Patience::LONG).await?;
    page.click_for_menu(&shown).await?;
    page.click(&menu_item(what)).await
}

/// Waits until the keyboard is on a message, or on something in it.
async fn until_keyboard_on(person: &Person, text: &str) -> Result<()> {
    let on = "document.activeElement.closest('[role=article]')?.getAttribute('aria-label') ?? ''";
    eventually(
        &format!("the keyboard is on {text:?}"),
        Patience::SOON,
        || async {
            let label = person.page().evaluate(on).await?;
            Ok(label
                .as_str()
                .is_some_and(|label| label.contains(text))
                .then_some(()))
        },
    )
    .await
}

/// Walks to a message with the arrow keys.
async fn focus_line(person: &Person, text: &str) -> Result<()> {
    let page = person.page();
    page.evaluate("document.querySelector('[role=log]').focus()")
        .await?;
    for _ in 0..20 {
        let label = page
            .evaluate("document.activeElement.getAttribute('aria-label')")
            .await?;
        if label.as_str().is_some_and(|label| label.contains(text)) {
            return Ok(());
        }
        page.press(Key::Up).await?;
    }
    anyhow::bail!("no arrow key leads to {text:?}")
}
