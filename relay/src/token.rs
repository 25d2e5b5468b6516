//! Invite tokens: 128 random bits, shown once, kept as a hash.

use sha2::{Digest, Sha256};

/// An invite's secret. No `Debug`: it is a key to the house.
pub(crate) struct Token([u8; 16]);

/// The system gave no randomness.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gave no randomness: {0}")]
pub(crate) struct NoRandomness(getrandom::Error);

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// Reads a token as it stands in a link.
pub(crate) fn parse(text: &str) -> Option<Token> {
    // Length first: nobody makes the relay decode a megabyte.
    if text.len() != 32 {
        return None;
    }
    let bytes = hex::decode(text).ok()?;
    Some(Token(bytes.try_into().ok()?))
}

impl Token {
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        random().map(Self)
    }

    /// As it stands in a link: 32 hex digits.
    pub(crate) fn text(&self) -> String {
        hex::encode(self.0)
    }

    /// What the relay keeps. A plain hash serves: 128 random bits cannot be guessed from it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_other_texts_are_none() {
        let token = Token::random().unwrap();
        assert_eq!(parse(&token.text()).unwrap().hash(), token.hash());
        assert_ne!(Token::random().unwrap().hash(), token.hash());
        for text in ["", "00", &"0".repeat(33), &"g".repeat(32), &"я".repeat(16)] {
            assert!(parse(text).is_none());
        }
    }
}
