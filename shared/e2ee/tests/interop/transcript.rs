//! The transcripts that stock packages made with fixed keys, through the program, bit for bit; and bad requests.

use serde_json::{Value, json};

use crate::program::Program;

const HELLO_BOB: (&str, &str) = (
    "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f130000000000000000",
    "8448ff9da016dadc811794b7defe4a75dfeaaf63b27c6f7283",
);
const SECOND: (&str, &str) = (
    "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f130000000000000001",
    "f66bd0238001e0182ad56fc3ff88235a95b425ca2f1e",
);
const HELLO_ALICE: (&str, &str) = (
    "052a50773ac8d91773f2dc9662e12f0defe915e415b8a1c8e20a5a3d6ab2b8430000000000000000",
    "86eeff35c5eee9f95e4aa11e0b5d5d6b7de37f2a87a0dc3a62bf23",
);
const THIRD: (&str, &str) = (
    "197fc2c567dc03ee2aadf0ed86681dac24daa76e83ca555875dd3be7376e53060000000200000000",
    "08d34be103acccc7ba0f0336124266ce3aedcfa286",
);

fn key(byte: u8) -> String {
    hex::encode([byte; 32])
}

fn oracle(label: &str, kem: &str) -> Program {
    Program::configured(&json!({
        "op": "configure", "profile": "oracle", "kem": kem,
        "labels": {"handshake": label, "root": "Example Root v1", "message": "Example Message v1"},
    }))
}

/// Bob's bundle, Alice's initiation (ratchet key 11), Bob's acceptance (ratchet keys 12, 14); both shared secrets.
fn handshake(program: &mut Program, kem: bool) -> [Value; 2] {
    let seed = kem.then(|| key(6) + &key(7));
    let bundle = json!({
        "op": "bundle", "identity": key(3), "signed_prekey": key(4), "one_time": key(5), "kem_seed": seed,
    });
    let bundle = program.ask(&bundle);
    let alice = program.ask(&json!({
        "op": "initiate", "session": "alice", "identity": key(1), "ephemeral": key(2), "ratchet": key(0x11),
        "kem_m": kem.then(|| key(8)), "bundle": bundle,
    }));
    let initiator = program.ask(&json!({
        "op": "bundle", "identity": key(1), "signed_prekey": key(1), "one_time": null, "kem_seed": seed,
    }));
    let bob = program.ask(&json!({
        "op": "accept", "session": "bob", "identity": key(3), "signed_prekey": key(4), "one_time": key(5),
        "kem_seed": seed, "initiator_identity_pub": initiator["identity_pub"],
        "ephemeral_pub": alice["ephemeral_pub"], "kem_ct": alice["kem_ct"], "ratchets": [key(0x12), key(0x14)],
    }));
    assert_eq!(alice["ad"], bob["ad"]);
    [alice["sk"].clone(), bob["sk"].clone()]
}

fn sends(
    program: &mut Program,
    session: &str,
    text: &str,
    ratchet: Option<u8>,
    (header, ciphertext): (&str, &str),
) {
    let made = program.ask(&json!({
        "op": "encrypt", "session": session, "plaintext": hex::encode(text), "ratchet": ratchet.map(key),
    }));
    assert_eq!(
        (made["header"].as_str(), made["ciphertext"].as_str()),
        (Some(header), Some(ciphertext)),
        "{text}"
    );
}

fn receives(program: &mut Program, session: &str, (header, ciphertext): (&str, &str)) -> Value {
    program.ask(&json!({"op": "decrypt", "session": session, "header": header, "ciphertext": ciphertext}))
}

fn stores(program: &mut Program, session: &str) {
    let stored = program.ask(&json!({"op": "snapshot", "session": session}));
    let request = json!({"op": "restore", "session": session, "state": stored["state"]});
    assert_eq!(program.ask(&request)["ok"], true);
}

#[test]
fn the_transcript_comes_out_of_the_program_bit_for_bit() {
    let mut program = oracle("Example X3DH v1", "none");
    for sk in handshake(&mut program, false) {
        assert_eq!(
            sk,
            "871c79423ab5806307f7e5329dfc16006a58f8838a31d6cb32626739656d73bc"
        );
    }
    let plain = |text: &str| json!({"plaintext": hex::encode(text)});
    sends(&mut program, "alice", "hello bob", None, HELLO_BOB);
    sends(&mut program, "alice", "second", None, SECOND);
    assert_eq!(receives(&mut program, "bob", HELLO_BOB), plain("hello bob"));
    stores(&mut program, "bob");
    sends(&mut program, "bob", "hello alice", None, HELLO_ALICE);
    assert_eq!(receives(&mut program, "alice", HELLO_ALICE), plain("hello alice"));
    sends(&mut program, "alice", "third", Some(0x13), THIRD);
    assert_eq!(receives(&mut program, "bob", THIRD), plain("third"));
    stores(&mut program, "bob");
    assert_eq!(receives(&mut program, "bob", SECOND), plain("second"));
    for message in [HELLO_BOB, SECOND, THIRD] {
        assert_eq!(receives(&mut program, "bob", message)["error"], "duplicate");
    }
    program.end();
}

#[test]
fn pqxdh_gives_the_secrets_of_openssl_and_kyber_py() {
    for (kem, label, sk) in [
        (
            "ml-kem-768",
            "Example_X25519_SHA-256_ML-KEM-768",
            "c85dc13ed4ad4d47df7e0384117272e9a1a4c690c7d0e1beb781cddbe8464ac5",
        ),
        (
            "ml-kem-1024",
            "Example_X25519_SHA-256_ML-KEM-1024",
            "421c1017c4dfa1ec7f6324a9c623d4603d0914a2a773f4258f24a8f3202849de",
        ),
    ] {
        let mut program = oracle(label, kem);
        assert_eq!(handshake(&mut program, true), [sk, sk], "{kem}");
        program.end();
    }
}

#[test]
fn errors_are_named_and_change_nothing() {
    let mut program = oracle("Example X3DH v1", "none");
    handshake(&mut program, false);
    sends(&mut program, "alice", "hello bob", None, HELLO_BOB);
    let state = program.ask(&json!({"op": "snapshot", "session": "bob"}));
    let (header, ciphertext) = HELLO_BOB;
    let far = format!("{}00000000ffffffff", &header[..64]);
    let low = format!("{}{}", "0".repeat(64), &header[64..]);
    let other = format!("{}00", &ciphertext[..ciphertext.len() - 2]);
    for (header, ciphertext, kind) in [
        (header, &other[..], "authentication"),
        (&far[..], ciphertext, "skip-limit"),
        (&low[..], ciphertext, "non-contributory"),
        (&header[2..], ciphertext, "malformed"),
        (header, &ciphertext[..6], "malformed"),
        (header, "xy", "malformed"),
    ] {
        assert_eq!(receives(&mut program, "bob", (header, ciphertext))["error"], kind);
    }
    for line in [
        "",
        "{}",
        "[]",
        "nonsense",
        r#"{"op":"fly"}"#,
        r#"{"op":"encrypt"}"#,
        r#"{"op":"encrypt","session":1}"#,
    ] {
        if !line.is_empty() {
            assert_eq!(program.say(line)["error"], "malformed", "{line}");
        }
    }
    let early = json!({"op": "encrypt", "session": "bob", "plaintext": ""});
    assert_eq!(program.ask(&early)["error"], "nothing-received");
    assert_eq!(program.ask(&json!({"op": "snapshot", "session": "bob"})), state);
    assert_eq!(
        receives(&mut program, "bob", HELLO_BOB)["plaintext"],
        hex::encode("hello bob")
    );
    program.end();
}
