//! A person's page: safety number with digits and QR code, the mark, their devices.

use chopar_engine::view::{Person, Trust};
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::devices::DeviceRow;
use super::keeping::Keeping;
use super::parts::SCAN;
use crate::i18n::Texts;
use crate::state::{App, Asking, use_app};
use crate::ui::{Avatar, Frame, Icon, PaneHead, Problem, Qr, alarm_text, focus_when_mounted, later};
use crate::view_model::{Place, digit_groups};

/// The button that opens the camera.
const SCAN_BUTTON: &str = "scan-code";

/// What is known of the person so far.
#[derive(Clone, PartialEq)]
enum Known {
    Asking,
    Person(Box<Person>),
    Failed(Failure),
}

/// Details beside the conversation.
#[component]
pub(crate) fn PersonPage(
    /// Who.
    peer: AccountId,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let known = ArcRwSignal::new(Known::Asking);
    let ask = {
        let known = known.clone();
        move || {
            let known = known.clone();
            spawn_local(async move {
                let answer = match app.client.ask(Intent::Person { peer }).await {
                    Answer::Person(person) => Known::Person(person),
                    Answer::Failed(failure) => Known::Failed(failure),
                    _ => Known::Failed(Failure::Browser),
                };
                // A page that says the same is not built again: the keyboard may be on one of its buttons.
                if *known.read_untracked() != answer {
                    known.set(answer);
                }
            });
        }
    };
    // The row of the list changes whenever trust or keys do: then the page is asked for again.
    let row = Memo::new(move |_| {
        app.chats
            .order()
            .contains(&peer)
            .then(|| app.chats.row(peer))
            .flatten()
            .map(|row| {
                let row = row.read();
                (
                    row.trust,
                    row.alarm,
                    row.name.clone(),
                    row.last.as_ref().map(|line| line.sequence),
                )
            })
    });
    Effect::new({
        let ask = ask.clone();
        move || {
            // Read, not only tracked: a memo nobody has read does not know yet what it depends on.
            row.with(|_| ());
            ask();
        }
    });
    let title = {
        let known = known.clone();
        Signal::derive(move || match &*known.read() {
            Known::Person(person) => texts.person_title(&person.display_name),
            _ => texts.loading().to_owned(),
        })
    };
    // Beside the page and not in it: a match changes the page while the dialog says so.
    let scanning = ArcRwSignal::new(None::<Person>);
    let scan = {
        let scanning = scanning.clone();
        Callback::new(move |person| scanning.set(Some(person)))
    };
    let close = {
        let scanning = scanning.clone();
        Callback::new(move |()| {
            scanning.set(None);
            // The button that opened the dialog may be another one by now.
            focus_when_mounted(SCAN_BUTTON);
        })
    };
    let dialog = move || {
        scanning.get().map(|person| {
            let title = texts.scan_title(&person.display_name);
            later(&SCAN, Frame::Dialog { title, close }, move |scan| {
                (scan.scan)(person.clone(), close)
            })
        })
    };
    let body = move || match known.get() {
        Known::Asking => view! { <p class="muted" role="status">{texts.loading()}</p> }.into_any(),
        Known::Failed(failure) => {
            let ask = ask.clone();
            view! {
                <Problem failure=ArcRwSignal::new(Some(failure))/>
                <button type="button" class="button" on:click=move |_| ask()>{texts.retry()}</button>
            }
            .into_any()
        }
        Known::Person(person) => details(app, *person, scan).into_any(),
    };
    view! {
        <aside class="details-pane" aria-labelledby="details-title">
            <PaneHead title back=Place::Talk(peer) id="details-title"/>
            <div class="page">{body}</div>
        </aside>
        {dialog}
    }
}

fn details(app: App, person: Person, scan: Callback<Person>) -> impl IntoView {
    let texts = app.texts();
    let name = person.display_name.clone();
    let peer = person.account;
    let alarm = person.alarm.map(|alarm| {
        view! { <p class="warning-box" role="alert"><Icon name="shield-alert"/><span>{alarm_text(texts, alarm, &name)}</span></p> }
    });
    let keeping = app.chats.row(peer).map(|row| {
        view! {
            <section class="block">
                <h2>{texts.person_conversation()}</h2>
                <Keeping peer row/>
                <p class="hint">{texts.keep_hint()}</p>
            </section>
        }
    });
    let devices: Vec<_> = person
        .devices
        .iter()
        .cloned()
        .map(|device| view! { <DeviceRow device/> })
        .collect();
    let devices = if devices.is_empty() {
        view! { <p class="muted">{texts.person_no_devices()}</p> }.into_any()
    } else {
        view! { <ul class="rows" role="list">{devices}</ul> }.into_any()
    };
    view! {
        <div class="who">
            <Avatar account=peer name=Signal::stored(name.clone()) size="large"/>
            <p class="who-name">{name.clone()}</p>
            {(!person.handle.is_empty()).then(|| view! { <p class="handle">{person.handle.clone()}</p> })}
        </div>
        {alarm}
        {keeping}
        <section class="block">
            <h2>{texts.person_safety_number()}</h2>
            {trust_word(texts, person.trust)}
            {number(app, &person, scan)}
        </section>
        <section class="block">
            <h2>{texts.person_devices()}</h2>
            {devices}
        </section>
        <p class="hint">{texts.person_name_claim()}</p>
    }
}

fn trust_word(texts: Texts, trust: Trust) -> impl IntoView {
    let (class, icon, word) = match trust {
        Trust::Verified => ("trust verified", "shield-check", texts.talk_verified()),
        Trust::Changed => ("trust changed", "shield-alert", texts.talk_changed()),
        Trust::Unverified => ("trust", "shield", texts.talk_unverified()),
    };
    view! { <p class=class><Icon name=icon/>{word}</p> }
}

/// The code, the digits, the camera, and the mark.
fn number(app: App, person: &Person, scan: Callback<Person>) -> AnyView {
    let texts = app.texts();
    let name = &person.display_name;
    let Some(groups) = digit_groups(&person.safety_number) else {
        return view! { <p class="muted">{texts.person_unknown_number(name)}</p> }.into_any();
    };
    let groups: Vec<_> = groups
        .into_iter()
        .map(|group| view! { <span>{group}</span>" " })
        .collect();
    let asking = Asking::new();
    let failure = asking.failure();
    let verified = person.trust == Trust::Verified;
    let (peer, digits) = (person.account, person.safety_number.clone());
    let mark = move |_| {
        let intent = Intent::MarkVerified {
            peer,
            digits: digits.clone(),
            verified: !verified,
        };
        // The row changes by an event of its own, and with it this page.
        asking.ask(app, intent, |answer| answer == Answer::Done);
    };
    let scanned = person.clone();
    let (class, label) = if verified {
        ("button", texts.person_unmark())
    } else {
        ("button primary", texts.person_mark())
    };
    view! {
        <div class="number">
            <Qr payload=person.qr.clone() label=texts.person_qr()/>
            <div class="digits safety" role="group" aria-label=texts.person_digits()>{groups}</div>
        </div>
        <p class="hint">{texts.person_how(name)}</p>
        <Problem failure/>
        <div class="actions">
            <button type="button" class=class on:click=mark>{label}</button>
            <button id=SCAN_BUTTON type="button" class="button" on:click=move |_| scan.run(scanned.clone())>
                <Icon name="scan-line"/>{texts.person_scan()}
            </button>
        </div>
    }
    .into_any()
}
