//! Identifiers as types of their own: a device id can never be passed where a message id is wanted.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Bytes that should have been an identifier had another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {expected} bytes, {got} came")]
pub struct WrongLength {
    /// Which identifier was wanted.
    pub what: &'static str,
    /// Its length in bytes.
    pub expected: usize,
    /// The length that came.
    pub got: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes as they are.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes, for encoding and hashing.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = WrongLength;

            fn try_from(bytes: &[u8]) -> Result<Self, WrongLength> {
                let wrong = WrongLength { what: stringify!($name), expected: $len, got: bytes.len() };
                bytes.try_into().map(Self).map_err(|_| wrong)
            }
        }

        impl From<$name> for prost::bytes::Bytes {
            fn from(id: $name) -> Self {
                Self::copy_from_slice(&id.0)
            }
        }

        /// Lower-case hex.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        /// Parses lower- or upper-case hex of the exact length.
        impl core::str::FromStr for $name {
            type Err = WrongLength;

            fn from_str(text: &str) -> Result<Self, WrongLength> {
                let bytes = hex::decode(text).unwrap_or_default();
                Self::try_from(bytes.as_slice())
            }
        }

        /// The first four bytes only: enough to tell two apart in a test, useless for correlating logs.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}…)", stringify!($name), hex::encode(&self.0[..4]))
            }
        }
    };
}

id!(
    /// An account: SHA-256 of its first account public key. Survives replacement of that key.
    AccountId, 32
);
id!(
    /// A device: binds both of its identity keys (derived in `chopar-identity`).
    DeviceId, 16
);
id!(
    /// One envelope in one device's queue: 128 random bits, the key of idempotent submission.
    EnvelopeId, 16
);
id!(
    /// A message as people mean it: the same for every device that gets a copy.
    MessageId, 16
);
id!(
    /// A group: the hash of the first entry of its roster.
    GroupId, 32
);
id!(
    /// Names an invite in lists; tells nothing about its token.
    InviteId, 16
);
id!(
    /// One submission to many mailboxes: 128 random bits, from which the envelope id in each mailbox is derived.
    GroupSubmissionId, 16
);
id!(
    /// A log that only its writers can read: 128 random bits. Whoever knows it may fetch.
    OpaqueLogId, 16
);
id!(
    /// A file at the relay: 128 random bits, which nobody guesses. Whoever signed in and knows it may fetch.
    FileId, 16
);
id!(
    /// A file of a message, on a device that has the message: a hash of all that makes it this file and no other. Its sender
    /// chooses none of it freely, as they do its id.
    FileMark, 32
);

/// Position in one device's queue at the relay: rises, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueSeq(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_parses_back_and_wrong_lengths_are_named() {
        let id = DeviceId::new([0xab; 16]);
        assert_eq!(id.to_string().parse::<DeviceId>(), Ok(id));
        let wrong = DeviceId::try_from(&[1u8; 15][..]).unwrap_err();
        assert_eq!(wrong.to_string(), "DeviceId must be 16 bytes, 15 came");
        assert!("zz".parse::<AccountId>().is_err());
    }

    #[test]
    fn debug_shows_a_prefix_only() {
        assert_eq!(format!("{:?}", MessageId::new([1; 16])), "MessageId(01010101…)");
    }
}
