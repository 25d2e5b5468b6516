//! What a form asks of the engine: once at a time, and why the last time failed.

use chopar_engine::intent::GroupChange;
use chopar_engine::{Answer, Failure, Intent};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::App;

/// The state of a form's question; clones share it.
#[derive(Clone)]
pub(crate) struct Asking {
    busy: ArcRwSignal<bool>,
    failure: ArcRwSignal<Option<Failure>>,
}

impl Asking {
    /// Nothing was asked yet.
    pub(crate) fn new() -> Self {
        Self {
            busy: ArcRwSignal::new(false),
            failure: ArcRwSignal::new(None),
        }
    }

    /// Asks, unless an answer is awaited already: a form pressed twice asks once. `granted` is told an answer that is no
    /// failure, and says whether it is the one that was hoped for.
    pub(crate) fn ask(&self, app: App, intent: Intent, granted: impl FnOnce(Answer) -> bool + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failure.set(None);
        let this = self.clone();
        spawn_local(async move {
            this.failure.set(match app.client.ask(intent).await {
                Answer::Failed(reason) => Some(reason),
                answer => (!granted(answer)).then_some(Failure::Browser),
            });
            this.busy.set(false);
        });
    }

    /// Asks from a dialog, which closes once it is done. It may have been closed by hand meanwhile: then there is nothing to do.
    pub(crate) fn ask_and_close(&self, app: App, intent: Intent, close: Callback<()>) {
        self.ask(app, intent, move |answer| {
            let done = answer == Answer::Done;
            if done {
                close.try_run(());
            }
            done
        });
    }

    /// The same for a change of a group.
    pub(crate) fn change_and_close(
        &self,
        app: App,
        group: AccountId,
        change: GroupChange,
        close: Callback<()>,
    ) {
        let conversation = group;
        self.ask_and_close(app, Intent::ChangeGroup { conversation, change }, close);
    }

    /// Whether an answer is awaited, tracked.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Why the last question failed.
    pub(crate) fn failure(&self) -> ArcRwSignal<Option<Failure>> {
        self.failure.clone()
    }
}
