//! The organisation whose screens are looked at: four people, a verified contact, an offline moment, a changed number.

use std::sync::Arc;

use anyhow::{Context, Result};
use chopar_e2e::harness::{
    Key, Look, Organisation, Page, Patience, Person, RelayPort, Sought, Stage, button, heading, item,
    labelled, line, list, menu_item, option, status, textbox,
};
use chopar_e2e::hostile::{HostileProxy, forge};
use serde_json::json;

use crate::album::Album;
use crate::words::Words;
use crate::{kept, onboarding, trouble};

/// What two people say, in turn; long and short, one with a line break, one in Cyrillic script.
const TALK: [(bool, &str); 9] = [
    (
        true,
        "Assalomu alaykum, Bek aka. Ertaga soat 10 da yig‘ilish bor.",
    ),
    (false, "Va alaykum assalom! Qayerda?"),
    (true, "Uchinchi qavatda, katta zalda."),
    (
        true,
        "Hisobotning oxirgi varianti kerak bo‘ladi: o‘tgan chorak raqamlari, filiallar bo‘yicha taqsimot va ikkita jadval.",
    ),
    (false, "Тайёрлаб қўйганман, эртага чоп этиб оламан."),
    (false, "Yana bir savol: mehmonlar nechta?"),
    (true, "Sakkiz kishi.\nIkkitasi Buxorodan, poyezdda kelishadi."),
    (false, "Tushunarli 👍"),
    (true, "Rahmat!"),
];

pub(crate) async fn play(stage: Arc<Stage>, album: Album) -> Result<()> {
    let (english, uzbek) = (Words::english()?, Words::uzbek()?);
    let relay = HostileProxy::start(RelayPort::free()?).await?;
    let mut organisation = Organisation::found_behind(&stage, &relay).await?;

    // Onboarding in both languages: the owner in English, a member in Uzbek.
    let owner = organisation.person("Dilnoza Karimova", "dilnoza").await?;
    let link = organisation.owner_link().await?;
    onboarding::join(&owner, &link, &english, &album).await?;
    let look = Look {
        language: "uz".to_owned(),
        ..Look::default()
    };
    let nodira = organisation.person_with("Nodira Saidova", "nodira", look).await?;
    onboarding::join(&nodira, &organisation.invite(1).await?, &uzbek, &album).await?;
    nodira.leave().await?;

    let look = Look {
        microphone: true,
        ..Look::default()
    };
    let bek = organisation.person_with("Bek Tursunov", "bek", look).await?;
    let recovery_key = bek.join(&organisation.invite(1).await?).await?.join(" ");
    converse(&owner, &bek).await?;
    handle(&owner, &bek).await?;
    send_files(&owner, &bek, &stage.folder().join("desk")).await?;
    send_voice(&owner, &bek, &album).await?;
    a_third_writes(&organisation, &owner).await?;
    let group = a_group(&owner, &bek).await?;
    everyday(&owner, &group, [&english, &uzbek], &album).await?;
    offline(&relay, &owner, [&english, &uzbek], &album).await?;
    changed_number(&relay, &owner, &bek, &recovery_key, [&english, &uzbek], &album).await?;
    stopped(&relay, &organisation, &album).await?;
    trouble::each(&relay, &organisation, &owner, &group, [&english, &uzbek], &album).await?;
    kept::thrown_away(&organisation, [&english, &uzbek], &album).await?;
    kept::locked(&owner, [&english, &uzbek], &album).await?;
    trouble::unknown_here(&mut organisation, &bek, [&english, &uzbek], &album).await
}

async fn converse(owner: &Person, bek: &Person) -> Result<()> {
    owner.start_chat("bek").await?;
    let mut began = false;
    for (owners, text) in TALK {
        let (from, to) = if owners { (owner, bek) } else { (bek, owner) };
        from.page().fill(&textbox("Message"), text).await?;
        from.page().click(&button("Send")).await?;
        if !began {
            bek.open_chat("Dilnoza Karimova").await?;
            began = true;
        }
        to.until_sees(text.lines().next().unwrap_or(text)).await?;
    }
    owner.until_state("Rahmat!", "Read").await?;
    owner.safety_number("Bek Tursunov").await?;
    owner.page().click(&button("Mark as verified")).await?;
    owner.page().until_gone(&button("Mark as verified")).await
}

