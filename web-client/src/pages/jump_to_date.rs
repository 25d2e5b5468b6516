//! Going to the first message of a day.

use chopar_wire::{AccountId, Timestamp};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::{day_in_box, first_of_day, now, use_app};
use crate::ui::{Modal, Problem, focus_id, focus_when_mounted};
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
    let unreadable = RwSignal::new(false);
    focus_when_mounted(BOX);
    let go = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        failed.set(None);
        // A browser that knows no box for dates lets something else through: it stays there to be typed anew.
        let from = first_of_day(&day.read_untracked());
        unreadable.set(from.is_none());
        let Some(from) = from else {
            return focus_id(BOX);
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
                Ok(found) => {
                    close.run(());
                    app.address.go(Place::Talk(peer));
                    talk.sought().set(found.map(|(sequence, _)| sequence));
                    // The day may be another: nothing was said on the one that was chosen.
                    let day = |time| app.clock().day(time, app.today.get_untracked());
                    app.announce(match found {
                        Some((_, time)) if time < from => texts.jump_late(&day(time)),
                        Some((_, time)) => day(time),
                        None => texts.talk_not_available().to_owned(),
                    });
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
                        max=day_in_box(Timestamp(from.0.max(now().0)))
                        prop:value=move || day.get()
                        on:input=move |event| day.set(event_target_value(&event))
                    />
                </div>
                <div role="alert">
                    {move || unreadable.get().then(|| view! { <p class="problem">{texts.jump_unreadable()}</p> })}
                </div>
                <Problem failure/>
                <div class="actions">
                    <button type="submit" class="button primary" disabled=move || busy.get()>{texts.jump_go()}</button>
                </div>
            </form>
        </Modal>
    }
}
