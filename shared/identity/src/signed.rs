//! What every signature of Chopar covers: `label ‖ 0x00 ‖ body`, with the exact bytes of the body.

use ed25519_dalek::Signature;

use crate::keys::Ed25519Public;

/// Length of an Ed25519 signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// A signature does not belong to this key, label and body. Whoever presented it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// The bytes a signer signs. A label holds no zero byte, so label and body cannot trade places.
pub fn signing_input(label: &str, body: &[u8]) -> Vec<u8> {
    let mut input = Vec::with_capacity(label.len() + 1 + body.len());
    input.extend_from_slice(label.as_bytes());
    input.push(0);
    input.extend_from_slice(body);
    input
}

/// Verifies strictly: canonical encodings only, no small-order components.
///
/// # Errors
/// [`BadSignature`], without saying which part of it was wrong.
pub fn verify(label: &str, body: &[u8], signature: &[u8], key: &Ed25519Public) -> Result<(), BadSignature> {
    let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
    key.verifying()
        .verify_strict(&signing_input(label, body), &signature)
        .map_err(|_| BadSignature)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    /// P-003.
    #[test]
    fn a_signature_is_bound_to_label_body_and_key() {
        let secret = SigningKey::from_bytes(&[7; 32]);
        let key = Ed25519Public::parse(secret.verifying_key().as_bytes()).unwrap();
        let other = SigningKey::from_bytes(&[8; 32]);
        let other = Ed25519Public::parse(other.verifying_key().as_bytes()).unwrap();
        let signature = secret.sign(&signing_input("a", b"body")).to_bytes();

        assert_eq!(verify("a", b"body", &signature, &key), Ok(()));
        assert_eq!(verify("b", b"body", &signature, &key), Err(BadSignature));
        assert_eq!(verify("a", b"Body", &signature, &key), Err(BadSignature));
        assert_eq!(verify("a", b"body", &signature, &other), Err(BadSignature));
        assert_eq!(verify("a", b"body", &signature[..63], &key), Err(BadSignature));
        for bit in 0..512 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                verify("a", b"body", &flipped, &key),
                Err(BadSignature),
                "bit {bit}"
            );
        }
    }

    /// P-003.
    #[test]
    fn label_and_body_cannot_trade_bytes() {
        assert_ne!(signing_input("ab", b"c"), signing_input("a", b"bc"));
    }
}
