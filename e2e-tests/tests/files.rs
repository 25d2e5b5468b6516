//! Files between two people: both ways, pictures, a hostile name, cancelled, and through the death of the relay.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chopar_e2e::harness::{
    Key, Organisation, Patience, Person, Sought, Stage, button, bytes_below, eventually, heading, item, line,
    link, list, log, region, textbox,
};
use chopar_e2e::hunt::Marker;

/// In the name of a file, and in its middle.
const NAMED: &str = "shartnoma-maxfiy-7f3a91.txt";
const INSIDE: &str = "ichki-mazmun-5521c0-hech-kim";
/// Where a camera would say whose it is.
const REMARK: &str = "egasi-dilnoza-41.3111N-69.2797E";
/// Large enough that its upload can be interrupted.
const LARGE: usize = 24_000_000;

/// P-341, P-343, P-346, P-347, T-121, T-124, T-126, T-127.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_exchange_files_and_pictures() -> Result<()> {
    Stage::play("files", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let mut organisation = Organisation::found(&stage).await?;
    let mut owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    let desk = stage.folder().join("desk");
    std::fs::create_dir_all(&desk)?;
    for (person, folder) in [(&owner, "owner"), (&member, "member")] {
        person.page().save_into(&stage.folder().join(folder)).await?;
    }
    owner.start_chat("bek").await?;
    owner.say("Fayllar keladi").await?;
    member.open_chat("Dilnoza Karimova").await?;
    member.until_sees("Fayllar keladi").await?;

    there_and_back(&stage, &owner, &member, &desk).await?;
    dropped_and_pasted(&owner, &member, &desk).await?;
    pictures(&stage, &owner, &member, &desk).await?;
    from_a_second_tab(&owner, &member, &desk).await?;
    cancelled(&mut organisation, &owner, &member, &desk).await?;

    // Neither name nor content is readable where it lies.
    for marker in [NAMED, INSIDE, REMARK] {
        let traces = Marker::new(marker)?.traces_below(organisation.relay_data())?;
        ensure!(traces.is_empty(), "the relay's files can be read: {traces:#?}");
    }
    owner.leave().await?;
    for marker in [INSIDE, REMARK] {
        let traces = Marker::new(marker)?.traces_below(owner.profile())?;
        ensure!(traces.is_empty(), "the sender's profile can be read: {traces:#?}");
    }
    owner.come_back("/").await?;
    owner.open_chat("Bek Tursunov").await?;

    through_the_relays_death(&stage, &mut organisation, &owner, &member, &desk).await?;
    started_over(&mut organisation, &member).await
}

/// A file with a text one way; nothing at all under a hostile name, and a program that calls itself a picture, the other way.
async fn there_and_back(stage: &Stage, owner: &Person, member: &Person, desk: &Path) -> Result<()> {
    let sent = content(3_000_000);
    owner.attach(&[put(desk, NAMED, &sent)?]).await?;
    let chips = list("Attached files");
    owner
        .page()
        .find(&button(&format!("Remove {NAMED}")).within(chips.clone()))
        .await?;
    // What was chosen stays while one looks elsewhere.
    owner.page().click(&link("Settings")).await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.page().find(&button(&format!("Remove {NAMED}"))).await?;
    owner.say("Mana shartnoma").await?;
    owner.page().until_gone(&chips).await?;
    member
        .until_sees(&format!("Mana shartnoma, File {NAMED}, 2.9 MB"))
        .await?;
    let came = member.save(&stage.folder().join("member"), NAMED).await?;
    ensure!(came == sent, "the file came as {} other bytes", came.len());
    // Once more, though it is kept here by now.
    std::fs::remove_file(stage.folder().join("member").join(NAMED))?;
    ensure!(
        member.save(&stage.folder().join("member"), NAMED).await? == sent,
        "kept as another one"
    );

    let hostile = put(desk, "rasm\u{202e}gpj.exe", b"")?;
    let disguised = put(desk, "rasm.png", b"MZ\x90\0\x03\0\0\0")?;
    member.attach(&[hostile, disguised]).await?;
    member
        .page()
        .until_alert("rasm.png cannot be read as a picture")
        .await?;
    for name in ["rasm_gpj.exe", "rasm.png"] {
        member.page().find(&button(&format!("Remove {name}"))).await?;
    }
    member.page().click(&textbox("Message")).await?;
    member.page().press(Key::Enter).await?;
    owner
        .until_sees("File rasm_gpj.exe, 0 B, File rasm.png, 8 B")
        .await?;
    ensure!(
        owner
            .save(&stage.folder().join("owner"), "rasm_gpj.exe")
            .await?
            .is_empty(),
        "of nothing comes nothing"
    );
    ensure!(
        !owner.page().has(&button("View rasm.png")).await?,
        "a program is not shown as a picture"
    );
    let listed = item("Bek Tursunov").within(list("Conversations"));
    owner
        .page()
        .until_says(&listed, "rasm_gpj.exe", Patience::SOON)
        .await
}

