//! Domain separation of files: one label per role.

/// Associated data of a file's chunks.
pub(crate) const CHUNK: &[u8] = b"Chopar v1 file-chunk";
/// Digest over the chunks of a file.
pub(crate) const DIGEST: &[u8] = b"Chopar v1 file-digest";
/// Name of a file on a device.
pub(crate) const MARK: &[u8] = b"Chopar v1 file-mark";

#[cfg(test)]
mod tests {
    use super::*;

    /// P-004.
    #[test]
    fn no_label_serves_two_roles() {
        let mut all = vec![CHUNK, DIGEST, MARK];
        all.extend(crate::ratchet::labels::ALL);
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|label| label.starts_with(b"Chopar v1 ")));
    }
}