/// What is done with messages: an answer, reactions, an edit, a deletion.
async fn handle(owner: &Person, bek: &Person) -> Result<()> {
    let (hers, his) = (owner.page(), bek.page());
    menu(his, "Uchinchi qavatda", "Reply").await?;
    bek.say("Katta zal band emasmi?").await?;
    owner.until_sees("Katta zal band").await?;
    for (page, text) in [
        (hers, "Тайёрлаб"),
        (his, "Hisobotning oxirgi"),
        (hers, "Katta zal band"),
    ] {
        let shown = page.find(&line(text)).await?;
        page.click_for_menu(&shown).await?;
        page.click(&button("React with 👍")).await?;
    }
    his.click(&textbox("Message")).await?;
    his.press(Key::Up).await?;
    his.fill(&textbox("Message"), "Katta zal bo‘shmi?").await?;
    his.press(Key::Enter).await?;
    owner.until_sees("bo‘shmi?, edited").await?;
    owner.say("Bu boshqa suhbatga edi").await?;
    bek.until_sees("Bu boshqa suhbatga").await?;
    menu(hers, "Bu boshqa suhbatga", "Delete for everyone").await?;
    bek.until_sees("This message was deleted").await.map(drop)
}

/// A file one way, a photograph the other.
async fn send_files(owner: &Person, bek: &Person, desk: &std::path::Path) -> Result<()> {
    std::fs::create_dir_all(desk)?;
    let report = desk.join("Chorak hisoboti, filiallar bo‘yicha.xlsx");
    std::fs::write(&report, vec![7; 1_300_000])?;
    owner.page().choose_files(&[report]).await?;
    owner.page().find(&button("Remove Chorak").starting()).await?;
    owner.say("Hisobot shu yerda").await?;
    bek.until_sees("Hisobot shu yerda").await?;
    let photograph = desk.join("zal.jpg");
    std::fs::write(&photograph, bek.page().photograph((1600, 1200), "Canon").await?)?;
    bek.page().choose_files(&[photograph]).await?;
    bek.page()
        .find_within(&button("Remove zal.jpg"), Patience::LONG)
        .await?;
    bek.page().click(&button("Send")).await?;
    owner.until_sees("zal.jpg").await.map(drop)
}

/// A voice message, and how it is recorded.
async fn send_voice(owner: &Person, bek: &Person, album: &Album) -> Result<()> {
    let page = bek.page();
    page.answer_for_microphone(true).await?;
    page.click(&button("Record a voice message")).await?;
    page.until_says(&Sought::any(&["timer"]), "0:03", Patience::LONG)
        .await?;
    album.take(page, "recording", "en").await?;
    page.click(&button("Send voice message")).await?;
    owner.until_sees("Voice message").await.map(drop)
}

/// Files in a conversation, chosen ones above the box, and a picture as large as the window.
async fn files(page: &Page, words: &Words, album: &Album) -> Result<()> {
    let language = words.language;
    let view = button(&words.say("file.view")?.replace("{name}", "zal.jpg"));
    page.find_within(&view, Patience::LONG).await?;
    album.take(page, "conversation-files", language).await?;
    page.click(&view).await?;
    page.find(&Sought::any(&["dialog"])).await?;
    album.take(page, "picture", language).await?;
    page.press(Key::Escape).await?;
    let desk = tempfile::tempdir()?;
    let chosen = ["taqdimot.pdf", "jadval.ods"].map(|name| desk.path().join(name));
    for path in &chosen {
        std::fs::write(path, vec![7; 48_000])?;
    }
    page.choose_files(&chosen).await?;
    page.find(&list(words.say("file.attached")?)).await?;
    album.take(page, "attached", language).await?;
    for name in ["taqdimot.pdf", "jadval.ods"] {
        page.click(&button(&words.say("file.remove")?.replace("{name}", name)))
            .await?;
    }
    page.until_gone(&list(words.say("file.attached")?)).await
}

