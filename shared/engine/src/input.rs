//! Everything that can happen to a client.

use chopar_wire::prost::bytes::Bytes;
use zeroize::Zeroizing;

use crate::effect::{Record, Token};
use crate::intent::Asked;
use crate::search::Spot;

/// One thing that happened. The host hands them over one at a time, each with the moment it happened.
pub enum Input {
    /// The vault is open: every resident record ([`crate::Kind::resident`]), in any order. Always the first input.
    Opened {
        /// The records.
        records: Vec<Record>,
        /// Public halves of the device identity keys, if the vault holds such keys.
        device_keys: Option<DeviceKeysPublic>,
        /// The page's origin, `scheme://host[:port]`: what the sign-in proof is bound to.
        origin: String,
        /// Whether the host knows that this vault is an older copy of itself (a restored profile, an undone write): every
        /// session is replaced before it sends. A host that does not know says `false`; the relay's word and the other
        /// side's silence find it out later.
        rolled_back: bool,
    },
    /// A person, in some tab, asks for something.
    Intent(Asked),
    /// The socket that [`crate::Effect::Connect`] asked for is open.
    Connected,
    /// A binary message came from the relay.
    Frame(Bytes),
    /// The socket closed or could not be opened.
    Disconnected {
        /// The WebSocket close code, 1006 where there was none.
        code: u16,
    },
    /// The browser says whether there is a network at all.
    Network {
        /// `navigator.onLine`.
        online: bool,
    },
    /// The moment asked for with [`crate::Effect::WakeAt`] has come.
    Wake,
    /// New device identity keys were made, wrapped and durably stored.
    IdentityMade {
        /// The effect this answers.
        token: Token,
        /// Their public halves.
        keys: DeviceKeysPublic,
    },
    /// Signatures, one for each input of [`crate::Effect::Sign`], in its order.
    Signed {
        /// The effect this answers.
        token: Token,
        /// 64 bytes each.
        signatures: Vec<[u8; 64]>,
    },
    /// The Diffie-Hellman output of [`crate::Effect::Agree`], not yet checked for contribution.
    Agreed {
        /// The effect this answers.
        token: Token,
        /// 32 bytes.
        shared: Zeroizing<[u8; 32]>,
    },
    /// The host could not do what the effect with this token asked (a key is gone, storage refused).
    Failed {
        /// The effect this answers.
        token: Token,
    },
    /// What came of [`crate::Effect::Upload`] or [`crate::Effect::Fetch`].
    Moved {
        /// The effect this answers.
        token: Token,
        /// What.
        outcome: Moved,
    },
    /// What [`crate::Effect::Keep`] gave is kept: durable, as far as the host can make it.
    Kept {
        /// The effect this answers.
        token: Token,
    },
    /// What [`crate::Effect::Search`] found.
    Found {
        /// The effect this answers.
        token: Token,
        /// What.
        found: Found,
    },
    /// Rows of one conversation, as [`crate::Effect::Load`] asked, ascending by sequence; or the records that there are
    /// of those that [`crate::Effect::Read`] asked for.
    Loaded {
        /// The effect this answers.
        token: Token,
        /// The records found.
        records: Vec<Record>,
    },
}

/// Lines that have some words.
#[derive(Default)]
pub struct Found {
    /// Rows of lines, the latest first; those that do not open are left out.
    pub lines: Vec<Record>,
    /// How many there are, on all pages.
    pub total: u32,
    /// The last line of this page, where there are more.
    pub last: Option<Spot>,
    /// How many lines the index has, while it is being built: there may be more to find.
    pub building: Option<u32>,
}

/// What came of bytes that were to be sent or fetched.
pub enum Moved {
    /// An upload stands here now, as the relay says in `Upload-Offset`, whatever its status.
    Stands(u64),
    /// Bytes of a file; fewer than were asked for where the connection broke.
    Came(Bytes),
    /// The relay answered with this status, and nothing moved.
    Refused(u16),
    /// The relay could not be reached, or the connection broke before anything is known.
    Unreachable,
}

/// Public halves of a device's identity keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceKeysPublic {
    /// Ed25519.
    pub signing: [u8; 32],
    /// X25519.
    pub agreement: [u8; 32],
}
