//! Secrets as types: wiped on drop, never printed, never copied by accident.

mod kem;
pub(crate) mod ml_kem;
mod secret;
mod x25519;

#[cfg(any(test, feature = "oracle"))]
pub use kem::encapsulate_with;
pub use kem::{KemCiphertext1024, KemSecret1024, encapsulate};
pub use secret::Secret32;
pub use x25519::{Agreed, NonContributory, X25519Secret};
