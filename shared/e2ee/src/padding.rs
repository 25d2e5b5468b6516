//! Padding: a length tells little about what was said.

/// The smallest padded size in bytes: a receipt looks like a short text.
pub const MIN_PADDED: usize = 256;
/// The largest padded size in bytes: longer text goes as an attachment.
pub const MAX_PADDED: usize = 16 * 1024;
/// The longest content in bytes: one byte marks where it ends.
pub const MAX_CONTENT: usize = MAX_PADDED - 1;

/// Marks the end of the content; zeros follow.
const END: u8 = 0x80;

/// The content does not fit. Our own side is at fault, or asks for an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content of {got} bytes is longer than {limit}")]
pub struct TooLong {
    /// Its size in bytes.
    pub got: usize,
    /// The bound.
    pub limit: usize,
}

/// What should have been padded content is not. The peer is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the padding is malformed")]
pub struct BadPadding;

/// Pads content to the next of the sizes: 256 bytes, then about 10 % more each, at most 16 KiB.
///
/// # Errors
/// [`TooLong`] above [`MAX_CONTENT`].
pub fn pad(content: &[u8]) -> Result<Vec<u8>, TooLong> {
    pad_within(content, MAX_PADDED)
}

/// Takes the padding off.
///
/// # Errors
/// [`BadPadding`] where the size is none of the sizes or no end is marked.
pub fn unpad(padded: &[u8]) -> Result<&[u8], BadPadding> {
    unpad_within(padded, MAX_PADDED)
}

/// As [`pad`], up to another largest size.
pub(crate) fn pad_within(content: &[u8], limit: usize) -> Result<Vec<u8>, TooLong> {
    let size = padded_size(content.len() + 1, limit).ok_or(TooLong {
        got: content.len(),
        limit: limit.saturating_sub(1),
    })?;
    let mut padded = Vec::with_capacity(size);
    padded.extend_from_slice(content);
    padded.push(END);
    padded.resize(size, 0);
    Ok(padded)
}

/// As [`unpad`], up to another largest size.
pub(crate) fn unpad_within(padded: &[u8], limit: usize) -> Result<&[u8], BadPadding> {
    if padded_size(padded.len(), limit) != Some(padded.len()) {
        return Err(BadPadding);
    }
    let end = padded.iter().rposition(|&b| b != 0).ok_or(BadPadding)?;
    if padded[end] != END {
        return Err(BadPadding);
    }
    Ok(&padded[..end])
}

/// The smallest of the sizes that holds `length` bytes.
fn padded_size(length: usize, limit: usize) -> Option<usize> {
    let mut size = MIN_PADDED;
    while size < length && size < limit {
        // In blocks of 16 bytes, so that sizes stay round numbers.
        size = (size + size / 10).next_multiple_of(16).min(limit);
    }
    (size >= length).then_some(size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// P-083.
    #[test]
    fn sizes_are_few_and_steps_small() {
        let mut sizes: Vec<_> = (0..=MAX_CONTENT)
            .map(|n| pad(&vec![1; n]).unwrap().len())
            .collect();
        sizes.dedup();
        assert_eq!((sizes[0], *sizes.last().unwrap()), (MIN_PADDED, MAX_PADDED));
        assert!(sizes.len() < 45, "{} sizes", sizes.len());
        for pair in sizes.windows(2) {
            assert!(pair[1] <= pair[0] + pair[0] / 10 + 16, "{pair:?}");
        }
        assert_eq!(
            pad(&[0; MAX_PADDED]),
            Err(TooLong {
                got: MAX_PADDED,
                limit: MAX_CONTENT
            })
        );
    }

    /// P-083.
    #[test]
    fn foreign_padding_is_refused() {
        assert_eq!(unpad(&[]), Err(BadPadding));
        assert_eq!(unpad(&[0; 256]), Err(BadPadding));
        assert_eq!(unpad(&[1; 256]), Err(BadPadding));
        let mut odd = pad(b"x").unwrap();
        odd.push(0);
        assert_eq!(unpad(&odd), Err(BadPadding));
        assert_eq!(unpad(&[END; 16 * 1024 + 16]), Err(BadPadding));
    }

    proptest! {
        /// P-083.
        #[test]
        fn content_comes_back(content in prop::collection::vec(any::<u8>(), 0..3000)) {
            let padded = pad(&content).unwrap();
            prop_assert_eq!(unpad(&padded), Ok(content.as_slice()));
        }

        /// Content that ends like padding is still told from it.
        #[test]
        fn content_that_looks_like_padding_comes_back(zeros in 0usize..300, ends in 0usize..3) {
            let mut content = vec![END; ends];
            content.resize(ends + zeros, 0);
            let padded = pad(&content).unwrap();
            prop_assert_eq!(unpad(&padded), Ok(content.as_slice()));
        }
    }
}
