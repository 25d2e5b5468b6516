//! Labels of the protocol, as the code has them.

use std::collections::BTreeSet;

use crate::limits::rows;
use crate::sources::{rust_files, text};

const PROTOCOL: &str = "docs/protocol.md";
/// Every label begins so, and its role follows.
const LABEL: &str = "Chopar v1 ";

/// Labels in literals; not the bare beginning, and not what a comment says.
fn labels_in(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').filter(|literal| {
        let role = literal.strip_prefix(LABEL).unwrap_or_default();
        !role.is_empty()
            && role
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

// P-004
#[test]
fn every_label_of_the_code_stands_in_the_protocol_and_the_other_way_round() {
    let protocol = text(PROTOCOL);
    let documented: BTreeSet<&str> = rows(&protocol)
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(LABEL))
        .collect();
    let files: Vec<_> = ["shared", "web-client/src"]
        .into_iter()
        .flat_map(rust_files)
        .collect();
    let used: BTreeSet<&str> = files.iter().flat_map(|(_, source)| labels_in(source)).collect();
    assert!(used.len() > 20, "only {} labels were found", used.len());
    assert_eq!(documented, used);
}
