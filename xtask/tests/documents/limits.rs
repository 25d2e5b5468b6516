//! Limits of the protocol, as the code has them: every number in the shared crates that bounds something stands in the
//! protocol with its value and a reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{rust_files, text};

const PROTOCOL: &str = "docs/protocol.md";
/// What other files' expressions may name.
const WIRE: &str = "shared/wire/src/limits.rs";
/// Sources that are no part of a product build.
const TESTS: [&str; 7] = [
    "/tests/",
    "/tests.rs",
    "/fixture.rs",
    "/oracle.rs",
    "/vectors.rs",
    "/examples/",
    "/simulator/",
];
/// Numbers that bound nothing: lengths and marks of formats, which the rules of the protocol give where they describe the
/// format, and numbers of versions and places.
const LAYOUT: [(&str, &[&str]); 39] = [
    ("shared/wire/src/group.rs", &["HEAD", "LEN"]),
    ("shared/identity/src/opaque.rs", &["MAX_AROUND_ENTRY"]),
    ("shared/wire/src/ids.rs", &["LEN"]),
    ("shared/identity/src/keys.rs", &["LEN", "COEFFICIENTS", "Q"]),
    ("shared/identity/src/lib.rs", &["SUITE"]),
    ("shared/identity/src/signed.rs", &["SIGNATURE_LEN"]),
    ("shared/e2ee/src/lib.rs", &["SUITE"]),
    ("shared/e2ee/src/group/epoch.rs", &["CONTEXT"]),
    ("shared/e2ee/src/group/message.rs", &["HEADER", "SIGNATURE"]),
    ("shared/e2ee/src/group/record.rs", &["VERSION"]),
    ("shared/e2ee/src/handshake/header.rs", &["LEN"]),
    ("shared/e2ee/src/history/mod.rs", &["PLACE", "BODY", "NOWHERE"]),
    ("shared/e2ee/src/history/header.rs", &["VERSION", "MARK", "LEN"]),
    ("shared/e2ee/src/history/open.rs", &["STORED"]),
    ("shared/e2ee/src/keys/kem.rs", &["LEN"]),
    (
        "shared/e2ee/src/keys/ml_kem.rs",
        &["KEY", "CIPHERTEXT", "PRIVATE"],
    ),
    ("shared/e2ee/src/padding.rs", &["END"]),
    (
        "shared/e2ee/src/prekeys.rs",
        &[
            "EC_WITHOUT_PUBLIC",
            "PQ",
            "ONE_TIME_WITHOUT_PUBLIC",
            "EC",
            "ONE_TIME",
        ],
    ),
    ("shared/e2ee/src/ratchet/aead.rs", &["AEAD_TAG", "SALT"]),
    (
        "shared/e2ee/src/ratchet/header.rs",
        &[
            "BARE",
            "WITH_KEM",
            "PLAIN",
            "FLAG_NONE",
            "FLAG_OFFER",
            "FLAG_ANSWER",
        ],
    ),
    ("shared/e2ee/src/ratchet/header_key.rs", &["LEN"]),
    (
        "shared/e2ee/src/ratchet/kem_turn.rs",
        &["KEM_KEY", "KEM_CIPHERTEXT"],
    ),
    (
        "shared/e2ee/src/ratchet/message.rs",
        &["CLASS_BARE", "CLASS_KEM", "PREFIX"],
    ),
    ("shared/e2ee/src/ratchet/record.rs", &["VERSION"]),
    ("shared/e2ee/src/ratchet/seen.rs", &["WORDS"]),
    ("shared/e2ee/src/ratchet/signal.rs", &["HEAD"]),
    ("shared/e2ee/src/recovery/key.rs", &["LEN"]),
    ("shared/e2ee/src/recovery/seal.rs", &["LEN"]),
    ("shared/e2ee/src/recovery/text.rs", &["GROUP", "CHARS"]),
    ("shared/e2ee/src/safety_number.rs", &["QR_VERSION"]),
    (
        "shared/e2ee/src/seal/body.rs",
        &["HANDSHAKE_FORM", "SESSION_FORM"],
    ),
    ("shared/e2ee/src/seal/handshake_form.rs", &["OVERHEAD"]),
    ("shared/engine/src/group/rows.rs", &["BLOCK_BITS"]),
    ("shared/engine/src/prekeys.rs", &["DAY_MS"]),
    ("shared/engine/src/records/contact.rs", &["STATE", "LOG", "MARKS"]),
    ("shared/engine/src/records/group.rs", &["STATE", "ROSTER"]),
    ("shared/engine/src/records/mod.rs", &["SCHEMA"]),
    ("shared/engine/src/search/index.rs", &["HEAD"]),
    (
        "shared/engine/src/search/segment.rs",
        &["VERSION", "HEAD", "CONVERSATION", "LINE"],
    ),
];

