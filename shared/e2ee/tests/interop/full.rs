//! Two programs speak the product's own suite with each other.

use serde_json::{Value, json};

use crate::program::Program;

/// A program with the device and the bundle of that device.
fn person(name: &str) -> (Program, Value) {
    let mut program = Program::configured(&json!({"op": "configure", "profile": "full"}));
    let bundle = program.ask(&json!({"op": "device", "name": name}))["bundle"].clone();
    (program, bundle)
}

fn sends(program: &mut Program, text: &str) -> Value {
    program.ask(&json!({"op": "encrypt", "session": "s", "plaintext": hex::encode(text)}))["message"].clone()
}

fn receives(program: &mut Program, message: &Value) -> Value {
    program.ask(&json!({"op": "decrypt", "session": "s", "message": message}))
}

fn plain(text: &str) -> Value {
    json!({"plaintext": hex::encode(text)})
}

fn form(message: &Value) -> &str {
    &message.as_str().unwrap()[..2]
}

#[test]
fn two_programs_talk_in_the_suite_of_the_product() {
    let ((mut alice, _), (mut bob, bundle)) = (person("alice"), person("bob"));
    let initiate = json!({"op": "initiate", "session": "s", "device": "alice", "bundle": bundle});
    assert_eq!(alice.ask(&initiate)["ok"], true);
    let (first, second) = (sends(&mut alice, "salom"), sends(&mut alice, "qalaysan?"));
    assert_eq!((form(&first), form(&second)), ("01", "01"), "handshake form");
    let accept = json!({"op": "accept", "session": "s", "device": "bob", "message": first});
    assert_eq!(bob.ask(&accept), plain("salom"));
    assert_eq!(bob.ask(&accept)["error"], "duplicate");
    let answer = sends(&mut bob, "yaxshi");
    assert_eq!(form(&answer), "02", "session form");
    assert_eq!(receives(&mut alice, &answer), plain("yaxshi"));
    // Overtaken by the answer, and still in handshake form.
    assert_eq!(receives(&mut bob, &second), plain("qalaysan?"));
    assert_eq!(receives(&mut bob, &second)["error"], "duplicate");
    for round in 0..20 {
        let there = sends(&mut alice, &format!("there {round}"));
        assert_eq!(form(&there), "02");
        assert_eq!(receives(&mut bob, &there), plain(&format!("there {round}")));
        let back = sends(&mut bob, &format!("back {round}"));
        let stored = alice.ask(&json!({"op": "snapshot", "session": "s"}));
        let restore = json!({"op": "restore", "session": "s", "state": stored["state"]});
        assert_eq!(alice.ask(&restore)["ok"], true);
        assert_eq!(receives(&mut alice, &back), plain(&format!("back {round}")));
    }
    alice.end();
    bob.end();
}

#[test]
fn an_altered_envelope_is_refused_by_name() {
    let ((mut alice, _), (mut bob, bundle)) = (person("alice"), person("bob"));
    let initiate = json!({"op": "initiate", "session": "s", "device": "alice", "bundle": bundle});
    alice.ask(&initiate);
    let first = sends(&mut alice, "salom");
    let whole = hex::decode(first.as_str().unwrap()).unwrap();
    let accept = |bytes: &[u8]| json!({"op": "accept", "session": "s", "device": "bob", "message": hex::encode(bytes)});
    for at in [5, 20, 37, 100, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        assert_eq!(bob.ask(&accept(&altered))["error"], "authentication", "byte {at}");
    }
    for cut in [0, 1, 5, 36] {
        assert_eq!(
            bob.ask(&accept(&whole[..cut]))["error"],
            "malformed",
            "{cut} bytes"
        );
    }
    let mut cut = bundle.as_str().unwrap().to_owned();
    cut.truncate(cut.len() / 2);
    let half = json!({"op": "initiate", "session": "s", "device": "alice", "bundle": cut});
    assert_eq!(alice.ask(&half)["error"], "malformed");
    assert_eq!(bob.ask(&accept(&whole)), plain("salom"));
    alice.end();
    bob.end();
}

#[test]
fn the_safety_number_is_that_of_the_published_vector() {
    let (mut alice, _) = person("alice");
    let request = json!({
        "op": "safety-number", "iterations": 5200,
        "a": {
            "id": hex::encode("+14152222222"),
            "key": "0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868",
        },
        "b": {
            "id": hex::encode("+14153333333"),
            "key": "05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b",
        },
    });
    let number = alice.ask(&request);
    assert_eq!(
        number["digits"],
        "300354477692869396892869876765458257569162576843440918079131"
    );
    assert_eq!(
        number["qr"],
        "080212220a201e301a0353dce3dbe7684cb8336e85136cdc0ee96219494ada305d62a7bd61df\
         1a220a20d62cbf73a11592015b6b9f1682ac306fea3aaf3885b84d12bca631e9d4fb3a4d"
    );
    alice.end();
}
