//! What a search finds: conversations by their names, then messages, the latest first. Choosing one leads to its place.

use std::time::Duration;

use chopar_engine::search::{Position, Query};
use chopar_engine::view::Hit;
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};

use super::search_box::FOUND;
use crate::state::{App, Names, use_app};
use crate::ui::{Avatar, Problem, focus_id, rove};
use crate::view_model::{Place, snippet};

/// Messages asked for at a time.
const PAGE: u16 = 50;
/// Conversations shown at most: whoever looks for another types on.
const MOST_CHATS: usize = 12;
/// While older messages are being read it is asked again so often.
const AGAIN: Duration = Duration::from_millis(1_500);
/// Characters of a query that found nothing which are repeated.
const MOST_SHOWN: usize = 40;

/// What was found by which words.
#[derive(Clone, PartialEq, Eq)]
struct Hits {
    query: String,
    hits: Vec<Hit>,
    total: u32,
    last: Option<Position>,
    building: Option<u32>,
}

/// Asks one thing at a time: what is typed meanwhile is asked next, and what lies between is never asked. A search has a number, which
/// rises with every other query and when something is gone that it may have found: what is on its way by an older one is not shown.
#[derive(Clone, Copy)]
struct Asker {
    app: App,
    query: RwSignal<String>,
    busy: StoredValue<bool>,
    number: StoredValue<u64>,
    /// The next asking while the index is being built.
    again: StoredValue<Option<TimeoutHandle>>,
    found: RwSignal<Option<Hits>>,
    failure: RwSignal<Option<Failure>>,
}

/// The results.
#[component]
pub(crate) fn Results(
    /// What stands in the box.
    query: RwSignal<String>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let list = NodeRef::<html::Div>::new();
    let asker = Asker {
        app,
        query,
        busy: StoredValue::new(false),
        number: StoredValue::new(0),
        again: StoredValue::new(None),
        found: RwSignal::new(None),
        failure: RwSignal::new(None),
    };
    Effect::new(move || {
        query.track();
        asker.ask_anew();
    });
    let unsaid = app.unsaid.clone();
    Effect::new(move |first: Option<()>| {
        let unsaid = unsaid.get();
        if let (Some(()), Some((conversation, lines))) = (first, unsaid) {
            asker.drop_hits(conversation, &lines);
        }
    });
    let chats = Memo::new(move |_| chats_named(app, &query.read()));
    let on_key = move |event: ev::KeyboardEvent| {
        let Some(list) = list.get_untracked() else { return };
        if event.key() == "Escape" {
            event.prevent_default();
            query.set(String::new());
            focus_id("search");
        } else if !event.alt_key() {
            rove(&event, &list, "a");
        }
    };
    let messages = move || {
        let found = asker.found.get()?;
        let Some(words) = Query::parse(&found.query) else {
            return Some(view! { <p class="muted">{texts.search_none(shown(&found.query))}</p> }.into_any());
        };
        let hits: Vec<_> = found
            .hits
            .iter()
            .filter_map(|hit| hit_row(app, hit, &words))
            .collect();
        let more = found.last.is_some().then(|| {
            view! {
                <button type="button" class="button more-found" on:click=move |_| asker.more()>{texts.search_more()}</button>
            }
        });
        let none = (hits.is_empty() && chats.read().is_empty() && found.building.is_none()).then(|| {
            view! { <p class="muted">{texts.search_none(shown(&found.query))}</p> }
        });
        let some = (!hits.is_empty()).then(|| {
            view! {
                <h2 class="found-title">{texts.search_messages(u64::from(found.total))}</h2>
                <ul role="list" aria-label=texts.search_results()>{hits}</ul>
            }
        });
        let building = found.building.map(|lines| {
            view! { <p class="muted">{texts.search_building(&lines.to_string())}</p> }
        });
        Some(view! { {building}{some}{more}{none} }.into_any())
    };
    let people = move || {
        let chats = chats.get();
        (!chats.is_empty()).then(|| {
            let rows: Vec<_> = chats
                .into_iter()
                .filter_map(|peer| chat_row(app, peer, &query.read_untracked()))
                .collect();
            view! {
                <h2 class="found-title">{texts.chats_list()}</h2>
                <ul role="list" aria-label=texts.switch_hits()>{rows}</ul>
            }
        })
    };
    let found_by = move || asker.found.read().as_ref().map(|found| found.query.clone());
    view! {
        <div id=FOUND class="found-list" node_ref=list data-query=found_by on:keydown=on_key>
            {people}
            {messages}
            {move || asker.failure.get().map(|failure| view! { <Problem failure=ArcRwSignal::new(Some(failure))/> })}
        </div>
    }
}