/// Opens the menu of a message, and chooses from it.
async fn menu(page: &Page, text: &str, what: &str) -> Result<()> {
    let shown = page.find_within(&line(text), Patience::LONG).await?;
    page.click_for_menu(&shown).await?;
    page.click(&menu_item(what)).await
}

/// What opens over a conversation, and above its box.
async fn overlays(page: &Page, words: &Words, album: &Album) -> Result<()> {
    let language = words.language;
    let shown = page.find(&line("Rahmat!")).await?;
    page.click_for_menu(&shown).await?;
    page.find(&menu_item(words.say("menu.reply")?)).await?;
    album.take(page, "message-menu", language).await?;
    page.click(&menu_item(words.say("menu.reply")?)).await?;
    album.take(page, "replying", language).await?;
    page.press(Key::Escape).await?;
    menu(page, "Rahmat!", words.say("menu.forward")?).await?;
    page.find(&textbox(words.say("switch.label")?)).await?;
    album.take(page, "forward", language).await?;
    page.press(Key::Escape).await?;
    page.click(&button(words.say("timer.title")?)).await?;
    album.take(page, "timer", language).await?;
    page.press(Key::Escape).await?;
    let row = page
        .find(&item("Bek Tursunov").within(list(words.say("chats.list")?)))
        .await?;
    page.click_for_menu(&row).await?;
    page.find(&button(words.say("keep.pin")?)).await?;
    album.take(page, "chat-options", language).await?;
    page.press(Key::Escape).await
}

/// A conversation that is not verified, with something unread in it.
async fn a_third_writes(organisation: &Organisation, owner: &Person) -> Result<()> {
    let malika = organisation.person("Malika Yo‘ldosheva", "malika").await?;
    malika.join(&organisation.invite(1).await?).await?;
    malika.start_chat("dilnoza").await?;
    malika.say("Dilnoza opa, tushlikka chiqasizmi?").await?;
    malika.say("Choyxonada joy band qildim").await?;
    malika.until_state("Choyxonada", "Sent").await?;
    malika.leave().await?;
    let row = item("Malika Yo‘ldosheva").within(list("Conversations"));
    owner.page().find_within(&row, Patience::LONG).await.map(drop)
}

/// A group of three, in which two talk; gives the path of its conversation.
async fn a_group(owner: &Person, bek: &Person) -> Result<String> {
    let page = owner.page();
    page.click(&button("New group")).await?;
    page.fill(&textbox("Group name"), "Yig‘ilish tayyorgarligi")
        .await?;
    for handle in ["bek", "malika"] {
        page.fill(&textbox("Find people"), handle).await?;
        page.click(&option(handle)).await?;
    }
    page.click(&button("Create group")).await?;
    page.find_within(&textbox("Message"), Patience::LONG).await?;
    owner.say("Zalni kim band qiladi?").await?;
    bek.open_chat("Yig‘ilish tayyorgarligi").await?;
    bek.until_sees("Zalni kim").await?;
    bek.say("Men. Ekran ham kerakmi?").await?;
    bek.say("Ovoz kuchaytirgichni ham so‘rayman").await?;
    owner.until_sees("Ovoz kuchaytirgich").await?;
    owner.say("Ha, ekran bilan").await?;
    let path = path_of(page).await?;
    bek.open_chat("Dilnoza Karimova").await?;
    Ok(path)
}

