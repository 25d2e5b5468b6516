//! The attacks on other messengers that the threat model answers, one by one.

use std::collections::BTreeSet;

use crate::carriers;
use crate::sources::{root, rust_files, text};

const THREAT_MODEL: &str = "docs/threat-model.md";
/// As many as the list has that the design was made against.
const ATTACKS: usize = 22;

/// Cells of the row of each attack.
fn rows(markdown: &str) -> Vec<Vec<&str>> {
    let attacks = markdown.lines().filter_map(|line| line.strip_prefix("| A-"));
    let cells = attacks.filter_map(|row| row.strip_suffix('|'));
    cells.map(|row| row.split('|').map(str::trim).collect()).collect()
}

/// What stands between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_known_attack_is_answered_and_its_proof_exists() {
    let document = text(THREAT_MODEL);
    let rows = rows(&document);
    let numbers: Vec<_> = rows.iter().map(|row| row[0]).collect();
    let expected: Vec<_> = (1..=ATTACKS).map(|number| format!("{number:02}")).collect();
    assert_eq!(numbers, expected, "each number once, in order");
    let sources = rust_files(".");
    let tests: BTreeSet<&str> = sources
        .iter()
        .flat_map(|(_, source)| carriers::tests(source))
        .map(|(name, _)| name)
        .collect();
    for row in &rows {
        let [number, attempted, becomes, _unprotected, proof] = row[..] else {
            panic!("A-{}: {} cells", row[0], row.len());
        };
        assert!(!attempted.is_empty() && !becomes.is_empty(), "A-{number}");
        let proofs: Vec<_> = quoted(proof).collect();
        assert!(!proofs.is_empty(), "A-{number} has no proof");
        for proof in proofs {
            // A path has a folder: a word alone could be anything.
            let exists = match proof.contains('/') {
                true => root().join(proof).exists(),
                false => tests.contains(proof),
            };
            assert!(exists, "A-{number}: {proof} is neither a test nor a path");
        }
    }
}
