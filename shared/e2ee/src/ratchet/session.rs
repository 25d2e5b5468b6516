//! One established ratchet between this device and one device of a peer.

use std::collections::VecDeque;

use chopar_identity::X25519Public;
use chopar_wire::Timestamp;

use super::chain::ChainKey;
use super::header::HeaderTemplate;
use super::header_key::{HeaderKey, Tag};
use super::kdf::hkdf;
use super::kem_turn::{Idle, KemState, SinceExchange};
use super::labels;
use super::limits::{
    KEY_LIFETIME_MS, NEXT_SIGNAL_TAGS_AHEAD, NEXT_TAGS_AHEAD, RECEIVING_CHAINS, SIGNAL_RESTORE_JUMP,
    SIGNAL_TAGS_AHEAD, TAGS_AHEAD,
};
use super::profile::{Profile, Suite1};
use super::receiving::ReceivingChain;
use super::root::RootKey;
use super::skipped::SkippedKeys;
use super::tags::{TagChanges, TagKind, TagWindow};
use crate::handshake::HandshakeSecrets;
use crate::keys::X25519Secret;

/// Names a session: the same on both sides, different for each handshake, derived one-way from its secrets. For the
/// vault's keys and the engine's maps; never sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(super) [u8; 16]);

impl SessionId {
    /// Takes the bytes as they are.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The first two bytes only, enough to tell two apart in a test.
impl core::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SessionId({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// One established ratchet (Double Ratchet revision 3 with header encryption, and the protocol's section "Ratchet").
///
/// `encrypt` and `seal_signal` change the session; save [`to_record`](Self::to_record) before what they return leaves
/// the device. Opening changes nothing: it returns a draft, which [`commit`](Self::commit) applies. A session is never
/// copied; a copy that encrypts would repeat positions.
pub struct Session<P: Profile = Suite1> {
    pub(super) profile: P,
    pub(super) id: SessionId,
    pub(super) associated_data: Vec<u8>,
    pub(super) created: Timestamp,
    /// Whether anything of the peer authenticated.
    pub(super) confirmed: bool,
    pub(super) root: RootKey,
    /// The own ratchet pair; an initiator has none before its first turn.
    pub(super) own: Option<OwnRatchet>,
    /// The peer's ratchet key; a responder has none before the first message.
    pub(super) peer: Option<X25519Public>,
    /// The peer turned (or the session is new): the next `encrypt` turns.
    pub(super) turn_due: bool,
    pub(super) sending: Option<SendingChain>,
    pub(super) next_sending_header: HeaderKey,
    /// Newest first; at most [`RECEIVING_CHAINS`].
    pub(super) receiving: VecDeque<ReceivingChain>,
    pub(super) next_receiving_header: HeaderKey,
    pub(super) kem: KemState,
    pub(super) since_exchange: SinceExchange,
    pub(super) skipped: SkippedKeys,
    pub(super) expected: Expected,
    /// Counter of the next signal under the present signal key.
    pub(super) signal_counter: u32,
    /// Where a restart from the record as it was last saved would go on counting signals. Not saved.
    pub(super) signals_reserved: u32,
    /// Whether the last signal reached that. Not saved.
    pub(super) signal_wants_saving: bool,
    /// Rises with every change, so that a stale draft is noticed. Not saved.
    pub(super) revision: u64,
}

/// A ratchet pair of this side, the public half kept.
pub(super) struct OwnRatchet {
    pub(super) secret: X25519Secret,
    pub(super) public: X25519Public,
}

/// The chain this side encrypts with.
pub(super) struct SendingChain {
    pub(super) chain: ChainKey,
    pub(super) header_key: HeaderKey,
    /// Number of the next message.
    pub(super) number: u32,
    pub(super) template: HeaderTemplate,
}

/// Windows of expected tags.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) current: TagWindow,
    pub(super) next: TagWindow,
    pub(super) signals: TagWindow,
    pub(super) next_signals: TagWindow,
}

impl OwnRatchet {
    pub(super) fn new(secret: X25519Secret) -> Self {
        let public = secret.public();
        Self { secret, public }
    }
}

impl Expected {
    /// The windows of a peer's turn that has not come.
    pub(super) fn of_next<P: Profile>(next: &HeaderKey) -> Self {
        if !P::FULL {
            return Self::default();
        }
        Self {
            next: TagWindow::new(0, NEXT_TAGS_AHEAD, |n| next.tag(n)),
            next_signals: TagWindow::new(0, NEXT_SIGNAL_TAGS_AHEAD, |n| next.signals().tag(n)),
            ..Self::default()
        }
    }
}

impl Session<Suite1> {
    /// The side that began the handshake: writes first. The first [`encrypt`](Self::encrypt) makes the first turn, so
    /// its ratchet pair is as young as its first message.
    pub fn initiator(secrets: HandshakeSecrets, now: Timestamp) -> Self {
        Self::initiator_with(Suite1, secrets, now)
    }

    /// The side that answers: opens a message before it can write. `signed_prekey` is the private half of the signed
    /// prekey the handshake used, whose public half is `secrets.responder_ratchet`; it is this side's first ratchet key.
    pub fn responder(secrets: HandshakeSecrets, signed_prekey: X25519Secret, now: Timestamp) -> Self {
        Self::responder_with(Suite1, secrets, signed_prekey, now)
    }
}

impl<P: Profile> Session<P> {
    /// [`initiator`](Session::initiator) of any profile.
    pub fn initiator_with(profile: P, secrets: HandshakeSecrets, now: Timestamp) -> Self {
        let id = session_id(&secrets);
        let expected = HeaderKey::new(secrets.responder_header_key.duplicate());
        let mut session = Self::new(profile, id, secrets.associated_data, secrets.root, now);
        session.peer = Some(secrets.responder_ratchet);
        session.turn_due = true;
        session.next_sending_header = HeaderKey::new(secrets.initiator_header_key);
        session.expected = Expected::of_next::<P>(&expected);
        session.next_receiving_header = expected;
        session
    }

    /// [`responder`](Session::responder) of any profile.
    pub fn responder_with(
        profile: P,
        secrets: HandshakeSecrets,
        signed_prekey: X25519Secret,
        now: Timestamp,
    ) -> Self {
        let id = session_id(&secrets);
        let expected = HeaderKey::new(secrets.initiator_header_key.duplicate());
        let mut session = Self::new(profile, id, secrets.associated_data, secrets.root, now);
        session.own = Some(OwnRatchet {
            secret: signed_prekey,
            public: secrets.responder_ratchet,
        });
        session.next_sending_header = HeaderKey::new(secrets.responder_header_key);
        session.expected = Expected::of_next::<P>(&expected);
        session.next_receiving_header = expected;
        session
    }

    fn new(
        profile: P,
        id: SessionId,
        associated_data: Vec<u8>,
        root: crate::keys::Secret32,
        now: Timestamp,
    ) -> Self {
        let unset = || HeaderKey::new(crate::keys::Secret32::new([0; 32]));
        Self {
            profile,
            id,
            associated_data,
            created: now,
            confirmed: false,
            root: RootKey(root),
            own: None,
            peer: None,
            turn_due: false,
            sending: None,
            next_sending_header: unset(),
            receiving: VecDeque::with_capacity(RECEIVING_CHAINS + 1),
            next_receiving_header: unset(),
            kem: KemState::Idle(Idle),
            // The handshake was a KEM exchange.
            since_exchange: SinceExchange { messages: 0, at: now },
            skipped: SkippedKeys::default(),
            expected: Expected::default(),
            signal_counter: 0,
            signals_reserved: SIGNAL_RESTORE_JUMP,
            signal_wants_saving: false,
            revision: 0,
        }
    }

    /// The session's name.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// When the session was made here.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// Whether anything of the peer authenticated in this session. Until then an initiator sends its messages in
    /// handshake form.
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Messages sent in the present sending chain.
    pub fn sent_in_chain(&self) -> u32 {
        self.sending.as_ref().map_or(0, |chain| chain.number)
    }

    /// Keys of overtaken messages that are kept.
    pub fn skipped_keys(&self) -> usize {
        self.skipped.len()
    }

    /// Since when the longest missing of the overtaken messages is missing; `None` where nothing is.
    pub fn oldest_skipped(&self) -> Option<Timestamp> {
        self.skipped.iter().next().map(|key| key.since)
    }

    /// How many headers [`open`](Self::open) tries at most for a message with an unknown tag; for the engine's bound
    /// on trials.
    pub fn header_trials(&self) -> usize {
        self.receiving.len() + 1
    }

    /// Every tag by which a message or signal of this session is recognised. Nothing is computed: the windows are part
    /// of the record. Afterwards keep the map by the [`TagChanges`] of each commit.
    pub fn expected_tags(&self) -> impl Iterator<Item = (Tag, TagKind)> {
        let Expected {
            current,
            next,
            signals,
            next_signals,
        } = &self.expected;
        let messages = current.iter().chain(next.iter()).chain(self.skipped_tags());
        let signals = signals.iter().chain(next_signals.iter());
        messages
            .map(|tag| (tag, TagKind::Message))
            .chain(signals.map(|tag| (tag, TagKind::Signal)))
    }

    /// Drops skipped keys and superseded chains past their lifetime; call it now and then (daily is plenty).
    pub fn expire(&mut self, now: Timestamp) -> TagChanges {
        let mut removed = self.skipped.expire(now);
        let superseded = |chain: &ReceivingChain| chain.chain.is_none();
        self.receiving
            .retain(|chain| !superseded(chain) || now.ms_since(chain.since) < KEY_LIFETIME_MS);
        removed.extend(self.drop_orphans());
        self.revision += 1;
        self.oracle_hides(TagChanges {
            removed,
            added: Vec::new(),
        })
    }

    /// Drops up to `count` of the keys that have been missing longest, those of one moment: for a bound over several sessions.
    /// What they open is lost.
    pub fn drop_oldest_skipped(&mut self, count: usize) -> TagChanges {
        let removed = self.skipped.drop_oldest(count);
        self.revision += 1;
        self.oracle_hides(TagChanges {
            removed,
            added: Vec::new(),
        })
    }

    /// Drops skipped keys whose chain is gone; their tags.
    pub(super) fn drop_orphans(&mut self) -> Vec<Tag> {
        match self.receiving.back() {
            Some(oldest) if self.skipped.len() > 0 => self.skipped.drop_chains_before(oldest.generation),
            _ => Vec::new(),
        }
    }

    /// The oracle profile has no tags on the wire.
    pub(super) fn oracle_hides(&self, changes: TagChanges) -> TagChanges {
        if P::FULL { changes } else { TagChanges::default() }
    }

    fn skipped_tags(&self) -> impl Iterator<Item = Tag> {
        self.skipped.iter().map(|key| key.tag).filter(|_| P::FULL)
    }
}

/// Counters and states only; never a key, not even a public one.
impl<P: Profile> core::fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kem = match self.kem {
            KemState::Idle(_) => "idle",
            KemState::Offered(_) => "offered",
            KemState::Asked(_) => "asked",
        };
        let receiving: Vec<_> = self
            .receiving
            .iter()
            .map(|c| (c.generation, c.seen.next()))
            .collect();
        f.debug_struct("Session")
            .field("created", &self.created)
            .field("confirmed", &self.confirmed)
            .field("turn_due", &self.turn_due)
            .field("sent_in_chain", &self.sent_in_chain())
            .field("receiving", &receiving)
            .field("skipped", &self.skipped.len())
            .field("kem", &kem)
            .field("messages_since_exchange", &self.since_exchange.messages)
            .finish_non_exhaustive()
    }
}

fn session_id(secrets: &HandshakeSecrets) -> SessionId {
    let ikm: [&[u8]; 3] = [
        secrets.root.as_bytes(),
        secrets.initiator_header_key.as_bytes(),
        secrets.responder_header_key.as_bytes(),
    ];
    SessionId(*hkdf(&[], &ikm, &[labels::SESSION_ID]))
}

/// Windows are this wide once their chain is the current one.
pub(super) const CURRENT_WINDOW: (usize, usize) = (TAGS_AHEAD, SIGNAL_TAGS_AHEAD);
