//! Files in messages, all of it in one later part of the module (`super::parts::FILES`).
//!
//! | module | holds |
//! |---|---|
//! | [`attach`] | files that were chosen: what will be said of them, and the chips above the box |
//! | [`prepare`] | pictures made anew (a group's among them), without what cameras write into them, and small ones of them |
//! | [`rows`] | files in a line |
//! | [`obtain`] | a file as a blob: kept here, or fetched; saving it |
//! | [`picture`] | pictures in a line, and the dialog that shows one |

mod attach;
mod obtain;
mod picture;
mod prepare;
mod rows;

pub(super) use attach::{Chosen, attach, chips};
pub(super) use obtain::save;
pub(super) use picture::viewer;
pub(super) use prepare::{NoPicture, group_picture};
pub(super) use rows::{Shown, rows};
