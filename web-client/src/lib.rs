//! The browser's half of Chopar: the interface in the page, the engine in its worker; one wasm module for both.
//!
//! ```text
//!   tab: pages -> state::Client --ToWorker-->  worker: host -> engine -> vault, relay
//!        pages <- state stores  <--FromWorker--
//! ```
//!
//! The interface never writes storage (but for language, theme and an invite not yet used) and never sees a key.
//!
//! | module | holds |
//! |---|---|
//! | [`port`] | what crosses between a tab and its worker |
//! | [`host`] | the worker: runs the engine and carries out its effects; one owner per browser profile |
//! | [`vault`] | what the worker keeps in IndexedDB, sealed and under blinded keys |
//! | [`platform`] | the browser as the worker uses it, one capability per file |
//! | `app` | start, what is on the stage, the cover after a panic |
//! | `pages` | the screens |
//! | `ui` | parts that several screens are made of |
//! | `state` | projections of the engine's events |
//! | `view_model` | what is shown, as plain functions |
//! | `i18n` | texts in four languages |

pub mod host;
pub mod platform;
pub mod port;
pub mod vault;

mod app;
mod i18n;
mod pages;
mod state;
mod ui;
mod view_model;

pub use app::start;
