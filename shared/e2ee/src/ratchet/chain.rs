//! The symmetric chain: one message key after another (Double Ratchet, section 2.2 and 5.2, `KDF_CK`).

use super::kdf::{hmac, hmac_of};
use crate::keys::Secret32;

/// The key of one message's content.
pub(crate) struct MessageKey(pub(crate) Secret32);

/// The key from which a chain's next message key and next chain key come.
pub(crate) struct ChainKey(pub(crate) Secret32);

impl ChainKey {
    /// `KDF_CK`: HMAC-SHA256 with 0x01 is the message key, with 0x02 the next chain key.
    pub(crate) fn step(&self) -> (MessageKey, Self) {
        let mac = hmac(self.0.as_bytes());
        let message = Secret32::new(*hmac_of(mac.clone(), &[0x01]));
        let next = Secret32::new(*hmac_of(mac, &[0x02]));
        (MessageKey(message), Self(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac` module.
    /// P-061.
    #[test]
    fn known_answer() {
        let (message, next) = ChainKey(Secret32::new([7; 32])).step();
        assert_eq!(
            [hex::encode(message.0.as_bytes()), hex::encode(next.0.as_bytes())],
            [CHAIN_MESSAGE, CHAIN_NEXT]
        );
    }

    const CHAIN_MESSAGE: &str = "3d8b2fa2a2537fdcdda46e704966a105722d268d2e9ed43bbe5b1dd9d6802935";
    const CHAIN_NEXT: &str = "469e03123f1c9c6d5c3ffaa260c7fef9f863c0b6af93f7dcae5c13cbfdadfca5";
}
