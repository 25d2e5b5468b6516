//! What was said is found again: in either script, by parts of words, after a reload; what was deleted is not. A hit leads to its place.

use std::sync::Arc;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Sought, Stage, button, eventually, item, line, list, menu_item,
    textbox,
};
use chopar_e2e::hunt::Marker;

/// Lines between the first and the last: more than are held at once, and more than are brought to get at one.
const BETWEEN: usize = 150;

/// P-360, P-362, P-364, P-365, T-130.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_found_in_both_scripts_and_lead_to_their_place() -> Result<()> {
    Stage::play("search", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let mut member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.start_chat("bek").await?;
    owner.say("Завтра тестирование в Самарканде").await?;
    owner.say_more("Oʻzbekcha xabar, ertaga choyxonada").await?;
    owner.say_more("Адашиб юборилган махфий гап").await?;
    owner.say_more("Hisobot juma kuni tayyor").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("Hisobot juma").await?;

    // Part of a word, and words of the other script.
    for (words, text) in [
        ("тест", "тестирование"),
        ("testir", "тестирование"),
        ("ўзбек чойхона", "choyxonada"),
        ("o'zbek", "Oʻzbekcha"),
        ("ozbek", "Oʻzbekcha"),
        ("самарканд", "Самарканде"),
    ] {
        look_for(&member, words).await?;
        member.page().find_within(&found(text), Patience::LONG).await?;
    }

    // What is edited and what is deleted is not found as it was.
    owner.page().click(&textbox("Message")).await?;
    owner.page().press(Key::Up).await?;
    owner
        .page()
        .fill(&textbox("Message"), "Hisobot dushanba kuni tayyor")
        .await?;
    owner.page().press(Key::Enter).await?;
    delete_for_everyone(&owner, "Адашиб юборилган").await?;
    leave_search(&member).await?;
    member.until_sees("dushanba kuni").await?;
    member.until_sees("This message was deleted").await?;
    for person in [&owner, &member] {
        for words in ["махфий", "maxfiy", "juma"] {
            look_for(person, words).await?;
            nothing_is_found(person, words).await?;
        }
        look_for(person, "душанба").await?;
        person.page().find(&found("dushanba")).await?;
        leave_search(person).await?;
    }

    // A hit far up: its place, the way back, and nothing that arrives meanwhile is lost.
    owner.page().click(&textbox("Message")).await?;
    for number in 0..BETWEEN {
        owner.say_more(&format!("oraliq {number}")).await?;
    }
    member.until_sees(&format!("oraliq {}", BETWEEN - 1)).await?;
    member.page().reload().await?;
    member.until_sees(&format!("oraliq {}", BETWEEN - 1)).await?;
    ensure!(member.count("тестирование").await? == 0, "it is far up");
    look_for(&member, "тест").await?;
    member
        .page()
        .find_within(&found("тестирование"), Patience::LONG)
        .await?;
    member.page().press(Key::Enter).await?;
    member
        .page()
        .find_within(&line("тестирование"), Patience::LONG)
        .await?;
    until_keyboard_on(&member, "тестирование").await?;
    ensure!(
        member.count(&format!("oraliq {}", BETWEEN - 1)).await? == 0,
        "the lines around it are held"
    );
    owner.say_more("Oxirgi gap").await?;
    member.page().click(&button("Jump to latest")).await?;
    member.until_sees("Oxirgi gap").await?;
    member.until_sees(&format!("oraliq {}", BETWEEN - 1)).await?;

    // Scrolled down from there instead, line by line, it is one conversation.
    look_for(&member, "тест").await?;
    member.page().find(&found("тестирование")).await?;
    member.page().press(Key::Enter).await?;
    until_keyboard_on(&member, "тестирование").await?;
    eventually(
        "the latest line to be reached by scrolling",
        Patience::LONG,
        || async {
            member
                .page()
                .evaluate("document.querySelector('[role=log]').scrollTop = 0")
                .await?;
            Ok((member.count("Oxirgi gap").await? == 1).then_some(()))
        },
    )
    .await?;
    let lines = member.history().await?;
    let between = lines.iter().filter(|line| line.says("oraliq")).count();
    ensure!(between == BETWEEN, "{between} of {BETWEEN} lines");

    // A conversation is found by its name in the other script, and another tab asks the owner of the vault.
    let other = member.another_tab().await?;
    other.open("/").await?;
    look_for(&other, "дилноза").await?;
    other
        .page()
        .find_within(
            &item("Dilnoza Karimova").within(list("Matching conversations")),
            Patience::LONG,
        )
        .await?;
    look_for(&other, "тест").await?;
    other
        .page()
        .find_within(&found("тестирование"), Patience::LONG)
        .await?;
    other.close_tab().await?;

    // At rest there is nothing of it, neither as it was written nor as it is compared.
    member.leave().await?;
    for words in [
        "тестирование",
        "testirovanie",
        "ertaga choyxonada",
        "dushanba kuni tayyor",
    ] {
        let traces = Marker::new(words)?.traces_below(member.profile())?;
        ensure!(traces.is_empty(), "the profile can be read: {traces:#?}");
    }
    member.come_back("/").await?;
    look_for(&member, "choyxona").await?;
    member
        .page()
        .find_within(&found("choyxonada"), Patience::LONG)
        .await?;
    Ok(())
}

/// A message among those that were found.
fn found(text: &str) -> Sought {
    item(text).within(list("Messages found"))
}

async fn look_for(person: &Person, words: &str) -> Result<()> {
    person
        .page()
        .find_within(&textbox("Search"), Patience::LONG)
        .await?;
    person.page().fill(&textbox("Search"), words).await
}

async fn nothing_is_found(person: &Person, words: &str) -> Result<()> {
    person
        .page()
        .until_shows(&format!("Nothing was found by “{words}”."))
        .await
}

async fn leave_search(person: &Person) -> Result<()> {
    person.page().press(Key::Escape).await?;
    person.page().find(&list("Conversations")).await.map(drop)
}

async fn delete_for_everyone(person: &Person, text: &str) -> Result<()> {
    let message = person.page().find(&line(text)).await?;
    person.page().click_for_menu(&message).await?;
    person.page().click(&menu_item("Delete for everyone")).await?;
    person.page().until_gone(&line(text)).await
}

async fn until_keyboard_on(person: &Person, text: &str) -> Result<()> {
    let script = "document.activeElement?.getAttribute('aria-label') ?? ''";
    eventually("the keyboard to be on the line", Patience::LONG, || async {
        let name = person.page().evaluate(script).await?;
        Ok(name
            .as_str()
            .is_some_and(|name| name.contains(text))
            .then_some(()))
    })
    .await
}
