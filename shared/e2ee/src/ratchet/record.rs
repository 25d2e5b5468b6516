//! A session at rest: versioned protobuf, to be sealed by the vault.
//!
//! Fields are only ever added; a change of meaning is a new version. Everything that is read back is checked as if it
//! came from outside: a damaged record is an error, never a half-right session.

use chopar_identity::X25519Public;
use chopar_wire::Timestamp;
use chopar_wire::prost::Message;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::chain::{ChainKey, MessageKey};
use super::errors::RecordError;
use super::header::HeaderTemplate;
use super::header_key::{HeaderKey, Tag};
use super::kem_turn::{Asked, Idle, KEM_KEY, KemState, Offered, PeerKey, SinceExchange};
use super::limits::{
    COUNTER_STOP, MAX_SKIPPED_KEYS, NEXT_SIGNAL_TAGS_AHEAD, NEXT_TAGS_AHEAD, RECEIVING_CHAINS,
    SIGNAL_RESTORE_JUMP, SIGNAL_TAGS_AHEAD, TAGS_AHEAD,
};
use super::profile::{Profile, Suite1};
use super::receiving::ReceivingChain;
use super::root::RootKey;
use super::seen::Seen;
use super::session::{Expected, OwnRatchet, SendingChain, Session, SessionId};
use super::skipped::{SkippedKey, SkippedKeys};
use super::tags::TagWindow;
use crate::keys::{Secret32, X25519Secret};

/// The version this module writes, and the only one it reads.
const VERSION: u32 = 1;

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct Record {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    associated_data: Vec<u8>,
    #[prost(uint64, tag = "4")]
    created: u64,
    #[prost(bool, tag = "5")]
    confirmed: bool,
    #[prost(bytes = "vec", tag = "6")]
    root: Vec<u8>,
    /// Private half of the own ratchet pair; empty before the first turn.
    #[prost(bytes = "vec", tag = "7")]
    own: Vec<u8>,
    /// Public half, kept to save a multiplication at each load.
    #[prost(bytes = "vec", tag = "8")]
    own_public: Vec<u8>,
    #[prost(bytes = "vec", tag = "9")]
    peer: Vec<u8>,
    #[prost(bool, tag = "10")]
    turn_due: bool,
    #[prost(message, optional, tag = "11")]
    sending: Option<SendingRecord>,
    #[prost(bytes = "vec", tag = "12")]
    next_sending_header: Vec<u8>,
    /// Newest first.
    #[prost(message, repeated, tag = "13")]
    receiving: Vec<ReceivingRecord>,
    #[prost(bytes = "vec", tag = "14")]
    next_receiving_header: Vec<u8>,
    /// Seed of the own KEM key that is offered; empty otherwise.
    #[prost(bytes = "vec", tag = "15")]
    kem_offered: Vec<u8>,
    /// The peer's KEM key that is unanswered; empty otherwise.
    #[prost(bytes = "vec", tag = "16")]
    kem_asked: Vec<u8>,
    #[prost(uint32, tag = "17")]
    exchange_messages: u32,
    #[prost(uint64, tag = "18")]
    exchange_at: u64,
    /// Oldest first.
    #[prost(message, repeated, tag = "19")]
    skipped: Vec<SkippedRecord>,
    #[prost(message, optional, tag = "20")]
    current_tags: Option<WindowRecord>,
    #[prost(message, optional, tag = "21")]
    next_tags: Option<WindowRecord>,
    #[prost(message, optional, tag = "22")]
    signal_tags: Option<WindowRecord>,
    #[prost(message, optional, tag = "23")]
    next_signal_tags: Option<WindowRecord>,
    #[prost(uint32, tag = "24")]
    signal_counter: u32,
}

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct SendingRecord {
    #[prost(bytes = "vec", tag = "1")]
    chain: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    header_key: Vec<u8>,
    #[prost(uint32, tag = "3")]
    number: u32,
    /// Header of the chain: ratchet key, length of the chain before, KEM field.
    #[prost(bytes = "vec", tag = "4")]
    template: Vec<u8>,
}

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct ReceivingRecord {
    #[prost(uint32, tag = "1")]
    generation: u32,
    #[prost(bytes = "vec", tag = "2")]
    ratchet: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    header_key: Vec<u8>,
    /// Empty once the chain is superseded.
    #[prost(bytes = "vec", tag = "4")]
    chain: Vec<u8>,
    #[prost(uint32, tag = "5")]
    next: u32,
    #[prost(bytes = "vec", tag = "6")]
    seen: Vec<u8>,
    #[prost(uint64, tag = "7")]
    since: u64,
}

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct SkippedRecord {
    #[prost(bytes = "vec", tag = "1")]
    tag: Vec<u8>,
    #[prost(uint32, tag = "2")]
    chain: u32,
    #[prost(uint32, tag = "3")]
    number: u32,
    #[prost(bytes = "vec", tag = "4")]
    key: Vec<u8>,
    #[prost(uint64, tag = "5")]
    since: u64,
}

