//! Labels and limits of the protocol, as the code has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{rust_files, text};

const PROTOCOL: &str = "docs/protocol.md";
/// Files whose every constant stands in the protocol.
const LIMITS: [&str; 2] = ["shared/wire/src/limits.rs", "shared/e2ee/src/ratchet/limits.rs"];
/// Every label begins so, and its role follows.
const LABEL: &str = "Chopar v1 ";

/// The first cell of every row of a table, without its backquotes, and the second.
fn rows(markdown: &str) -> impl Iterator<Item = (&str, &str)> {
    markdown.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.strip_suffix('`')?, cells.next()?))
    })
}

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

/// The constants of a file that are whole numbers, with what they are said to be.
fn constants(source: &str) -> BTreeMap<&str, &str> {
    let definition = |line: &'_ str| -> Option<(usize, usize)> {
        let at = line.find("const ")? + "const ".len();
        Some((at, at + line.get(at..)?.find(": ")?))
    };
    source
        .lines()
        .filter_map(|line| {
            let (from, to) = definition(line)?;
            let (kind, value) = line.get(to + 2..)?.split_once(" = ")?;
            let whole = ["u8", "u16", "u32", "u64", "usize"].contains(&kind);
            whole.then_some((line.get(from..to)?, value.strip_suffix(';')?))
        })
        .collect()
}

/// A product, sum or shift of numbers and other constants of the file or of the wire.
fn value(expression: &str, constants: &BTreeMap<&str, &str>) -> u64 {
    let part = |part| value(part, constants);
    if expression.contains(" + ") {
        return expression.split(" + ").map(part).sum();
    }
    if expression.contains(" * ") {
        return expression.split(" * ").map(part).product();
    }
    if let Some((number, by)) = expression.split_once(" << ") {
        return value(number, constants) << value(by, constants);
    }
    expression.replace('_', "").parse().unwrap_or_else(|_| {
        let name = expression.rsplit("::").next().unwrap();
        let wire = text(LIMITS[0]);
        match constants.get(name) {
            Some(other) => value(other, constants),
            None => value(self::constants(&wire)[name], &BTreeMap::new()),
        }
    })
}

#[test]
fn every_limit_of_the_protocol_has_the_value_of_the_code() {
    let protocol = text(PROTOCOL);
    let mut documented = BTreeMap::new();
    // A heading names the file whose limits follow.
    for section in protocol
        .split("\n#")
        .filter(|section| section.contains("Limits: `"))
    {
        let path = section.split('`').nth(1).unwrap();
        let source = text(path);
        let constants = constants(&source);
        for (name, said) in rows(section) {
            let digits: String = said
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == ',')
                .collect();
            let said: u64 = digits
                .replace(',', "")
                .parse()
                .unwrap_or_else(|_| panic!("{path} {name}: {said}"));
            let expression = constants
                .get(name)
                .unwrap_or_else(|| panic!("{path} has no {name}"));
            assert_eq!(said, value(expression, &constants), "{path} {name}");
            documented
                .entry(path)
                .or_insert_with(BTreeSet::new)
                .insert(name.to_owned());
        }
    }
    for path in LIMITS {
        let source = text(path);
        let missing: Vec<_> = constants(&source)
            .into_keys()
            .filter(|name| !documented.get(path).is_some_and(|names| names.contains(*name)))
            .collect();
        assert!(missing.is_empty(), "{path}: {missing:?} are not in the protocol");
    }
}

#[test]
fn expressions_are_reckoned() {
    let constants = BTreeMap::from([("A", "3 * 1_000"), ("B", "1 << 4"), ("C", "A + x::B")]);
    assert_eq!(value("C", &constants), 3_016);
    assert_eq!(value("chopar_wire::limits::PROTOCOL", &constants), 1);
}
