//! What is shown of a file before it is fetched.

use prost::bytes::Bytes;

use super::limits::{MAX_DURATION_MS, MAX_SIDE, MAX_THUMBNAIL, MAX_WAVEFORM};

/// What a sender says of a file's looks; all of it is a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// A small picture of it, at most [`MAX_THUMBNAIL`] bytes; empty: none.
    pub thumbnail: Bytes,
    /// Width and height of a picture, in pixels.
    pub sides: Option<(u32, u32)>,
    /// How long a recording lasts, in milliseconds; 0: not said.
    pub duration_ms: u32,
    /// Loudness over its time, one byte a bar; empty: none.
    pub waveform: Bytes,
}

/// Looks that no client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LooksError {
    /// More bytes than a small picture has.
    #[error("a small picture has at most {MAX_THUMBNAIL} bytes")]
    Thumbnail,
    /// One side without the other, or beyond any picture.
    #[error("a picture has two sides of 1 to {MAX_SIDE} pixels")]
    Sides,
    /// Too many bars, or bars of what does not last.
    #[error("a waveform has at most {MAX_WAVEFORM} bars, and a duration")]
    Waveform,
    /// Longer than anything is.
    #[error("a recording lasts at most {MAX_DURATION_MS} milliseconds")]
    Duration,
}

impl Looks {
    /// Holds them to their bounds.
    pub(super) fn check(&self) -> Result<(), LooksError> {
        let side = |side: u32| (1..=MAX_SIDE).contains(&side);
        if self.thumbnail.len() > MAX_THUMBNAIL {
            return Err(LooksError::Thumbnail);
        }
        if self
            .sides
            .is_some_and(|(width, height)| !side(width) || !side(height))
        {
            return Err(LooksError::Sides);
        }
        if self.duration_ms > MAX_DURATION_MS {
            return Err(LooksError::Duration);
        }
        if self.waveform.len() > MAX_WAVEFORM || (!self.waveform.is_empty() && self.duration_ms == 0) {
            return Err(LooksError::Waveform);
        }
        Ok(())
    }
}
