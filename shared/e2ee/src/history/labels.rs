//! Domain separation of history files: one label per role.

/// Context of a history file's key, which is sealed to the recovery key.
pub(super) const KEY: &[u8] = b"Chopar v1 history-key";
/// Associated data of a history file's chunks.
pub(super) const CHUNK: &[u8] = b"Chopar v1 history-chunk";
/// Tells apart the recovery keys that history files are sealed to.
pub(super) const MARK: &[u8] = b"Chopar v1 history-mark";

#[cfg(test)]
mod tests {
    use super::*;

    /// P-004.
    #[test]
    fn no_label_serves_two_roles() {
        let mut all = vec![KEY, CHUNK, MARK, crate::labels::RECOVERY_SEAL];
        all.extend(crate::ratchet::labels::ALL);
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|label| label.starts_with(b"Chopar v1 ")));
    }
}
