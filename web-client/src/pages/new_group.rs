//! "New group": a name, and who is in it.

use chopar_engine::intent::Invitee;
use chopar_engine::{Answer, Intent};
use leptos::ev;
use leptos::prelude::*;

use super::people_picker::PeoplePicker;
use crate::state::{Asking, random, use_app};
use crate::ui::{Field, Modal, Problem, focus_when_mounted};
use crate::view_model::Place;

/// Longest name of a group, in characters.
pub(crate) const NAME_MAX: usize = 64;

/// The dialog.
#[component]
pub(crate) fn NewGroup(
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let name = RwSignal::new(String::new());
    let people = RwSignal::new(Vec::<Invitee>::new());
    let asking = Asking::new();
    let (failure, busy) = (asking.failure(), asking.clone());
    // The same for every press: pressed twice one group begins.
    let wish = random();
    focus_when_mounted("group-name");
    let ready = move || !name.read().trim().is_empty() && !people.read().is_empty();
    let create = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if !ready() {
            return;
        }
        let begin = Intent::CreateGroup {
            wish,
            name: name.get_untracked().trim().to_owned(),
            members: people.get_untracked(),
        };
        asking.ask(app, begin, move |answer| {
            let granted = matches!(answer, Answer::GroupBegun(_) | Answer::Done);
            // Who has closed the dialog meanwhile wants to stay where they are.
            if granted
                && close.try_run(()).is_some()
                && let Answer::GroupBegun(group) = answer
            {
                app.address.go(Place::Talk(group));
            }
            granted
        });
    };
    view! {
        <Modal title=texts.group_new() close>
            <form class="form" on:submit=create>
                <Field id="group-name" label=texts.group_name() hint=texts.group_name_hint() value=name max=NAME_MAX/>
                <PeoplePicker chosen=people/>
                <Problem failure/>
                <div class="actions">
                    <button type="submit" class="button primary" disabled=move || busy.is_busy() || !ready()>
                        {texts.group_create()}
                    </button>
                </div>
            </form>
        </Modal>
    }
}