/// Files that fall onto the conversation, and a picture from the clipboard.
async fn dropped_and_pasted(owner: &Person, member: &Person, desk: &Path) -> Result<()> {
    let fallen = [
        put(desk, "tushgan-1.bin", &content(1_000))?,
        put(desk, "tushgan-2.bin", &content(2_000))?,
    ];
    owner.page().drop_files(&log("Messages"), &fallen).await?;
    for name in ["tushgan-1.bin", "tushgan-2.bin"] {
        owner.page().find(&button(&format!("Remove {name}"))).await?;
    }
    owner.page().click(&button("Remove tushgan-1.bin")).await?;
    owner.page().click(&textbox("Message")).await?;
    owner.page().paste_picture((320, 200)).await?;
    owner.page().find(&button("Remove image.png")).await?;
    owner.page().click(&button("Send")).await?;
    member
        .until_sees("File tushgan-2.bin, 2 KB, Picture image.png")
        .await?;
    member
        .page()
        .find_within(&button("View image.png"), Patience::LONG)
        .await
        .map(drop)
}

/// A photograph: small at once, then itself; larger in a dialog; without what the camera wrote.
async fn pictures(stage: &Stage, owner: &Person, member: &Person, desk: &Path) -> Result<()> {
    let photograph = owner.page().photograph((1600, 1200), REMARK).await?;
    owner.attach(&[put(desk, "surat.jpg", &photograph)?]).await?;
    owner
        .page()
        .find_within(&button("Remove surat.jpg"), Patience::LONG)
        .await?;
    owner.page().click(&button("Send")).await?;
    member.until_sees("Picture surat.jpg").await?;
    let view = button("View surat.jpg");
    member.page().find_within(&view, Patience::LONG).await?;
    let wide = "[...document.querySelectorAll('img.picture')].some((one) => one.naturalWidth === 1600)";
    eventually("the picture itself", Patience::LONG, || async {
        Ok((member.page().evaluate(wide).await? == true).then_some(()))
    })
    .await?;
    member.page().click(&view).await?;
    let dialog = region("surat.jpg");
    member.page().find(&dialog).await?;
    let shown = Sought::any(&["image", "img"]).within(dialog.clone());
    let shown = member.page().find_within(&shown, Patience::LONG).await?;
    ensure!(
        shown.name == "surat.jpg",
        "the picture is called {:?}",
        shown.name
    );
    member
        .page()
        .click(&button("Save surat.jpg").within(dialog.clone()))
        .await?;
    let folder = stage.folder().join("member");
    let came = member.page().saved(&folder, "surat.jpg").await?;
    member.page().press(Key::Escape).await?;
    member.page().until_gone(&dialog).await?;
    ensure!(came.starts_with(&[0xff, 0xd8, 0xff]), "it came as no JPEG");
    let remark = Marker::new(REMARK)?;
    ensure!(
        !remark.traces(&photograph, "").is_empty(),
        "nothing was to be taken out"
    );
    ensure!(
        remark.traces(&came, "").is_empty(),
        "what the camera wrote went along"
    );
    Ok(())
}

/// The engine is in the first tab: files come to it from the second, and go there.
async fn from_a_second_tab(owner: &Person, member: &Person, desk: &Path) -> Result<()> {
    let second = owner.another_tab().await?;
    second.open("/").await?;
    second.open_chat("Bek Tursunov").await?;
    let sent = content(200_000);
    second.attach(&[put(desk, "ikkinchi.bin", &sent)?]).await?;
    second.page().find(&button("Remove ikkinchi.bin")).await?;
    second.page().click(&button("Send")).await?;
    member.until_sees("File ikkinchi.bin").await?;
    let folder = desk.join("second");
    second.page().save_into(&folder).await?;
    second.page().click(&button("Save ikkinchi.bin")).await?;
    ensure!(
        second.page().saved(&folder, "ikkinchi.bin").await? == sent,
        "another file"
    );
    second.close_tab().await?;
    owner.page().save_into(&desk.join("owner-again")).await
}

