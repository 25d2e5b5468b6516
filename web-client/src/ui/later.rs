//! Pages that come in a part of the module of their own: loaded when first shown, and what stands in their place until then.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_split_helpers::SplitLoaderError;
use web_sys::HtmlDialogElement;

use super::{Modal, PaneHead, focus_when_mounted};
use crate::i18n::{NotLoaded, Texts};
use crate::state::use_app;
use crate::view_model::Place;

#[wasm_bindgen]
extern "C" {
    /// Loads a part and puts it into this module, unless it is there. static/parts.js throws what static/boot.js throws.
    #[wasm_bindgen(js_namespace = chopar, js_name = part, catch)]
    async fn load_part(name: &str) -> Result<JsValue, JsValue>;
}

/// What becomes of an entry's loading.
type Entering<P> = Pin<Box<dyn Future<Output = Result<P, SplitLoaderError>>>>;

/// A part of the module whose entry returns `P`, the pages in it.
pub(crate) struct Part<P> {
    name: &'static str,
    entry: fn() -> Entering<P>,
    entered: OnceLock<P>,
}

impl<P: Copy> Part<P> {
    /// The part of the name that its entry is marked with.
    pub(crate) const fn new(name: &'static str, entry: fn() -> Entering<P>) -> Self {
        Self {
            name,
            entry,
            entered: OnceLock::new(),
        }
    }

    /// The pages, once they are loaded.
    fn pages(&self) -> Option<P> {
        self.entered.get().copied()
    }

    /// Loads the part unless it is there. After an error it may be tried again.
    pub(crate) async fn load(&self) -> Result<P, NotLoaded> {
        if let Some(pages) = self.pages() {
            return Ok(pages);
        }
        load_part(self.name)
            .await
            .map_err(|thrown| NotLoaded::of(&thrown))?;
        // What is entered is there by now; this cannot say why it failed, the line above can.
        let pages = (self.entry)().await.map_err(|_| NotLoaded::Unreachable)?;
        Ok(*self.entered.get_or_init(|| pages))
    }
}

/// What stands around the words that a page is loading: the frame which that page will have.
#[derive(Clone)]
pub(crate) enum Frame {
    /// A page beside the list.
    Pane {
        /// Its heading.
        title: String,
        /// Where Back leads.
        back: Place,
    },
    /// Details beside a conversation.
    Details {
        /// Whose conversation.
        peer: AccountId,
    },
    /// Part of a page that is there.
    Inside,
    /// A dialog.
    Dialog {
        /// Its name.
        title: String,
        /// Closes it.
        close: Callback<()>,
    },
}

/// Draws a page of `part`: at once where that is loaded; else its loading, or why it failed and a button to try again, and then the page.
pub(crate) fn later<P: Copy + Send + Sync + 'static>(
    part: &'static Part<P>,
    frame: Frame,
    draw: impl Fn(P) -> AnyView + Send + 'static,
) -> AnyView {
    if let Some(pages) = part.pages() {
        return draw(pages);
    }
    let loaded = ArcRwSignal::new(false);
    let failed = ArcRwSignal::new(None::<NotLoaded>);
    // Freed with the place where the page is wanted.
    let wanted = StoredValue::new(());
    let load = {
        let (loaded, failed, frame) = (loaded.clone(), failed.clone(), frame.clone());
        Callback::new(move |()| {
            failed.set(None);
            let (loaded, failed, frame) = (loaded.clone(), failed.clone(), frame.clone());
            spawn_local(async move {
                let outcome = part.load().await;
                if wanted.try_get_value().is_none() {
                    return;
                }
                match outcome {
                    Ok(_) => {
                        frame.hand_over_focus();
                        loaded.set(true);
                    }
                    Err(why) => failed.set(Some(why)),
                }
            });
        })
    };
    load.run(());
    let page = move || match (loaded.get(), part.pages()) {
        (true, Some(pages)) => draw(pages),
        _ => frame.clone().around(waiting(failed.clone(), load)),
    };
    page.into_any()
}

/// Draws something small of `part` in the middle of a page: at once where that is loaded; until then `meanwhile`, or why it failed
/// and a button to try again.
pub(crate) fn soon<P: Copy + Send + Sync + 'static>(
    part: &'static Part<P>,
    meanwhile: impl Fn() -> AnyView + Send + 'static,
    draw: impl Fn(P) -> AnyView + Send + 'static,
) -> AnyView {
    if let Some(pages) = part.pages() {
        return draw(pages);
    }
    let came = ArcRwSignal::new(None::<Result<(), NotLoaded>>);
    let load = {
        let came = came.clone();
        Callback::new(move |()| {
            let came = came.clone();
            came.set(None);
            spawn_local(async move { came.set(Some(part.load().await.map(drop))) });
        })
    };
    load.run(());
    let shown = move || match (*came.read(), part.pages()) {
        (Some(Ok(())), Some(pages)) => draw(pages),
        (Some(Err(why)), _) => waiting(ArcRwSignal::new(Some(why)), load),
        _ => meanwhile(),
    };
    shown.into_any()
}

/// Why a part is not there.
pub(crate) fn part_problem(texts: Texts, why: NotLoaded) -> &'static str {
    match why {
        NotLoaded::Unreachable => texts.part_unreachable(),
        NotLoaded::Altered => texts.part_altered(),
    }
}

/// How the loading goes.
fn waiting(failed: ArcRwSignal<Option<NotLoaded>>, load: Callback<()>) -> AnyView {
    let texts = use_app().texts();
    let words = move || match failed.get() {
        None => view! { <p class="muted" role="status">{texts.loading()}</p> }.into_any(),
        Some(why) => {
            let why = part_problem(texts, why);
            view! {
                <p class="problem" role="alert">{why}</p>
                <button type="button" class="button" on:click=move |_| load.run(())>{texts.retry()}</button>
            }
            .into_any()
        }
    };
    words.into_any()
}

impl Frame {
    fn around(self, words: AnyView) -> AnyView {
        match self {
            Self::Pane { title, back } => view! {
                <PaneHead title=Signal::stored(title) back/>
                <div class="page">{words}</div>
            }
            .into_any(),
            Self::Details { peer } => {
                let title = use_app().texts().loading().to_owned();
                view! {
                    <aside class="details-pane" aria-labelledby="details-title">
                        <PaneHead title=Signal::stored(title) back=Place::Talk(peer) id="details-title"/>
                        <div class="page">{words}</div>
                    </aside>
                }
                .into_any()
            }
            Self::Inside => words,
            Self::Dialog { title, close } => view! { <Modal title close>{words}</Modal> }.into_any(),
        }
    }

    /// Before the page takes this frame's place: what had the keyboard here is about to vanish.
    fn hand_over_focus(&self) {
        let title = match self {
            Self::Pane { .. } => "pane-title",
            Self::Details { .. } => "details-title",
            // Nothing in it has the keyboard.
            Self::Inside => return,
            Self::Dialog { .. } => {
                // Closing gives the keyboard back to what opened the dialog. There the one to come finds it, and gives it back in its turn.
                if let Ok(Some(dialog)) = document().query_selector("dialog[open]") {
                    dialog.unchecked_into::<HtmlDialogElement>().close();
                }
                return;
            }
        };
        let here = document()
            .get_element_by_id(title)
            .and_then(|title| title.parent_element())
            .and_then(|head| head.parent_element());
        let active = document().active_element();
        if here.is_some_and(|here| here.contains(active.as_deref())) {
            focus_when_mounted(title);
        }
    }
}
