//! "Scan code": the camera reads the code from the other person's screen, the engine compares it.

use std::time::Duration;

use chopar_engine::view::Person;
use chopar_engine::{Answer, Failure, Intent};
use futures_channel::oneshot;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::Texts;
use crate::state::{App, use_app};
use crate::ui::{Camera, Icon, Modal, NoStream, failure_text, focus_when_mounted};
use crate::view_model::codes;

/// How long the page rests between two pictures: a code is read while it is held still, and the page stays quick.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How far the comparison is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scan {
    /// The camera is starting; the browser may be asking the person.
    Opening,
    /// Pictures are looked at; the last code seen was not the one wanted.
    Looking(Option<Wrong>),
    /// The engine said that the halves are equal, and has marked the person.
    Matched,
    /// The engine said that they are not.
    Mismatched,
    /// There is no picture.
    NoCamera(NoStream),
    /// The engine could not compare.
    Failed(Failure),
}

/// A code that is no reason to stop looking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// Not a safety number's.
    Other,
    /// The one this device shows.
    Own,
}

impl Scan {
    fn is_on(self) -> bool {
        matches!(self, Self::Opening | Self::Looking(_))
    }
}

/// The dialog. Whatever ends it turns the camera off: the camera belongs to this component's owner.
#[component]
pub(crate) fn ScanCode(
    /// Whose code is wanted, and the own one.
    person: Person,
    /// Closes the dialog.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let name = person.display_name.clone();
    let scan = ArcRwSignal::new(Scan::Opening);
    let video = NodeRef::<html::Video>::new();
    let camera = StoredValue::new_local(None::<Camera>);
    let begin = {
        let scan = scan.clone();
        let person = StoredValue::new(person);
        move || {
            let scan = scan.clone();
            spawn_local(async move {
                scan.set(Scan::Opening);
                let outcome = look(app, &scan, video, camera, person).await;
                camera.try_set_value(None);
                if let Some(outcome) = outcome {
                    if !matches!(outcome, Scan::NoCamera(_)) {
                        focus_when_mounted("scan-next");
                    }
                    scan.set(outcome);
                }
            });
        }
    };
    begin();

    let on = {
        let scan = scan.clone();
        move || scan.get().is_on()
    };
    let said = {
        let (scan, name) = (scan.clone(), name.clone());
        move || quiet_words(texts, scan.get(), &name)
    };
    let loud = {
        let (scan, name) = (scan.clone(), name.clone());
        move || loud_words(texts, scan.get(), &name)
    };
    let actions = move || {
        let begin = begin.clone();
        match scan.get() {
            Scan::Opening | Scan::Looking(_) => view! {
                <button type="button" class="button" on:click=move |_| close.run(())>{texts.cancel()}</button>
            }
            .into_any(),
            Scan::Matched => view! {
                <button id="scan-next" type="button" class="button primary" on:click=move |_| close.run(())>
                    {texts.close()}
                </button>
            }
            .into_any(),
            Scan::Mismatched | Scan::NoCamera(_) | Scan::Failed(_) => view! {
                <button id="scan-next" type="button" class="button" on:click=move |_| begin()>{texts.scan_again()}</button>
                <button type="button" class="button" on:click=move |_| close.run(())>{texts.close()}</button>
            }
            .into_any(),
        }
    };
    view! {
        <Modal title=texts.scan_title(&name) close>
            <div class="viewfinder" hidden=move || !on()>
                <video node_ref=video autoplay="" playsinline="" aria-hidden="true"></video>
            </div>
            // Both are there before they say anything: only then is a change in them heard.
            <div role="status">{said}</div>
            <div role="alert" class="problem-place">{loud}</div>
            <div class="actions">{actions}</div>
        </Modal>
    }
}

