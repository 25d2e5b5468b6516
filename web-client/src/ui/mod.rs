//! Parts that several screens are made of.
#![allow(
    unreachable_pub,
    reason = "Leptos' component macro makes an item public inside what it expands to"
)]

mod announcer;
mod attempt;
mod avatar;
mod camera;
mod choice;
mod copy;
mod failure;
mod field;
mod focus;
mod icon;
mod later;
mod microphone;
mod modal;
mod more;
mod pane;
mod passkey;
mod qr;
mod steer;
mod stream;
mod ticks;

pub(crate) use announcer::Announcer;
pub(crate) use attempt::{Attempt, AttemptSaid};
pub(crate) use avatar::Avatar;
pub(crate) use camera::Camera;
pub(crate) use choice::choice;
pub(crate) use copy::{CopyButton, copy_text};
pub(crate) use failure::{alarm_text, failure_text, fatal_text, lock_answer_text, own_alarm_text, role_text};
pub(crate) use field::{Field, Problem};
pub(crate) use focus::{focus_id, focus_when_mounted, is_dialog_open, is_fine_pointer, rove};
pub(crate) use icon::Icon;
pub(crate) use later::{Frame, Part, later, part_problem, soon};
pub(crate) use microphone::{Microphone, NoMicrophone};
pub(crate) use modal::Modal;
pub(crate) use more::more;
pub(crate) use pane::PaneHead;
pub(crate) use passkey::{NoPasskey, ask_passkey, knows_passkeys, make_passkey, renew_passkey};
pub(crate) use qr::Qr;
pub(crate) use steer::steer;
pub(crate) use stream::NoStream;
pub(crate) use ticks::Ticks;
