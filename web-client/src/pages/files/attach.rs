//! Files that were chosen for the next message, and the chips above the box that stand for them.

use std::sync::Arc;

use chopar_e2ee::file::limits::MAX_SIZE;
use chopar_engine::MAX_FILES;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use web_sys::File;

use super::prepare::{NoPicture, picture};
use crate::port::Described;
use crate::state::{Attached, Attachments, Talk, use_app};
use crate::ui::{Icon, focus_id};
use crate::view_model::{facts, length};

/// Files that were chosen, dropped or pasted.
pub(crate) struct Chosen {
    /// For which conversation.
    pub(crate) talk: Arc<Talk>,
    /// They.
    pub(crate) files: SendWrapper<Vec<File>>,
    /// The language of what is said of them.
    pub(crate) texts: crate::i18n::Texts,
}

/// Makes them files of the next message. Pictures are made anew first.
pub(crate) fn attach(chosen: Chosen) {
    let Chosen { talk, files, texts } = chosen;
    let attachments = talk.attachments();
    attachments.problems.set(Vec::new());
    let say = {
        let problems = attachments.problems.clone();
        move |said: String| problems.update(|all| all.push(said))
    };
    attachments.preparing.update(|count| *count += 1);
    spawn_local(async move {
        for file in files.take() {
            let name = Described::of(&file.name(), "").name;
            if attachments.files.read_untracked().len() >= MAX_FILES {
                say(texts.file_too_many().to_owned());
                break;
            }
            if file.size() as u64 > MAX_SIZE {
                say(texts.file_too_large(&name));
                continue;
            }
            let attached = match picture(&file).await {
                Ok(attached) => attached,
                Err(why) => {
                    match why {
                        NoPicture::Other => {}
                        NoPicture::TooManyPixels => say(texts.file_too_many_pixels(&name)),
                        NoPicture::Broken => say(texts.file_no_picture(&name)),
                    }
                    as_it_is(&file)
                }
            };
            // Others may have come while this one was made ready.
            let mut room = true;
            attachments.files.update(|all| {
                room = all.len() < MAX_FILES;
                if room {
                    all.push(attached);
                }
            });
            if !room {
                say(texts.file_too_many().to_owned());
                break;
            }
        }
        attachments.preparing.update(|count| *count -= 1);
    });
}

fn as_it_is(file: &File) -> Attached {
    let described = Described::of(&file.name(), &file.type_());
    Attached::new(described, file.clone().into())
}

/// The chips: each with a button that takes it away.
pub(crate) fn chips(attachments: Attachments) -> AnyView {
    let texts = use_app().texts();
    let Attachments {
        files,
        preparing,
        sealing,
        problems,
    } = attachments;
    let remove = {
        let files = files.clone();
        Callback::new(move |key: u64| {
            files.update(|all| all.retain(|one| one.key != key));
            if files.read_untracked().is_empty() {
                // It was about those that were there.
                problems.set(Vec::new());
            }
            focus_id("composer");
        })
    };
    let chip = move |attached: Attached| {
        let Described {
            name,
            sides,
            duration_ms,
            waveform,
            ..
        } = &attached.described;
        let speaks = !waveform.is_empty();
        let described = facts(texts, name, attached.size());
        let name = match speaks {
            true => texts.file_voice(&length(*duration_ms)),
            false => name.clone(),
        };
        let label = texts.file_remove(&name);
        let key = attached.key;
        let icon = match (speaks, sides) {
            (true, _) => "mic",
            (false, Some(_)) => "image",
            (false, None) => "file",
        };
        view! {
            <li class="attached">
                <Icon name=icon/>
                <span class="file-text">
                    <span class="file-name" dir="auto">{name}</span>
                    <span class="file-facts">{described}</span>
                </span>
                <button type="button" class="icon-button" aria-label=label.clone() title=label on:click=move |_| remove.run(key)>
                    <Icon name="x"/>
                </button>
            </li>
        }
    };
    let list = move || {
        (!files.read().is_empty()).then(|| {
            let files = files.clone();
            view! {
                <ul class="attachments" role="list" aria-label=texts.file_attached()>
                    <For each=move || files.get() key=|one| one.key children=chip/>
                </ul>
            }
        })
    };
    view! {
        {move || (preparing.get() + sealing.get() > 0).then(|| view! { <p class="muted" role="status">{texts.file_preparing()}</p> })}
        {list}
    }
    .into_any()
}
