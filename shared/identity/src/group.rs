//! What both sides compute of a group submission.

use chopar_wire::ids::{DeviceId, EnvelopeId, GroupSubmissionId};
use chopar_wire::labels;
use sha2::{Digest, Sha256};

/// The id of a group submission's envelope in the mailbox of `device`: a sender that submits again, and a receiver that
/// gets it again, know it by this (section 7 of docs/protocol.md).
pub fn group_envelope_id(id: &GroupSubmissionId, device: &DeviceId) -> EnvelopeId {
    let digest = Sha256::new()
        .chain_update(labels::GROUP_ENVELOPE)
        .chain_update([0])
        .chain_update(id.as_bytes())
        .chain_update(device.as_bytes())
        .finalize();
    let mut first = [0; EnvelopeId::LEN];
    first.copy_from_slice(&digest[..EnvelopeId::LEN]);
    EnvelopeId::new(first)
}
