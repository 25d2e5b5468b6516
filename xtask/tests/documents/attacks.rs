//! The attacks on other messengers that the threat model answers, one by one.

use crate::sources::{root, rust_files, text};

const THREAT_MODEL: &str = "docs/threat-model.md";
/// As many as the list has that the design was made against.
const ATTACKS: usize = 22;
/// What stands where an attack has nothing to strike at yet.
const NOT_YET: &str = "comes with";

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
    for row in &rows {
        let [number, attempted, becomes, unprotected, proof] = row[..] else {
            panic!("A-{}: {} cells", row[0], row.len());
        };
        assert!(!attempted.is_empty() && !becomes.is_empty(), "A-{number}");
        let proofs: Vec<_> = quoted(proof).collect();
        let not_yet = unprotected.contains(NOT_YET);
        assert!(!proofs.is_empty() || not_yet, "A-{number} has no proof");
        for proof in proofs {
            let exists = proof.split('/').count() > 1 && root().join(proof).exists()
                || sources.iter().any(|(path, source)| {
                    path.ends_with(&format!("/{proof}.rs"))
                        || path.contains(&format!("/{proof}/"))
                        || path.starts_with(&format!("{proof}/"))
                        || source.contains(&format!("fn {proof}("))
                        || path.starts_with("proofs/") && source.contains(&format!("\"{proof}\""))
                });
            assert!(exists, "A-{number}: there is no {proof}");
        }
    }
}
