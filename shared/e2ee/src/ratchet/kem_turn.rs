//! Amortised KEM turns: now and then a turn of the ratchet also exchanges an ML-KEM-768 secret, so that the root heals
//! against one who breaks X25519 *or* ML-KEM.
//!
//! ```text
//!            own turn, exchange due: header carries ek            peer's turn must carry ct
//!   Idle ─────────────────────────────────────────────> Offered ───────────────────────────> Idle
//!     │      peer's turn carries ek                              own turn must carry ct
//!     └───────────────────────────────────────────────> Asked ─────────────────────────────> Idle
//! ```
//!
//! Turns of the two sides alternate strictly (nobody turns before the other's latest turn arrived), so one state is
//! enough and a header never carries both. This module alone knows the scheme: a chunked one replaces it here.

use chopar_wire::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::limits::{KEM_AFTER_MESSAGES, KEM_AFTER_MS};
use crate::keys::Secret32;
use crate::keys::ml_kem::is_turn_key;
use crate::keys::ml_kem::turns::{self, Pair};

/// Length of an encapsulation key in bytes.
pub(super) const KEM_KEY: usize = turns::KEY;
/// Length of a ciphertext in bytes.
pub(super) const KEM_CIPHERTEXT: usize = turns::CIPHERTEXT;

/// What a turn's header carries of the exchange.
pub(super) enum KemField {
    None,
    /// A fresh encapsulation key, to be answered by the peer's next turn.
    Offer(Box<[u8; KEM_KEY]>),
    /// The answer to the key of the peer's last turn.
    Answer(Box<[u8; KEM_CIPHERTEXT]>),
}

/// A finished exchange: the secret, and the public values the root binds.
pub(super) struct KemSecret {
    pub(super) shared: Secret32,
    pub(super) key: Box<[u8; KEM_KEY]>,
    pub(super) ciphertext: Box<[u8; KEM_CIPHERTEXT]>,
}

/// The outcome of a turn, own or the peer's.
pub(super) struct KemTurn {
    /// For the header, on the own turn.
    pub(super) field: KemField,
    /// For the root.
    pub(super) secret: Option<KemSecret>,
    /// The state afterwards.
    pub(super) next: KemState,
}

/// The peer's header breaks the rules of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KemMisuse(pub(super) &'static str);

/// Nothing under way.
pub(super) struct Idle;

/// The own key is out; its private half is kept as the 64-byte seed.
pub(super) struct Offered {
    pub(super) seed: Zeroizing<[u8; 64]>,
}

/// The peer's key came and is unanswered.
pub(super) struct Asked {
    pub(super) key: PeerKey,
}

/// Where the exchange stands.
pub(super) enum KemState {
    Idle(Idle),
    Offered(Offered),
    Asked(Asked),
}

/// An encapsulation key of the peer whose coefficients are in range (FIPS 203, section 7.2).
pub(super) struct PeerKey(Box<[u8; KEM_KEY]>);

/// When the last exchange was and what has been said since, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SinceExchange {
    pub(super) messages: u32,
    pub(super) at: Timestamp,
}

impl SinceExchange {
    fn is_due(self, now: Timestamp) -> bool {
        self.messages >= KEM_AFTER_MESSAGES || now.ms_since(self.at) >= KEM_AFTER_MS
    }
}

impl Idle {
    fn offer(&self, rng: &mut impl CryptoRng) -> (Offered, Box<[u8; KEM_KEY]>) {
        let mut seed = Zeroizing::new([0; 64]);
        rng.fill_bytes(seed.as_mut());
        let key = Box::new(*Pair::from_seed(&seed).key());
        (Offered { seed }, key)
    }
}

impl Offered {
    fn answered(&self, ciphertext: Box<[u8; KEM_CIPHERTEXT]>) -> KemSecret {
        let pair = Pair::from_seed(&self.seed);
        KemSecret {
            shared: pair.decapsulate(&ciphertext),
            key: Box::new(*pair.key()),
            ciphertext,
        }
    }
}

impl Asked {
    fn answer(&self, rng: &mut impl CryptoRng) -> KemSecret {
        let mut m = Zeroizing::new([0; 32]);
        rng.fill_bytes(m.as_mut());
        let (ciphertext, shared) = turns::encapsulate(&self.key.0, &m);
        KemSecret {
            shared,
            key: self.key.0.clone(),
            ciphertext: Box::new(ciphertext),
        }
    }
}

