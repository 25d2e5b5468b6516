//! The whole way, as people go it: a real relay process, real Chromium, one profile folder for each person.
//!
//! ```text
//!  tests/*.rs ──► Stage::play ──► Organisation (relay process, owner's invite)
//!                      │               │
//!                      │          HostileProxy (alters what passes between page and relay)
//!                      ▼               │
//!                   Person ──► Page ──►Chrome (own profile) ──CDP──► page, engine worker, service worker
//!                                         │
//!                                         └► Watch: console, policy violations, WebSocket frames, foreign requests
//! ```
//!
//! A page is driven as a screen reader drives it: by role and accessible name, read from the browser's own
//! accessibility tree, and by trusted mouse and keyboard events. Chromium is spoken to over its DevTools protocol
//! directly, without a WebDriver in between: the relay's WebSocket lives in a dedicated worker, whose frames, errors and
//! network conditions only an attached DevTools session reaches.
//!
//! Not here: anything that knows the inside of the web client. Where a test must look at stored bytes it reads the
//! database, the profile folder or the captured frames as an attacker would.
//!
//! | module | holds |
//! |---|---|
//! | [`harness`] | relay process, browser, page, person, stage |
//! | [`hostile`] | the proxy that alters, drops, delays and repeats frames |
//! | [`hunt`] | searching bytes for markers in every encoding somebody might have written them in |
//!
//! # Environment
//!
//! | variable | meaning | otherwise |
//! |---|---|---|
//! | `CHOPAR_CHROME` | the browser | `chromium`, `google-chrome`, … on `PATH` |
//! | `CHOPAR_RELAY_BIN` | the relay, with the web client in it | `chopar-relay` beside the test's own target folder |
//! | `CHOPAR_E2E_PATIENCE` | factor on every waiting time (a number) | 1 |
//!
//! Nothing is skipped: what is missing fails the test, with words that say what to do.

#![forbid(unsafe_code)]

pub mod harness;
pub mod hostile;
pub mod hunt;
