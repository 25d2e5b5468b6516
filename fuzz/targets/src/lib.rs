//! What every parser must keep to, whatever bytes it is given.
//!
//! A target is a plain function that panics where a rule is broken. The fuzzer calls it with bytes of its own; the test
//! `corpus` calls it with the files of `fuzz/corpus/<name>/` and what comes of cutting and altering them.

#![forbid(unsafe_code)]

mod claims;
mod file;
mod group;
mod history;
mod inside;
mod lone;
mod recovery;
mod script;
mod search;
mod world;

use std::sync::LazyLock;

use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::handshake::{Acceptance, HandshakeHeader, Initiation};
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::safety_number::SafetyNumber;
use chopar_e2ee::seal::EnvelopeBody;
use chopar_identity::{AccountLog, Handle, VerifiedBundle};
use chopar_wire::Timestamp;
use chopar_wire::frame::{decode_client, decode_relay};
use chopar_wire::ids::AccountId;
use chopar_wire::prost::Message;
use chopar_wire::prost::bytes::Bytes;
use chopar_wire::proto::identity::Bundle;
use chopar_wire::proto::relay::Log;
use rand_core::CryptoRng;

pub use claims::{claim, histories, log_growth, name, recovering, sign_in};
pub use file::{FILE, FileScene, file_chunk, file_descriptor};
pub use group::{
    GROUP, GroupScene, group_distribution, group_message, group_recipients, group_record, log_key,
    opaque_append, roster_entry, roster_sealed,
};
pub use history::{HISTORY, HistoryScene, history_file};
pub use inside::{first_contact, padding, prekey_record, ratchet_header, signal};
pub use lone::{ALONE, Alone, engine_frames, engine_records, exported, history_record, payload};
pub use recovery::{RECOVERY, RecoveryScene, recovery_encapsulation, recovery_key};
pub use script::{Act, script};
pub use search::{search_segment, search_text, segment_of};
pub use world::world;

/// The moment of every target.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// What the waiting signal says.
pub const SIGNAL: &[u8] = b"typing";

/// A target and the name of its corpus. It says whether the bytes came to something: whether what it reads was taken, not refused.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All of them.
pub const TARGETS: [Target; 39] = [
    ("client_frame", client_frame),
    ("relay_frame", relay_frame),
    ("account_log", account_log),
    ("bundle", bundle),
    ("envelope", envelope),
    ("handshake_header", handshake_header),
    ("ratchet_message", ratchet_message),
    ("session_record", session_record),
    ("roster_entry", roster_entry),
    ("roster_sealed", roster_sealed),
    ("group_message", group_message),
    ("group_distribution", group_distribution),
    ("group_record", group_record),
    ("group_recipients", group_recipients),
    ("log_key", log_key),
    ("opaque_append", opaque_append),
    ("recovery_key", recovery_key),
    ("recovery_encapsulation", recovery_encapsulation),
    ("handle", handle),
    ("safety_number_qr", safety_number_qr),
    ("sign_in", sign_in),
    ("name", name),
    ("log_growth", log_growth),
    ("first_contact", first_contact),
    ("ratchet_header", ratchet_header),
    ("signal", signal),
    ("padding", padding),
    ("prekey_record", prekey_record),
    ("file_descriptor", file_descriptor),
    ("file_chunk", file_chunk),
    ("history_file", history_file),
    ("history_record", history_record),
    ("search_segment", search_segment),
    ("search_text", search_text),
    ("payload", payload),
    ("engine_frames", engine_frames),
    ("engine_records", engine_records),
    ("script", script),
    ("world", world),
];

/// Two people who know each other, and their sessions in the middle of a conversation.
pub struct Scene {
    /// The one who began.
    pub alice: Person,
    /// The one who answered.
    pub bob: Person,
    /// Alice's session, one message ahead of Bob's.
    pub ours: Session,
    /// Bob's session.
    pub theirs: Session,
    /// The message that Bob has not opened.
    pub waiting: Vec<u8>,
    /// The signal that Bob has not opened.
    pub signal: Vec<u8>,
    /// The header of the handshake.
    pub header: HandshakeHeader,
}

/// The scene that every target takes place in: always the same.
pub static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);

/// The two sessions that a real handshake makes, before the first message.
#[allow(
    clippy::unwrap_used,
    reason = "made of its own valid parts; a failure is a mistake in the target"
)]
fn shake_hands(
    alice: &Person,
    bob: &Person,
    rng: &mut impl CryptoRng,
) -> (Session, Session, HandshakeHeader) {
    let bundle = bob.verified_bundle(true);
    let initiation = Initiation::begin(&alice.local, &bob.peer(), &bundle, rng).unwrap();
    let agreed = alice.agreement.agree(initiation.wanted()).unwrap();
    let (secrets, header) = initiation.finish(agreed);
    let acceptance = Acceptance::begin(&bob.local, &alice.peer(), &header, &bob.prekeys(true)).unwrap();
    let agreed = bob.agreement.agree(acceptance.wanted()).unwrap();
    let ours = Session::initiator(secrets, NOW);
    let signed_prekey = bob.signed_prekey.secret.duplicate();
    let theirs = Session::responder(acceptance.finish(agreed), signed_prekey, NOW);
    (ours, theirs, header)
}