/// The conversation of a group, its page, and the dialog that begins one.
async fn groups(owner: &Person, path: &str, words: &Words, album: &Album) -> Result<()> {
    let (page, language) = (owner.page(), words.language);
    widest(page).await?;
    owner.open(path).await?;
    page.find_within(&line("Ha, ekran bilan"), Patience::LONG).await?;
    album.take(page, "group", language).await?;
    owner.open(&path.replacen("/c/", "/p/", 1)).await?;
    page.find_within(&heading(words.say("group.title")?), Patience::LONG)
        .await?;
    page.find_within(&button("Bek Tursunov").starting(), Patience::LONG)
        .await?;
    album.take(page, "group-page", language).await?;
    widest(page).await?;
    page.click(&button("Bek Tursunov").starting()).await?;
    page.find(&button(words.say("group.remove")?)).await?;
    album.take(page, "group-member", language).await?;
    owner.open("/").await?;
    page.find_within(&button(words.say("group.new")?), Patience::LONG)
        .await?;
    page.click(&button(words.say("group.new")?)).await?;
    page.fill(&textbox(words.say("group.name")?), "Bayram").await?;
    page.fill(&textbox(words.say("find.label")?), "bek").await?;
    page.click(&option("bek")).await?;
    page.fill(&textbox(words.say("find.label")?), "ma").await?;
    page.find(&Sought::any(&["option"])).await?;
    album.take(page, "new-group", language).await
}

/// Every screen of daily use.
async fn everyday(owner: &Person, group: &str, languages: [&Words; 2], album: &Album) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    owner.open("/").await?;
    owner.open_chat("Bek Tursunov").await?;
    let talk = path_of(page).await?;
    let person = talk.replacen("/c/", "/p/", 1);
    owner.open(&person).await?;
    page.find_within(&heading("Safety number"), Patience::LONG)
        .await?;

    for words in languages {
        speak(owner, words).await?;
        let language = words.language;
        let at = async |path: &str, sign: Sought| -> Result<()> {
            widest(page).await?;
            owner.open(path).await?;
            page.until_says(
                &status(words.say("connection.label")?),
                words.say("connection.online")?,
                Patience::LONG,
            )
            .await?;
            page.find_within(&sign, Patience::LONG).await.map(drop)
        };
        at("/", item("Bek Tursunov")).await?;
        album.take(page, "chats", language).await?;
        at(&talk, textbox(words.say("talk.message")?)).await?;
        page.find_within(&item("Rahmat!"), Patience::LONG).await?;
        album.take(page, "conversation", language).await?;
        files(page, words, album).await?;
        overlays(page, words, album).await?;
        groups(owner, group, words, album).await?;
        at(&person, labelled(words.say("person.digits")?)).await?;
        album.take(page, "person", language).await?;
        at("/settings", heading(words.say("settings.title")?)).await?;
        album.take(page, "settings", language).await?;
        at("/devices", heading(words.say("chats.devices")?)).await?;
        album.take(page, "devices", language).await?;
        at("/admin", button(words.say("admin.create")?)).await?;
        page.click(&button(words.say("admin.create")?)).await?;
        page.find_within(&labelled(words.say("admin.link")?), Patience::LONG)
            .await?;
        album.take(page, "administration", language).await?;
        at("/nowhere", heading(words.say("missing.title")?)).await?;
        album.take(page, "missing", language).await?;

        // Dialogs, over the conversation.
        at(&talk, textbox(words.say("talk.message")?)).await?;
        page.press_with_control("k", "KeyK").await?;
        page.find(&textbox(words.say("switch.label")?)).await?;
        album.take(page, "switcher", language).await?;
        page.press(Key::Escape).await?;
        page.press_with_control("/", "Slash").await?;
        page.find(&heading(words.say("keys.title")?)).await?;
        album.take(page, "shortcuts", language).await?;
        page.press(Key::Escape).await?;
        at("/", button(words.say("chats.new")?)).await?;
        page.click(&button(words.say("chats.new")?)).await?;
        page.fill(&textbox(words.say("find.label")?), "ma").await?;
        page.find(&Sought::any(&["option"])).await?;
        album.take(page, "find-people", language).await?;
        page.fill(&textbox(words.say("find.label")?), "zzzz").await?;
        page.until_gone(&Sought::any(&["option"])).await?;
        album.take(page, "find-nobody", language).await?;
    }
    Ok(())
}