/// The first cell of every row of a table, without its backquotes, and the second.
pub(crate) fn rows(markdown: &str) -> impl Iterator<Item = (&str, &str)> {
    markdown.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.strip_suffix('`')?, cells.next()?))
    })
}

/// The constants of a file that are whole numbers, with what they are said to be; not those of its tests.
fn constants(source: &str) -> BTreeMap<&str, &str> {
    let definition = |line: &'_ str| -> Option<(usize, usize)> {
        let at = line.find("const ")? + "const ".len();
        Some((at, at + line.get(at..)?.find(": ")?))
    };
    let product = source.split("mod tests {").next().unwrap_or_default();
    product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter_map(|line| {
            let (from, to) = definition(line)?;
            let (kind, value) = line.get(to + 2..)?.split_once(" = ")?;
            let whole = ["u8", "u16", "u32", "u64", "usize"].contains(&kind);
            whole.then_some((line.get(from..to)?, value.strip_suffix(';')?))
        })
        .collect()
}

/// A sum, difference, product, quotient or shift of numbers and other constants of the file or of the wire.
fn value(expression: &str, constants: &BTreeMap<&str, &str>) -> u64 {
    type Reckon = fn(u64, u64) -> u64;
    const SIGNS: [(&str, Reckon); 5] = [
        (" + ", |a, b| a + b),
        (" - ", |a, b| a - b),
        (" * ", |a, b| a * b),
        (" / ", |a, b| a / b),
        (" << ", |a, b| a << b),
    ];
    for (sign, reckon) in SIGNS {
        if expression.contains(sign) {
            let parts = expression.split(sign).map(|part| value(part, constants));
            return parts.reduce(reckon).unwrap();
        }
    }
    expression.replace('_', "").parse().unwrap_or_else(|_| {
        let name = expression.rsplit("::").next().unwrap();
        let wire = text(WIRE);
        match constants.get(name) {
            Some(other) => value(other, constants),
            None => value(
                self::constants(&wire)
                    .get(name)
                    .unwrap_or_else(|| panic!("{name} is neither in the file nor in {WIRE}")),
                &BTreeMap::new(),
            ),
        }
    })
}

/// Limits that the protocol lists, by file; checked against the code on the way.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let protocol = text(PROTOCOL);
    let mut documented = BTreeMap::<String, BTreeSet<String>>::new();
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
            let names = documented.entry(path.to_owned()).or_default();
            assert!(names.insert(name.to_owned()), "{path} {name} stands there twice");
        }
    }
    documented
}

#[test]
fn every_limit_of_the_protocol_has_the_value_of_the_code() {
    let limits: usize = documented().values().map(BTreeSet::len).sum();
    assert!(limits > 60, "only {limits} limits were found");
}

#[test]
fn every_limit_of_the_code_stands_in_the_protocol() {
    let documented = documented();
    let mut layout: BTreeSet<(String, String)> = LAYOUT
        .iter()
        .flat_map(|(path, names)| names.iter().map(|name| ((*path).to_owned(), (*name).to_owned())))
        .collect();
    let mut missing = Vec::new();
    for (path, source) in rust_files("shared") {
        let product = path.contains("/src/") && !TESTS.iter().any(|part| path.contains(part));
        if !product {
            continue;
        }
        for (name, expression) in constants(&source) {
            let listed = documented.get(&path).is_some_and(|names| names.contains(name));
            let is_layout = layout.remove(&(path.clone(), name.to_owned()));
            assert!(
                !(listed && is_layout),
                "{path} {name} is both a limit and a layout"
            );
            if !listed && !is_layout {
                missing.push(format!("{path}: | `{name}` | {expression} | what, and why |"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "a row in section 13 of {PROTOCOL} (or LAYOUT here, where it bounds nothing) for each of\n{}",
        missing.join("\n")
    );
    assert!(layout.is_empty(), "the code has no longer {layout:?}");
}

#[test]
fn expressions_are_reckoned() {
    let constants = BTreeMap::from([
        ("A", "3 * 1_000"),
        ("B", "1 << 4"),
        ("C", "A + x::B"),
        ("D", "C / 2 - B"),
    ]);
    assert_eq!(value("C", &constants), 3_016);
    assert_eq!(value("D", &constants), 1_508 - 16);
    assert_eq!(value("chopar_wire::limits::PROTOCOL", &constants), 1);
}
