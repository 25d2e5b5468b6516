//! How far something is, with a way to stop it; or what came of it.

use leptos::prelude::*;

use super::job::{Doing, Job, What};
use crate::state::use_app;

/// The lines of one block about what is under way in it.
#[component]
pub(crate) fn Way(
    /// Of what.
    of: &'static [What],
) -> impl IntoView {
    let texts = use_app().texts();
    let job = Job::of_page();
    let (under_way, ended) = (job.clone(), job.clone());
    // The button stays while the numbers change.
    let running = Memo::new(move |_| {
        under_way
            .doing()
            .filter(|doing| of.contains(&doing.what))
            .map(|doing| doing.what)
    });
    let progress = move |what: What| {
        let (numbers, stop) = (Job::of_page(), Job::of_page());
        let label = match what {
            What::Export => texts.history_exporting(),
            What::Copy => texts.history_copying(),
            What::Import => texts.history_importing(),
        };
        let at = move || {
            numbers
                .doing()
                .map_or((0, 1), |Doing { done, of, .. }| (done, of.max(1)))
        };
        view! {
            <p role="status">{label}</p>
            <progress class="file-progress" aria-label=label max="100" value=move || {
                let (done, of) = at();
                (done.min(of) * 100 / of).to_string()
            }></progress>
            <div class="actions">
                <button type="button" class="button" on:click=move |_| stop.stop()>{texts.cancel()}</button>
            </div>
        }
    };
    let outcome = move || {
        ended.said(of).map(|said| match said.well {
            true => view! { <p role="status">{said.text}</p> }.into_any(),
            false => view! { <p class="problem" role="alert">{said.text}</p> }.into_any(),
        })
    };
    view! {
        {move || running.get().map(progress)}
        {outcome}
    }
}
