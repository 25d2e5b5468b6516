//! Going to the first message of a day.

use chopar_wire::{AccountId, Timestamp};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{day_in_box, first_of_day, now, use_app};
use crate::ui::{Modal, Problem, focus_when_mounted};
use crate::view_model::Place;

/// The box's id.
const BOX: &str = "jump-date";

/// A dialog in which a day is chosen.
#[component]
pub(crate) fn JumpToDate(
    /// In whose conversation.
    peer: AccountId,
    /// A moment of the day that stands there first.
    from: Timestamp,
    /// Closes it.
    close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let texts = app.texts();
    let day = RwSignal::new(day_in_box(from));
    let busy = RwSignal::new(false);
    let failure = ArcRwSignal::new(None);
    let failed = failure.clone();
    focus_when_mounted(BOX);
    let go = move |event: ev::SubmitEvent| {
        event.prevent_default();
        // A browser that knows no box for dates lets something else through: it stays there to be typed anew.
        let Some(from) = first_of_day(&day.read_untracked()).filter(|_| !busy.get_untracked()) else {
            return;
        };
        busy.set(true);
        let failed = failed.clone();
        spawn_local(async move {
            let talk = app.talk(peer);
            let found = talk.find_time(&app.client, from).await;
            // It may have been closed meanwhile.
            if busy.try_set(false).is_some() {
                return;
            }
            match found {
                Ok(sequence) => {
                    close.run(());
                    app.address.go(Place::Talk(peer));
                    talk.sought().set(sequence);
                }
                Err(failure) => failed.set(Some(failure)),
            }
        });
    };
    view! {
        <Modal title=texts.jump_title() close>
            <form on:submit=go>
                <div class="field">
                    <label for=BOX>{texts.jump_label()}</label>
                    <input
                        id=BOX
                        class="input"
                        type="date"
                        required
                        max=day_in_box(now())
                        prop:value=move || day.get()
                        on:input=move |event| day.set(event_target_value(&event))
                    />
                </div>
                <Problem failure/>
                <div class="actions">
                    <button type="submit" class="button primary" disabled=move || busy.get()>{texts.jump_go()}</button>
                </div>
            </form>
        </Modal>
    }
}