impl PeerKey {
    /// Checks the key's coefficients.
    pub(super) fn parse(bytes: Box<[u8; KEM_KEY]>) -> Option<Self> {
        is_turn_key(&bytes).then_some(Self(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEM_KEY] {
        &self.0
    }
}

impl KemState {
    /// The own turn: answers what is asked, offers where an exchange is due.
    pub(super) fn own_turn(
        &self,
        since: SinceExchange,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Option<KemTurn> {
        match self {
            Self::Idle(idle) if since.is_due(now) => {
                let (offered, key) = idle.offer(rng);
                Some(KemTurn {
                    field: KemField::Offer(key),
                    secret: None,
                    next: Self::Offered(offered),
                })
            }
            Self::Asked(asked) => {
                let secret = asked.answer(rng);
                let field = KemField::Answer(secret.ciphertext.clone());
                Some(KemTurn {
                    field,
                    secret: Some(secret),
                    next: Self::Idle(Idle),
                })
            }
            // Offered and turning again means the peer answered nothing, which `peer_turn` refuses: nothing to add.
            Self::Idle(_) | Self::Offered(_) => None,
        }
    }

    /// The peer's turn, as its header says it: `None` where nothing changes.
    ///
    /// # Errors
    /// [`KemMisuse`] for an answer to nothing, an offer left unanswered, an offer that is no key.
    pub(super) fn peer_turn(&self, field: KemField) -> Result<Option<KemTurn>, KemMisuse> {
        match (self, field) {
            (Self::Offered(offered), KemField::Answer(ciphertext)) => Ok(Some(KemTurn {
                field: KemField::None,
                secret: Some(offered.answered(ciphertext)),
                next: Self::Idle(Idle),
            })),
            (Self::Offered(_), _) => Err(KemMisuse("the offered KEM key is unanswered")),
            (_, KemField::Answer(_)) => Err(KemMisuse("a KEM answer to nothing")),
            (Self::Asked(_), _) => Err(KemMisuse("a second turn before the KEM key was answered")),
            (Self::Idle(_), KemField::Offer(key)) => {
                let key = PeerKey::parse(key).ok_or(KemMisuse("a KEM key out of range"))?;
                let next = Self::Asked(Asked { key });
                Ok(Some(KemTurn {
                    field: KemField::None,
                    secret: None,
                    next,
                }))
            }
            (Self::Idle(_), KemField::None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use sha2::{Digest, Sha256};

    use super::*;

    const DUE: SinceExchange = SinceExchange {
        messages: KEM_AFTER_MESSAGES,
        at: Timestamp(0),
    };
    const FRESH: SinceExchange = SinceExchange {
        messages: KEM_AFTER_MESSAGES - 1,
        at: Timestamp(0),
    };

    /// Known answer of OpenSSL 4 and kyber-py: d = 06×32, z = 07×32, m = 08×32.
    #[test]
    fn reproduces_the_known_answer() {
        let mut seed = Zeroizing::new([6; 64]);
        seed[32..].fill(7);
        let key = *Pair::from_seed(&seed).key();
        let (ciphertext, shared) = turns::encapsulate(&key, &[8; 32]);
        assert_eq!(
            hex::encode(Sha256::digest(key)),
            "5fe09f109d4ccd040e5dc170e337361bdd0092739ca71d3d56c9c7eea95ddc37"
        );
        assert_eq!(
            hex::encode(Sha256::digest(ciphertext)),
            "6779d1663c935eb8a56e7352a15c70d86784ad2e0a9c6b793ab0bda402e3323e"
        );
        assert_eq!(
            hex::encode(shared.as_bytes()),
            "f4b0cc102aa6c816af6820c828ca85c69d623120f7f55bf932c163c25aad6277"
        );
        let secret = Offered { seed }.answered(Box::new(ciphertext));
        assert_eq!(secret.shared, shared);
    }

    /// P-062.
    #[test]
    fn an_exchange_runs_its_course() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let idle = KemState::Idle(Idle);
        assert!(
            idle.own_turn(FRESH, Timestamp(KEM_AFTER_MS - 1), &mut rng)
                .is_none()
        );
        assert!(idle.own_turn(FRESH, Timestamp(KEM_AFTER_MS), &mut rng).is_some());
        let offer = idle.own_turn(DUE, Timestamp(0), &mut rng).unwrap();
        assert!(offer.secret.is_none());
        let asked = KemState::Idle(Idle).peer_turn(offer.field).unwrap().unwrap();
        let answer = asked.next.own_turn(FRESH, Timestamp(0), &mut rng).unwrap();
        assert!(matches!(answer.next, KemState::Idle(_)));
        let done = offer.next.peer_turn(answer.field).unwrap().unwrap();
        let (a, b) = (answer.secret.unwrap(), done.secret.unwrap());
        assert!(a.shared == b.shared && a.key == b.key && a.ciphertext == b.ciphertext);
        assert!(matches!(done.next, KemState::Idle(_)));
    }

    /// P-062.
    #[test]
    fn broken_rules_are_named() {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let idle = KemState::Idle(Idle);
        let misuse = |state: &KemState, field| state.peer_turn(field).err().unwrap().0;
        assert_eq!(
            misuse(&idle, KemField::Answer(Box::new([0; KEM_CIPHERTEXT]))),
            "a KEM answer to nothing"
        );
        assert_eq!(
            misuse(&idle, KemField::Offer(Box::new([0xff; KEM_KEY]))),
            "a KEM key out of range"
        );
        let offered = idle.own_turn(DUE, Timestamp(0), &mut rng).unwrap();
        assert_eq!(
            misuse(&offered.next, KemField::None),
            "the offered KEM key is unanswered"
        );
        let asked = idle.peer_turn(offered.field).unwrap().unwrap().next;
        assert_eq!(
            misuse(&asked, KemField::None),
            "a second turn before the KEM key was answered"
        );
    }
}
