//! The log of a conversation: scrolling, older pages, what has been seen.
//!
//! The scroll container is a reversed column, so the browser itself measures from the end: `scrollTop` is 0 at the latest line
//! and negative above it. Older lines put on top, a growing composer and a keyboard that opens move nothing. Only what comes or goes
//! below the line that somebody reads has to be made up for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chopar_engine::view::Conversation;
use chopar_engine::{Answer, Intent};
use chopar_wire::{AccountId, MessageId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::line::{LineRow, drawn};
use super::parts::{DETAILS, MENUS, MessageMenuOf};
use super::quote::show_soon;
use crate::state::{App, Asking, Load, Names, Opening, Row, Talk, fresh_message_id, use_app};
use crate::ui::{Frame, Icon, failure_text, is_dialog_open, later, rove};
use crate::view_model::Place;

/// Closer to the end than this counts as being there, in CSS pixels.
const NEAR: i32 = 60;
/// By then a line that was sought has been brought into sight.
const ARRIVED: Duration = Duration::from_millis(100);
/// Further from the end than this the jump button shows.
const FAR: i32 = 240;
/// Closer to the beginning than this the next older page is asked for.
const AHEAD: i32 = 900;

/// What scrolling must remember between two events.
struct Scroll {
    peer: AccountId,
    talk: Arc<Talk>,
    row: ArcRwSignal<Conversation>,
    /// Sequence up to which the engine was told that all is seen.
    seen: AtomicU64,
    /// What is read, where that is not the end.
    anchor: Mutex<Option<Anchor>>,
    /// Whether rows have come or gone since, for which it is not made up yet.
    moved: AtomicBool,
    /// Whether the first page has been placed.
    placed: AtomicBool,
    /// Whether somebody is on their way to a line: what is shown meanwhile is not read.
    reaching: AtomicBool,
    /// Whether nobody saw the log since this was last looked at: what came then is not seen before it is placed.
    unwatched: AtomicBool,
    /// Sequence of the line that had the keyboard last; 0 where none had it.
    keyboard: AtomicU64,
    far: ArcRwSignal<bool>,
}

/// The lowest line that is wholly in sight: it stays where it is, whatever comes or goes around it.
#[derive(Clone, Copy)]
struct Anchor {
    sequence: u64,
    /// How much there was below it, in CSS pixels.
    below: f64,
    /// Where the log stood.
    top: i32,
}

/// The log "Messages".
#[component]
pub(crate) fn Timeline(
    /// Whose conversation.
    peer: AccountId,
    /// Its row in the list.
    row: ArcRwSignal<Conversation>,
    /// Its lines.
    talk: Arc<Talk>,
    /// What people are called in it.
    names: Names,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let log = NodeRef::<html::Div>::new();
    let rows = talk.rows();
    let load = talk.load();
    let far = ArcRwSignal::new(false);
    let first_unread = row.read_untracked().first_unread;
    talk.set_unread_line(first_unread);
    // What came since somebody was here is more than is held: it begins anew, where they have read to.
    if first_unread.is_some_and(|unread| talk.begins_after(unread)) {
        talk.forget(Opening::Reading);
    }
    let scroll = Arc::new(Scroll {
        peer,
        talk: Arc::clone(&talk),
        row: row.clone(),
        seen: AtomicU64::new(0),
        anchor: Mutex::new(None),
        moved: AtomicBool::new(false),
        placed: AtomicBool::new(false),
        reaching: AtomicBool::new(false),
        unwatched: AtomicBool::new(false),
        keyboard: AtomicU64::new(0),
        far: far.clone(),
    });
    on_cleanup({
        let talk = Arc::clone(&talk);
        move || {
            talk.set_unread_line(None);
            talk.leave();
        }
    });

    // After a restart of the engine the lines are gone and are asked for again: those that somebody reads.
    Effect::new({
        let (scroll, load) = (Arc::clone(&scroll), load.clone());
        move || {
            if let Load::Not(opening) = load.get() {
                let scroll = Arc::clone(&scroll);
                let wanted = scroll.begin(opening);
                spawn_local(async move { scroll.talk.open(&app.client, wanted).await });
            }
        }
    });
    // Somebody comes from the search: once there are lines, theirs is brought into sight.
    Effect::new({
        let (scroll, load, sought) = (Arc::clone(&scroll), load.clone(), talk.sought());
        move || {
            if let (Load::Done { .. }, Some(_)) = (load.get(), sought.get()) {
                scroll.reach_sought(app, log);
            }
        }
    });
    Effect::new({
        let (scroll, rows, visible) = (Arc::clone(&scroll), rows.clone(), app.visible.clone());
        let row = row.clone();
        // The count of unread lines comes after the lines themselves: without it the last of them would stay unread until
        // something else happens.
        let unread = Memo::new(move |_| row.read().unread);
        move || {
            rows.track();
            // Read, not only tracked: a memo nobody has read does not know yet what it depends on.
            unread.with(|_| ());
            // Details that open or close over the log take it away, or bring it back.
            app.address.place();
            let seen_now = visible.get();
            let scroll = Arc::clone(&scroll);
            if !seen_now {
                scroll.unwatched.store(true, Ordering::Relaxed);
            }
            scroll.moved.store(true, Ordering::Relaxed);
            scroll.draw_unread_line(seen_now);
            request_animation_frame(move || {
                // By then the page may be another.
                if let Some(log) = log.try_get_untracked().flatten()
                    && !scroll.come_back(app, &log)
                {
                    scroll.settle(&log);
                    scroll.keep_keyboard(&log);
                    scroll.mark_seen(app, &log);
                    scroll.fill(app, &log);
                }
            });
        }
    });
    let on_scroll = {
        let scroll = Arc::clone(&scroll);
        move |_| {
            let Some(log) = log.try_get_untracked().flatten() else {
                return;
            };
            // Covered before: a wider window shows it again.
            if scroll.unwatched.load(Ordering::Relaxed) {
                if scroll.come_back(app, &log) {
                    return;
                }
                scroll.settle(&log);
            }
            scroll.note(&log);
            scroll.mark_seen(app, &log);
            scroll.fill(app, &log);
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if let Some(log) = log.get_untracked()
            && !event.alt_key()
            && !is_dialog_open()
        {
            rove(&event, &log, "[role=article], .day > button");
        }
    };
    // One tab stop: the container gives the focus on to the line that had it last, or to the latest.
    let on_focus = move |event: ev::FocusEvent| {
        let Some(log) = log.get_untracked() else { return };
        if event.target().as_ref() != Some(log.as_ref()) {
            return;
        }
        let stop = log.query_selector("[role=article][tabindex='0']").ok().flatten();
        let stop = stop.and_then(|line| line.dyn_into::<HtmlElement>().ok());
        if let Some(line) = stop.or_else(|| last_line(&log)) {
            let _ = line.focus();
        }
    };
    let on_focus_in = {
        let scroll = Arc::clone(&scroll);
        move |event: ev::FocusEvent| {
            let target = event
                .target()
                .and_then(|target| target.dyn_into::<Element>().ok());
            let line = target.and_then(|target| target.closest("[data-sequence]").ok().flatten());
            let line = line.and_then(|line| line.dyn_into::<HtmlElement>().ok());
            let sequence = line.as_ref().and_then(sequence_of);
            scroll.keyboard.store(sequence.unwrap_or(0), Ordering::Relaxed);
        }
    };
    let away = talk.away();
    let jump = {
        let scroll = Arc::clone(&scroll);
        move |_: ev::MouseEvent| {
            scroll.set_anchor(None);
            let begins_anew = scroll.talk.away().get_untracked();
            scroll.talk.go_to_latest();
            let Some(log) = log.get_untracked() else { return };
            log.set_scroll_top(0);
            // The button goes away with that; the keyboard goes to what it led to.
            match last_line(&log).filter(|_| !begins_anew) {
                Some(line) => drop(line.focus()),
                // The lines that are there go first.
                None => request_animation_frame(move || drop(log.focus())),
            }
        }
    };
    let menu = ArcRwSignal::new(None::<Row>);
    let open = {
        let (menu, talk) = (menu.clone(), Arc::clone(&talk));
        Callback::new(move |sequence| {
            let rows = talk.rows();
            let row = rows
                .read_untracked()
                .iter()
                .find(|row| row.sequence == sequence)
                .cloned();
            menu.set(row);
        })
    };
    let forwarding = ArcRwSignal::new(None::<String>);
    let overlay = overlay(app, peer, menu, forwarding, names);
    let above = {
        let talk = Arc::clone(&talk);
        move || match load.get() {
            Load::Busy | Load::Not(_) => {
                Some(view! { <p class="older" role="status">{texts.talk_older()}</p> }.into_any())
            }
            Load::Failed(failure) => {
                let talk = Arc::clone(&talk);
                let again = move |_| {
                    if talk.latest().is_none() {
                        return talk.forget(Opening::Reading);
                    }
                    let talk = Arc::clone(&talk);
                    spawn_local(async move { talk.page(&app.client).await });
                };
                Some(view! {
                    <p class="older problem" role="alert">
                        {failure_text(texts, failure)}" "<button type="button" class="link" on:click=again>{texts.retry()}</button>
                    </p>
                }.into_any())
            }
            Load::Done { .. } => None,
        }
    };
    view! {
        <div class="log-place">
            <div
                class="log"
                role="log"
                aria-label=texts.talk_messages()
                aria-live="off"
                tabindex="0"
                node_ref=log
                on:scroll=on_scroll
                on:keydown=on_key
                on:focus=on_focus
                on:focusin=on_focus_in
            >
                <div class="lines">
                    {above}
                    <For each=move || rows.get() key=|row| row.sequence let:row>
                        <LineRow peer names row open/>
                    </For>
                </div>
            </div>
            {move || (far.get() || away.get()).then(|| {
                let (row, jump) = (row.clone(), jump.clone());
                let unread = Memo::new(move |_| Some(u64::from(row.read().unread)).filter(|unread| *unread > 0));
                view! {
                    <button
                        type="button"
                        class="jump"
                        aria-label=texts.talk_jump()
                        aria-description=move || unread.get().map(|unread| texts.chats_unread(unread))
                        title=texts.talk_jump()
                        on:click=jump
                    >
                        <Icon name="arrow-down"/>
                        {move || unread.get().map(|unread| view! { <span class="badge" aria-hidden="true">{unread}</span> })}
                    </button>
                }
            })}
        </div>
        {overlay}
    }
}

/// The menu of a message, and the dialogs it leads to.
fn overlay(
    app: App,
    peer: AccountId,
    menu: ArcRwSignal<Option<Row>>,
    forwarding: ArcRwSignal<Option<String>>,
    names: Names,
) -> impl IntoView {
    let texts = app.texts();
    let close = {
        let menu = menu.clone();
        Callback::new(move |()| menu.set(None))
    };
    let forward = {
        let forwarding = forwarding.clone();
        Callback::new(move |text| forwarding.set(Some(text)))
    };
    let done = {
        let forwarding = forwarding.clone();
        Callback::new(move |()| forwarding.set(None))
    };
    let refused = Asking::new();
    let failure = refused.failure();
    let pass_on = {
        let forwarding = forwarding.clone();
        Callback::new(move |to| {
            let Some(text) = forwarding.get_untracked() else {
                return;
            };
            let id = fresh_message_id();
            app.talk(to).say(id);
            let send = Intent::Send {
                conversation: to,
                id,
                text,
                reply_to: None,
                forwarded: true,
            };
            let forwarding = forwarding.clone();
            refused.ask(app, send, move |answer| {
                let done = answer == Answer::Done;
                if done && forwarding.get_untracked().is_some() {
                    forwarding.set(None);
                    app.address.go(Place::Talk(to));
                }
                done
            });
        })
    };
    let asked = RwSignal::new(None::<MessageId>);
    let receivers = Callback::new(move |id| asked.set(Some(id)));
    view! {
        {move || menu.get().map(|row| {
            let title = texts.menu_title().to_owned();
            let of = MessageMenuOf { peer, row, close, forward, receivers };
            later(&MENUS, Frame::Dialog { title, close }, move |menus| (menus.message)(of.clone()))
        })}
        {move || asked.get().map(|id| {
            let (title, close) = (texts.menu_receivers().to_owned(), Callback::new(move |()| asked.set(None)));
            later(&DETAILS, Frame::Dialog { title, close }, move |details| (details.receivers)(peer, id, names, close))
        })}
        {move || forwarding.get().map(|_| {
            let (title, failure) = (texts.forward_title().to_owned(), failure.clone());
            later(&MENUS, Frame::Dialog { title, close: done }, move |menus| {
                (menus.choose)(texts.forward_title(), pass_on, done, failure.clone())
            })
        })}
    }
}

impl Scroll {
    /// Messages that arrive while nobody looks get the unread line above the first of them.
    fn draw_unread_line(&self, visible: bool) {
        if !visible && !self.talk.has_unread_line() {
            self.talk.set_unread_line(self.row.read_untracked().first_unread);
        }
    }

    /// Nothing is held: which line is wanted, where that is not the latest. Until its page is placed nothing is seen.
    fn begin(&self, opening: Opening) -> Option<u64> {
        match opening {
            Opening::Latest => {
                self.set_anchor(None);
                self.placed.store(true, Ordering::Relaxed);
                None
            }
            Opening::Reading => {
                self.placed.store(false, Ordering::Relaxed);
                let reading = *self.anchor();
                reading.map_or_else(|| self.unread_from(), |anchor| Some(anchor.sequence))
            }
        }
    }

    /// Where what is not read begins, which then has the unread line above it.
    fn unread_from(&self) -> Option<u64> {
        let first_unread = self.row.read_untracked().first_unread;
        if first_unread.is_some() {
            self.talk.set_unread_line(first_unread);
        }
        first_unread
    }

    /// Somebody looks again. Where so much came meanwhile that the first of it is not held, it begins anew there; says whether it does.
    fn come_back(&self, app: App, log: &HtmlElement) -> bool {
        if !is_shown(log) {
            self.unwatched.store(true, Ordering::Relaxed);
        }
        if !is_shown(log)
            || !app.visible.get_untracked()
            || !self.unwatched.swap(false, Ordering::Relaxed)
            || self.anchor().is_some()
        {
            return false;
        }
        let first_unread = self.row.read_untracked().first_unread;
        let begins_anew = first_unread.is_some_and(|unread| self.talk.begins_after(unread));
        if begins_anew {
            self.talk.forget(Opening::Reading);
        }
        begins_anew
    }

    /// Puts the first page in its place, and keeps what is read in its place when lines arrive below it.
    fn settle(&self, log: &HtmlElement) {
        if !is_shown(log) || self.talk.latest().is_none() {
            return;
        }
        self.moved.store(false, Ordering::Relaxed);
        let anchor = *self.anchor();
        if self.placed.swap(true, Ordering::Relaxed) {
            if let Some(anchor) = anchor {
                // Where there is less above it than before the browser has moved it already.
                let at_top = log.scroll_height() - log.client_height() + log.scroll_top() <= 1;
                keep(log, anchor, if at_top { anchor.top } else { log.scroll_top() });
            }
        } else if !anchor.is_some_and(|anchor| restore(log, anchor))
            // Where everything is read by now its line says nothing any more.
            && self.row.read_untracked().first_unread.is_some()
            && let Ok(Some(line)) = log.query_selector(".unread-line")
        {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Center);
            line.scroll_into_view_with_scroll_into_view_options(&options);
        }
        self.note(log);
    }

    /// Notes what is read. What has moved without being made up for is not looked at, nor is a log that nobody sees.
    fn note(&self, log: &HtmlElement) {
        if !is_shown(log) || !self.placed.load(Ordering::Relaxed) || self.talk.latest().is_none() {
            return;
        }
        let top = log.scroll_top();
        self.far.set(-top > FAR);
        if self.moved.load(Ordering::Relaxed) {
            return;
        }
        let above = -top > NEAR || self.talk.away().get_untracked();
        self.talk.read_above(above);
        let line = if above { lowest_shown(log) } else { None };
        self.set_anchor(line.and_then(|line| {
            Some(Anchor {
                sequence: sequence_of(&line)?,
                below: below(log, &line)?,
                top,
            })
        }));
    }

    /// Where the line with the keyboard went with others at one end, one that is in sight gets it: nothing moves by that.
    fn keep_keyboard(&self, log: &HtmlElement) {
        let had = self.keyboard.load(Ordering::Relaxed);
        let is_nowhere = || {
            let active = document().active_element();
            active.is_none_or(|active| active.tag_name() == "BODY")
        };
        if had != 0
            && drawn(had).is_none()
            && is_nowhere()
            && let Some(line) = lowest_shown(log)
        {
            let _ = line.focus();
        }
    }

    fn anchor(&self) -> std::sync::MutexGuard<'_, Option<Anchor>> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_anchor(&self, anchor: Option<Anchor>) {
        *self.anchor() = anchor;
    }

    /// Brings the line that is sought into sight; of several that are chosen meanwhile the last.
    fn reach_sought(self: &Arc<Self>, app: App, log: NodeRef<html::Div>) {
        if self.reaching.swap(true, Ordering::Relaxed) {
            return;
        }
        let (scroll, sought) = (Arc::clone(self), self.talk.sought());
        spawn_local(async move {
            while let Some(sequence) = sought.get_untracked() {
                let there = scroll.talk.reach(&app.client, sequence).await;
                if sought.get_untracked() != Some(sequence) {
                    continue;
                }
                sought.set(None);
                // Somebody may have gone elsewhere meanwhile.
                if app.address.place_untracked().peer() != Some(scroll.peer) {
                    continue;
                }
                if there {
                    show_soon(sequence);
                } else {
                    app.announce(app.texts().talk_not_available().to_owned());
                }
            }
            set_timeout(
                move || {
                    scroll.reaching.store(false, Ordering::Relaxed);
                    if let Some(log) = log.try_get_untracked().flatten() {
                        scroll.mark_seen(app, &log);
                        scroll.fill(app, &log);
                    }
                },
                ARRIVED,
            );
        });
    }

    /// Asks for lines at the end of what is held that is nearly in sight.
    fn fill(self: &Arc<Self>, app: App, log: &HtmlElement) {
        if !is_shown(log) || !self.placed.load(Ordering::Relaxed) {
            return;
        }
        if -log.scroll_top() < AHEAD {
            self.follow(app);
        }
        let above = log.scroll_height() - log.client_height() + log.scroll_top();
        if above < AHEAD && self.talk.load().get_untracked() == (Load::Done { more: true }) {
            let talk = Arc::clone(&self.talk);
            spawn_local(async move { talk.page(&app.client).await });
        }
    }

    /// Near the end of lines that are not the latest: the next ones.
    fn follow(self: &Arc<Self>, app: App) {
        if !self.talk.away().get_untracked() || self.reaching.load(Ordering::Relaxed) {
            return;
        }
        let scroll = Arc::clone(self);
        spawn_local(async move {
            let latest = || {
                scroll
                    .row
                    .read_untracked()
                    .last
                    .as_ref()
                    .map_or(0, |last| last.sequence)
            };
            scroll.talk.follow(&app.client, latest).await;
        });
    }

    /// Tells the engine up to which line everything has been on the screen.
    fn mark_seen(self: &Arc<Self>, app: App, log: &HtmlElement) {
        if !app.visible.get_untracked()
            || !is_shown(log)
            || self.unwatched.load(Ordering::Relaxed)
            || !self.placed.load(Ordering::Relaxed)
            || self.reaching.load(Ordering::Relaxed)
            || self.talk.sought().read_untracked().is_some()
            || self.row.read_untracked().unread == 0
        {
            return;
        }
        let up_to = if -log.scroll_top() <= NEAR {
            self.talk.latest()
        } else {
            lowest_shown(log).as_ref().and_then(sequence_of)
        };
        let Some(up_to) = up_to else { return };
        if self.seen.fetch_max(up_to, Ordering::Relaxed) < up_to {
            let scroll = Arc::clone(self);
            spawn_local(async move {
                let conversation = scroll.peer;
                let answer = app.client.ask(Intent::MarkRead { conversation, up_to }).await;
                if matches!(answer, Answer::Failed(_)) {
                    // Made again with the next thing that happens in this conversation.
                    scroll.seen.store(0, Ordering::Relaxed);
                }
            });
        }
    }
}