impl Asker {
    /// Asks for what stands in the box. Where that is what is shown, all of its pages are brought anew, so that what has come since,
    /// because more was read into the index, has its place among them.
    fn ask(self) {
        if self.busy.try_get_value() != Some(false) {
            return;
        }
        let query = self.query.get_untracked();
        let known = self.found.get_untracked().filter(|found| found.query == query);
        self.bring(query, None, known.map_or(0, |found| found.hits.len()));
    }

    /// The same, where what is on its way is not wanted any more.
    fn ask_anew(self) {
        self.number.update_value(|number| *number += 1);
        self.ask();
    }

    /// The next page.
    fn more(self) {
        if let Some(before) = self.found.get_untracked()
            && self.busy.try_get_value() == Some(false)
        {
            let wanted = before.hits.len() + 1;
            self.bring(before.query.clone(), Some(before), wanted);
        }
    }

    fn bring(self, query: String, before: Option<Hits>, wanted: usize) {
        if query.trim().is_empty() {
            return;
        }
        self.busy.set_value(true);
        let number = self.number.try_get_value();
        spawn_local(async move {
            let ask = async |intent| self.app.client.ask(intent).await;
            let is_wanted = || self.number.try_get_value() == number;
            let brought = Hits::bring(&query, before, wanted, ask, is_wanted).await;
            // The box may have been left meanwhile.
            if self.busy.try_set_value(false).is_some() {
                return;
            }
            match brought {
                Some(brought) => self.show(brought),
                None => self.ask(),
            }
        });
    }

    fn show(self, brought: Result<Hits, Failure>) {
        if let Some(before) = self.again.try_update_value(Option::take).flatten() {
            before.clear();
        }
        // What failed once may not the next time.
        if brought.as_ref().map_or(true, |found| found.building.is_some()) {
            let again = set_timeout_with_handle(move || self.ask(), AGAIN);
            self.again.set_value(again.ok());
        }
        let found = match brought {
            Ok(found) => found,
            Err(failure) => {
                // It is said once.
                self.failure
                    .maybe_update(|known| known.replace(failure) != Some(failure));
                return;
            }
        };
        self.failure.set(None);
        let known = self.found.get_untracked();
        if known.as_ref() == Some(&found) {
            return;
        }
        let (query, total) = (&found.query, found.total);
        let same = known.is_some_and(|known| known.query == *query && known.total == total);
        let none = total == 0 && found.building.is_none() && chats_named(self.app, query).is_empty();
        if !same && (total > 0 || none) {
            let texts = self.app.texts();
            self.app.announce(match total {
                0 => texts.search_none(shown(query)),
                total => texts.search_messages(u64::from(total)),
            });
        }
        self.found.set(Some(found));
    }

    /// Lines that were found say something else now, or are gone.
    fn drop_hits(self, conversation: AccountId, lines: &[u64]) {
        let mut gone = false;
        self.found.maybe_update(|found| {
            if let Some(found) = found {
                let before = found.hits.len();
                found
                    .hits
                    .retain(|hit| hit.conversation != conversation || !lines.contains(&hit.sequence));
                gone = found.hits.len() < before;
            }
            gone
        });
        // A page that is on its way may have them as well.
        if gone || self.busy.try_get_value() == Some(true) {
            self.ask_anew();
        }
    }
}

