//! What the vault holds: one versioned protobuf message per kind of record.
//!
//! Records are the truth; what is in memory is a reading of them. A record that cannot be read is named, never guessed at.

pub(crate) mod account;
pub(crate) mod contact;
pub(crate) mod ending_file;
pub(crate) mod expiry;
pub(crate) mod group;
pub(crate) mod line;
pub(crate) mod opened_file;
pub(crate) mod outbox;
pub(crate) mod pending;
pub(crate) mod place;
pub(crate) mod prekey;
pub(crate) mod quarantine;
pub(crate) mod seen;
pub(crate) mod session;
pub(crate) mod upload;

use prost::Message;
use zeroize::Zeroizing;

use crate::effect::{Kind, Record, RecordKey};

/// The schema all records of this build have. A rise comes with a reading of the versions below.
pub(crate) const SCHEMA: u32 = 1;

/// Why a record cannot be read. The vault, or a build older than the one that wrote it, is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not protobuf of this kind.
    #[error("a record of kind {0:?} is malformed")]
    Malformed(Kind),
    /// Written by a build that knows more.
    #[error("a record of kind {kind:?} has schema {found}, {SCHEMA} is the newest known")]
    Schema {
        /// What it is.
        kind: Kind,
        /// The version it states.
        found: u32,
    },
    /// A field that must be there is not, or has a value that cannot be.
    #[error("a record of kind {kind:?} has no usable {field}")]
    Field {
        /// What it is.
        kind: Kind,
        /// Which field.
        field: &'static str,
    },
}

/// A message that is stored under one kind.
pub(crate) trait Stored: Message + Default {
    const KIND: Kind;

    fn schema(&self) -> u32;

    fn record(&self, partition: &[u8], sequence: u64) -> Record {
        Record {
            key: RecordKey {
                kind: Self::KIND,
                partition: partition.to_vec(),
                sequence,
            },
            value: Zeroizing::new(self.encode_to_vec()),
        }
    }

    fn read(value: &[u8]) -> Result<Self, RecordError> {
        let message = Self::decode(value).map_err(|_| RecordError::Malformed(Self::KIND))?;
        match message.schema() {
            SCHEMA => Ok(message),
            found => Err(Self::of_version(found)),
        }
    }

    /// Something inside it is of a version that this build does not know.
    fn of_version(found: u32) -> RecordError {
        RecordError::Schema {
            kind: Self::KIND,
            found,
        }
    }

    fn bad(field: &'static str) -> RecordError {
        RecordError::Field {
            kind: Self::KIND,
            field,
        }
    }
}

/// Implements [`Stored`] for a message with a `schema` field.
macro_rules! stored {
    ($name:ty, $kind:ident) => {
        impl $crate::records::Stored for $name {
            const KIND: $crate::effect::Kind = $crate::effect::Kind::$kind;

            fn schema(&self) -> u32 {
                self.schema
            }
        }
    };
}
pub(crate) use stored;

#[cfg(test)]
mod golden;

#[cfg(test)]
mod tests {
    use super::contact::MarksRecord;
    use super::*;

    /// P-303.
    #[test]
    fn damage_and_the_future_are_named() {
        assert_eq!(
            MarksRecord::read(&[0xff, 0xff]).err(),
            Some(RecordError::Malformed(Kind::Contact))
        );
        let future = MarksRecord {
            schema: 9,
            ..Default::default()
        }
        .encode_to_vec();
        let error = MarksRecord::read(&future).err();
        assert_eq!(
            error,
            Some(RecordError::Schema {
                kind: Kind::Contact,
                found: 9
            })
        );
        assert!(MarksRecord::read(&[]).is_err(), "an empty value states no schema");
    }
}