/// Whether the log takes part in the page: details may cover it, and then nothing in it is seen.
fn is_shown(log: &HtmlElement) -> bool {
    log.client_height() > 0
}

/// Puts a line where it was when the log stands at `top`; says whether it is there.
fn keep(log: &HtmlElement, anchor: Anchor, top: i32) -> bool {
    let Some(below) = drawn(anchor.sequence).and_then(|line| below(log, &line)) else {
        return false;
    };
    let grown = below - anchor.below;
    if grown.abs() >= 1.0 {
        log.set_scroll_top(top - grown.round() as i32);
    }
    true
}

/// The last line whose end is inside the window of the log. They stand below each other, so that half of them is out of the question
/// with every look.
fn lowest_shown(log: &HtmlElement) -> Option<HtmlElement> {
    let floor = log.get_bounding_client_rect().bottom();
    let lines = log.query_selector_all("[data-sequence]").ok()?;
    let line = |index| lines.item(index)?.dyn_into::<HtmlElement>().ok();
    let (mut shown, mut not) = (0, lines.length());
    while shown < not {
        let middle = shown + (not - shown) / 2;
        match line(middle)?.get_bounding_client_rect().bottom() <= floor {
            true => shown = middle + 1,
            false => not = middle,
        }
    }
    line(shown.checked_sub(1)?)
}

/// Puts a line of lines that were held anew where it was; says whether it is there.
fn restore(log: &HtmlElement, anchor: Anchor) -> bool {
    log.set_scroll_top(anchor.top);
    keep(log, anchor, anchor.top)
}

/// The last line that is drawn.
fn last_line(log: &HtmlElement) -> Option<HtmlElement> {
    let line = log
        .query_selector(".lines > [role=article]:last-of-type")
        .ok()??;
    line.dyn_into().ok()
}

fn sequence_of(line: &HtmlElement) -> Option<u64> {
    line.get_attribute("data-sequence")?.parse().ok()
}

/// How much there is below a line, in CSS pixels.
fn below(log: &HtmlElement, line: &HtmlElement) -> Option<f64> {
    let all = log.first_element_child()?.get_bounding_client_rect();
    Some(all.bottom() - line.get_bounding_client_rect().bottom())
}