impl Scene {
    #[allow(
        clippy::unwrap_used,
        clippy::new_without_default,
        reason = "made of its own valid parts; a failure is a mistake in the target"
    )]
    fn new() -> Self {
        let (alice, bob, mut rng) = (Person::new(1), Person::new(2), rng(3));
        let (mut ours, mut theirs, header) = shake_hands(&alice, &bob, &mut rng);
        for _ in 0..3 {
            // One of three is lost, so that a key is kept.
            let messages = [0; 3].map(|_| ours.encrypt(b"there", NOW, &mut rng).unwrap());
            for message in &messages[1..] {
                let opened = theirs.open(message, NOW).unwrap();
                theirs.commit(opened.draft).unwrap();
            }
            let back = theirs.encrypt(b"back", NOW, &mut rng).unwrap();
            let opened = ours.open(&back, NOW).unwrap();
            ours.commit(opened.draft).unwrap();
        }
        let waiting = ours.encrypt(b"waiting", NOW, &mut rng).unwrap();
        let signal = ours.seal_signal(SIGNAL, NOW, &mut rng).unwrap();
        Self {
            alice,
            bob,
            ours,
            theirs,
            waiting,
            signal,
            header,
        }
    }
}

/// A frame of a client, as the relay reads it.
pub fn client_frame(bytes: &[u8]) -> bool {
    decode_client(Bytes::copy_from_slice(bytes)).is_ok_and(|frame| frame.body.is_some())
}

/// A frame of the relay, as a client reads it.
pub fn relay_frame(bytes: &[u8]) -> bool {
    decode_relay(Bytes::copy_from_slice(bytes)).is_ok_and(|frame| frame.body.is_some())
}

/// A log as the relay hands it out: what verifies is the account's whose id it begins with, and verifies again.
pub fn account_log(bytes: &[u8]) -> bool {
    let Ok(log) = Log::decode(bytes) else { return false };
    let Ok(account) = AccountId::try_from(log.account.as_ref()) else {
        return false;
    };
    let Ok(verified) = AccountLog::verify(&account, &log.entries) else {
        return false;
    };
    assert_eq!(verified.account(), &account);
    assert_eq!(AccountLog::verify(&account, verified.entries(0)), Ok(verified));
    true
}

/// A bundle of a known device: only what that device signed verifies.
pub fn bundle(bytes: &[u8]) -> bool {
    let Ok(bundle) = Bundle::decode(bytes) else {
        return false;
    };
    let bob = &SCENE.bob;
    let Ok(verified) = VerifiedBundle::verify(bob.local.account(), bob.local.keys(), &bundle) else {
        return false;
    };
    assert_eq!(verified.base().device, *bob.local.device());
    assert_eq!(
        verified.base(),
        bob.verified_bundle(false).base(),
        "a forged bundle"
    );
    true
}

/// An envelope in either form, opened where it is sealed.
pub fn envelope(bytes: &[u8]) -> bool {
    match EnvelopeBody::parse(bytes) {
        Ok(EnvelopeBody::Handshake(sealed)) => sealed.open(&SCENE.bob.local, &SCENE.bob.sealing_key).is_ok(),
        Ok(EnvelopeBody::Session(message)) => ratchet_message(message),
        Err(_) => false,
    }
}

/// A handshake header has one spelling.
pub fn handshake_header(bytes: &[u8]) -> bool {
    let Ok(header) = HandshakeHeader::parse(bytes) else {
        return false;
    };
    assert_eq!(header.encode(), bytes);
    true
}

/// A message to a session: only the one that was sent opens.
pub fn ratchet_message(bytes: &[u8]) -> bool {
    let opens = SCENE.theirs.open(bytes, NOW).is_ok();
    assert!(!opens || bytes == SCENE.waiting, "a forged message");
    opens
}

/// A record: what is read is written so that it is read again, and the session it makes can be used.
pub fn session_record(bytes: &[u8]) -> bool {
    let Ok(session) = Session::from_record(bytes) else {
        return false;
    };
    assert!(Session::from_record(&session.to_record()).is_ok());
    drop(session.open(&SCENE.waiting, NOW));
    assert!(session.expected_tags().count() <= 4096);
    true
}

/// A handle: what is taken is in the form it is kept in.
pub fn handle(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(handle) = Handle::parse(&text) else {
        return false;
    };
    assert_eq!(Handle::parse(handle.as_str()), Ok(handle));
    true
}

/// A scanned code: only the other side's own confirms.
pub fn safety_number_qr(bytes: &[u8]) -> bool {
    static NUMBERS: LazyLock<[SafetyNumber; 2]> = LazyLock::new(|| {
        let side = |person: &Person| (*person.log.account(), *person.log.account_key());
        let ((a, a_key), (b, b_key)) = (side(&SCENE.alice), side(&SCENE.bob));
        [
            SafetyNumber::new((&a, &a_key), (&b, &b_key)),
            SafetyNumber::new((&b, &b_key), (&a, &a_key)),
        ]
    });
    let [ours, theirs] = &*NUMBERS;
    if ours.confirm(bytes).is_err() {
        return false;
    }
    // Fields may be written in another order; both halves are there.
    let real = theirs.qr();
    for half in [&real[6..38], &real[42..74]] {
        assert!(bytes.windows(32).any(|window| window == half), "a forged code");
    }
    true
}
