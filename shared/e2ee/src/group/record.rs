//! Both ends of an epoch at rest: versioned protobuf, to be sealed by the vault. What is read back is checked as if it came
//! from outside.

use chopar_identity::Ed25519Public;
use chopar_wire::Timestamp;
use chopar_wire::ids::{AccountId, DeviceId, GroupId};
use ed25519_dalek::SigningKey;
use prost::Message;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::epoch::EpochId;
use super::header_key::HeaderKey;
use super::limits::EPOCH_MESSAGES;
use super::receiving::ReceivingEpoch;
use super::roster::RosterHead;
use super::sending::SendingEpoch;
use crate::keys::Secret32;
use crate::ratchet::chain::{ChainKey, MessageKey};
use crate::ratchet::limits::{MAX_SKIPPED_KEYS, TAGS_AHEAD};
use crate::ratchet::seen::Seen;
use crate::ratchet::skipped::{SkippedKey, SkippedKeys};
use crate::ratchet::tags::TagWindow;
use crate::ratchet::{RecordError, Tag};

/// The version this module writes, and the only one it reads.
const VERSION: u32 = 1;

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct Record {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(bytes = "vec", tag = "2")]
    group: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    account: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    device: Vec<u8>,
    #[prost(uint32, tag = "5")]
    roster_length: u32,
    #[prost(bytes = "vec", tag = "6")]
    roster_head: Vec<u8>,
    #[prost(uint32, tag = "7")]
    generation: u32,
    #[prost(bytes = "vec", tag = "8")]
    chain: Vec<u8>,
    #[prost(bytes = "vec", tag = "9")]
    header_key: Vec<u8>,
    /// Sending end: the seed. Receiving end: the public key.
    #[prost(bytes = "vec", tag = "10")]
    signing: Vec<u8>,
    #[prost(uint32, tag = "11")]
    next: u32,
    /// Sending end: when it began. Receiving end: when it was superseded, 0 for not yet.
    #[prost(uint64, tag = "12")]
    time: u64,
    /// Receiving end only, as everything below.
    #[prost(bytes = "vec", tag = "13")]
    seen: Vec<u8>,
    #[prost(message, repeated, tag = "14")]
    skipped: Vec<SkippedRecord>,
    /// Tags of the window that begins with `next`.
    #[prost(bytes = "vec", tag = "15")]
    tags: Vec<u8>,
    /// 1 + the length of a closed epoch.
    #[prost(uint32, tag = "16")]
    length: u32,
}

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct SkippedRecord {
    #[prost(bytes = "vec", tag = "1")]
    tag: Vec<u8>,
    #[prost(uint32, tag = "2")]
    number: u32,
    #[prost(bytes = "vec", tag = "3")]
    key: Vec<u8>,
    #[prost(uint64, tag = "4")]
    since: u64,
}

impl SendingEpoch {
    /// The epoch at rest; holds secrets.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut record = named(&self.id);
        record.chain = self.chain.0.as_bytes().to_vec();
        record.header_key = self.header_key.as_bytes().to_vec();
        record.signing = self.signing.as_bytes().to_vec();
        record.next = self.next;
        record.time = self.created.0;
        Zeroizing::new(record.encode_to_vec())
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes are damaged or of another version.
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = decode(bytes)?;
        if record.next > EPOCH_MESSAGES {
            return Err(RecordError::Damaged("counter"));
        }
        Ok(Self {
            id: id(&record)?,
            chain: ChainKey(secret(&record.chain, "chain")?),
            header_key: HeaderKey::new(secret(&record.header_key, "header key")?),
            signing: SigningKey::from_bytes(secret(&record.signing, "signing key")?.as_bytes()),
            next: record.next,
            created: Timestamp(record.time),
        })
    }
}

impl ReceivingEpoch {
    /// The epoch at rest; holds secrets.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut record = named(&self.id);
        record.chain = self.chain.0.as_bytes().to_vec();
        record.header_key = self.header_key.as_bytes().to_vec();
        record.signing = self.signer.as_bytes().to_vec();
        record.next = self.seen.next();
        record.time = self.superseded.map_or(0, |at| at.0);
        record.seen = self.seen.to_bytes();
        record.skipped = self.skipped.iter().map(skipped_record).collect();
        record.tags = self.expected.to_bytes();
        record.length = self.length.map_or(0, |length| length.saturating_add(1));
        Zeroizing::new(record.encode_to_vec())
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes are damaged or of another version.
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = decode(bytes)?;
        if record.next > EPOCH_MESSAGES {
            return Err(RecordError::Damaged("counter"));
        }
        if record.skipped.len() > MAX_SKIPPED_KEYS {
            return Err(RecordError::Damaged("skipped keys"));
        }
        let mut skipped = SkippedKeys::default();
        for key in &record.skipped {
            skipped.insert(skipped_key(key)?);
        }
        Ok(Self {
            id: id(&record)?,
            chain: ChainKey(secret(&record.chain, "chain")?),
            header_key: HeaderKey::new(secret(&record.header_key, "header key")?),
            signer: Ed25519Public::parse(&record.signing).map_err(|_| RecordError::Damaged("signing key"))?,
            seen: Seen::from_bytes(record.next, &record.seen).ok_or(RecordError::Damaged("replay memory"))?,
            skipped,
            expected: TagWindow::from_record(record.next, &record.tags, TAGS_AHEAD)
                .ok_or(RecordError::Damaged("expected tags"))?,
            length: record.length.checked_sub(1),
            superseded: (record.time != 0).then_some(Timestamp(record.time)),
            revision: 0,
        })
    }
}

fn named(id: &EpochId) -> Record {
    let mut record = Record::default();
    record.version = VERSION;
    record.group = id.group.as_bytes().to_vec();
    record.account = id.account.as_bytes().to_vec();
    record.device = id.device.as_bytes().to_vec();
    record.roster_length = id.head.length;
    record.roster_head = id.head.hash.to_vec();
    record.generation = id.generation;
    record
}

fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
    let record = Record::decode(bytes).map_err(|_| RecordError::Damaged("encoding"))?;
    match record.version {
        VERSION => Ok(record),
        other => Err(RecordError::Version(other)),
    }
}

fn id(record: &Record) -> Result<EpochId, RecordError> {
    let damaged = |_| RecordError::Damaged("name of the epoch");
    Ok(EpochId {
        group: GroupId::try_from(record.group.as_slice()).map_err(damaged)?,
        account: AccountId::try_from(record.account.as_slice()).map_err(damaged)?,
        device: DeviceId::try_from(record.device.as_slice()).map_err(damaged)?,
        head: RosterHead {
            length: record.roster_length,
            hash: array(&record.roster_head, "roster head")?,
        },
        generation: record.generation,
    })
}

fn skipped_record(key: &SkippedKey) -> SkippedRecord {
    SkippedRecord {
        tag: key.tag.as_bytes().to_vec(),
        number: key.number,
        key: key.key.0.as_bytes().to_vec(),
        since: key.since.0,
    }
}

fn skipped_key(record: &SkippedRecord) -> Result<SkippedKey, RecordError> {
    Ok(SkippedKey {
        tag: Tag::new(array(&record.tag, "tag")?),
        chain: 0,
        number: record.number,
        key: MessageKey(secret(&record.key, "skipped key")?),
        since: Timestamp(record.since),
    })
}

fn secret(bytes: &[u8], what: &'static str) -> Result<Secret32, RecordError> {
    array(bytes, what).map(Secret32::new)
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], RecordError> {
    bytes.try_into().map_err(|_| RecordError::Damaged(what))
}