impl Hits {
    /// Brings pages behind those that are there `before`: one, and more until so many hits are there in all. `None` where they are not
    /// wanted any more, which is looked at after each.
    async fn bring(
        query: &str,
        before: Option<Self>,
        wanted: usize,
        ask: impl AsyncFn(Intent) -> Answer,
        is_wanted: impl Fn() -> bool,
    ) -> Option<Result<Self, Failure>> {
        let (mut all, mut after) = match before {
            Some(before) => (before.hits, before.last),
            None => (Vec::new(), None),
        };
        loop {
            let answer = ask(page(query, after)).await;
            if !is_wanted() {
                return None;
            }
            match answer {
                Answer::Found {
                    hits,
                    total,
                    last,
                    building,
                } => {
                    all.extend(hits);
                    if last.is_none() || all.len() >= wanted {
                        return Some(Ok(Self {
                            query: query.to_owned(),
                            hits: all,
                            total,
                            last,
                            building,
                        }));
                    }
                    after = last;
                }
                Answer::Failed(failure) => return Some(Err(failure)),
                _ => return Some(Err(Failure::Browser)),
            }
        }
    }
}

/// As much of a query as is repeated to whoever typed it.
fn shown(query: &str) -> &str {
    query
        .char_indices()
        .nth(MOST_SHOWN)
        .map_or(query, |(at, _)| &query[..at])
}

fn page(query: &str, after: Option<Position>) -> Intent {
    Intent::Search {
        query: query.to_owned(),
        after,
        limit: PAGE,
    }
}

/// Conversations whose name or handle has all words.
fn chats_named(app: App, query: &str) -> Vec<AccountId> {
    let Some(words) = Query::parse(query) else {
        return Vec::new();
    };
    let named = |peer: &AccountId| {
        app.chats.row(*peer).is_some_and(|row| {
            let row = row.read();
            words.is_in_text(&[row.name.as_str(), " ", &row.handle].concat())
        })
    };
    app.chats
        .order()
        .into_iter()
        .filter(named)
        .take(MOST_CHATS)
        .collect()
}

/// A conversation that was found by its name.
fn chat_row(app: App, peer: AccountId, query: &str) -> Option<AnyView> {
    let row = app.chats.row(peer)?;
    let name = Names::few(app, &row).title();
    let handle = row.read_untracked().handle.clone();
    let said = name.get_untracked();
    let places = Query::parse(query)
        .map(|words| words.places(&said))
        .unwrap_or_default();
    Some(
        view! {
            <li>
                <a class="chat-row" href=Place::Talk(peer).path()>
                    <Avatar account=peer name=name size="small"/>
                    <span class="chat-row-text">
                        <span class="name">{marked(&said, &places)}</span>
                        <span class="last">{handle}</span>
                    </span>
                </a>
            </li>
        }
        .into_any(),
    )
}

/// A message that was found.
fn hit_row(app: App, hit: &Hit, words: &Query) -> Option<AnyView> {
    let texts = app.texts();
    let (peer, sequence) = (hit.conversation, hit.sequence);
    let row = app.chats.row(peer)?;
    let names = Names::few(app, &row);
    let name = names.title();
    let time = app.clock().brief(hit.time, app.today.get_untracked());
    let author = match hit.author {
        None => Some(texts.you().to_owned()),
        Some(author) if names.is_group() => Some(names.who(author)),
        Some(_) => None,
    };
    let author = author.map(|author| view! { <span class="found-author">{author}": "</span> });
    // Where no word stands in the text, one stands in the name of a file.
    let mut text = hit.text.as_str();
    let mut places = words.places(text);
    for file in &hit.files {
        if places.is_empty() {
            text = file;
            places = words.places(file);
        }
    }
    let said = marked(text, &places);
    let choose = move |event: ev::MouseEvent| {
        // What is opened elsewhere does not move what is open here.
        if !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key()) {
            app.talk(peer).sought().set(Some(sequence));
        }
    };
    Some(
        view! {
            <li>
                <a class="chat-row" href=Place::Talk(peer).path() on:click=choose>
                    <Avatar account=peer name=name size="small"/>
                    <span class="chat-row-text">
                        <span class="line-one"><span class="name">{move || name.get()}</span>" "<span class="time">{time}</span></span>
                        <span class="found-text"><span dir="auto">{author}{said}</span></span>
                    </span>
                </a>
            </li>
        }
        .into_any(),
    )
}

