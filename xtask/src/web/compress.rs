//! Compressed forms, made once here instead of on every request.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

/// Brotli at its strongest, with a window (in powers of two) that holds a whole module.
const BROTLI_QUALITY: i32 = 11;
const BROTLI_WINDOW: i32 = 22;

/// The brotli form, or `None` if it is no smaller than `bytes`.
pub(crate) fn brotli(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &parameters)?;
    Ok(smaller(packed, bytes))
}

/// The gzip form, or `None` if it is no smaller than `bytes`.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(smaller(encoder.finish()?, bytes))
}

fn smaller(packed: Vec<u8>, bytes: &[u8]) -> Option<Vec<u8>> {
    (packed.len() < bytes.len()).then_some(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn both_forms_unpack_to_the_same_bytes_and_are_the_same_each_time() {
        let bytes = "the courier carries the letter and cannot read it. "
            .repeat(200)
            .into_bytes();
        let (br, gz) = (brotli(&bytes).unwrap().unwrap(), gzip(&bytes).unwrap().unwrap());
        let (mut from_br, mut from_gz) = (Vec::new(), Vec::new());
        brotli::BrotliDecompress(&mut &br[..], &mut from_br).unwrap();
        flate2::read::GzDecoder::new(&gz[..])
            .read_to_end(&mut from_gz)
            .unwrap();
        assert_eq!(from_br, bytes);
        assert_eq!(from_gz, bytes);
        assert!(br.len() < gz.len());
        assert_eq!(gzip(&bytes).unwrap().unwrap(), gz);
    }

    #[test]
    fn what_does_not_shrink_is_not_kept() {
        assert_eq!(brotli(b"x").unwrap(), None);
        assert_eq!(gzip(b"x").unwrap(), None);
    }
}
