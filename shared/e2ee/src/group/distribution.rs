//! An epoch on its way to a member, inside a pairwise session.

use chopar_identity::Ed25519Public;
use chopar_wire::proto::group as proto;

use super::limits::EPOCH_MESSAGES;
use super::roster::RosterHead;
use crate::keys::Secret32;

/// What a member needs to read the messages of an epoch from one of them on. The session it comes in says whose it is.
pub struct Distribution {
    /// The roster its sender knew.
    pub head: RosterHead,
    /// Of several epochs under one head.
    pub generation: u32,
    /// The message that the chain key is for.
    pub first: u32,
    pub(super) chain: Secret32,
    pub(super) header_key: Secret32,
    /// Verifies the messages of this epoch.
    pub signing_key: Ed25519Public,
    /// The epoch that ends with this one.
    pub before: Option<Closed>,
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The roster it was bound to.
    pub head: RosterHead,
    /// Its generation.
    pub generation: u32,
    /// So many messages it had.
    pub length: u32,
}

/// What should have been a distribution is none. Its sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the distribution has no usable {0}")]
pub struct MalformedDistribution(pub &'static str);

impl Distribution {
    /// As it travels, with the way to the roster.
    pub fn to_proto(&self, access: proto::Access) -> proto::Distribution {
        proto::Distribution {
            access: Some(access),
            generation: self.generation,
            chain_key: self.chain.as_bytes().to_vec().into(),
            header_key: self.header_key.as_bytes().to_vec().into(),
            signing_key: self.signing_key.as_bytes().to_vec().into(),
            before: self.before.map(|before| proto::Closed {
                head: Some((&before.head).into()),
                generation: before.generation,
                length: before.length,
            }),
            first: self.first,
        }
    }
}

impl TryFrom<&proto::Distribution> for Distribution {
    type Error = MalformedDistribution;

    fn try_from(from: &proto::Distribution) -> Result<Self, MalformedDistribution> {
        let head = |head: Option<&proto::Head>| {
            head.and_then(|head| RosterHead::try_from(head).ok())
                .ok_or(MalformedDistribution("head"))
        };
        let secret = |bytes: &[u8], what| {
            let bytes = bytes.try_into().map_err(|_| MalformedDistribution(what))?;
            Ok(Secret32::new(bytes))
        };
        if from.first > EPOCH_MESSAGES {
            return Err(MalformedDistribution("first message"));
        }
        let before = from.before.as_ref().map(|before| {
            if before.length > EPOCH_MESSAGES {
                return Err(MalformedDistribution("length of the epoch before"));
            }
            Ok(Closed {
                head: head(before.head.as_ref())?,
                generation: before.generation,
                length: before.length,
            })
        });
        Ok(Self {
            head: head(from.access.as_ref().and_then(|access| access.head.as_ref()))?,
            generation: from.generation,
            first: from.first,
            chain: secret(&from.chain_key, "chain key")?,
            header_key: secret(&from.header_key, "header key")?,
            signing_key: Ed25519Public::parse(&from.signing_key)
                .map_err(|_| MalformedDistribution("signing key"))?,
            before: before.transpose()?,
        })
    }
}

/// Never a key.
impl core::fmt::Debug for Distribution {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Distribution(roster of {}, generation {}, from {})",
            self.head.length, self.generation, self.first
        )
    }
}
