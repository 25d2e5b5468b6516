//! Domain separation of what is not the ratchet's: one label per role.

/// Key agreement of the handshake: SK and the first header keys.
pub(crate) const HANDSHAKE: &[u8] = b"Chopar v1 handshake";
/// Digest of the prekeys that a handshake used, for its associated data.
pub(crate) const PREKEYS: &[u8] = b"Chopar v1 handshake-prekeys";
/// HPKE context of an envelope in handshake form.
pub(crate) const SEAL: &[u8] = b"Chopar v1 seal";
/// Checksum of the recovery key.
pub(crate) const RECOVERY_CHECKSUM: &[u8] = b"Chopar v1 recovery-checksum";
/// The account signing key, from the recovery key.
pub(crate) const RECOVERY_ACCOUNT: &[u8] = b"Chopar v1 recovery-account-key";
/// The classical half of the recovery seal key, from the recovery key.
pub(crate) const RECOVERY_SEAL_X25519: &[u8] = b"Chopar v1 recovery-seal-x25519";
/// The post-quantum half of the recovery seal key, from the recovery key.
pub(crate) const RECOVERY_SEAL_KEM: &[u8] = b"Chopar v1 recovery-seal-kem";
/// A key sealed to the recovery key.
pub(crate) const RECOVERY_SEAL: &[u8] = b"Chopar v1 recovery-seal";

#[cfg(test)]
mod tests {
    use super::*;

    /// P-004.
    #[test]
    fn no_label_serves_two_roles() {
        let all = [
            HANDSHAKE,
            PREKEYS,
            SEAL,
            RECOVERY_CHECKSUM,
            RECOVERY_ACCOUNT,
            RECOVERY_SEAL_X25519,
            RECOVERY_SEAL_KEM,
            RECOVERY_SEAL,
            chopar_wire::labels::BUNDLE.as_bytes(),
            chopar_wire::labels::DEVICE_ID.as_bytes(),
            chopar_wire::labels::LOG_ENTRY.as_bytes(),
            chopar_wire::labels::LOG_HASH.as_bytes(),
            chopar_wire::labels::ONE_TIME.as_bytes(),
            chopar_wire::labels::SIGN_IN.as_bytes(),
            chopar_wire::labels::RECOVER.as_bytes(),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(
            all.iter()
                .all(|label| label.starts_with(b"Chopar v1 ") && !label.contains(&0))
        );
    }
}
