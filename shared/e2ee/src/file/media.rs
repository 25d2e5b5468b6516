//! Media types: a claim of the sender. Only a few kinds are shown as what they claim to be.

use super::limits::MAX_MEDIA_TYPE;

/// A media type (RFC 6838) in lower case, without parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(String);

/// A text is no media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a media type is two words with a slash between, at most {MAX_MEDIA_TYPE} bytes")]
pub struct MediaError;

/// Of what is not known to be anything else.
const ANY: &str = "application/octet-stream";

/// Pictures that browsers show without running anything of theirs (so not SVG), and the extensions that are theirs.
const PICTURES: [(&str, &[&str]); 5] = [
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/png", &["png"]),
    ("image/webp", &["webp"]),
    ("image/gif", &["gif"]),
    ("image/avif", &["avif"]),
];

/// Recordings as clients make and play them, and the extensions that are theirs.
const RECORDINGS: [(&str, &[&str]); 2] = [("audio/webm", &["webm", "weba"]), ("audio/mp4", &["m4a", "mp4"])];

impl MediaType {
    /// Takes a type as it came; an empty text stands for any kind of file. Letters are folded to lower case.
    ///
    /// # Errors
    /// [`MediaError`].
    pub fn parse(text: &str) -> Result<Self, MediaError> {
        if text.is_empty() {
            return Ok(Self(ANY.to_owned()));
        }
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        match text.split_once('/') {
            Some((kind, rest)) if text.len() <= MAX_MEDIA_TYPE && word(kind) && word(rest) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(MediaError),
        }
    }

    /// The type.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a picture that can be shown, of a file with this extension.
    pub(super) fn is_picture(&self, extension: Option<&str>) -> bool {
        self.is_one_of(&PICTURES, extension)
    }

    /// Whether it is a recording that can be played, of a file with this extension.
    pub(super) fn is_recording(&self, extension: Option<&str>) -> bool {
        self.is_one_of(&RECORDINGS, extension)
    }

    fn is_one_of(&self, kinds: &[(&str, &[&str])], extension: Option<&str>) -> bool {
        kinds
            .iter()
            .any(|(kind, theirs)| self.0 == *kind && extension.is_some_and(|one| theirs.contains(&one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P-325.
    #[test]
    fn types_are_folded_and_texts_that_are_none_refused() {
        let of = |text: &str| MediaType::parse(text).map(|kind| kind.0);
        assert_eq!(of("Image/JPEG").as_deref(), Ok("image/jpeg"));
        assert_eq!(of("").as_deref(), Ok(ANY));
        assert_eq!(
            of("application/vnd.oasis.opendocument.text").as_deref(),
            Ok("application/vnd.oasis.opendocument.text")
        );
        for bad in [
            "image",
            "/",
            "image/",
            "/png",
            "image/png; charset=x",
            "image/png\r\nx: y",
            "text/html,<script>",
            "a/b/c",
            "рисунок/png",
            &format!("a/{}", "b".repeat(127)),
        ] {
            assert_eq!(of(bad), Err(MediaError), "{bad:?}");
        }
    }
}
