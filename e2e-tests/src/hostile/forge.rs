//! What a hostile relay would like people to believe: forged prekey bundles and account log entries.
//!
//! The forger has everything a relay has: all public facts, keys of its own, and the power to answer as it likes. It has no
//! private key of anybody, except in [`replaced_account_key`], where somebody's recovery key was stolen.

use anyhow::{Context, Result};
use chopar_e2ee::recovery::RecoveryKey;
use chopar_identity::DeviceKeys;
use chopar_identity::keys::{Ed25519Public, X25519Public};
use chopar_identity::log::{AccountLog, EntryDraft};
use chopar_identity::signed::signing_input;
use chopar_wire::AccountId;
use chopar_wire::labels;
use chopar_wire::prost::Message as _;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::identity::entry_body::Act;
use chopar_wire::proto::identity::entry_signature::Signer;
use chopar_wire::proto::identity::{
    AddDevice, Bundle, BundleBody, Entry, EntryBody, EntrySignature, LogHead, Signed,
};
use ed25519_dalek::{Signer as _, SigningKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// The forger's own signing key; fixed, so that a failing test fails alike again.
fn own_key() -> SigningKey {
    SigningKey::from_bytes(&[0x66; 32])
}

/// A bundle in which the signed prekey is the forger's, so that it could read the first message. Its own signature stands
/// where the device's should.
///
/// # Errors
/// When the relay's bundle is not one.
pub fn swapped_bundle(honest: &Bundle) -> Result<Bundle> {
    let base = honest.base.as_ref().context("a bundle without its base")?;
    let mut body = BundleBody::decode(base.body.clone())?;
    // The base point times a number the forger knows: its own X25519 key.
    let public = x25519_public()?;
    body.signed_prekey
        .as_mut()
        .context("a bundle without a signed prekey")?
        .public = public.clone();
    body.sealing_key
        .as_mut()
        .context("a bundle without a sealing key")?
        .public = public;
    body.sequence += 1;
    let body = body.encode_to_vec();
    let signature = own_key().sign(&signing_input(labels::BUNDLE, &body)).to_bytes();
    let base = Signed {
        body: body.into(),
        signature: Bytes::copy_from_slice(&signature),
    };
    Ok(Bundle {
        base: Some(base),
        one_time: None,
    })
}

/// An entry that adds the forger's device behind `entries`. The forger signs for its device truly, and for the account with
/// the only key it has.
///
/// # Errors
/// When the relay's log is empty or not one.
pub fn ghost_device(entries: &[Entry]) -> Result<Entry> {
    let last = entries.last().context("an empty log")?;
    let facts = EntryBody::decode(last.body.clone())?;
    let key = own_key();
    let public = key.verifying_key().to_bytes();
    let agreement = x25519_public()?;
    let keys = DeviceKeys {
        signing: Ed25519Public::parse(&public)?,
        agreement: X25519Public::parse(&agreement)?,
    };
    let account_key = first_account_key(entries)?;

    let add = AddDevice {
        keys: Some(chopar_wire::proto::identity::DeviceKeys {
            signing: Bytes::copy_from_slice(&public),
            agreement,
        }),
        name: "Ghost".to_owned(),
    };
    let body = EntryBody {
        suite: facts.suite,
        account: facts.account,
        position: facts.position + 1,
        parent: Bytes::copy_from_slice(&entry_hash(&last.body)),
        time: facts.time + 1000,
        act: Some(Act::AddDevice(add)),
    };
    let body = body.encode_to_vec();
    let signature = Bytes::copy_from_slice(&key.sign(&signing_input(labels::LOG_ENTRY, &body)).to_bytes());
    let device = Bytes::copy_from_slice(keys.device_id().as_bytes());
    Ok(Entry {
        body: body.into(),
        signatures: vec![
            EntrySignature {
                signer: Some(Signer::AccountKey(account_key)),
                signature: signature.clone(),
            },
            EntrySignature {
                signer: Some(Signer::Device(device)),
                signature,
            },
        ],
    })
}

/// The head of a log that ends with `last`.
///
/// # Errors
/// When the entry is not one.
pub fn head_of(last: &Entry) -> Result<LogHead> {
    let position = EntryBody::decode(last.body.clone())?.position;
    Ok(LogHead {
        length: position + 1,
        hash: Bytes::copy_from_slice(&entry_hash(&last.body)),
    })
}

fn entry_hash(body: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(signing_input(labels::LOG_HASH, body)).into()
}

/// The genuine act of whoever holds a recovery key: another account key takes over. Gives the entry for the relay.
///
/// # Errors
/// When the key is not one, or not that of this log.
pub fn replaced_account_key(entries: &[Entry], recovery_key: &str) -> Result<Entry> {
    let first = EntryBody::decode(entries.first().context("an empty log")?.body.clone())?;
    let account = AccountId::try_from(first.account.as_ref())?;
    let log = AccountLog::verify(&account, entries)?;
    let old = RecoveryKey::parse(recovery_key)?.account();
    let new = RecoveryKey::random(&mut ChaCha20Rng::from_seed([0x77; 32])).account();
    let draft = EntryDraft::replace_account_key(
        &log,
        &new.account_key(),
        &new.recovery_keys(),
        first.time + 60_000,
    );
    let signing_input = draft.signing_input();
    let entry = draft.finish(&[old.sign(&signing_input), new.sign(&signing_input)])?;
    Ok(entry)
}

fn first_account_key(entries: &[Entry]) -> Result<Bytes> {
    for entry in entries {
        if let Some(Act::Create(create)) = EntryBody::decode(entry.body.clone())?.act {
            return Ok(create.account_key);
        }
    }
    anyhow::bail!("the log does not begin with its account")
}

/// A valid public key; nobody needs its private half, because nothing must ever be encrypted to it.
fn x25519_public() -> Result<Bytes> {
    let candidate = [0x09; 32];
    X25519Public::parse(&candidate)?;
    Ok(Bytes::copy_from_slice(&candidate))
}
