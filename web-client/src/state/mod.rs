//! What the page knows: projections of the engine's events, and the way to ask the engine for something.
//!
//! ```text
//!   Client::ask(Intent) -> Answer          worker -> apply(Event) -> Chats, Talks, phase, connection
//! ```
//! Everything here lives as long as the page, so nothing in it can be disposed of under a callback. Rows and lines are
//! signals of their own, kept by key: one changed tick repaints one bubble.

mod address;
mod app;
mod apply;
mod asking;
mod chats;
mod client;
mod clock;
mod directory;
mod files;
mod groups;
mod listening;
mod own;
mod pictures;
mod talk;
mod waits;

pub(crate) use app::{App, Dialog, Stage, use_app};
pub(crate) use apply::load_anew;
pub(crate) use asking::Asking;
pub(crate) use chats::Chats;
pub(crate) use client::{Client, fresh_message_id, random};
pub(crate) use clock::{Clock, day_in_box, first_of_day, minutes_ahead, now};
pub(crate) use directory::{Directory, Found};
pub(crate) use files::{Attached, Attachments, Drawn, Files, Spot, Way};
pub(crate) use groups::{Groups, Names, may_change};
pub(crate) use listening::{Heard, Listening};
pub(crate) use own::{Theme, normal_form};
pub(crate) use pictures::{PictureUrl, small_picture, typed};
pub(crate) use talk::{Composing, Load, Opening, Row, Talk, reference};
