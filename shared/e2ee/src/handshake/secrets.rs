//! What a finished handshake hands to the ratchet.

use chopar_identity::X25519Public;

use crate::keys::Secret32;

/// What both sides know after a handshake, and nobody else: the ratchet starts from it.
///
/// The responder's first ratchet key is the signed prekey of its bundle: the initiator starts with its public half,
/// [`responder_ratchet`](Self::responder_ratchet); the responder looks up the private half by the header's id.
pub struct HandshakeSecrets {
    /// SK of PQXDH: the first root key.
    pub root: Secret32,
    /// Header key of the initiator's first sending chain.
    pub initiator_header_key: Secret32,
    /// Header key of the responder's first sending chain (its "next" header key in the Double Ratchet, section 4).
    pub responder_header_key: Secret32,
    /// AD: authenticates suite, identities and prekeys with every message. Full profile: suite ‖ enc(IKa) ‖ enc(IKb) ‖
    /// length-prefixed ids ‖ digest of the prekeys; oracle profile: enc(IKa) ‖ enc(IKb).
    pub associated_data: Vec<u8>,
    /// The responder's signed prekey, its first ratchet public key.
    pub responder_ratchet: X25519Public,
}

/// Neither the keys nor who talks to whom.
impl core::fmt::Debug for HandshakeSecrets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HandshakeSecrets(…)")
    }
}
