//! Domain separation of groups: one label per role. Those of signatures and hashes are in `chopar_wire::labels`.

/// Key and nonce of a message's header, from the epoch's header key.
pub(crate) const HEADER: &[u8] = b"Chopar v1 group-header";
/// Key and nonce of a message's content, from its message key.
pub(crate) const CONTENT: &[u8] = b"Chopar v1 group-content";
/// Key and nonce of a message's signature, from the epoch's header key.
pub(crate) const SIGNATURE: &[u8] = b"Chopar v1 group-signature";
/// Key of an epoch's recognition tags, from its header key.
pub(crate) const TAG: &[u8] = b"Chopar v1 group-tag";
/// Key and nonce of a roster entry in the opaque log, from the log key.
pub(crate) const LOG: &[u8] = b"Chopar v1 group-log";
/// Seed of the opaque log's write key, from the log key.
pub(crate) const LOG_WRITE: &[u8] = b"Chopar v1 group-log-write";

#[cfg(test)]
mod tests {
    use super::*;

    /// P-004.
    #[test]
    fn no_label_serves_two_roles() {
        let mut all = vec![HEADER, CONTENT, SIGNATURE, TAG, LOG, LOG_WRITE];
        all.extend([
            chopar_wire::labels::GROUP_ENTRY.as_bytes(),
            chopar_wire::labels::GROUP_HASH.as_bytes(),
            chopar_wire::labels::GROUP_MESSAGE.as_bytes(),
        ]);
        all.extend(crate::ratchet::labels::ALL);
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|label| label.starts_with(b"Chopar v1 ")));
    }
}
