//! What was said goes into a file, and comes back from it in a fresh browser; files that are not what they should be are named; a copy
//! that anybody reads holds no script.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{Organisation, Patience, Person, Stage, button, heading, link, textbox};

const SCRIPT: &str = "<script>document.title='ran'</script> & <img src=x onerror=alert(1)>";
const FILE: &str = "chopar-history.chopar";

/// P-371, P-373, P-374, P-376, P-378, T-131.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_comes_back_from_a_file_and_a_bad_file_says_so() -> Result<()> {
    Stage::play("history", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let lost = organisation.person("Bek Tursunov", "bek").await?;
    let key = lost.join(&owner.make_invite().await?).await?.join(" ");
    owner.start_chat("bek").await?;
    owner.say("birinchi xabar").await?;
    lost.open_chat("Dilnoza Karimova").await?;
    lost.until_sees("birinchi xabar").await?;
    lost.say(SCRIPT).await?;
    owner.until_sees(SCRIPT).await?;
    for number in 0..6 {
        lost.say(&format!("xabar raqami {number}")).await?;
    }
    lost.until_state("xabar raqami 5", "Read").await?;

    let saved = organisation.folder().join("saved");
    lost.page().save_into(&saved).await?;
    let file = export(&lost, &saved).await?;
    ensure!(
        !file.windows(14).any(|window| window == b"birinchi xabar"),
        "the file is sealed"
    );
    copies(&lost, &saved).await?;
    lost.leave().await?;

    let fresh = organisation.person("Bek Tursunov", "bek-again").await?;
    fresh.bring_back(&key).await?;
    fresh.until_in().await?;
    // Recovery leads here.
    fresh
        .page()
        .find_within(&heading("History"), Patience::LONG)
        .await?;
    bad_files(&fresh, organisation.folder(), &file, &key).await?;

    let whole = put(organisation.folder(), "whole.chopar", &file)?;
    import(&fresh, &whole, &key).await?;
    fresh.page().until_shows("Written by").await?;
    fresh.page().until_shows("messages were brought back").await?;
    fresh.open_chat("Dilnoza Karimova").await?;
    for text in ["birinchi xabar", SCRIPT, "xabar raqami 0", "xabar raqami 5"] {
        fresh.until_sees(text).await?;
    }
    let lines = fresh.history().await?;
    let of = |text: &str| lines.iter().position(|line| line.says(text));
    ensure!(of("birinchi xabar") < of("xabar raqami 0"), "in their order");
    ensure!(of("xabar raqami 0") < of("xabar raqami 5"), "in their order");
    ensure!(
        fresh.state("xabar raqami 5").await? == "Read",
        "as far as it had come"
    );

    // It is found, also after a restart, and both go on.
    fresh.page().reload().await?;
    fresh.until_in().await?;
    fresh
        .page()
        .find_within(&textbox("Search"), Patience::LONG)
        .await?;
    fresh.page().fill(&textbox("Search"), "биринчи").await?;
    let hit = item("birinchi xabar").within(list("Messages found"));
    fresh.page().find_within(&hit, Patience::LONG).await?;
    fresh.page().press(Key::Escape).await?;
    fresh.open_chat("Dilnoza Karimova").await?;
    fresh.say("davom etamiz").await?;
    owner.until_sees("davom etamiz").await?;
    owner.say("albatta").await?;
    fresh.until_sees("albatta").await?;

    // Once more: nothing changes.
    let before = fresh.history().await?.len();
    fresh.open("/history").await?;
    import(&fresh, &whole, &key).await?;
    fresh.page().until_shows("were here already").await?;
    fresh.open_chat("Dilnoza Karimova").await?;
    fresh.until_sees("albatta").await?;
    ensure!(fresh.history().await?.len() == before, "twice is once");
    Ok(())
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

async fn export(person: &Person, saved: &Path) -> Result<Vec<u8>> {
    person.open("/settings").await?;
    let way = link("Export and import");
    person.page().find_within(&way, Patience::LONG).await?;
    person.page().click(&way).await?;
    person
        .page()
        .find_within(&button("Export history"), Patience::LONG)
        .await?;
    person.page().click(&button("Export history")).await?;
    let file = person.page().saved(saved, FILE).await?;
    person.page().until_shows("The history file was saved").await?;
    Ok(file)
}

/// What anybody reads: what was said is there, and none of it is part of the page.
async fn copies(person: &Person, saved: &Path) -> Result<()> {
    person.page().click(&button("Save as a page (HTML)")).await?;
    let html = person.page().saved(saved, "chopar-history.html").await?;
    let html = String::from_utf8(html)?;
    ensure!(
        html.contains("birinchi xabar") && html.contains("xabar raqami 5"),
        "what was said"
    );
    ensure!(html.contains("Dilnoza Karimova"), "by whom");
    ensure!(
        !html.contains("<script") && !html.contains("<img"),
        "nothing of it runs"
    );
    let place = |text: &str| html.find(text);
    ensure!(place("birinchi xabar") < place("xabar raqami 0"), "in its order");
    person.page().until_shows("The copy was saved").await?;
    person.page().click(&button("Save as data (JSON)")).await?;
    let json = person.page().saved(saved, "chopar-history.json").await?;
    let json: serde_json::Value = serde_json::from_slice(&json)?;
    let messages = json["conversations"][0]["messages"]
        .as_array()
        .context("messages")?;
    ensure!(messages.len() == 8, "{} messages", messages.len());
    ensure!(messages[1]["text"] == SCRIPT, "as it was said");
    Ok(())
}

async fn import(person: &Person, file: &Path, key: &str) -> Result<()> {
    person
        .page()
        .find_within(&button("Import history"), Patience::LONG)
        .await?;
    person.page().choose_files(&[file.to_owned()]).await?;
    person.page().fill(&textbox("Recovery key"), key).await?;
    person.page().click(&button("Import history")).await
}

async fn bad_files(person: &Person, folder: &Path, file: &[u8], key: &str) -> Result<()> {
    let page = person.page();
    let other = "000G 40R4 0M30 E209 185G R38E 1W81 24GK N2JD";
    let whole = put(folder, "first.chopar", file)?;
    import(person, &whole, other).await?;
    page.until_alert("This file opens with another recovery key")
        .await?;
    import(person, &whole, &key[..key.len() - 1]).await?;
    page.until_alert("This is not a recovery key").await?;
    let nothing = put(folder, "nothing.chopar", b"PK\x03\x04 something else")?;
    import(person, &nothing, key).await?;
    page.until_alert("This is not a history file").await?;
    let mut newer = file.to_vec();
    newer[9] = 2;
    let newer = put(folder, "newer.chopar", &newer)?;
    import(person, &newer, key).await?;
    page.until_alert("A newer version of Chopar wrote this file")
        .await?;
    let mut altered = file.to_vec();
    altered[2_000] ^= 1;
    let altered = put(folder, "altered.chopar", &altered)?;
    import(person, &altered, key).await?;
    page.until_alert("The file is damaged, or somebody changed it")
        .await?;
    let cut = put(folder, "cut.chopar", &file[..file.len() - 100])?;
    import(person, &cut, key).await?;
    page.until_alert("The file ends too early").await?;
    ensure!(
        !page.everything().await?.contains("birinchi xabar"),
        "nothing was imported"
    );
    Ok(())
}
