//! The browser's half of Chopar: the interface (`chopar-web`) and the engine worker (`chopar-worker`).
//!
//! ```text
//!   tab: pages -> state::Client --ToWorker-->  worker: engine host -> engine -> vault, relay
//!        pages <- state stores  <--FromWorker--
//! ```
//!
//! The interface never writes storage (but for language and theme) and never sees a key.

#![forbid(unsafe_code)]

pub mod port;
