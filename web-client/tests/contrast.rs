//! Every text role has at least 4.5:1 on every surface it stands on, light and dark: computed from static/tokens.css.

use std::collections::BTreeMap;
use std::path::Path;

/// WCAG 2.2 AA for text.
const TEXT: f64 = 4.5;
/// WCAG 2.2 AA for what shows where a control is.
const CONTROL: f64 = 3.0;

/// (text, the surfaces it stands on).
const TEXTS: [(&str, &[&str]); 17] = [
    (
        "ink",
        &[
            "surface",
            "surface-raised",
            "surface-sunken",
            "surface-hover",
            "surface-chosen",
            "danger-surface",
        ],
    ),
    (
        "ink-muted",
        &[
            "surface",
            "surface-raised",
            "surface-sunken",
            "surface-hover",
            "surface-chosen",
        ],
    ),
    (
        "accent",
        &[
            "surface",
            "surface-raised",
            "surface-sunken",
            "surface-hover",
            "surface-chosen",
        ],
    ),
    ("accent-ink", &["accent", "accent-hover"]),
    ("bubble-own-ink", &["bubble-own"]),
    ("bubble-own-muted", &["bubble-own"]),
    ("bubble-peer-ink", &["bubble-peer"]),
    ("bubble-peer-muted", &["bubble-peer", "surface-hover"]),
    (
        "verified",
        &["surface", "surface-raised", "surface-hover", "surface-chosen"],
    ),
    (
        "read",
        &["bubble-own", "surface", "surface-hover", "surface-chosen"],
    ),
    ("warn", &["warn-surface", "surface"]),
    (
        "danger",
        &[
            "danger-surface",
            "surface",
            "surface-raised",
            "surface-hover",
            "surface-chosen",
            "surface-sunken",
        ],
    ),
    (
        "avatar-ink",
        &["hue-0", "hue-1", "hue-2", "hue-3", "hue-4", "hue-5"],
    ),
    (
        "avatar-ink",
        &["hue-6", "hue-7", "hue-8", "hue-9", "hue-10", "hue-11"],
    ),
    ("qr-dark", &["qr-light"]),
    ("ink", &["bubble-peer"]),
    ("surface", &["ink-muted"]),
];

#[test]
fn texts_stand_out_from_their_surfaces() -> std::io::Result<()> {
    let tokens = tokens()?;
    for (text, surfaces) in TEXTS {
        for surface in surfaces {
            check(&tokens, text, surface, TEXT);
        }
    }
    Ok(())
}

#[test]
fn edges_of_controls_can_be_seen() -> std::io::Result<()> {
    let tokens = tokens()?;
    for surface in ["surface", "surface-raised", "surface-sunken"] {
        check(&tokens, "line-strong", surface, CONTROL);
        check(&tokens, "accent", surface, CONTROL);
    }
    Ok(())
}

#[test]
fn the_measure_is_that_of_the_standard() {
    assert!((contrast([255.0; 3], [0.0; 3]) - 21.0).abs() < 1e-9);
    // #767676 on white is the known edge of AA.
    assert!((contrast([118.0; 3], [255.0; 3]) - 4.54).abs() < 0.01);
}

fn check(tokens: &Tokens, text: &str, surface: &str, least: f64) {
    assert!(
        tokens.contains_key(text),
        "--{text} is no colour pair in tokens.css"
    );
    assert!(
        tokens.contains_key(surface),
        "--{surface} is no colour pair in tokens.css"
    );
    for (theme, (ink, paper)) in ["light", "dark"]
        .iter()
        .zip(tokens[text].into_iter().zip(tokens[surface]))
    {
        let ratio = contrast(ink, paper);
        assert!(
            ratio >= least,
            "{theme}: --{text} on --{surface} has {ratio:.2}:1, needs {least}:1"
        );
    }
}

/// Names to (light, dark).
type Tokens = BTreeMap<String, [[f64; 3]; 2]>;

/// Every `--name: light-dark(#rrggbb, #rrggbb);`.
fn tokens() -> std::io::Result<Tokens> {
    let css = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/tokens.css"))?;
    let pair = |line: &str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let (light, dark) = value.strip_suffix(");")?.split_once(", ")?;
        Some((name.to_owned(), [colour(light)?, colour(dark)?]))
    };
    Ok(css.lines().filter_map(pair).collect())
}

fn colour(hex: &str) -> Option<[f64; 3]> {
    let hex = hex.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let channel = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok().map(f64::from);
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// Contrast ratio by WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(rgb: [f64; 3]) -> f64 {
    let linear = rgb.map(|channel| {
        let channel = channel / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}
