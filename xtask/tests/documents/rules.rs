//! Every rule has a test, and every number above a test is a rule.

use std::collections::BTreeSet;

use crate::carriers::{Carriers, collect, numbers};
use crate::sources::{rust_files, text};

/// Where rules are defined: a rule is a row of a table that begins with its number.
const DOCUMENTS: [&str; 2] = ["docs/protocol.md", "docs/threat-model.md"];

fn defined() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for document in DOCUMENTS {
        for line in text(document).lines() {
            let first = line.strip_prefix("| ").and_then(|row| row.split(" |").next());
            if let Some([number]) = first.map(numbers).as_deref()
                && first == Some(number)
            {
                assert!(rules.insert(number.clone()), "{number} is defined twice");
            }
        }
    }
    rules
}

fn carried() -> Carriers {
    let mut carriers = Carriers::new();
    for (path, source) in rust_files(".") {
        // The test of the reader itself has numbers that mean nothing.
        if !path.ends_with("documents/carriers.rs") {
            collect(&path, &source, &mut carriers);
        }
    }
    carriers
}

#[test]
fn every_rule_has_a_test_and_every_number_is_a_rule() {
    let (rules, carriers) = (defined(), carried());
    assert!(rules.len() > 70, "only {} rules were found", rules.len());
    for rule in &rules {
        println!(
            "{rule}: {}",
            carriers
                .get(rule)
                .map_or("-".to_owned(), |tests| tests.join(", "))
        );
    }
    let untested: Vec<_> = rules
        .iter()
        .filter(|rule| !carriers.contains_key(*rule))
        .collect();
    let unknown: Vec<_> = carriers
        .iter()
        .filter(|(number, _)| !rules.contains(*number))
        .collect();
    assert!(untested.is_empty(), "rules without a test: {untested:?}");
    assert!(
        unknown.is_empty(),
        "numbers that no document defines: {unknown:?}"
    );
}
