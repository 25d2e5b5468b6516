//! What a device signs or seals: claims, growing logs, content behind an authentication.

use chopar_e2ee::padding::pad;
use chopar_e2ee::ratchet::primitives::{kem_offer, next_header};
use chopar_fuzz_targets::{FILE, HISTORY, SCENE, claim, exported, histories, recovering};
use chopar_identity::{RecoverClaim, SignInClaim};
use chopar_wire::prost::Message;
use chopar_wire::proto::content::FirstContact;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::Log;
use ed25519_dalek::Signer as _;

use crate::write;

pub(crate) fn write_all() {
    let (alice, bob) = (&SCENE.alice, &SCENE.bob);
    let (device, key) = (claim().body(), recovering().body());
    let by_device = bob.signing.sign(&SignInClaim::signing_input(&device));
    let by_key = bob.account.sign(&RecoverClaim::signing_input(&key));
    for (name, body, signature) in [("proof", device, by_device), ("account_key", key, by_key)] {
        let proof = Signed {
            body: body.into(),
            signature: signature.to_bytes().to_vec().into(),
        };
        write("sign_in", name, &proof.encode_to_vec());
    }
    write("name", "plain", b"Bobur Mirzo");
    write("name", "cyrillic", " Бобур Мирзо ".as_bytes());
    for (name, entries) in ["longer", "other", "resolved"].into_iter().zip(histories()) {
        let log = Log {
            account: (*bob.log.account()).into(),
            from: 0,
            entries,
            head: None,
        };
        write("log_growth", name, &log.encode_to_vec());
    }
    let whole = FirstContact {
        account: (*alice.log.account()).into(),
        device: (*alice.local.device()).into(),
        log_head: Some((&alice.log.head()).into()),
        log: alice.log.entries(0).to_vec(),
        handshake: SCENE.header.encode().into(),
        message: SCENE.waiting.clone().into(),
    };
    let head = FirstContact {
        log: Vec::new(),
        ..whole.clone()
    };
    for (name, content) in [("whole", whole), ("head", head)] {
        let bytes = [&[0][..], &content.encode_to_vec()].concat();
        write("first_contact", name, &bytes);
    }
    let header = |flags: u8, area: &[u8]| {
        let key = alice.local.keys().agreement;
        let (previous, number) = (3u32.to_be_bytes(), 1u32.to_be_bytes());
        let header = [&key.as_bytes()[..], &previous, &number, &[flags], area].concat();
        [&[0][..], &number, &header].concat()
    };
    let (number, honest) = next_header(&SCENE.ours).unwrap();
    let honest = [&[0][..], &number.to_be_bytes(), &honest].concat();
    write("ratchet_header", "honest", &honest);
    write("ratchet_header", "bare", &header(0, &[]));
    write("ratchet_header", "offer", &header(1, &kem_offer(&[5; 64])[..]));
    write("ratchet_header", "answer", &header(2, &[0; 1184]));
    write("signal", "waiting", &SCENE.signal);
    write("padding", "short", &pad(b"hello").unwrap());
    write("prekey_record", "x25519", &bob.signed_prekey.encode());
    write("prekey_record", "ml_kem", &bob.last_resort.encode());
    write("prekey_record", "pair", &bob.one_time.encode());
    write(
        "file_descriptor",
        "picture",
        &FILE.descriptor.to_wire().encode_to_vec(),
    );
    write("file_chunk", "whole", &FILE.chunk);
    write("history_file", "whole", &HISTORY.file);
    let history = exported();
    for (name, at) in [("person", 0), ("line", 1), ("oldest_line", history.len() - 1)] {
        write("history_record", name, &history[at]);
    }
    // A group is longer than anything else.
    let longest = history.iter().max_by_key(|record| record.len()).unwrap();
    write("history_record", "longest", longest);
}