#[derive(PartialEq, Message, Zeroize, ZeroizeOnDrop)]
#[prost(skip_debug)]
struct WindowRecord {
    #[prost(uint32, tag = "1")]
    first: u32,
    #[prost(bytes = "vec", tag = "2")]
    tags: Vec<u8>,
}

impl Session<Suite1> {
    /// Reads a record back.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes are damaged or of another version.
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        Self::from_record_with(Suite1, bytes)
    }
}

impl<P: Profile> Session<P> {
    /// The session as bytes: all of it is secret. Under 16 KiB without skipped keys, 70 bytes for each of those.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let (kem_offered, kem_asked) = match &self.kem {
            KemState::Idle(Idle) => Default::default(),
            KemState::Offered(offered) => (offered.seed.to_vec(), Vec::new()),
            KemState::Asked(asked) => (Vec::new(), asked.key.as_bytes().to_vec()),
        };
        let record = Record {
            version: VERSION,
            id: self.id.0.to_vec(),
            associated_data: self.associated_data.clone(),
            created: self.created.0,
            confirmed: self.confirmed,
            root: self.root.0.as_bytes().to_vec(),
            own: self
                .own
                .as_ref()
                .map(|own| own.secret.as_bytes().to_vec())
                .unwrap_or_default(),
            own_public: self
                .own
                .as_ref()
                .map(|own| own.public.as_bytes().to_vec())
                .unwrap_or_default(),
            peer: self.peer.map(|peer| peer.as_bytes().to_vec()).unwrap_or_default(),
            turn_due: self.turn_due,
            sending: self.sending.as_ref().map(sending_record),
            next_sending_header: self.next_sending_header.as_bytes().to_vec(),
            receiving: self.receiving.iter().map(receiving_record).collect(),
            next_receiving_header: self.next_receiving_header.as_bytes().to_vec(),
            kem_offered,
            kem_asked,
            exchange_messages: self.since_exchange.messages,
            exchange_at: self.since_exchange.at.0,
            skipped: self.skipped.iter().map(skipped_record).collect(),
            current_tags: window_record(&self.expected.current),
            next_tags: window_record(&self.expected.next),
            signal_tags: window_record(&self.expected.signals),
            next_signal_tags: window_record(&self.expected.next_signals),
            signal_counter: self.signal_counter,
        };
        Zeroizing::new(record.encode_to_vec())
    }

    /// [`from_record`](Session::from_record) of any profile.
    ///
    /// # Errors
    /// [`RecordError`] where the bytes are damaged or of another version.
    pub fn from_record_with(profile: P, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut record = Record::decode(bytes).map_err(|_| RecordError::Damaged("encoding"))?;
        if record.version != VERSION {
            return Err(RecordError::Version(record.version));
        }
        let own = match (record.own.is_empty(), record.own_public.is_empty()) {
            (true, true) => None,
            _ => Some(OwnRatchet {
                secret: X25519Secret::from_bytes(array(&record.own, "own ratchet key")?),
                public: public(&record.own_public, "own ratchet key")?,
            }),
        };
        let peer = match record.peer.is_empty() {
            true => None,
            false => Some(public(&record.peer, "peer ratchet key")?),
        };
        let sending = record.sending.as_mut().map(sending).transpose()?;
        if record.receiving.len() > RECEIVING_CHAINS {
            return Err(RecordError::Damaged("receiving chains"));
        }
        let receiving = record.receiving.iter().map(receiving).collect::<Result<_, _>>()?;
        if record.skipped.len() > MAX_SKIPPED_KEYS {
            return Err(RecordError::Damaged("skipped keys"));
        }
        let mut skipped = SkippedKeys::default();
        for key in &record.skipped {
            skipped.insert(skipped_key(key)?);
        }
        let signal_counter = record
            .signal_counter
            .saturating_add(SIGNAL_RESTORE_JUMP)
            .min(COUNTER_STOP);
        let session = Self {
            profile,
            id: SessionId(array(&record.id, "id")?),
            associated_data: core::mem::take(&mut record.associated_data),
            created: Timestamp(record.created),
            confirmed: record.confirmed,
            root: RootKey(secret(&record.root, "root")?),
            own,
            peer,
            turn_due: record.turn_due,
            sending,
            next_sending_header: HeaderKey::new(secret(&record.next_sending_header, "header key")?),
            receiving,
            next_receiving_header: HeaderKey::new(secret(&record.next_receiving_header, "header key")?),
            kem: kem_state(&record)?,
            since_exchange: SinceExchange {
                messages: record.exchange_messages,
                at: Timestamp(record.exchange_at),
            },
            skipped,
            expected: Expected {
                current: window(record.current_tags.as_ref(), TAGS_AHEAD)?,
                next: window(record.next_tags.as_ref(), NEXT_TAGS_AHEAD)?,
                signals: window(record.signal_tags.as_ref(), SIGNAL_TAGS_AHEAD)?,
                next_signals: window(record.next_signal_tags.as_ref(), NEXT_SIGNAL_TAGS_AHEAD)?,
            },
            signal_counter,
            // Another restart from the same record would begin here as well.
            signals_reserved: signal_counter,
            signal_wants_saving: false,
            revision: 0,
        };
        session
            .is_whole()
            .then_some(session)
            .ok_or(RecordError::Damaged("states that exclude each other"))
    }

    /// What the transitions guarantee and a damaged record may not.
    fn is_whole(&self) -> bool {
        let turn_possible = !self.turn_due || self.peer.is_some();
        let one_current = self
            .receiving
            .iter()
            .enumerate()
            .all(|(i, c)| c.chain.is_some() == (i == 0));
        let sent_or_due = self.sending.is_none() || self.own.is_some();
        turn_possible && one_current && sent_or_due
    }
}