/// Taken back before the relay has it: nobody is told, and nothing is left.
async fn cancelled(
    organisation: &mut Organisation,
    owner: &Person,
    member: &Person,
    desk: &Path,
) -> Result<()> {
    organisation.kill_relay().await?;
    owner.until_connection("Offline").await?;
    owner
        .attach(&[put(desk, "bekor.bin", &content(2_000_000))?])
        .await?;
    owner.page().find(&button("Remove bekor.bin")).await?;
    owner.page().click(&button("Send")).await?;
    owner.until_sees("File bekor.bin").await?;
    owner.until_state("File bekor.bin", "Waiting").await?;
    owner.page().click(&button("Cancel sending")).await?;
    owner.page().until_gone(&line("bekor.bin")).await?;
    organisation.restart_relay().await?;
    owner.until_connection("Online").await?;
    owner.say("Uni bekor qildim").await?;
    member.until_sees("Uni bekor qildim").await?;
    ensure!(member.count("bekor.bin").await? == 0, "nobody was told");
    eventually("nothing to be kept for an upload", Patience::LONG, || async {
        Ok((kept(owner, "sealed").await? == 0).then_some(()))
    })
    .await
}

/// Nothing of anybody's files stays with who starts over.
async fn started_over(organisation: &mut Organisation, member: &Person) -> Result<()> {
    ensure!(
        kept(member, "opened").await? > 0,
        "nothing was kept that could go"
    );
    organisation.kill_relay().await?;
    tokio::fs::remove_dir_all(organisation.relay_data()).await?;
    organisation.restart_relay().await?;
    let page = member.page();
    page.find_within(&button("Start over…"), Patience::LONG).await?;
    page.click(&button("Start over…")).await?;
    page.click(&button("Erase and start over")).await?;
    page.find_within(&heading("Messages only you two can read"), Patience::LONG)
        .await?;
    ensure!(kept(member, "opened").await? == 0, "opened files are left");
    Ok(())
}

/// Records in a store of the database of files.
async fn kept(person: &Person, store: &str) -> Result<u64> {
    let count = format!(
        "(async () => {{
            const done = (request) => new Promise((ok, no) => {{
                request.onsuccess = () => ok(request.result);
                request.onerror = () => no(request.error);
            }});
            const database = await done(indexedDB.open('chopar-files'));
            const count = await done(database.transaction('{store}').objectStore('{store}').count());
            database.close();
            return count;
        }})()"
    );
    let count = person.page().evaluate(&count).await?;
    count.as_u64().context("no number")
}

/// `kill -9` in the middle of an upload: it goes on from where the relay kept it.
async fn through_the_relays_death(
    stage: &Stage,
    organisation: &mut Organisation,
    owner: &Person,
    member: &Person,
    desk: &Path,
) -> Result<()> {
    let sent = content(LARGE);
    owner.attach(&[put(desk, "katta.bin", &sent)?]).await?;
    owner.page().find(&button("Remove katta.bin")).await?;
    owner.page().click(&button("Send")).await?;
    let before = bytes_below(organisation.relay_data())?;
    eventually("some of it at the relay", Patience::LONG, || async {
        Ok((bytes_below(organisation.relay_data())? > before + 5_000_000).then_some(()))
    })
    .await?;
    organisation.kill_relay().await?;
    let there = bytes_below(organisation.relay_data())? - before;
    ensure!(there < LARGE as u64, "all of it was there already");
    owner.until_connection("Offline").await?;
    ensure!(
        owner.state("File katta.bin").await? == "Waiting",
        "it is not sent"
    );
    ensure!(
        member.count("katta.bin").await? == 0,
        "nobody is told of half a file"
    );
    organisation.restart_relay().await?;
    member.until_sees("File katta.bin").await?;
    owner.until_state("File katta.bin", "Delivered").await?;
    ensure!(
        member.save(&stage.folder().join("member"), "katta.bin").await? == sent,
        "another file"
    );
    Ok(())
}

fn put(desk: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = desk.join(name);
    std::fs::write(&path, bytes).with_context(|| name.to_owned())?;
    Ok(path)
}

/// Bytes that are not alike, with a marker in their middle.
fn content(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(size)
    .collect();
    let middle = size / 2;
    bytes[middle..middle + INSIDE.len()].copy_from_slice(INSIDE.as_bytes());
    bytes
}