/// A text with what was looked for marked in it.
fn marked(text: &str, places: &[std::ops::Range<usize>]) -> Vec<AnyView> {
    snippet(text, places)
        .into_iter()
        .map(|(is, piece)| match is {
            true => view! { <mark>{piece}</mark> }.into_any(),
            false => piece.into_any(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use chopar_wire::Timestamp;

    use super::*;

    fn at(time: u64) -> Position {
        Position {
            time: Timestamp(time),
            conversation: AccountId::new([7; 32]),
            sequence: time,
        }
    }

    /// An engine that has so many lines by now, which come in pages of at most fifty, the latest first.
    fn answer(lines: u64, intent: Intent) -> Answer {
        let Intent::Search { after, limit, .. } = intent else {
            return Answer::Failed(Failure::Browser);
        };
        let first = after.map_or(lines, |after| after.time.0 - 1);
        let page: Vec<u64> = (1..=first).rev().take(limit.into()).collect();
        let last = page.last().copied().filter(|last| *last > 1).map(at);
        let hit = |time| Hit {
            conversation: AccountId::new([7; 32]),
            sequence: time,
            time: Timestamp(time),
            author: None,
            text: String::new(),
            files: Vec::new(),
        };
        Answer::Found {
            hits: page.into_iter().map(hit).collect(),
            total: lines as u32,
            last,
            building: Some(0),
        }
    }

    /// How often it was asked, and what is there then; it is wanted for so many askings.
    fn bring_while(lines: u64, before: Option<Hits>, wanted: usize, askings: usize) -> (usize, Option<Hits>) {
        let asked = Cell::new(0);
        let ask = async |intent| {
            asked.set(asked.get() + 1);
            answer(lines, intent)
        };
        let is_wanted = || asked.get() <= askings;
        let mut brought = pin!(Hits::bring("words", before, wanted, ask, is_wanted));
        match brought.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(hits))) => (asked.get(), Some(hits)),
            Poll::Ready(None) => (asked.get(), None),
            _ => panic!("nothing is waited for"),
        }
    }

    fn bring(lines: u64, before: Option<Hits>, wanted: usize) -> (usize, Hits) {
        let (asked, hits) = bring_while(lines, before, wanted, usize::MAX);
        (asked, hits.expect("it is wanted"))
    }

    /// P-364: neither another query nor a line that is gone waits for pages that nobody wants, and none of them is shown.
    #[test]
    fn what_is_not_wanted_any_more_is_let_go_of_between_two_pages() {
        assert!(bring_while(200, None, 150, 3).1.is_some());
        let (asked, hits) = bring_while(200, None, 150, 1);
        assert!(asked == 2 && hits.is_none());
    }

    fn sequences(hits: &Hits) -> Vec<u64> {
        hits.hits.iter().map(|hit| hit.sequence).collect()
    }

    /// P-363: while the index is being built, lines are found that belong among those of the pages that are shown.
    #[test]
    fn all_pages_that_are_shown_are_brought_anew_and_have_no_gap() {
        let (asked, first) = bring(120, None, 0);
        assert_eq!((asked, sequences(&first)), (1, (71..=120).rev().collect()));
        let (asked, two) = bring(120, Some(first), 51);
        assert_eq!((asked, sequences(&two)), (1, (21..=120).rev().collect()));
        let (asked, anew) = bring(160, None, two.hits.len());
        assert_eq!((asked, sequences(&anew)), (2, (61..=160).rev().collect()));
        let (asked, fewer) = bring(30, None, two.hits.len());
        assert_eq!((asked, sequences(&fewer)), (1, (1..=30).rev().collect()));
    }
}
