//! Domain separation of the ratchet's key derivations: one label per role.

/// Root step: root, chain and next header key.
pub(crate) const ROOT: &[u8] = b"Chopar v1 root";
/// Key and nonce of one message's content, from its message key.
pub(crate) const MESSAGE: &[u8] = b"Chopar v1 message";
/// Key and nonce of one message's header, from the chain's header key.
pub(crate) const HEADER: &[u8] = b"Chopar v1 header";
/// Key of a chain's recognition tags, from its header key.
pub(crate) const TAG: &[u8] = b"Chopar v1 tag";
/// Signal key of a chain, from its header key.
pub(crate) const SIGNAL: &[u8] = b"Chopar v1 signal";
/// Key and nonce of one signal, from the signal key.
pub(crate) const SIGNAL_SEAL: &[u8] = b"Chopar v1 signal-seal";
/// Key of a chain's signal tags, from the signal key.
pub(crate) const SIGNAL_TAG: &[u8] = b"Chopar v1 signal-tag";
/// Name of a session, from everything the handshake made.
pub(crate) const SESSION_ID: &[u8] = b"Chopar v1 session-id";

/// All of them, for the test that no label serves two roles.
#[cfg(test)]
pub(crate) const ALL: [&[u8]; 8] = [
    ROOT,
    MESSAGE,
    HEADER,
    TAG,
    SIGNAL,
    SIGNAL_SEAL,
    SIGNAL_TAG,
    SESSION_ID,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// P-004.
    #[test]
    fn no_label_serves_two_roles_or_begins_another() {
        for (i, a) in ALL.iter().enumerate() {
            assert!(a.starts_with(b"Chopar v1 "));
            for (j, b) in ALL.iter().enumerate() {
                assert!(i == j || a != b);
            }
        }
        for signed in [
            chopar_wire::labels::BUNDLE,
            chopar_wire::labels::SIGN_IN,
            chopar_wire::labels::RECOVER,
            chopar_wire::labels::ONE_TIME,
        ] {
            assert!(!ALL.contains(&signed.as_bytes()));
        }
    }
}
