//! Bundles that are not what their device wants handed out.

use core::fmt;

use chopar_identity::bundle::signed;
use chopar_identity::{BundleBase, OneTimePair};
use chopar_wire::proto::identity::{Bundle, BundleBody, OneTimeBody};
use prost::Message;

use super::cast::Who;
use super::stage::Stage;
use crate::simulator::SoftwareKeys;

/// Something done to a bundle when it is handed out.
pub(super) type Told = Box<dyn FnMut(&mut Bundle)>;

/// What is handed out in place of a bundle.
#[derive(Clone, Copy)]
pub enum PrekeyLie {
    /// The whole bundle of somebody else.
    BundleOf(Who),
    /// The long-lived part of somebody else's.
    BaseOf(Who),
    /// The one-time pair of somebody else.
    PairOf(Who),
    /// The ML-KEM keys of somebody else between the right X25519 keys.
    KemKeysOf(Who),
    /// Keys of the relay's own, signed by the relay.
    OwnKeys,
    /// One bit of a signature is another.
    BitOfSignature,
    /// A point of low order, signed by the very device: it is in league with the relay.
    LowOrder(Place, [u8; 32]),
    /// No ML-KEM key where one must be, signed by the very device.
    WithoutKem(Place),
    /// A suite below the first, signed by the very device.
    LowerSuite,
    /// No one-time pair, as from an empty pool.
    WithoutPair,
    /// The one-time pair that was handed out first, again and again.
    SamePair,
    /// The long-lived part as a database of old has it.
    BaseFrom(&'static str),
}

/// Which key of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The signed prekey.
    SignedPrekey,
    /// The sealing key.
    SealingKey,
    /// The last-resort key, or in a one-time pair the ML-KEM half.
    LastResort,
    /// The one-time pair.
    Pair,
}

/// The points of Curve25519 and of its twist that have low order, and two of them in a second spelling.
pub const LOW_ORDER: [[u8; 32]; 7] = [
    small(0),
    small(1),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    near_prime(0xec),
    near_prime(0xed),
    near_prime(0xee),
];

const fn small(number: u8) -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = number;
    point
}

/// The field prime 2^255 - 19 with another lowest byte (its own is `ed`).
const fn near_prime(lowest: u8) -> [u8; 32] {
    let mut point = [0xff; 32];
    point[0] = lowest;
    point[31] = 0x7f;
    point
}

impl fmt::Display for PrekeyLie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BundleOf(who) => write!(f, "{who}'s bundle"),
            Self::BaseOf(who) => write!(f, "{who}'s long-lived prekeys"),
            Self::PairOf(who) => write!(f, "{who}'s one-time pair"),
            Self::KemKeysOf(who) => write!(f, "{who}'s ML-KEM keys"),
            Self::OwnKeys => f.write_str("keys of its own"),
            Self::BitOfSignature => f.write_str("a signature with one bit flipped"),
            Self::LowOrder(place, point) => {
                write!(f, "low order as {place:?} ({:02x}…{:02x})", point[0], point[31])
            }
            Self::WithoutKem(place) => write!(f, "no ML-KEM key as {place:?}"),
            Self::LowerSuite => f.write_str("suite 0"),
            Self::WithoutPair => f.write_str("no one-time pair"),
            Self::SamePair => f.write_str("the same one-time pair again and again"),
            Self::BaseFrom(name) => write!(f, "the long-lived prekeys of {name:?}"),
        }
    }
}

