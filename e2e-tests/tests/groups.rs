//! Three people in a group: it is made, everybody reads everybody, somebody is removed and reads nothing after, somebody leaves.

use std::sync::Arc;

use anyhow::{Result, ensure};
use chopar_e2e::harness::{
    Organisation, Patience, Person, Stage, button, eventually, heading, item, labelled, line, list,
    menu_item, option, region, textbox,
};

const GROUP: &str = "Hisob-kitob bo‘limi";

/// P-121, P-140, P-141, P-143, P-350, T-033.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_people_talk_in_a_group_until_one_is_removed() -> Result<()> {
    Stage::play("groups", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let bek = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    let malika = organisation.member(&owner, "Malika Yusupova", "malika").await?;
    owner.open("/").await?;

    begin(&owner).await?;
    owner
        .until_sees("Only the members of this group can read it")
        .await?;
    owner.say("Salom hammaga").await?;
    for member in [&bek, &malika] {
        member.open_chat(GROUP).await?;
        ensure!(
            member.until_sees("Salom hammaga").await?.sender() == "Dilnoza Karimova",
            "a member reads whose words they are: {:?}",
            member.lines().await?
        );
    }
    bek.say("Vaalaykum assalom").await?;
    for member in [&owner, &malika] {
        ensure!(
            member.until_sees("Vaalaykum assalom").await?.sender() == "Bek Tursunov",
            "people who have never written to each other know each other's names: {:?}",
            member.lines().await?
        );
    }
    owner.until_state("Salom hammaga", "Read").await?;
    who_has_read(&owner).await?;
    answers(&malika, &bek).await?;
    a_file(&stage, &malika, [&owner, &bek]).await?;
    a_picture(&stage, &owner, &bek).await?;

    remove(&owner, "Malika Yusupova").await?;
    malika
        .page()
        .find_within(&heading("You are not in this group any more"), Patience::LONG)
        .await?;
    malika.until_sees("Dilnoza Karimova removed you").await?;
    bek.until_sees("Dilnoza Karimova removed: Malika Yusupova")
        .await?;
    owner.say("Malikasiz gap").await?;
    bek.until_sees("Malikasiz gap").await?;
    // What comes after it is there, so it would be, too.
    owner.start_chat("malika").await?;
    owner.say("Senga alohida").await?;
    let row = item("Dilnoza Karimova").within(list("Conversations"));
    malika.page().find_within(&row, Patience::LONG).await?;
    ensure!(
        malika.count("Malikasiz").await? == 0,
        "who was removed reads nothing after"
    );
    ensure!(
        malika.count("Salom hammaga").await? == 1,
        "and keeps what was there"
    );

    only_admins_write(&owner, &bek).await?;
    leave(&bek).await?;
    owner.open_chat(GROUP).await?;
    owner.until_sees("Bek Tursunov left the group").await?;

    for person in [&owner, &bek, &malika] {
        person.page().reload().await?;
        person.open_chat_to_read(GROUP).await?;
        person.until_sees("Salom hammaga").await?;
    }
    nothing_at_the_relay(&organisation).await
}

/// Made from the list, with people the owner has never written to.
async fn begin(owner: &Person) -> Result<()> {
    let page = owner.page();
    page.click(&button("New group")).await?;
    page.fill(&textbox("Group name"), GROUP).await?;
    for handle in ["bek", "malika"] {
        page.fill(&textbox("Find people"), handle).await?;
        page.click(&option(handle)).await?;
    }
    page.find(&list("Chosen people")).await?;
    page.click(&button("Create group")).await?;
    page.find_within(&textbox("Message"), Patience::LONG)
        .await
        .map(drop)
}

async fn who_has_read(owner: &Person) -> Result<()> {
    let page = owner.page();
    let shown = page.find(&line("Salom hammaga")).await?;
    page.click_for_menu(&shown).await?;
    page.click(&menu_item("Who has read it")).await?;
    page.until_says(&region("Who has read it"), "Bek Tursunov", Patience::LONG)
        .await?;
    page.click(&button("Close")).await
}

/// An answer names whose message it answers.
async fn answers(malika: &Person, bek: &Person) -> Result<()> {
    let page = malika.page();
    let shown = page.find(&line("Vaalaykum assalom")).await?;
    page.click_for_menu(&shown).await?;
    page.click(&menu_item("Reply")).await?;
    page.find(&region("Replying to Bek Tursunov")).await?;
    malika.say("Ishlar qalay?").await?;
    bek.until_sees("Ishlar qalay?").await?;
    bek.page()
        .find(&button("Reply to your message: Vaalaykum assalom"))
        .await
        .map(drop)
}

