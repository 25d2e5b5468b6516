//! All of it into a copy that anybody reads. Pages of lines come newest first, and are put in their order once all of a conversation are
//! there; the browser holds them.

use chopar_engine::view::{Conversation, Extra, Line, LineBody};
use chopar_engine::{Answer, Intent, Map};
use chopar_wire::{AccountId, MessageId};
use js_sys::Date;
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::job::{Job, Stop, failed};
use super::pieces::Pieces;
use super::readable::{Form, Message};
use crate::i18n::Texts;
use crate::platform::blobs;
use crate::state::App;

/// Lines of a page.
const PAGE: u16 = 250;

/// What people are called, as far as somebody asked.
type Names = Map<AccountId, String>;

/// The copy.
pub(super) async fn copy(app: App, job: &Job, form: Form) -> Result<Blob, Stop> {
    let texts = app.texts();
    let conversations = match app.client.ask(Intent::Snapshot).await {
        Answer::Snapshot(snapshot) => snapshot.conversations,
        other => return Err(failed(&other)),
    };
    let of = conversations.len() as u64;
    let mut file = Pieces::default();
    let language = app.language.read_untracked().tag();
    file.push(form.begin(texts.history_title(), language).as_bytes())?;
    for (number, conversation) in (0..).zip(&conversations) {
        if number > 0 {
            file.push(form.between().as_bytes())?;
        }
        file.push(form.open(&conversation.name).as_bytes())?;
        let pages = pages(app, conversation, form, || job.go_on(number, of)).await?;
        for (at, page) in pages.into_iter().rev().enumerate() {
            if at > 0 {
                file.push(form.between().as_bytes())?;
            }
            file.append(page)?;
        }
        file.push(form.close().as_bytes())?;
    }
    file.push(form.end().as_bytes())?;
    Ok(file.finish()?)
}

/// The messages of a conversation, the newest page first; pages without any are left out.
async fn pages(
    app: App,
    conversation: &Conversation,
    form: Form,
    go_on: impl Fn() -> Result<(), Stop>,
) -> Result<Vec<Blob>, Stop> {
    let texts = app.texts();
    let mut pages = Vec::new();
    let mut names = Names::new();
    let mut before = None;
    loop {
        go_on()?;
        let page = Intent::Page {
            conversation: conversation.peer,
            before,
            limit: PAGE,
        };
        let (lines, more) = match app.client.ask(page).await {
            Answer::Page { lines, more } => (lines, more),
            other => return Err(failed(&other)),
        };
        ask_names(app, conversation, &lines, &mut names).await?;
        let said: Vec<String> = lines
            .iter()
            .filter_map(|line| in_words(line, conversation, &names, texts))
            .map(|message| form.message(&message))
            .collect();
        if !said.is_empty() {
            pages.push(blobs::of_bytes(said.join(form.between()).as_bytes())?);
        }
        before = lines.first().map(|line| line.sequence);
        if !more || before.is_none() {
            return Ok(pages);
        }
    }
}

/// Those of a group who were not asked for yet.
async fn ask_names(
    app: App,
    conversation: &Conversation,
    lines: &[Line],
    names: &mut Names,
) -> Result<(), Stop> {
    let authors = lines.iter().filter_map(|line| line.author);
    let mut accounts: Vec<AccountId> = authors
        .filter(|author| *author != conversation.peer && !names.contains_key(author))
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    if accounts.is_empty() {
        return Ok(());
    }
    // Who has no name is not asked for again.
    for account in &accounts {
        names.insert(*account, String::new());
    }
    match app.client.ask(Intent::Names { accounts }).await {
        Answer::Names(known) => {
            for (account, name) in known {
                names.insert(account, name);
            }
            Ok(())
        }
        other => Err(failed(&other)),
    }
}

/// A message that stays; what disappears is in no copy.
fn in_words(line: &Line, conversation: &Conversation, names: &Names, texts: Texts) -> Option<Message> {
    let theirs = || {
        let author = line.author.filter(|author| *author != conversation.peer);
        let name = match author {
            Some(author) => names.get(&author),
            None => Some(&conversation.name),
        };
        name.cloned().unwrap_or_default()
    };
    let (id, text, extra, from): (&MessageId, &String, &Extra, String) = match &line.body {
        LineBody::Own { id, text, extra, .. } => (id, text, extra, texts.you().to_owned()),
        LineBody::Theirs { id, text, extra } => (id, text, extra, theirs()),
        LineBody::Notice(_) => return None,
    };
    if extra.lifetime > 0 {
        return None;
    }
    let remarks = [
        (extra.forwarded, texts.talk_forwarded()),
        (extra.edited, texts.talk_edited()),
        (extra.deleted, texts.talk_deleted()),
    ];
    Some(Message {
        id: id.to_string(),
        time: Date::new(&JsValue::from_f64(line.time.0 as f64))
            .to_iso_string()
            .into(),
        from,
        text: text.clone(),
        answers: extra
            .reply_to
            .map(|answered| answered.id.to_string())
            .unwrap_or_default(),
        remarks: remarks
            .into_iter()
            .filter_map(|(so, word)| so.then_some(word))
            .collect(),
        files: extra.files.iter().map(|file| file.name.clone()).collect(),
        reactions: extra
            .reactions
            .iter()
            .map(|reaction| (reaction.emoji.clone(), reaction.by.len()))
            .collect(),
    })
}