impl PrekeyLie {
    /// The lie about `whose` bundles, ready to be told.
    pub(super) fn about(self, whose: Who, stage: &mut Stage) -> Told {
        let resign = Resign {
            keys: stage.world.keys(whose.0).stolen(),
        };
        match self {
            Self::BundleOf(other) => {
                let theirs = stage.bundle(other);
                Box::new(move |bundle| *bundle = theirs.clone())
            }
            Self::BaseOf(other) => {
                let theirs = stage.bundle(other);
                Box::new(move |bundle| bundle.base.clone_from(&theirs.base))
            }
            Self::PairOf(other) => {
                let theirs = stage.bundle(other);
                Box::new(move |bundle| bundle.one_time.clone_from(&theirs.one_time))
            }
            Self::KemKeysOf(other) => {
                let theirs = stage.bundle(other);
                Box::new(move |bundle| kem_keys(bundle, &theirs))
            }
            Self::OwnKeys => {
                let own = SoftwareKeys::random(&mut stage.lies.borrow_mut().rng);
                let resign = Resign { keys: own };
                Box::new(move |bundle| {
                    resign.base(bundle, |_| {});
                    resign.pair(bundle, |_| {});
                })
            }
            Self::BitOfSignature => Box::new(|bundle| {
                let part = bundle.one_time.as_mut().or(bundle.base.as_mut()).expect("a part");
                let mut signature = part.signature.to_vec();
                signature[5] ^= 1;
                part.signature = signature.into();
            }),
            Self::LowOrder(place, point) => {
                let point = point.to_vec();
                Box::new(move |bundle| match place {
                    Place::Pair => resign.pair(bundle, |pair| pair.x25519 = point.clone().into()),
                    _ => resign.base(bundle, |base| {
                        let key = match place {
                            Place::SealingKey => &mut base.sealing_key,
                            _ => &mut base.signed_prekey,
                        };
                        key.as_mut().expect("a key").public = point.clone().into();
                    }),
                })
            }
            Self::WithoutKem(place) => Box::new(move |bundle| match place {
                Place::Pair => resign.pair(bundle, |pair| pair.kem.clear()),
                _ => resign.base(bundle, |base| base.last_resort = None),
            }),
            Self::LowerSuite => Box::new(move |bundle| resign.base(bundle, |base| base.suite = 0)),
            Self::WithoutPair => Box::new(|bundle| bundle.one_time = None),
            Self::SamePair => {
                let mut first = None;
                Box::new(move |bundle| bundle.one_time = first.get_or_insert(bundle.one_time.clone()).clone())
            }
            Self::BaseFrom(name) => {
                let (account, device) = (stage.account(whose), stage.device(whose));
                let old = stage.databases[name].accounts[&account].bundles[&device].clone();
                Box::new(move |bundle| bundle.base = Some(old.clone()))
            }
        }
    }
}

/// A device's hand: changes a part and signs it again.
struct Resign {
    keys: SoftwareKeys,
}

impl Resign {
    fn base(&self, bundle: &mut Bundle, change: impl FnOnce(&mut BundleBody)) {
        let part = bundle.base.as_mut().expect("a base");
        let mut body = BundleBody::decode(part.body.clone()).expect("a base");
        change(&mut body);
        let body = body.encode_to_vec();
        let signature = self.keys.sign(&[BundleBase::signing_input(&body)])[0];
        *part = signed(body, signature);
    }

    fn pair(&self, bundle: &mut Bundle, change: impl FnOnce(&mut OneTimeBody)) {
        let Some(part) = bundle.one_time.as_mut() else {
            return;
        };
        let mut body = OneTimeBody::decode(part.body.clone()).expect("a pair");
        change(&mut body);
        let body = body.encode_to_vec();
        let signature = self.keys.sign(&[OneTimePair::signing_input(&body)])[0];
        *part = signed(body, signature);
    }
}

/// The ML-KEM keys of one bundle in another, signatures as they were.
fn kem_keys(bundle: &mut Bundle, of: &Bundle) {
    if let (Some(base), Some(other)) = (&mut bundle.base, &of.base) {
        let mut body = BundleBody::decode(base.body.clone()).expect("a base");
        body.last_resort = BundleBody::decode(other.body.clone())
            .expect("a base")
            .last_resort;
        base.body = body.encode_to_vec().into();
    }
    if let (Some(pair), Some(other)) = (&mut bundle.one_time, &of.one_time) {
        let mut body = OneTimeBody::decode(pair.body.clone()).expect("a pair");
        body.kem = OneTimeBody::decode(other.body.clone()).expect("a pair").kem;
        pair.body = body.encode_to_vec().into();
    }
}

impl Stage {
    /// What the relay would hand out for a person's first device, without handing it out.
    pub(super) fn bundle(&self, who: Who) -> Bundle {
        let known = &self.world.relay.accounts[&self.account(who)];
        let device = self.device(who);
        Bundle {
            base: Some(known.bundles[&device].clone()),
            one_time: known.one_time[&device].front().cloned(),
        }
    }
}