/// One upload for everybody: each saves the same bytes.
async fn a_file(stage: &Stage, malika: &Person, others: [&Person; 2]) -> Result<()> {
    let sent: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    let path = stage.folder().join("hisobot.bin");
    std::fs::write(&path, &sent)?;
    malika.attach(&[path]).await?;
    malika.page().find(&button("Remove hisobot.bin")).await?;
    malika.page().click(&button("Send")).await?;
    for (number, person) in others.into_iter().enumerate() {
        person.until_sees("File hisobot.bin").await?;
        let folder = stage.folder().join(format!("saved-{number}"));
        person.page().save_into(&folder).await?;
        ensure!(person.save(&folder, "hisobot.bin").await? == sent, "other bytes");
    }
    Ok(())
}

/// A group's picture is seen by who is in it, and taken away again.
async fn a_picture(stage: &Stage, owner: &Person, bek: &Person) -> Result<()> {
    let path = stage.folder().join("guruh.jpg");
    std::fs::write(&path, owner.page().photograph((800, 600), "egasi").await?)?;
    owner.page().click(&button(GROUP).starting()).await?;
    owner.page().find(&button("Choose a picture")).await?;
    owner.page().choose_picture(&path).await?;
    bek.until_sees("Dilnoza Karimova changed the picture").await?;
    for place in [".talk-head", ".chat-row"] {
        let width = format!("document.querySelector('{place} .avatar-picture')?.naturalWidth ?? 0");
        eventually("the group's picture", Patience::LONG, || async {
            Ok((bek.page().evaluate(&width).await? == 192).then_some(()))
        })
        .await?;
    }
    owner.page().click(&button("Remove the picture")).await?;
    owner.page().until_gone(&button("Remove the picture")).await?;
    eventually("no picture", Patience::LONG, || async {
        let any = "document.querySelector('.avatar-picture') === null";
        Ok((bek.page().evaluate(any).await? == true).then_some(()))
    })
    .await?;
    owner.page().click(&button(GROUP).starting()).await
}

async fn remove(owner: &Person, whom: &str) -> Result<()> {
    let page = owner.page();
    page.click(&button(GROUP).starting()).await?;
    page.click(&button(whom).starting()).await?;
    page.click(&button("Remove")).await?;
    page.until_gone(&button("Remove")).await?;
    page.until_gone(&button(whom).starting()).await
}

async fn only_admins_write(owner: &Person, bek: &Person) -> Result<()> {
    owner.open_chat(GROUP).await?;
    let page = owner.page();
    page.click(&button(GROUP).starting()).await?;
    page.click(&labelled("Only admins write")).await?;
    let stop = heading("Only admins write in this group");
    bek.page().find_within(&stop, Patience::LONG).await?;
    // Words stay their author's: they are taken back, and nothing else.
    let said = bek.page().find(&line("Vaalaykum assalom")).await?;
    bek.page().click_for_menu(&said).await?;
    let take_back = menu_item("Delete for everyone");
    bek.page().find(&take_back).await?;
    ensure!(
        !bek.page().has(&menu_item("Edit")).await?,
        "who may not write edits nothing"
    );
    bek.page().click(&take_back).await?;
    owner.until_sees("This message was deleted").await?;
    page.click(&labelled("Only admins write")).await?;
    bek.page()
        .find_within(&textbox("Message"), Patience::LONG)
        .await
        .map(drop)
}

async fn leave(bek: &Person) -> Result<()> {
    let page = bek.page();
    page.click(&button(GROUP).starting()).await?;
    page.click(&button("Leave group")).await?;
    page.click(&button("Leave group").within(region(&format!("Leave “{GROUP}”?"))))
        .await?;
    page.find_within(&heading("You are not in this group any more"), Patience::LONG)
        .await
        .map(drop)
}

/// T-031: the relay's files hold neither the group's name nor a word of it.
async fn nothing_at_the_relay(organisation: &Organisation) -> Result<()> {
    let mut files = tokio::fs::read_dir(organisation.relay_data()).await?;
    let mut known = false;
    while let Some(file) = files.next_entry().await? {
        if !file.file_type().await?.is_file() {
            continue;
        }
        let bytes = tokio::fs::read(file.path()).await?;
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        known |= has("dilnoza");
        ensure!(
            !has(GROUP) && !has("Hisob-kitob") && !has("Salom hammaga"),
            "{}",
            file.path().display()
        );
    }
    ensure!(known, "the search finds what is there");
    Ok(())
}
