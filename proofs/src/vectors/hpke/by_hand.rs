//! RFC 9180 a second time, from its text, out of the primitives of the ratchet; proven by the published vector of the suite, and
//! then set against the product's own way of sealing and opening an envelope, in both directions.

use anyhow::{Context, Result, bail, ensure};
use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::handshake::Initiation;
use chopar_e2ee::keys::X25519Secret;
use chopar_e2ee::padding::{pad, unpad};
use chopar_e2ee::ratchet::primitives::{aead_open, aead_seal, hmac};
use chopar_e2ee::seal::{EnvelopeBody, FirstContact, seal_handshake};
use chopar_identity::X25519Public;
use chopar_wire::prost::Message;
use chopar_wire::proto::content::FirstContact as Proto;

use super::{INFO, PLAINTEXT, SUITE, bytes};
use crate::{Counts, Size};

/// `suite_id` of DHKEM(X25519, HKDF-SHA256).
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// `suite_id` of the whole suite.
const HPKE_SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x02";
/// Form byte and sealing key id before the encapsulated key.
const HEAD: usize = 1 + 4;

/// Section 4: HKDF-Extract of HKDF-SHA256 is HMAC; a key of zeros is the empty key.
fn labeled_extract(suite: &[u8], salt: &[u8; 32], label: &[u8], ikm: &[u8]) -> [u8; 32] {
    *hmac(salt, &[&b"HPKE-v1"[..], suite, label, ikm].concat())
}

/// Section 4: HKDF-Expand for up to one block of output.
fn labeled_expand<const N: usize>(
    suite: &[u8],
    prk: &[u8; 32],
    label: &[u8],
    info: &[u8],
) -> Result<[u8; N]> {
    let length = u16::try_from(N)?.to_be_bytes();
    let input = [&length[..], b"HPKE-v1", suite, label, info, &[1]].concat();
    hmac(prk, &input).first_chunk::<N>().copied().context("one block")
}

/// Sections 4.1 and 5.1: key and nonce of the first message, from the agreement of either side.
fn schedule(
    agreed: &[u8],
    encapsulated: &[u8],
    recipient: &[u8],
    info: &[u8],
) -> Result<([u8; 32], [u8; 12])> {
    const NONE: &[u8; 32] = &[0; 32];
    let prk = labeled_extract(KEM_SUITE, NONE, b"eae_prk", agreed);
    let context = [encapsulated, recipient].concat();
    let shared = labeled_expand::<32>(KEM_SUITE, &prk, b"shared_secret", &context)?;
    let psk = labeled_extract(HPKE_SUITE, NONE, b"psk_id_hash", b"");
    let info = labeled_extract(HPKE_SUITE, NONE, b"info_hash", info);
    let context = [&[0][..], &psk, &info].concat();
    let secret = labeled_extract(HPKE_SUITE, &shared, b"secret", b"");
    Ok((
        labeled_expand(HPKE_SUITE, &secret, b"key", &context)?,
        labeled_expand(HPKE_SUITE, &secret, b"base_nonce", &context)?,
    ))
}

pub(super) fn run(_: Size) -> Result<Counts> {
    let mut counts = Counts::default();
    vector()?;
    counts.add("vector");
    let (alice, bob) = (Person::new(1), Person::new(2));
    let key = bob.sealing_key.public();
    let info = [
        &b"Chopar v1 seal"[..],
        bob.local.account().as_bytes(),
        bob.local.device().as_bytes(),
        &key.id.to_be_bytes(),
    ]
    .concat();
    let initiation = Initiation::begin(&alice.local, &bob.peer(), &bob.verified_bundle(true), &mut rng(3))?;
    let agreed = alice.agreement.agree(initiation.wanted())?;
    let header = initiation.finish(agreed).1;

    let content = Proto {
        account: (*alice.log.account()).into(),
        device: (*alice.local.device()).into(),
        log_head: Some((&alice.log.head()).into()),
        log: alice.log.entries(0).to_vec(),
        handshake: header.encode().into(),
        message: b"by hand".to_vec().into(),
    };
    let mut sealed = pad(&content.encode_to_vec())?;
    let ephemeral = X25519Secret::random(&mut rng(4));
    let encapsulated = ephemeral.public();
    let agreed = ephemeral.agree(&key.public)?;
    let (aead, nonce) = schedule(
        agreed.as_bytes(),
        encapsulated.as_bytes(),
        key.public.as_bytes(),
        &info,
    )?;
    let tag = aead_seal(aead, nonce, &[], &mut sealed);
    let body = [
        &[1][..],
        &key.id.to_be_bytes(),
        encapsulated.as_bytes(),
        &sealed,
        &tag,
    ]
    .concat();
    let EnvelopeBody::Handshake(parsed) = EnvelopeBody::parse(&body)? else {
        bail!("not in handshake form")
    };
    let unsealed = parsed.open(&bob.local, &bob.sealing_key)?;
    ensure!(
        unsealed.account == *alice.log.account() && unsealed.message == b"by hand",
        "what was sealed by hand"
    );
    counts.add("opened by the product");

    let content = FirstContact {
        log: &alice.log,
        device: alice.local.device(),
        header: &header,
        message: b"by the product",
    };
    let body = seal_handshake(&bob.peer(), &key, &content, &mut rng(5))?;
    let (encapsulated, sealed) = body[HEAD..].split_at(32);
    let agreed = bob
        .sealing_key
        .secret
        .agree(&X25519Public::parse(encapsulated)?)?;
    let (aead, nonce) = schedule(agreed.as_bytes(), encapsulated, key.public.as_bytes(), &info)?;
    let (text, tag) = sealed.split_last_chunk::<16>().context("a tag")?;
    let mut text = text.to_vec();
    ensure!(
        aead_open(aead, nonce, &[], &mut text, tag),
        "what the product sealed"
    );
    let read = Proto::decode(unpad(&text)?)?;
    ensure!(read.message[..] == *b"by the product", "another content");
    counts.add("opened by hand");
    Ok(counts)
}

/// What is computed here is RFC 9180: the published vector of the suite.
fn vector() -> Result<()> {
    let ephemeral = X25519Secret::from_bytes(bytes(SUITE.ephemeral)?);
    let recipient = X25519Secret::from_bytes(bytes(SUITE.recipient)?).public();
    let encapsulated = bytes::<32>(SUITE.encapsulated)?;
    ensure!(
        ephemeral.public().as_bytes() == &encapsulated,
        "the encapsulated key"
    );
    let agreed = ephemeral.agree(&recipient)?;
    let (key, nonce) = schedule(agreed.as_bytes(), &encapsulated, recipient.as_bytes(), INFO)?;
    ensure!(
        key == bytes(SUITE.key)? && nonce == bytes(SUITE.nonce)?,
        "the schedule"
    );
    let mut text = PLAINTEXT.to_vec();
    let tag = aead_seal(key, nonce, b"Count-0", &mut text);
    text.extend(tag);
    ensure!(text[..] == bytes::<45>(SUITE.ciphertext)?, "the ciphertext");
    Ok(())
}
