//! The browser, one capability per file; everything above speaks Rust.
//!
//! | module | holds |
//! |---|---|
//! | [`exception`] | what JavaScript throws, by name only |
//! | [`webcrypto`] | keys that stay in the browser: wrapping, signing, agreeing |
//! | [`idb`] | IndexedDB with strict durability and transactions that end in one of two ways |
//! | [`locks`] | Web Locks |
//! | [`blobs`] | bytes that the browser keeps |
//! | [`parcel`] | messages with blobs beside them |
//! | [`transfer`] | bytes of files, to the relay and from it |
//! | [`channel`] | BroadcastChannel: the other tabs' workers |
//! | [`tab`] | the worker's own tab |
//! | [`socket`] | the WebSocket to the relay |
//! | [`sound`] | what plays a recording |
//! | [`clock`] | now, and the one alarm |
//! | [`network`] | whether there is a network at all |
//! | [`storage`] | whether the browser promised to keep the storage |
//! | [`object`] | plain objects, as the browser takes its options |
//! | [`random`] | randomness |

pub mod blobs;
pub mod channel;
pub mod clock;
pub mod exception;
pub mod idb;
pub mod locks;
pub mod network;
pub(crate) mod object;
pub mod parcel;
pub mod random;
pub mod socket;
pub mod sound;
pub mod storage;
pub mod tab;
pub mod transfer;
pub mod webcrypto;

pub use exception::Exception;

use wasm_bindgen::JsCast;
use web_sys::DedicatedWorkerGlobalScope;

/// The worker's global object. This crate's `host`, `vault` and `platform` run in a dedicated worker only.
pub(crate) fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
