//! 180 bits as nine groups of four Crockford base32 characters, and back from what a person typed.

use zeroize::Zeroizing;

/// Groups of a recovery key.
pub const GROUPS: usize = 9;
/// Characters of a group, five bits each.
const GROUP: usize = 4;
const CHARS: usize = GROUPS * GROUP;
/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Far longer than any way to write 36 characters with separators; bounds the work on pasted text.
const MAX_TYPED: usize = 1024;

/// Why a text is no recovery key. Whoever typed it can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryKeyError {
    /// A character that stands in no recovery key.
    #[error("group {group} holds a character that no recovery key has")]
    Character {
        /// Which group, from 1.
        group: usize,
    },
    /// The groups were typed apart and one is not four characters long.
    #[error("group {group} is not four characters long")]
    GroupLength {
        /// Which group, from 1.
        group: usize,
    },
    /// Not thirty-six characters.
    #[error("a recovery key has 36 characters, {got} came")]
    Length {
        /// How many came, separators not counted.
        got: usize,
    },
    /// Thirty-six possible characters, but some of them are not those that were shown.
    #[error("the recovery key's checksum does not match: a character is wrong")]
    Checksum,
}

pub(super) fn encode(secret: &[u8; 20], checksum: u32) -> [Zeroizing<String>; GROUPS] {
    core::array::from_fn(|group| {
        let mut text = Zeroizing::new(String::with_capacity(GROUP));
        for at in group * GROUP..(group + 1) * GROUP {
            let value = if at < 32 {
                five_bits(secret, at)
            } else {
                checksum >> (5 * (35 - at)) & 31
            };
            text.push(char::from(ALPHABET[value as usize]));
        }
        text
    })
}

pub(super) fn decode(typed: &str) -> Result<(Zeroizing<[u8; 20]>, u32), RecoveryKeyError> {
    if typed.len() > MAX_TYPED {
        return Err(RecoveryKeyError::Length {
            got: typed.chars().filter(|c| !is_separator(*c)).count(),
        });
    }
    let mut values = Zeroizing::new([0u8; CHARS]);
    let mut count = 0;
    for c in typed.chars().filter(|c| !is_separator(*c)) {
        let value = value(c).ok_or(RecoveryKeyError::Character {
            group: (count / GROUP + 1).min(GROUPS),
        })?;
        if let Some(place) = values.get_mut(count) {
            *place = value;
        }
        count += 1;
    }
    if count != CHARS {
        return Err(match odd_group(typed) {
            Some(group) => RecoveryKeyError::GroupLength { group },
            None => RecoveryKeyError::Length { got: count },
        });
    }
    let mut secret = Zeroizing::new([0; 20]);
    // Eight characters make five bytes.
    for (bytes, chars) in secret.chunks_exact_mut(5).zip(values.chunks_exact(8)) {
        let mut word = chars
            .iter()
            .fold(0u64, |word, value| word << 5 | u64::from(*value));
        for byte in bytes.iter_mut().rev() {
            *byte = (word & 0xff) as u8;
            word >>= 8;
        }
    }
    let checksum = values[32..]
        .iter()
        .fold(0, |sum, value| sum << 5 | u32::from(*value));
    Ok((secret, checksum))
}

/// Whether a typed group is the one shown.
pub(super) fn same_group(shown: &str, typed: &str) -> bool {
    let typed = typed.chars().filter(|c| !is_separator(*c)).map(value);
    shown.chars().map(value).eq(typed)
}

/// The first group of the wrong length, where nine groups were typed apart.
fn odd_group(typed: &str) -> Option<usize> {
    let groups: Vec<_> = typed
        .split(is_separator)
        .filter(|group| !group.is_empty())
        .collect();
    if groups.len() != GROUPS {
        return None;
    }
    groups
        .iter()
        .position(|group| group.chars().count() != GROUP)
        .map(|at| at + 1)
}

fn five_bits(secret: &[u8; 20], at: usize) -> u32 {
    let bit = at * 5;
    let pair = u32::from(secret[bit / 8]) << 8 | u32::from(secret.get(bit / 8 + 1).copied().unwrap_or(0));
    pair >> (11 - bit % 8) & 31
}

fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    ALPHABET
        .iter()
        .position(|a| char::from(*a) == c)
        .and_then(|at| u8::try_from(at).ok())
}

/// White space and every hyphen or dash that a keyboard or a word processor makes of one.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || c == '-' || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}
