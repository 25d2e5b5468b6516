//! The screens.
#![allow(
    unreachable_pub,
    reason = "Leptos' component macro makes an item public inside what it expands to"
)]

mod admin;
mod attaching;
mod chat_list;
mod composer;
mod connection;
mod devices;
mod fatal;
mod files;
mod find_people;
mod group;
mod group_member;
mod group_picture;
mod history;
mod invites;
mod join;
mod keeping;
mod languages;
mod line;
mod lock_block;
mod lock_form;
mod lost;
mod members;
mod message_menu;
mod new_group;
mod notice;
mod own_devices_bar;
mod parts;
mod people_picker;
mod person;
mod quote;
mod reactions;
mod receivers;
mod recover;
mod recovery;
mod scan;
mod search;
mod search_box;
mod settings;
mod shell;
mod shortcuts;
mod start_over;
mod stop_bar;
mod switcher;
mod talk;
mod timeline;
mod timer;
mod unlock;
mod welcome;

pub(crate) use fatal::Fatal;
pub(crate) use join::Join;
pub(crate) use lost::Lost;
pub(crate) use recover::Recover;
pub(crate) use recovery::Recovery;
pub(crate) use shell::Shell;
pub(crate) use unlock::Unlock;
pub(crate) use welcome::Welcome;
