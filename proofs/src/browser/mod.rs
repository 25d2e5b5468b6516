//! In a browser: the module's answers, and the proofs that only a browser can give. Keys of WebCrypto and of wasm are
//! interchangeable on the wire, with the product's own file around WebCrypto.

mod agreement;
mod handshake;
mod kem;
mod keys;
mod sealing;
mod signing;
mod worker;

#[path = "../../../web-client/src/platform/exception.rs"]
pub mod exception;
#[path = "../../../web-client/src/platform/object.rs"]
mod object;
#[path = "../../../web-client/src/platform/webcrypto.rs"]
pub mod webcrypto;

use core::future::Future;
use core::pin::Pin;

use anyhow::Result;
use wasm_bindgen::JsCast;
use web_sys::DedicatedWorkerGlobalScope;

pub use exception::Exception;
pub use worker::start;

use crate::proof::judge;
use crate::{Counts, Size};

type Running = Pin<Box<dyn Future<Output = Result<Counts>>>>;

/// A proof that waits for the browser.
#[derive(Clone, Copy)]
pub(crate) struct BrowserProof {
    pub(crate) name: &'static str,
    least: &'static [(&'static str, usize)],
    run: fn(Size) -> Running,
}

impl BrowserProof {
    /// Runs it.
    pub(crate) async fn check(&self, size: Size) -> Result<Counts> {
        judge(self.name, self.least, (self.run)(size).await)
    }
}

/// Every proof of a browser.
pub(crate) const PROOFS: [BrowserProof; 8] = [
    BrowserProof {
        name: "webcrypto/x25519-wycheproof",
        least: &[("computed", 487), ("without contribution", 31)],
        run: |_| Box::pin(agreement::wycheproof()),
    },
    BrowserProof {
        name: "webcrypto/x25519-across",
        least: &[("agreements", 100)],
        run: |size| Box::pin(agreement::across(size)),
    },
    BrowserProof {
        name: "webcrypto/ed25519-rfc8032",
        least: &[("signatures", 4)],
        run: |_| Box::pin(signing::rfc()),
    },
    BrowserProof {
        name: "webcrypto/ed25519-across",
        least: &[("signatures", 100)],
        run: |size| Box::pin(signing::across(size)),
    },
    BrowserProof {
        name: "webcrypto/aes-256-gcm-wycheproof",
        least: &[("valid", 39), ("invalid", 27)],
        run: |_| Box::pin(sealing::wycheproof()),
    },
    BrowserProof {
        name: "webcrypto/aes-256-gcm-across",
        least: &[("texts", 100)],
        run: |size| Box::pin(sealing::across(size)),
    },
    BrowserProof {
        name: "webcrypto/handshake",
        least: &[("handshakes", 10), ("messages", 40)],
        run: |size| Box::pin(handshake::bit_for_bit(size)),
    },
    BrowserProof {
        name: "webcrypto/ml-kem-768",
        least: &[("exchanges", 100), ("damaged ciphertexts", 100)],
        run: |size| Box::pin(kem::third(size)),
    },
];

/// The worker's global object, as the product's file asks for it.
fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
