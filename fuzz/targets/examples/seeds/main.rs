//! Writes a first file into every corpus: `cargo run -p chopar-fuzz-targets --example seeds`.

#![allow(clippy::unwrap_used, reason = "run by hand; a failure is shown")]

mod alone;
mod inside;

use std::fs;
use std::path::Path;

use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::recovery::RecoveryKey;
use chopar_e2ee::safety_number::SafetyNumber;
use chopar_e2ee::seal::{FirstContact, seal_handshake, session_body};
use chopar_fuzz_targets::{Act, GROUP, RECOVERY, SCENE};
use chopar_wire::GroupRecipient;
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
    let recipients =
        [alice, bob].map(|person| GroupRecipient::new(*person.log.account(), &person.log.head().hash));
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
        (
            "search_segment",
            "lines",
            chopar_fuzz_targets::segment_of(&["Эртага чой", "osh", "", "Toshkent"], 512),
        ),
        (
            "search_segment",
            "empty",
            chopar_fuzz_targets::segment_of(&[], 64),
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
        ("roster_entry", "next", GROUP.next.encode_to_vec()),
        (
            "roster_entry",
            "first",
            GROUP.roster.entries(0)[0].encode_to_vec(),
        ),
        ("roster_sealed", "next", GROUP.sealed.clone()),
        ("group_message", "waiting", GROUP.waiting.clone()),
        ("group_distribution", "with_end", GROUP.distribution.clone()),
        ("group_record", "sending", GROUP.ours.to_record().to_vec()),
        ("group_record", "receiving", GROUP.theirs.to_record().to_vec()),
        (
            "group_recipients",
            "both",
            GroupRecipient::encode(&recipients).into(),
        ),
        ("log_key", "first", GROUP.log_key()),
        ("opaque_append", "next", GROUP.append.encode_to_vec()),
        ("recovery_encapsulation", "sealed", RECOVERY.encapsulation.clone()),
        ("recovery_key", "typed", groups.join(" ").into_bytes()),
        ("handle", "plain", b"bobur.mirzo".to_vec()),
        ("handle", "capitals", " @Bobur_1 ".into()),
        ("safety_number_qr", "theirs", number.qr()),
        ("script", "conversation", conversation()),
        ("script", "disorder", disorder()),
        ("script", "losses", losses()),
        ("script", "crashes", crashes()),
        ("script", "old_chains", old_chains()),
        ("world", "both_write", both_write()),
        ("world", "trouble", trouble()),
    ] {
        write(target, name, &bytes);
    }
    inside::write_all();
    alone::write_all();
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

/// Sides of a script.
const A: u8 = 0;
const B: u8 = 1;

/// Twenty rounds in good order, with signals, past the first KEM exchange by number and the next by time.
fn conversation() -> Vec<u8> {
    let round = |i: u8| {
        let there = [Act::Send.of(A), i, Act::DeliverOldest.of(B), Act::Signal.of(B), i];
        let back = [
            Act::Send.of(B),
            i,
            Act::DeliverOldest.of(A),
            Act::DeliverSignal.of(A),
            i,
        ];
        let pause = [Act::Wait.of(A), 20 * (i % 13)];
        [&there[..], &back, &pause].concat()
    };
    (0..20).flat_map(round).collect()
}

/// Both write at once; what arrives is late, doubled, altered, cut and reflected.
fn disorder() -> Vec<u8> {
    let both = [Act::SendMany.of(A), 20, Act::SendMany.of(B), 20];
    let arrive = |i: u8| {
        let side = i % 2;
        let some = [
            Act::DeliverAny.of(side),
            i.wrapping_mul(37),
            Act::Repeat.of(side),
            i,
        ];
        let bad = [
            Act::Alter.of(side),
            i,
            i,
            i.wrapping_mul(91),
            Act::Cut.of(side),
            i,
            i,
        ];
        let back = [
            Act::Reflect.of(side),
            i,
            Act::Lose.of(side),
            i,
            Act::Send.of(side),
            i,
        ];
        [&some[..], &bad, &back].concat()
    };
    both.into_iter().chain((0..50).flat_map(arrive)).collect()
}

/// Gaps up to the limit, over it, and more kept keys than there is room for.
fn losses() -> Vec<u8> {
    let begin = [
        Act::Send.of(A),
        1,
        Act::SendMany.of(A),
        63,
        Act::DeliverAny.of(B),
        0,
    ];
    let gap = |quarter: u8| {
        let more = [Act::SendInVain.of(A), quarter, Act::Send.of(A), 1];
        let tell = [
            Act::DeliverAny.of(B),
            63,
            Act::Send.of(B),
            0,
            Act::DeliverOldest.of(A),
        ];
        [&more[..], &tell].concat()
    };
    let gaps = [240, 255, 10, 249, 249, 249].into_iter().flat_map(gap);
    begin
        .into_iter()
        .chain(gaps)
        .chain([Act::Restart.of(B)])
        .collect()
}

/// Every kind of stop at every stage of a conversation.
fn crashes() -> Vec<u8> {
    let round = |i: u8| {
        let (side, other) = (i % 2, 1 - i % 2);
        let send = [
            Act::CrashWhileSending.of(side),
            Act::Send.of(side),
            i,
            Act::Restart.of(side),
        ];
        let open = [Act::CrashWhileOpening.of(other), i, Act::DeliverOldest.of(other)];
        let signal = [
            Act::Signal.of(other),
            i,
            Act::Restart.of(other),
            Act::Signal.of(other),
            i,
        ];
        let heard = [Act::DeliverSignal.of(side), 2 | (i & 1), Act::Restart.of(side)];
        [&send[..], &open, &signal, &heard].concat()
    };
    (0..30).flat_map(round).collect()
}

/// A message and a signal of each turn stay behind; then a month passes.
fn old_chains() -> Vec<u8> {
    let turn = [
        Act::Send.of(A),
        0,
        Act::Signal.of(A),
        7,
        Act::Send.of(A),
        0,
        Act::DeliverAny.of(B),
        255,
    ];
    let answer = [Act::Send.of(B), 0, Act::DeliverOldest.of(A)];
    let round = [&turn[..], &answer].concat();
    let late = [
        Act::DeliverAny.of(B),
        4,
        Act::DeliverSignal.of(B),
        1,
        Act::DeliverSignal.of(B),
        16,
    ];
    let month = [
        Act::Wait.of(A),
        255,
        Act::Send.of(A),
        0,
        Act::DeliverOldest.of(B),
        Act::Restart.of(B),
    ];
    let tail = [&late[..], &late, &month, &round].concat();
    round.repeat(8).into_iter().chain(tail).collect()
}

/// Acts of `world`, by number: 0 says, 3 loses the connection, 4 crashes, 5 stops or starts the relay, 6 loses frames,
/// 7 changes delays, 8 types or reads, 9 lets time pass.
fn both_write() -> Vec<u8> {
    let round = |i: u8| [A, 0, 1, 0, 9 << 1, 10 + i, 8 << 1 | (i & 1), i, 9 << 1, 60];
    (0..9).flat_map(round).collect()
}

/// Each kind of trouble while something is under way.
fn trouble() -> Vec<u8> {
    let round = |i: u8| {
        let begin = [A, 0, 9 << 1, 3 * i, (3 + i % 5) << 1 | (i & 1), i];
        let go_on = [B, 0, 9 << 1, 40, 5 << 1, 1];
        [begin, go_on].concat()
    };
    (0..15).flat_map(round).collect()
}
