//! Looks for markers in bytes, in every encoding somebody might have written them in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Shorter markers could occur by chance in base64 of random bytes.
const MARKER_MIN: usize = 12;

/// A text that must not be found, and all the forms it is looked for in.
#[derive(Clone, Debug)]
pub struct Marker {
    text: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

/// Where a marker was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The marker.
    pub marker: String,
    /// Which form of it.
    pub form: &'static str,
    /// In what.
    pub place: String,
}

impl Marker {
    /// A marker of at least twelve bytes.
    ///
    /// # Errors
    /// When it is shorter.
    pub fn new(text: &str) -> Result<Self> {
        ensure!(
            text.len() >= MARKER_MIN,
            "{text:?} is too short to be searched for"
        );
        let bytes = text.as_bytes();
        let mut forms = vec![
            ("UTF-8", bytes.to_vec()),
            (
                "UTF-16LE",
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ),
            (
                "UTF-16BE",
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            ),
            ("hex", hex::encode(bytes).into_bytes()),
            ("HEX", hex::encode_upper(bytes).into_bytes()),
        ];
        for before in 0..3 {
            let form = base64_core(bytes, before);
            let url = form.iter().map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            });
            forms.push(("base64url", url.collect()));
            forms.push(("base64", form));
        }
        Ok(Self {
            text: text.to_owned(),
            forms,
        })
    }

    /// The forms in which it occurs in `bytes`.
    pub fn traces(&self, bytes: &[u8], place: &str) -> Vec<Trace> {
        let hits = self.forms.iter().filter(|(_, form)| contains(bytes, form));
        hits.map(|(form, _)| Trace {
            marker: self.text.clone(),
            form,
            place: place.to_owned(),
        })
        .collect()
    }

    /// The same over every file below `folder`.
    ///
    /// # Errors
    /// When there is no file, or one cannot be read.
    pub fn traces_below(&self, folder: &Path) -> Result<Vec<Trace>> {
        let files = files_below(folder)?;
        ensure!(!files.is_empty(), "{} holds no files to search", folder.display());
        let mut traces = Vec::new();
        for file in files {
            let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
            traces.extend(self.traces(&bytes, &file.display().to_string()));
        }
        Ok(traces)
    }
}

/// What base64 makes of `bytes` with `before` bytes in front of them, without the characters that neighbours change too.
fn base64_core(bytes: &[u8], before: usize) -> Vec<u8> {
    let mut padded = vec![0; before];
    padded.extend_from_slice(bytes);
    let whole = padded.len() / 3 * 3;
    let encoded = BASE64_STANDARD.encode(&padded[..whole]);
    // The first `before` bytes reach into this many characters.
    let spoilt = [0, 2, 3][before];
    encoded.as_bytes()[spoilt..].to_vec()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else {
        return false;
    };
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        let after = from + at + 1;
        if haystack[after..].starts_with(rest) {
            return true;
        }
        from = after;
    }
    false
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found_at_every_alignment() {
        let marker = Marker::new("чойхонада учрашамиз-7f3a").unwrap();
        let text = "чойхонада учрашамиз-7f3a".as_bytes();
        for before in 0..7 {
            let mut bytes = vec![0x41; before];
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(b"tail");
            assert!(marker.traces(&bytes, "x").iter().any(|t| t.form == "UTF-8"));
            let encoded = BASE64_STANDARD.encode(&bytes);
            assert!(
                marker
                    .traces(encoded.as_bytes(), "x")
                    .iter()
                    .any(|t| t.form == "base64"),
                "{before}"
            );
            let encoded = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&bytes);
            assert!(
                marker
                    .traces(encoded.as_bytes(), "x")
                    .iter()
                    .any(|t| t.form == "base64url"),
                "{before}"
            );
            assert!(
                marker
                    .traces(hex::encode(&bytes).as_bytes(), "x")
                    .iter()
                    .any(|t| t.form == "hex")
            );
        }
        let wide: Vec<u8> = "чойхонада учрашамиз-7f3a"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(marker.traces(&wide, "x")[0].form, "UTF-16LE");
        assert!(marker.traces(b"something else entirely", "x").is_empty());
        assert!(Marker::new("short").is_err());
    }
}