/// The relay is out of reach, and somebody writes all the same. Files are still served, so that the language can change.
async fn offline(relay: &HostileProxy, owner: &Person, languages: [&Words; 2], album: &Album) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    speak(owner, languages[0]).await?;
    owner.open("/").await?;
    owner.open_chat("Bek Tursunov").await?;
    relay.cut_sockets();
    owner.until_connection("Offline").await?;
    owner.say("Yo‘ldaman, tarmoq yo‘q").await?;
    owner.until_state("Yo‘ldaman", "Waiting").await?;
    let talk = path_of(page).await?;
    for words in languages {
        speak(owner, words).await?;
        widest(page).await?;
        owner.open(&talk).await?;
        page.until_says(
            &status(words.say("connection.label")?),
            words.say("connection.offline")?,
            Patience::LONG,
        )
        .await?;
        page.find_within(&item("Yo‘ldaman"), Patience::LONG).await?;
        album.take(page, "conversation-offline", words.language).await?;
    }
    relay.mend();
    Ok(())
}

/// Somebody with Bek's recovery key replaced his account key: the verified contact's number changes.
async fn changed_number(
    relay: &HostileProxy,
    owner: &Person,
    bek: &Person,
    recovery_key: &str,
    languages: [&Words; 2],
    album: &Album,
) -> Result<()> {
    let page = owner.page();
    widest(page).await?;
    speak(owner, languages[0]).await?;
    owner.open("/").await?;
    owner.open_chat("Bek Tursunov").await?;
    owner.until_connection("Online").await?;
    bek.until_connection("Online").await?;
    let his = relay.registered("bek").context("he did not register here")?;
    relay.put_entry(his.account, forge::replaced_account_key(&his.log, recovery_key)?);
    bek.say("Yangi kalit oldim").await?;
    relay.until_entry_is_put().await?;
    owner.until_sees("Yangi kalit").await?;
    // Not with `say`: the decision takes the place of the box.
    page.fill(&textbox("Message"), "Nega raqam o‘zgardi?").await?;
    page.press(Key::Enter).await?;
    page.find_within(&Sought::any(&["alert", "alertdialog"]), Patience::LONG)
        .await?;
    let talk = path_of(page).await?;
    for words in languages {
        speak(owner, words).await?;
        for (path, screen) in [
            (talk.clone(), "number-changed"),
            (talk.replacen("/c/", "/p/", 1), "person-changed"),
        ] {
            widest(page).await?;
            owner.open(&path).await?;
            page.find_within(&Sought::any(&["alert", "alertdialog"]), Patience::LONG)
                .await?;
            album.take(page, screen, words.language).await?;
        }
    }
    Ok(())
}

/// What is shown where the served code is not the built code.
async fn stopped(relay: &HostileProxy, organisation: &Organisation, album: &Album) -> Result<()> {
    relay.spoil(".wasm");
    for language in ["en", "uz"] {
        let look = Look {
            language: language.to_owned(),
            ..Look::default()
        };
        let visitor = organisation
            .person_with("Visitor", &format!("visitor-{language}"), look)
            .await?;
        visitor.open("/").await?;
        visitor
            .page()
            .find_within(&Sought::any(&["alert"]), Patience::LONG)
            .await?;
        album.take(visitor.page(), "altered-code", language).await?;
        // This visitor's errors are what the picture is of.
        visitor.watch().forgive_errors();
        visitor.watch().forgive_violations();
        visitor.leave().await?;
    }
    relay.be_honest();
    Ok(())
}

/// Lets the page speak a language, as Settings would.
pub(crate) async fn speak(person: &Person, words: &Words) -> Result<()> {
    let store = format!(
        "localStorage.setItem('chopar.language', {})",
        json!(words.language)
    );
    person.page().evaluate(&store).await.map(drop)
}

/// What a click may need is only on a wide screen all at once.
pub(crate) async fn widest(page: &Page) -> Result<()> {
    page.set_look(&Look {
        width: 1440,
        height: 900,
        ..Look::default()
    })
    .await
}

pub(crate) async fn path_of(page: &Page) -> Result<String> {
    Ok(page
        .evaluate("location.pathname")
        .await?
        .as_str()
        .context("a page without a path")?
        .to_owned())
}
