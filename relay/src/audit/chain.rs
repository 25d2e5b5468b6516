//! How a record is linked into its chain.

use chopar_wire::labels::AUDIT;
use chopar_wire::proto::audit::{CheckpointBody, Kind, Record};
use prost::Message;
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};

use super::node::{NodeId, NodeKey};
use super::record::is_kept;

/// How long sign-ins are kept, in milliseconds: 90 days.
pub(crate) const SIGN_INS_KEPT_MS: u64 = 90 * 24 * 3600 * 1000;
/// How often at most a checkpoint is made, in milliseconds: one a day is 36 KiB a year.
pub(crate) const CHECKPOINT_EVERY_MS: u64 = 24 * 3600 * 1000;

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    /// Of the last record.
    pub(crate) number: u64,
    /// Its hash.
    pub(crate) hash: [u8; 32],
    /// Hash of the last record that is kept for good.
    pub(crate) kept: [u8; 32],
}

/// One record as it is stored and shown: the exact bytes, and what they hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) record: Bytes,
    pub(crate) hash: [u8; 32],
}

/// A record with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) row: Row,
    pub(crate) time: u64,
    /// Kept for good.
    pub(crate) kept: bool,
    /// The chain's end with it.
    pub(crate) tip: Tip,
}

/// What a record hashes to.
pub(crate) fn hash(record: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(AUDIT)
        .chain_update([0])
        .chain_update(record)
        .finalize()
        .into()
}

/// The links that add `record`: its own, and before it the beginning of a chain that has none yet.
pub(crate) fn links(key: &NodeKey, tip: Option<Tip>, time: u64, record: Record) -> Vec<Link> {
    let mut made = Vec::with_capacity(1);
    let tip = match tip {
        Some(tip) => tip,
        None => {
            let begun = Record {
                kind: Kind::ChainBegun.into(),
                key: key.public().to_vec().into(),
                ..Record::default()
            };
            let first = link(key.id(), None, time, begun);
            let tip = first.tip;
            made.push(first);
            tip
        }
    };
    made.push(link(key.id(), Some(tip), time, record));
    made
}

/// A record that says: everything up to a number was whole, and of it the sign-ins go.
pub(crate) fn checkpoint(key: &NodeKey, number: u64, hash: [u8; 32], time: u64) -> Record {
    let body = CheckpointBody {
        node: key.id().0.to_vec().into(),
        number,
        hash: hash.to_vec().into(),
        time,
    };
    Record {
        kind: Kind::Checkpoint.into(),
        checkpoint: Some(key.sign(body.encode_to_vec())),
        ..Record::default()
    }
}

fn link(node: NodeId, tip: Option<Tip>, time: u64, mut record: Record) -> Link {
    let number = tip.map_or(0, |tip| tip.number) + 1;
    record.node = node.0.to_vec().into();
    record.number = number;
    record.time = time;
    if let Some(tip) = tip {
        record.previous = tip.hash.to_vec().into();
        record.previous_kept = tip.kept.to_vec().into();
    }
    let kept = is_kept(record.kind);
    let bytes = Bytes::from(record.encode_to_vec());
    let hash = hash(&bytes);
    Link {
        row: Row {
            number,
            record: bytes,
            hash,
        },
        time,
        kept,
        tip: Tip {
            number,
            hash,
            kept: tip.filter(|_| !kept).map_or(hash, |tip| tip.kept),
        },
    }
}
