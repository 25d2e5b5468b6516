//! Choosing a history file, the key that opens it, and what came of it.

use leptos::prelude::*;
use leptos::{ev, html};

use super::importing::{Source, import};
use super::job::{Job, What};
use super::way::Way;
use crate::pages::unlock::SECRET_MAX;
use crate::state::{App, use_app};
use crate::ui::Field;

/// The block.
#[component]
pub(crate) fn Import() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let job = Job::of_page();
    let typed = RwSignal::new(String::new());
    let input = NodeRef::<html::Input>::new();
    let chosen = RwSignal::new(false);
    let source = ArcRwSignal::new(None::<Source>);
    let on_choose = move |_| chosen.set(input.get_untracked().is_some_and(|input| first(&input).is_some()));
    let submit = {
        let (job, source) = (job.clone(), source.clone());
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            let Some(file) = input.get_untracked().and_then(|input| first(&input)) else {
                return;
            };
            let source = source.clone();
            source.set(None);
            begin(app, &job, file, typed, source);
        }
    };
    let said = move || {
        source.get().map(|source| {
            let words = texts.history_of(&source.device, &source.day);
            let removed = source
                .revoked
                .then(|| view! { <br/>{texts.history_of_removed()} });
            view! { <p class="muted">{words}{removed}</p> }
        })
    };
    let busy = job.clone();
    view! {
        <section class="block">
            <h2>{texts.history_import()}</h2>
            <p>{texts.history_import_body()}</p>
            <form class="form" on:submit=submit>
                <div class="field">
                    <label for="history-file">{texts.history_file()}</label>
                    <input id="history-file" class="input" type="file" accept=".chopar" node_ref=input on:change=on_choose/>
                </div>
                <Field id="history-key" label=texts.recovery_label() hint=texts.recover_hint() value=typed max=SECRET_MAX class="mono"/>
                {said}
                <Way of=&[What::Import]/>
                <div class="actions">
                    <button type="submit" class="button" disabled=move || busy.doing().is_some() || !chosen.get()>
                        {texts.history_import_act()}
                    </button>
                </div>
            </form>
        </section>
    }
}

fn first(input: &web_sys::HtmlInputElement) -> Option<web_sys::File> {
    input.files()?.get(0)
}

fn begin(
    app: App,
    job: &Job,
    file: web_sys::File,
    typed: RwSignal<String>,
    source: ArcRwSignal<Option<Source>>,
) {
    let texts = app.texts();
    job.begin(What::Import, texts, async move |job: &Job| {
        let key = typed.get_untracked();
        let outcome = import(app, &file, &key, job, source).await;
        // What a page shows of a conversation may end where older lines are now.
        app.forget_talks();
        let read = outcome?;
        // It has served; the page may be gone meanwhile.
        typed.try_set(String::new());
        let imported = read.imported;
        let mut words = texts.history_imported(u64::from(imported.added));
        if imported.known > 0 {
            words = [&words, " ", &texts.history_known(u64::from(imported.known))].concat();
        }
        let lost = u64::from(imported.left) + read.damaged;
        if lost > 0 {
            words = [&words, " ", &texts.history_lost(lost)].concat();
        }
        Ok(words)
    });
}