/// What is said politely: how it goes, and that it went well.
fn quiet_words(texts: Texts, scan: Scan, name: &str) -> Option<AnyView> {
    match scan {
        Scan::Opening => Some(view! { <p>{texts.scan_opening()}</p> }.into_any()),
        Scan::Looking(wrong) => {
            let wrong = wrong.map(|wrong| match wrong {
                Wrong::Other => texts.failure_not_a_code().to_owned(),
                Wrong::Own => texts.scan_own(name),
            });
            let wrong = wrong.map(|words| view! { <p class="attention">{words}</p> });
            Some(view! { <p>{texts.scan_looking(name)}</p>{wrong} }.into_any())
        }
        Scan::Matched => Some(
            view! {
                <div class="verdict verified">
                    <Icon name="shield-check" class="large"/>
                    <div><h3>{texts.scan_match_title()}</h3><p>{texts.scan_match_body(name)}</p></div>
                </div>
            }
            .into_any(),
        ),
        Scan::Mismatched | Scan::NoCamera(_) | Scan::Failed(_) => None,
    }
}

/// What interrupts.
fn loud_words(texts: Texts, scan: Scan, name: &str) -> Option<AnyView> {
    match scan {
        Scan::Mismatched => Some(
            view! {
                <div class="verdict mismatch">
                    <Icon name="shield-alert" class="large"/>
                    <div><h3>{texts.scan_mismatch_title(name)}</h3><p>{texts.scan_mismatch_body(name)}</p></div>
                </div>
            }
            .into_any(),
        ),
        Scan::NoCamera(problem) => {
            let words = match problem {
                NoStream::Refused => texts.scan_refused(),
                NoStream::Missing => texts.scan_missing(),
                NoStream::Busy => texts.scan_busy(),
            };
            Some(view! { <p class="problem">{words}</p> }.into_any())
        }
        Scan::Failed(failure) => Some(view! { <p class="problem">{failure_text(texts, failure)}</p> }.into_any()),
        Scan::Opening | Scan::Looking(_) | Scan::Matched => None,
    }
}

/// Opens the camera and looks until something is decided; `None` where the dialog was closed meanwhile.
async fn look(
    app: App,
    scan: &ArcRwSignal<Scan>,
    video: NodeRef<html::Video>,
    camera: StoredValue<Option<Camera>, LocalStorage>,
    person: StoredValue<Person>,
) -> Option<Scan> {
    match Camera::open().await {
        Ok(opened) => {
            opened.show_in(&video.try_get_untracked()??);
            // Closed while the browser was asking: the camera is handed back, and dropped.
            if camera.try_set_value(Some(opened)).is_some() {
                return None;
            }
        }
        Err(problem) => return Some(Scan::NoCamera(problem)),
    }
    scan.set(Scan::Looking(None));
    let mut refused: Option<Vec<u8>> = None;
    loop {
        rest().await;
        let video = video.try_get_untracked()??;
        let picture = camera.try_with_value(|camera| {
            let camera = camera.as_ref()?;
            camera.is_on().then(|| camera.picture(&video))
        })?;
        let Some(picture) = picture else {
            return Some(Scan::NoCamera(NoStream::Busy));
        };
        for code in picture.map(|picture| codes(&picture)).unwrap_or_default() {
            if refused.as_ref() == Some(&code) {
                continue;
            }
            match compare(app, person.try_get_value()?, code.clone()).await {
                Ok(outcome) => return Some(outcome),
                Err(wrong) => {
                    scan.set(Scan::Looking(Some(wrong)));
                    refused = Some(code);
                }
            }
        }
    }
}

/// Has the engine compare; an error is no reason to stop looking.
async fn compare(app: App, person: Person, payload: Vec<u8>) -> Result<Scan, Wrong> {
    if payload == person.qr {
        return Err(Wrong::Own);
    }
    let peer = person.account;
    match app.client.ask(Intent::CompareQr { peer, payload }).await {
        Answer::Done => Ok(Scan::Matched),
        Answer::Failed(Failure::NotASafetyNumber) => Err(Wrong::Other),
        Answer::Failed(Failure::SafetyNumberMismatch) => Ok(Scan::Mismatched),
        Answer::Failed(failure) => Ok(Scan::Failed(failure)),
        _ => Ok(Scan::Failed(Failure::Browser)),
    }
}

/// Lets everything else happen for [`LOOK_EVERY`].
async fn rest() {
    let (rung, ring) = oneshot::channel();
    set_timeout(
        move || {
            // Nobody waits any more where the dialog is closed.
            let _ = rung.send(());
        },
        LOOK_EVERY,
    );
    // The sender is dropped only with the timer.
    let _ = ring.await;
}
