//! Which tests carry which numbers: a number counts where it stands in the comment directly above a test function.

use std::collections::{BTreeMap, BTreeSet};

/// What makes a function a test, as it begins a line.
const TEST_ATTRIBUTES: [&str; 3] = ["#[test]", "#[tokio::test", "#[wasm_bindgen_test"];

/// What makes a test of each function it lists, in the file that invokes it.
const TEST_MACROS: [&str; 1] = ["conformances!("];

/// Numbers to the tests that carry them, each as `path::function`.
pub(crate) type Carriers = BTreeMap<String, Vec<String>>;

/// Every `P-nnn` and `T-nnn` of a text, in order.
pub(crate) fn numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| is_number(word)).map(str::to_owned).collect()
}

fn is_number(word: &str) -> bool {
    let (kind, digits) = word.split_at_checked(2).unwrap_or(("", ""));
    ["P-", "T-"].contains(&kind) && digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Adds what one source file carries.
pub(crate) fn collect(path: &str, source: &str, carriers: &mut Carriers) {
    for (name, above) in tests(source) {
        for number in above {
            carriers
                .entry(number)
                .or_default()
                .push(format!("{path}::{name}"));
        }
    }
}

/// The test functions of a source file, each with the numbers directly above it.
pub(crate) fn tests(source: &str) -> Vec<(&str, Vec<String>)> {
    let listed = listed(source);
    let mut tests = Vec::new();
    let (mut above, mut is_test, mut attribute_depth) = (Vec::new(), false, 0);
    for line in source.lines().map(str::trim) {
        if line.starts_with("//") && !line.starts_with("//!") && attribute_depth == 0 {
            above.extend(numbers(line));
        } else if line.starts_with("#[") || attribute_depth > 0 {
            is_test |= TEST_ATTRIBUTES
                .iter()
                .any(|attribute| line.starts_with(attribute));
            attribute_depth += line.matches('[').count();
            attribute_depth -= line.matches(']').count().min(attribute_depth);
        } else {
            if let Some(name) = function(line).filter(|name| is_test || listed.contains(name)) {
                tests.push((name, std::mem::take(&mut above)));
            }
            above.clear();
            is_test = false;
        }
    }
    tests
}

fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// Every word inside an invocation of a macro that makes tests.
fn listed(source: &str) -> BTreeSet<&str> {
    let invocation = |name: &&'static str| {
        source
            .split(*name)
            .skip(1)
            .filter_map(|rest| rest.split(");").next())
    };
    let words = TEST_MACROS.iter().flat_map(invocation);
    words
        .flat_map(|list| list.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .collect()
}

#[test]
fn a_number_counts_directly_above_a_test_only() {
    let mut carriers = Carriers::new();
    let source = "\
        //! P-001 of the module\n\
        /// P-002 and T-003.\n\
        #[test]\n\
        fn tested() {}\n\
        // P-004\n\
        fn helper() {}\n\
        // P-005\n\
        \n\
        #[test]\n\
        fn apart() {}\n\
        // P-006, P-0070, XP-008, P-256x\n\
        #[tokio::test(flavor = \"multi_thread\")]\n\
        #[allow(\n    clippy::panic,\n    reason = \"why\"\n)]\n\
        async fn waits() {}\n\
        // P-009\n\
        async fn case(open: Open) {}\n\
        conformances!(sqlite: open => [\n    case,\n]);\n";
    collect("a.rs", source, &mut carriers);
    let found: Vec<_> = carriers
        .iter()
        .map(|(number, tests)| (number.as_str(), tests.join(" ")))
        .collect();
    let expected = [
        ("P-002", "a.rs::tested"),
        ("P-006", "a.rs::waits"),
        ("P-009", "a.rs::case"),
        ("T-003", "a.rs::tested"),
    ];
    assert_eq!(found, expected.map(|(number, tests)| (number, tests.to_owned())));
}
