//! A message on the wire.
//!
//! ```text
//!   tag 16 ‖ salt 16 ‖ class 1 ‖ sealed header (57 or 1241) ‖ content ‖ 16
//! ```
//! The class byte says which of the two header lengths follows (0 bare, 1 with a KEM area); it is authenticated with
//! the header. The oracle profile has no wire encoding: there a message is `header 40 ‖ content ‖ 16`, in memory only.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::aead::{AEAD_TAG, OneUse, SALT};
use super::chain::MessageKey;
use super::errors::OpenError;
use super::header::{BARE, PLAIN, WITH_KEM};
use super::header_key::{HeaderKey, Tag};
use super::labels;
use super::profile::Profile;

const CLASS_BARE: u8 = 0;
const CLASS_KEM: u8 = 1;
/// Tag, salt and class.
const PREFIX: usize = Tag::LEN + SALT + 1;
/// HMAC fills a salt up with zeros, so these stand for the 32 of the transcripts.
const NO_SALT: [u8; SALT] = [0; SALT];

/// The parts of a message, nothing decrypted yet.
pub(super) struct Wire<'a> {
    pub(super) tag: Tag,
    salt: &'a [u8; SALT],
    class: u8,
    /// Sealed; in clear in the oracle profile.
    header: &'a [u8],
    content: &'a [u8],
    content_tag: &'a [u8; AEAD_TAG],
}

impl<'a> Wire<'a> {
    /// Splits a message of profile `P`.
    pub(super) fn parse<P: Profile>(message: &'a [u8]) -> Result<Self, OpenError> {
        let short = OpenError::Malformed("too short");
        let (tag, salt, class, header_len, rest) = if P::FULL {
            let (tag, rest) = message.split_first_chunk().ok_or(short)?;
            let (salt, rest) = rest.split_first_chunk().ok_or(short)?;
            let (&class, rest) = rest.split_first().ok_or(short)?;
            let header = match class {
                CLASS_BARE => BARE,
                CLASS_KEM => WITH_KEM,
                _ => return Err(OpenError::Malformed("header class")),
            };
            (Tag::new(*tag), salt, class, header + AEAD_TAG, rest)
        } else {
            (Tag::new([0; 16]), &NO_SALT, CLASS_BARE, PLAIN, message)
        };
        let (header, rest) = rest.split_at_checked(header_len).ok_or(short)?;
        let (content, content_tag) = rest.split_last_chunk().ok_or(short)?;
        Ok(Self {
            tag,
            salt,
            class,
            header,
            content,
            content_tag,
        })
    }

    /// The header in clear, under `key`; `None` where it does not authenticate. AAD = AD ‖ tag ‖ class.
    pub(super) fn open_header(&self, key: &HeaderKey, associated: &[u8]) -> Option<Vec<u8>> {
        let (sealed, tag) = self.header.split_last_chunk::<AEAD_TAG>()?;
        let mut header = sealed.to_vec();
        let associated = header_associated(associated, &self.tag, self.class);
        OneUse::derive(self.salt, key.as_bytes(), labels::HEADER)
            .open(&associated, &mut header, tag)
            .then_some(header)
    }

    /// The header where it is in clear.
    pub(super) fn plain_header(&self) -> Vec<u8> {
        self.header.to_vec()
    }

    /// The content, under its message key. AAD = AD ‖ header bytes.
    pub(super) fn open_content(
        &self,
        profile: &impl Profile,
        key: &MessageKey,
        associated: &[u8],
        header: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut content = Zeroizing::new(self.content.to_vec());
        let associated = [associated, header].concat();
        let opened = OneUse::derive(self.salt, key.0.as_bytes(), profile.message_label()).open(
            &associated,
            &mut content,
            self.content_tag,
        );
        opened.then_some(content).ok_or(OpenError::Authentication)
    }
}

/// Everything one message is made of.
pub(super) struct Parts<'a, P: Profile> {
    pub(super) profile: &'a P,
    pub(super) associated: &'a [u8],
    pub(super) header_key: &'a HeaderKey,
    pub(super) message_key: MessageKey,
    pub(super) number: u32,
    /// Writes the header into a buffer of the length it has.
    pub(super) header: &'a super::header::HeaderTemplate,
    pub(super) plaintext: &'a [u8],
}

impl<P: Profile> Parts<'_, P> {
    /// Seals header and content into one buffer, allocated once.
    pub(super) fn seal(self, rng: &mut impl CryptoRng) -> Vec<u8> {
        let header_len = if P::FULL {
            self.header.as_bytes().len()
        } else {
            PLAIN
        };
        let mut header = vec![0; header_len];
        self.header.write(self.number, &mut header);
        let mut salt = NO_SALT;
        let mut out = Vec::with_capacity(PREFIX + header_len + self.plaintext.len() + 2 * AEAD_TAG);
        if P::FULL {
            rng.fill_bytes(&mut salt);
            let tag = self.header_key.tag(self.number);
            let class = if header_len == WITH_KEM {
                CLASS_KEM
            } else {
                CLASS_BARE
            };
            out.extend_from_slice(tag.as_bytes());
            out.extend_from_slice(&salt);
            out.push(class);
            out.extend_from_slice(&header);
            let seal = OneUse::derive(&salt, self.header_key.as_bytes(), labels::HEADER).seal(
                &header_associated(self.associated, &tag, class),
                &mut out[PREFIX..],
            );
            out.extend_from_slice(&seal);
        } else {
            out.extend_from_slice(&header);
        }
        let content = out.len();
        out.extend_from_slice(self.plaintext);
        let associated = [self.associated, &header].concat();
        let seal = OneUse::derive(&salt, self.message_key.0.as_bytes(), self.profile.message_label())
            .seal(&associated, &mut out[content..]);
        out.extend_from_slice(&seal);
        out
    }
}

fn header_associated(associated: &[u8], tag: &Tag, class: u8) -> Vec<u8> {
    [associated, tag.as_bytes(), &[class]].concat()
}

#[cfg(test)]
mod tests {
    use super::super::profile::Suite1;
    use super::*;

    /// P-063.
    #[test]
    fn shapes_that_are_no_message_are_malformed() {
        let shortest = PREFIX + BARE + 2 * AEAD_TAG;
        let parse = |message: &[u8]| Wire::parse::<Suite1>(message).map(|w| w.content.len());
        assert_eq!(parse(&vec![0; shortest]), Ok(0));
        for len in 0..shortest {
            assert_eq!(
                parse(&vec![0; len]),
                Err(OpenError::Malformed("too short")),
                "{len}"
            );
        }
        let mut with_kem = vec![0; shortest];
        with_kem[32] = CLASS_KEM;
        assert_eq!(parse(&with_kem), Err(OpenError::Malformed("too short")));
        with_kem.resize(PREFIX + WITH_KEM + 2 * AEAD_TAG + 5, 0);
        assert_eq!(parse(&with_kem), Ok(5));
        with_kem[32] = 2;
        assert_eq!(parse(&with_kem), Err(OpenError::Malformed("header class")));
    }
}
