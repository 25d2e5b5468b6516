//! The secret itself.

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::labels;
use crate::recovery::account::AccountSecrets;
use crate::recovery::text::{self, GROUPS, RecoveryKeyError};

/// 160 random bits. Shown once with a checksum of 20 bits, as nine groups of four characters.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; RecoveryKey::LEN]);

impl RecoveryKey {
    /// Length of the secret in bytes.
    pub const LEN: usize = 20;

    /// Draws a fresh key.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut secret = Self([0; Self::LEN]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    /// Reads what a person typed: upper or lower case, with or without spaces and hyphens, `O` for 0, `I` and `L` for 1.
    ///
    /// # Errors
    /// [`RecoveryKeyError`], naming the group where one can be named.
    pub fn parse(text: &str) -> Result<Self, RecoveryKeyError> {
        let (secret, checksum) = text::decode(text)?;
        let key = Self(*secret);
        if key.checksum() != checksum {
            return Err(RecoveryKeyError::Checksum);
        }
        Ok(key)
    }

    /// The nine groups, as shown and as asked for again.
    pub fn groups(&self) -> [Zeroizing<String>; GROUPS] {
        text::encode(&self.0, self.checksum())
    }

    /// Whether a person typed group `index` (from 0) rightly, read as tolerantly as the whole key.
    pub fn confirms(&self, index: usize, typed: &str) -> bool {
        self.groups()
            .get(index)
            .is_some_and(|group| text::same_group(group, typed))
    }

    /// The account's own keys.
    pub fn account(&self) -> AccountSecrets {
        AccountSecrets::derive(&self.0)
    }

    /// The first 20 bits of SHA-256(label ‖ secret).
    fn checksum(&self) -> u32 {
        let digest = Sha256::new()
            .chain_update(labels::RECOVERY_CHECKSUM)
            .chain_update(self.0)
            .finalize();
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) >> 12
    }
}

impl core::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(key: &RecoveryKey) -> String {
        key.groups().each_ref().map(|g| g.as_str()).join(" ")
    }

    /// Pinned: a key on paper must open the account in ten years.
    /// P-010.
    #[test]
    fn the_text_of_a_key_never_changes() {
        let key = RecoveryKey(core::array::from_fn(|i| i as u8));
        assert_eq!(shown(&key), "000G 40R4 0M30 E209 185G R38E 1W81 24GK N2JD");
    }

    /// P-010.
    #[test]
    fn reads_what_people_type() {
        let key = RecoveryKey([0x5a; 20]);
        let text = shown(&key);
        for typed in [
            text.clone(),
            text.to_lowercase(),
            text.replace(' ', ""),
            text.replace(' ', "-"),
            format!("  {}\n", text.replace(' ', " - ")),
            text.replace('0', "O").replace('1', "l"),
            text.replace('0', "o").replace('1', "I"),
            text.replace(' ', "\u{a0}"),
        ] {
            assert_eq!(RecoveryKey::parse(&typed).unwrap().0, key.0, "{typed}");
        }
        let groups = key.groups();
        assert!(key.confirms(0, &groups[0].to_lowercase()));
        assert!(key.confirms(8, &format!(" {} ", groups[8].as_str())));
        assert!(!key.confirms(0, &groups[8]));
        assert!(!key.confirms(0, ""));
        assert!(!key.confirms(9, &groups[8]));
    }

    #[test]
    fn names_the_group_or_the_checksum() {
        let text = shown(&RecoveryKey([0x5a; 20]));
        let with = |at: usize, c: char| {
            let mut chars: Vec<_> = text.chars().collect();
            chars[at] = c;
            RecoveryKey::parse(&chars.iter().collect::<String>()).unwrap_err()
        };
        assert_eq!(with(0, 'U'), RecoveryKeyError::Character { group: 1 });
        assert_eq!(with(10, 'é'), RecoveryKeyError::Character { group: 3 });
        assert_eq!(with(44 - 1, '!'), RecoveryKeyError::Character { group: 9 });
        assert_eq!(
            RecoveryKey::parse(&text[..40]).unwrap_err(),
            RecoveryKeyError::Length { got: 32 }
        );
        assert_eq!(
            RecoveryKey::parse("").unwrap_err(),
            RecoveryKeyError::Length { got: 0 }
        );
        let long = format!("{text} 0000");
        assert_eq!(
            RecoveryKey::parse(&long).unwrap_err(),
            RecoveryKeyError::Length { got: 40 }
        );
        // Missing and doubled characters inside groups that are typed apart.
        let missing = text.replacen(&text[5..9], &text[5..8], 1);
        assert_eq!(
            RecoveryKey::parse(&missing).unwrap_err(),
            RecoveryKeyError::GroupLength { group: 2 }
        );
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_answered(text in "[0-9a-zA-Z \\-é\u{a0}]{0,60}") {
            if let Err(RecoveryKeyError::Length { got }) = RecoveryKey::parse(&text) {
                prop_assert_ne!(got, 36);
            }
        }

        #[test]
        fn every_key_comes_back(secret in any::<[u8; 20]>()) {
            let key = RecoveryKey(secret);
            prop_assert_eq!(RecoveryKey::parse(&shown(&key)).unwrap().0, secret);
        }
    }

    /// Every single wrong character of one key: twenty bits of checksum miss one in a million, and none here.
    /// P-010.
    #[test]
    fn a_wrong_character_is_found() {
        let text: Vec<char> = shown(&RecoveryKey([0x5a; 20])).replace(' ', "").chars().collect();
        for at in 0..text.len() {
            for new in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
                .chars()
                .filter(|c| *c != text[at])
            {
                let mut typed = text.clone();
                typed[at] = new;
                let typed: String = typed.iter().collect();
                assert_eq!(
                    RecoveryKey::parse(&typed).unwrap_err(),
                    RecoveryKeyError::Checksum,
                    "{typed}"
                );
            }
        }
    }
}
