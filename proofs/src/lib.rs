//! Shown correct by people who did not write it: every primitive of the end-to-end core, *as the product calls it*, against
//! published vectors, second implementations and transcripts. The same code natively and as wasm in a browser.
//!
//! ```text
//!  tests/native.rs ──────────────────────────> proofs()
//!                                                 │  x25519, ed25519, hpke, aes-256-gcm, hkdf, hmac, ml-kem, transcripts
//!  main (native) ── Chromium ── main (wasm) ──────┘
//!                                  └─────────> browser::proofs(): WebCrypto, the product's own file around it
//! ```
//!
//! Every proof counts what it looked at, and fails where it was less than it has been.
//!
//! Not here: random conversations with independent implementations (the interop tests of `chopar-e2ee`), what a hostile relay
//! does (the simulator of `chopar-engine`).
//!
//! | module | holds |
//! |---|---|
//! | `proof` | name, counts, sizes |
//! | `vectors` | Wycheproof, RFC 7748, 5869, 8032, 9180, FIPS 203 |
//! | `differential` | ML-KEM beside a second implementation |
//! | `transcripts` | X3DH, PQXDH and the Double Ratchet as independent implementations spoke them |
//! | `browser` | WebCrypto and wasm, interchangeable on the wire (wasm only) |

#[cfg(target_arch = "wasm32")]
pub mod browser;
mod differential;
mod kem;
mod proof;
mod transcripts;
mod vectors;

pub use proof::{Counts, Proof, Size};

/// Every proof that needs no browser.
pub fn proofs() -> Vec<Proof> {
    [
        vectors::proofs(),
        differential::PROOFS.to_vec(),
        transcripts::PROOFS.to_vec(),
    ]
    .concat()
}
