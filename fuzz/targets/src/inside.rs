//! What stands behind an authentication, and so is reached only by one who may write: the bytes are sealed rightly first.

use chopar_e2ee::fixture::rng;
use chopar_e2ee::handshake::Acceptance;
use chopar_e2ee::padding::{MAX_CONTENT, pad, unpad};
use chopar_e2ee::prekeys::{EcPrekeySecret, OneTimeSecret, PqPrekeySecret};
use chopar_e2ee::ratchet::primitives::{Chain, with_header};
use chopar_e2ee::seal::{EnvelopeBody, SenderLog};
use chopar_identity::AccountLog;
use chopar_wire::limits::MAX_ENVELOPE_BODY;

use crate::{NOW, SCENE};

/// Form byte, key id, encapsulated key, authentication tag.
const SEAL: usize = 1 + 4 + 32 + 16;
/// Content of every message with a header of the target's.
const CONTENT: &[u8] = b"inside";

/// What is sealed to a person, by whoever can seal: parsed, and taken on as far as a handshake. The first bit of the first
/// byte says whether the rest is padded first.
pub fn first_contact(bytes: &[u8]) -> bool {
    let bob = &SCENE.bob;
    let Some((&first, rest)) = bytes.split_first() else {
        return false;
    };
    let content = match pad(rest) {
        Ok(padded) if first & 1 == 0 => padded,
        _ => rest.to_vec(),
    };
    if content.len() > MAX_ENVELOPE_BODY - SEAL {
        return false;
    }
    let body = bob.sealed(&content, &mut rng(8));
    let Ok(EnvelopeBody::Handshake(sealed)) = EnvelopeBody::parse(&body) else {
        unreachable!("it is in handshake form and not too long")
    };
    let Ok(unsealed) = sealed.open(&bob.local, &bob.sealing_key) else {
        return false;
    };
    if let SenderLog::Whole(entries) = &unsealed.log
        && let Ok(log) = AccountLog::verify(&unsealed.account, entries)
    {
        assert_eq!(log.account(), &unsealed.account);
    }
    // Whoever it says it is from: the header is judged against a device that is known.
    let mut accepted = false;
    for one_time in [true, false] {
        let prekeys = bob.prekeys(one_time);
        if let Ok(acceptance) = Acceptance::begin(&bob.local, &SCENE.alice.peer(), &unsealed.header, &prekeys)
        {
            assert_eq!(acceptance.wanted(), unsealed.header.ephemeral());
            accepted = true;
        }
    }
    accepted
}

/// The header of a message that authenticates: the first byte says under which header key, four follow with the number
/// that its tag stands for, the rest is the header.
pub fn ratchet_header(bytes: &[u8]) -> bool {
    let Some(([chain, number @ ..], header)) = bytes.split_first_chunk::<5>() else {
        return false;
    };
    let chain = match chain & 1 {
        0 => Chain::Current,
        _ => Chain::Coming,
    };
    let number = u32::from_be_bytes(*number);
    let Some(message) = with_header(&SCENE.ours, chain, number, header, CONTENT, &mut rng(8)) else {
        return false;
    };
    let Ok(opened) = SCENE.theirs.open(&message, NOW) else {
        return false;
    };
    assert_eq!(opened.plaintext[..], *CONTENT, "another content");
    true
}

/// A signal to a session: only the one that was sent opens.
pub fn signal(bytes: &[u8]) -> bool {
    let Ok(opened) = SCENE.theirs.open_signal(bytes, NOW) else {
        return false;
    };
    assert_eq!(bytes, SCENE.signal, "a forged signal");
    assert_eq!(opened.plaintext[..], *crate::SIGNAL);
    true
}

/// Padding: what comes off goes on again as it was.
pub fn padding(bytes: &[u8]) -> bool {
    let content = unpad(bytes).inspect(|content| {
        assert_eq!(pad(content).as_deref(), Ok(bytes), "a second spelling");
    });
    match pad(bytes) {
        Ok(padded) => assert_eq!(unpad(&padded), Ok(bytes)),
        Err(_) => assert!(bytes.len() > MAX_CONTENT),
    }
    content.is_ok()
}

/// Private halves of prekeys at rest: what is read is written so that it is read again, and is of one kind alone.
pub fn prekey_record(bytes: &[u8]) -> bool {
    let mut kinds = 0;
    if let Ok(key) = EcPrekeySecret::decode(bytes) {
        let again = EcPrekeySecret::decode(&key.encode()).map(|key| key.public());
        assert_eq!(again, Ok(key.public()));
        kinds += 1;
    }
    if let Ok(key) = PqPrekeySecret::decode(bytes) {
        assert_eq!(key.encode()[..], *bytes);
        kinds += 1;
    }
    if let Ok(pair) = OneTimeSecret::decode(bytes) {
        let again = OneTimeSecret::decode(&pair.encode()).map(|pair| pair.id);
        assert_eq!(again, Ok(pair.id));
        kinds += 1;
    }
    assert!(kinds <= 1, "of {kinds} kinds");
    kinds == 1
}
