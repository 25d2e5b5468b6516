//! What is shown, as plain functions of what the engine tells: no browser, no signals, tested natively.

mod apostrophe;
mod avatar;
mod browser_name;
mod common_words;
pub(crate) mod dates;
mod day;
mod draft;
mod file_words;
mod gif;
mod line_name;
mod line_place;
mod picture_size;
mod place;
mod safety;
mod scan;
mod search;
mod snippet;
mod span;
mod strength;

pub(crate) use apostrophe::one_apostrophe;
pub(crate) use avatar::{hue, initials};
pub(crate) use browser_name::browser_name;
pub(crate) use day::Day;
pub(crate) use draft::Draft;
pub(crate) use file_words::{facts, in_words, spoken};
pub(crate) use gif::{MAX_GIF, without_remarks};
pub(crate) use line_name::{LineName, state_word};
pub(crate) use line_place::{LinePlace, places};
pub(crate) use picture_size::{HEAD, PictureKind, picture_size};
pub(crate) use place::Place;
pub(crate) use safety::{digit_groups, qr_path};
pub(crate) use scan::{Picture, codes};
pub(crate) use search::matches;
pub(crate) use snippet::snippet;
pub(crate) use span::span;
pub(crate) use strength::{Weakness, weakness};
