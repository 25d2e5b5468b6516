//! Writes a first file into every corpus: `cargo run -p chopar-fuzz-targets --example seeds`.

#![allow(clippy::unwrap_used, reason = "run by hand; a failure is shown")]

use std::fs;
use std::path::Path;

use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::recovery::RecoveryKey;
use chopar_e2ee::safety_number::SafetyNumber;
use chopar_e2ee::seal::{FirstContact, seal_handshake, session_body};
use chopar_fuzz_targets::SCENE;
use chopar_wire::frame;
use chopar_wire::prost::Message;
use chopar_wire::proto::relay::{ClaimBundle, ClaimedBundle, Log, client_frame, relay_frame};

fn main() {
    let scene = &*SCENE;
    let (alice, bob) = (&scene.alice, &scene.bob);
    let log = Log {
        account: (*alice.log.account()).into(),
        from: 0,
        entries: alice.log.entries(0).to_vec(),
        head: Some((&alice.log.head()).into()),
    };
    let claimed = ClaimedBundle {
        device: (*bob.local.device()).into(),
        bundle: Some(bob.bundle(true)),
    };
    let claim = ClaimBundle {
        account: (*bob.local.account()).into(),
        device: (*bob.local.device()).into(),
    };
    let content = FirstContact {
        log: &alice.log,
        device: alice.local.device(),
        header: &scene.header,
        message: &scene.waiting,
    };
    let sealed = seal_handshake(&bob.peer(), &bob.sealing_key.public(), &content, &mut rng(9)).unwrap();
    let key = RecoveryKey::random(&mut rng(9));
    let groups: Vec<String> = key.groups().iter().map(|group| group.to_string()).collect();
    let side = |person: &Person| (*person.log.account(), *person.log.account_key());
    let ((a, a_key), (b, b_key)) = (side(alice), side(bob));
    let number = SafetyNumber::new((&b, &b_key), (&a, &a_key));
    for (target, name, bytes) in [
        (
            "client_frame",
            "claim",
            frame::client(1, client_frame::Body::ClaimBundle(claim)),
        ),
        (
            "relay_frame",
            "log",
            frame::relay(1, relay_frame::Body::Log(log.clone())),
        ),
        (
            "relay_frame",
            "claimed",
            frame::relay(1, relay_frame::Body::ClaimedBundle(claimed)),
        ),
        ("account_log", "two_entries", log.encode_to_vec()),
        ("bundle", "with_one_time", bob.bundle(true).encode_to_vec()),
        ("bundle", "without_one_time", bob.bundle(false).encode_to_vec()),
        ("envelope", "handshake", sealed),
        ("envelope", "session", session_body(&scene.waiting)),
        ("handshake_header", "one_time", scene.header.encode()),
        ("ratchet_message", "waiting", scene.waiting.clone()),
        ("session_record", "initiator", scene.ours.to_record().to_vec()),
        ("session_record", "responder", scene.theirs.to_record().to_vec()),
        ("recovery_key", "typed", groups.join(" ").into_bytes()),
        ("handle", "plain", b"bobur.mirzo".to_vec()),
        ("handle", "capitals", " @Bobur_1 ".into()),
        ("safety_number_qr", "theirs", number.qr()),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../corpus")
            .join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
}
