//! Ids, hashes and signatures, computed a second time from the text of the protocol alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chopar_identity::{
    AccountLog, DeviceKeys, Ed25519Public, KemPublic1024, LogError, OpaqueAppend, RecoveryKeys, X25519Public,
    account_id, append_hash, group_envelope_id,
};
use chopar_identity::{EntryDraft, HeadRelation};
use chopar_wire::ids::{AccountId, DeviceId, GroupSubmissionId};
use chopar_wire::proto::identity::entry_signature::Signer;
use chopar_wire::proto::identity::{Entry, EntrySignature};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest, Sha256};

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(key: &SigningKey) -> Ed25519Public {
    Ed25519Public::parse(key.verifying_key().as_bytes()).unwrap()
}

fn created(key: &SigningKey) -> EntryDraft {
    let recovery = RecoveryKeys {
        x25519: X25519Public::parse(&[9; 32]).unwrap(),
        kem: KemPublic1024::parse(&[0; KemPublic1024::LEN]).unwrap(),
    };
    EntryDraft::create(&public(key), &recovery, 1)
}

/// An entry of these bytes, signed over `label ‖ 00 ‖ body` by an account key.
fn entry(body: &[u8], key: &SigningKey) -> Entry {
    let input = [b"Chopar v1 log-entry\0", body].concat();
    Entry {
        body: body.to_vec().into(),
        signatures: vec![EntrySignature {
            signer: Some(Signer::AccountKey(key.verifying_key().to_bytes().to_vec().into())),
            signature: key.sign(&input).to_bytes().to_vec().into(),
        }],
    }
}

fn body(draft: &EntryDraft) -> Vec<u8> {
    draft.signing_input()["Chopar v1 log-entry\0".len()..].to_vec()
}

/// P-012, P-013.
#[test]
fn ids_are_hashes_of_public_keys() {
    let key = signing(1);
    let hash: [u8; 32] = Sha256::digest(key.verifying_key().as_bytes()).into();
    assert_eq!(account_id(&public(&key)), AccountId::new(hash));

    let device = signing(2);
    let keys = DeviceKeys {
        signing: public(&device),
        agreement: X25519Public::parse(&[9; 32]).unwrap(),
    };
    let hash = Sha256::new()
        .chain_update(b"Chopar v1 device-id")
        .chain_update([0xed])
        .chain_update(device.verifying_key().as_bytes())
        .chain_update([0x05])
        .chain_update([9; 32])
        .finalize();
    assert_eq!(keys.device_id().as_bytes(), &hash[..16]);
}

/// P-241.
#[test]
fn a_group_submission_has_another_id_in_each_mailbox() {
    let hash = Sha256::digest([b"Chopar v1 group-envelope\0".as_slice(), &[3; 16], &[4; 16]].concat());
    let id = group_envelope_id(&GroupSubmissionId::new([3; 16]), &DeviceId::new([4; 16]));
    assert_eq!(id.as_bytes(), &hash[..16]);
}

/// P-244.
#[test]
fn an_opaque_append_is_hashed_under_a_label_of_its_own() {
    let hash: [u8; 32] = Sha256::digest(b"Chopar v1 opaque-hash\0body").into();
    assert_eq!(append_hash(b"body"), hash);
    assert_eq!(
        OpaqueAppend::signing_input(b"body"),
        b"Chopar v1 opaque-append\0body"
    );
}

/// P-003, P-020: the signed bytes and the hash that the next entry names.
#[test]
fn an_entry_is_signed_and_hashed_as_the_protocol_says() {
    let key = signing(1);
    let first = body(&created(&key));
    let log = AccountLog::verify(&account_id(&public(&key)), &[entry(&first, &key)]).unwrap();
    let hash: [u8; 32] = Sha256::digest([b"Chopar v1 log-hash\0", &first[..]].concat()).into();
    assert_eq!(log.prefix_hash(1), Some(hash));
    assert_eq!(log.relation(&log.head()), HeadRelation::Same);
    let unlabelled = Entry {
        signatures: vec![EntrySignature {
            signature: key.sign(&first).to_bytes().to_vec().into(),
            ..entry(&first, &key).signatures.remove(0)
        }],
        ..entry(&first, &key)
    };
    assert_eq!(
        AccountLog::verify(log.account(), &[unlabelled]),
        Err(LogError::BadSignature { position: 0 })
    );
}

/// P-001, P-002: an entry with a field of the future verifies as the bytes it came in; encoded again it would lose the
/// field, and its signature with it.
#[test]
fn unknown_fields_inside_what_is_signed_are_kept_as_they_came() {
    let key = signing(1);
    let mut future = body(&created(&key));
    // Field 900, a varint.
    future.extend_from_slice(&[0xa0, 0x38, 0x07]);
    let entry = entry(&future, &key);
    let log = AccountLog::verify(&account_id(&public(&key)), std::slice::from_ref(&entry)).unwrap();
    assert!(log.entries(0) == [entry]);
    let hash: [u8; 32] = Sha256::digest([b"Chopar v1 log-hash\0", &future[..]].concat()).into();
    assert_eq!(log.prefix_hash(1), Some(hash));
}
