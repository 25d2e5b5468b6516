//! What a Chopar client and its relay say to each other: the protobuf contract, ids, limits and close codes.
//!
//! ```text
//!  proto/identity.proto   public-key facts, signed: account log, prekey bundles      -> proto::identity
//!  proto/relay.proto      frames of /v1/connect, both directions                     -> proto::relay
//!  proto/audit.proto      records of a relay's audit log                             -> proto::audit
//!  proto/group.proto      rosters of groups and what goes with them, inside too      -> proto::group
//!  proto/content.proto    what is inside the encryption (the relay never sees it)    -> proto::content
//! ```
//!
//! Not here: cryptography, sockets, storage. Signatures are verified in `chopar-identity`, which both sides share.
//!
//! | module | holds |
//! |---|---|
//! | [`ids`] | newtypes for every identifier; bytes from outside are parsed into them once, at the edge |
//! | [`limits`] | every bound of the relay's conversation, with the reason for its value |
//! | [`frame`] | bytes to frames and back, with the size bound applied first |
//! | [`group`] | whom a group submission goes to |
//! | [`close`] | WebSocket close codes |
//! | [`labels`] | the domain-separation labels of everything that is signed |
//! | [`time`] | a moment in milliseconds, handed in everywhere |

#![forbid(unsafe_code)]

pub mod close;
pub mod frame;
pub mod group;
pub mod ids;
pub mod labels;
pub mod limits;
pub mod time;

/// Types generated from `proto/*.proto`. Field documentation lives there.
pub mod proto {
    #![allow(missing_docs, unreachable_pub)]
    #![allow(clippy::all)]
    /// Account log, prekey bundles, signatures (`proto/identity.proto`).
    pub mod identity {
        include!(concat!(env!("OUT_DIR"), "/chopar.v1.identity.rs"));
    }
    /// Frames between client and relay (`proto/relay.proto`).
    pub mod relay {
        include!(concat!(env!("OUT_DIR"), "/chopar.v1.relay.rs"));
    }
    /// Records of a relay's audit log (`proto/audit.proto`).
    pub mod audit {
        include!(concat!(env!("OUT_DIR"), "/chopar.v1.audit.rs"));
    }
    /// Groups, inside the encryption (`proto/group.proto`).
    pub mod group {
        include!(concat!(env!("OUT_DIR"), "/chopar.v1.group.rs"));
    }
    /// End-to-end content (`proto/content.proto`).
    pub mod content {
        include!(concat!(env!("OUT_DIR"), "/chopar.v1.content.rs"));
    }
}

pub use group::{GroupRecipient, RecipientsError};
pub use ids::{
    AccountId, DeviceId, EnvelopeId, FileId, FileMark, GroupId, GroupSubmissionId, MessageId, OpaqueLogId,
    QueueSeq,
};
pub use prost;
pub use time::Timestamp;
