//! The page: import, export, the readable copy.

use leptos::prelude::*;

use super::copying::copy;
use super::exporting::export;
use super::import_block::Import;
use super::job::{Job, Stop, What};
use super::readable::Form;
use super::way::Way;
use crate::pages::files::save;
use crate::state::use_app;
use crate::ui::{Icon, PaneHead};
use crate::view_model::Place;

/// What an exported file is called.
const NAME: &str = "chopar-history.chopar";

/// The page.
#[component]
pub(crate) fn HistoryPage() -> impl IntoView {
    let texts = use_app().texts();
    view! {
        <PaneHead title=Signal::stored(texts.history_title().to_owned()) back=Place::Settings/>
        <div class="page">
            <Import/>
            <Export/>
            <Copy/>
        </div>
    }
}

#[component]
fn Export() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let job = Job::of_page();
    let begin = {
        let job = job.clone();
        move |_| {
            job.begin(What::Export, texts, async move |job: &Job| {
                let file = export(app, job).await?;
                save(&file, NAME).ok_or(Stop::Browser)?;
                Ok(texts.history_exported().to_owned())
            });
        }
    };
    let busy = job.clone();
    view! {
        <section class="block">
            <h2>{texts.history_export()}</h2>
            <p>{texts.history_export_body()}</p>
            <Way of=&[What::Export]/>
            <div class="actions">
                <button type="button" class="button primary" disabled=move || busy.doing().is_some() on:click=begin>
                    <Icon name="download"/>{texts.history_export_act()}
                </button>
            </div>
        </section>
    }
}

#[component]
fn Copy() -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let button = move |form: Form, label: &'static str| {
        let (job, busy) = (Job::of_page(), Job::of_page());
        let begin = move |_| {
            job.begin(What::Copy, texts, async move |job: &Job| {
                let file = copy(app, job, form).await?;
                save(&file, form.name()).ok_or(Stop::Browser)?;
                Ok(texts.history_copied().to_owned())
            });
        };
        view! {
            <button type="button" class="button" disabled=move || busy.doing().is_some() on:click=begin>{label}</button>
        }
    };
    view! {
        <section class="block">
            <h2>{texts.history_copy()}</h2>
            <p><Icon name="triangle-alert"/>" "{texts.history_copy_body()}</p>
            <Way of=&[What::Copy]/>
            <div class="actions">
                {button(Form::Html, texts.history_copy_html())}
                {button(Form::Json, texts.history_copy_json())}
            </div>
        </section>
    }
}