fn sending_record(chain: &SendingChain) -> SendingRecord {
    SendingRecord {
        chain: chain.chain.0.as_bytes().to_vec(),
        header_key: chain.header_key.as_bytes().to_vec(),
        number: chain.number,
        template: chain.template.as_bytes().to_vec(),
    }
}

fn sending(record: &mut SendingRecord) -> Result<SendingChain, RecordError> {
    Ok(SendingChain {
        chain: ChainKey(secret(&record.chain, "sending chain")?),
        header_key: HeaderKey::new(secret(&record.header_key, "header key")?),
        number: record.number,
        template: HeaderTemplate::from_record(core::mem::take(&mut record.template))
            .ok_or(RecordError::Damaged("header"))?,
    })
}

fn receiving_record(chain: &ReceivingChain) -> ReceivingRecord {
    ReceivingRecord {
        generation: chain.generation,
        ratchet: chain.ratchet.as_bytes().to_vec(),
        header_key: chain.header_key.as_bytes().to_vec(),
        chain: chain
            .chain
            .as_ref()
            .map(|key| key.0.as_bytes().to_vec())
            .unwrap_or_default(),
        next: chain.seen.next(),
        seen: chain.seen.to_bytes(),
        since: chain.since.0,
    }
}

fn receiving(record: &ReceivingRecord) -> Result<ReceivingChain, RecordError> {
    let chain = match record.chain.is_empty() {
        true => None,
        false => Some(ChainKey(secret(&record.chain, "receiving chain")?)),
    };
    if record.next > COUNTER_STOP {
        return Err(RecordError::Damaged("receiving counter"));
    }
    if record.generation > COUNTER_STOP {
        return Err(RecordError::Damaged("receiving generation"));
    }
    Ok(ReceivingChain {
        generation: record.generation,
        ratchet: public(&record.ratchet, "receiving ratchet key")?,
        header_key: HeaderKey::new(secret(&record.header_key, "header key")?),
        chain,
        seen: Seen::from_bytes(record.next, &record.seen).ok_or(RecordError::Damaged("replay memory"))?,
        since: Timestamp(record.since),
    })
}

fn skipped_record(key: &SkippedKey) -> SkippedRecord {
    SkippedRecord {
        tag: key.tag.as_bytes().to_vec(),
        chain: key.chain,
        number: key.number,
        key: key.key.0.as_bytes().to_vec(),
        since: key.since.0,
    }
}

fn skipped_key(record: &SkippedRecord) -> Result<SkippedKey, RecordError> {
    Ok(SkippedKey {
        tag: Tag::new(array(&record.tag, "tag")?),
        chain: record.chain,
        number: record.number,
        key: MessageKey(secret(&record.key, "skipped key")?),
        since: Timestamp(record.since),
    })
}

fn kem_state(record: &Record) -> Result<KemState, RecordError> {
    let damaged = RecordError::Damaged("KEM state");
    match (record.kem_offered.as_slice(), record.kem_asked.as_slice()) {
        ([], []) => Ok(KemState::Idle(Idle)),
        (seed, []) => {
            let seed = Zeroizing::new(array(seed, "KEM seed")?);
            Ok(KemState::Offered(Offered { seed }))
        }
        ([], key) => {
            let key = Box::new(array::<KEM_KEY>(key, "KEM key")?);
            Ok(KemState::Asked(Asked {
                key: PeerKey::parse(key).ok_or(damaged)?,
            }))
        }
        _ => Err(damaged),
    }
}

fn window_record(window: &TagWindow) -> Option<WindowRecord> {
    Some(WindowRecord {
        first: window.first(),
        tags: window.to_bytes(),
    })
}

fn window(record: Option<&WindowRecord>, max: usize) -> Result<TagWindow, RecordError> {
    let damaged = RecordError::Damaged("expected tags");
    let record = record.ok_or(damaged)?;
    if record.first > COUNTER_STOP {
        return Err(damaged);
    }
    TagWindow::from_record(record.first, &record.tags, max).ok_or(damaged)
}

fn secret(bytes: &[u8], what: &'static str) -> Result<Secret32, RecordError> {
    array(bytes, what).map(Secret32::new)
}

fn public(bytes: &[u8], what: &'static str) -> Result<X25519Public, RecordError> {
    X25519Public::parse(bytes).map_err(|_| RecordError::Damaged(what))
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], RecordError> {
    bytes.try_into().map_err(|_| RecordError::Damaged(what))
}
