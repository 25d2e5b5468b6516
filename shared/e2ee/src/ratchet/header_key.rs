//! A chain's header key, the recognition tags it makes, and the signal key below it.

use std::sync::OnceLock;

use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::kdf::{hkdf, hmac, hmac_of};
use super::labels;
use crate::keys::Secret32;

/// The first 16 bytes of a message or signal: names the session and the position to who holds the header key, and is
/// random to everybody else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; 16]);

impl Tag {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// Takes the bytes as they are.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The tag a message or signal begins with; `None` where it is too short to have one.
    pub fn of(message: &[u8]) -> Option<Self> {
        message.first_chunk().copied().map(Self)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn truncated(hash: &[u8; 32]) -> Self {
        let mut tag = [0; 16];
        tag.copy_from_slice(&hash[..16]);
        Self(tag)
    }
}

/// The first two bytes only, enough to tell two apart in a test.
impl core::fmt::Debug for Tag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Tag({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// A header key with the keys below it, each derived at most once and only where wanted.
pub(crate) struct HeaderKey {
    key: Secret32,
    /// Keyed already: every message makes at least one tag, and a turn dozens.
    tags: OnceLock<Hmac<Sha256>>,
    signals: OnceLock<SignalKey>,
}

impl HeaderKey {
    pub(crate) const fn new(key: Secret32) -> Self {
        Self {
            key,
            tags: OnceLock::new(),
            signals: OnceLock::new(),
        }
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Recognition tag of message `number`: HMAC-SHA256(HKDF(header key, label tag), number), 16 bytes.
    pub(crate) fn tag(&self, number: u32) -> Tag {
        let tags = self.tags.get_or_init(|| tags_below(&self.key, labels::TAG));
        Tag::truncated(&hmac_of(tags.clone(), &number.to_be_bytes()))
    }

    /// The signal key of this chain.
    pub(crate) fn signals(&self) -> &SignalKey {
        self.signals.get_or_init(|| {
            let key = below(&self.key, labels::SIGNAL);
            SignalKey {
                tags: tags_below(&key, labels::SIGNAL_TAG),
                key,
            }
        })
    }
}

/// HKDF(header key, label signal): signals are sealed and recognised under it, the chain does not advance.
pub(crate) struct SignalKey {
    key: Secret32,
    tags: Hmac<Sha256>,
}

impl SignalKey {
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Tag of the signal with this counter.
    pub(crate) fn tag(&self, counter: u32) -> Tag {
        Tag::truncated(&hmac_of(self.tags.clone(), &counter.to_be_bytes()))
    }
}

fn below(key: &Secret32, label: &[u8]) -> Secret32 {
    let derived: Zeroizing<[u8; 32]> = hkdf(&[], &[key.as_bytes()], &[label]);
    Secret32::new(*derived)
}

fn tags_below(key: &Secret32, label: &[u8]) -> Hmac<Sha256> {
    hmac(below(key, label).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_differ_by_number_key_and_role() {
        let (a, b) = (
            HeaderKey::new(Secret32::new([1; 32])),
            HeaderKey::new(Secret32::new([2; 32])),
        );
        let tags = [
            a.tag(0),
            a.tag(1),
            b.tag(0),
            a.signals().tag(0),
            b.signals().tag(0),
        ];
        for (i, x) in tags.iter().enumerate() {
            assert!(tags[i + 1..].iter().all(|y| x != y));
        }
        assert_eq!(a.tag(1), HeaderKey::new(Secret32::new([1; 32])).tag(1));
    }

    #[test]
    fn a_tag_is_the_first_sixteen_bytes() {
        assert_eq!(Tag::of(&[7; 40]), Some(Tag::new([7; 16])));
        assert_eq!(Tag::of(&[7; 15]), None);
        assert_eq!(format!("{:?}", Tag::new([0xab; 16])), "Tag(abab…)");
    }
}
