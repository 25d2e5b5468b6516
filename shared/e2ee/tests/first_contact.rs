//! The whole way of a first message through the public API: recovery key, account log, bundle, handshake, ratchet, seal,
//! and an answer back. What the engine does, without its timing and storage.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chopar_e2ee::device::{LocalDevice, PeerDevice};
use chopar_e2ee::handshake::{Acceptance, HandshakeHeader, Initiation};
use chopar_e2ee::keys::{Agreed, Secret32, X25519Secret};
use chopar_e2ee::padding::{pad, unpad};
use chopar_e2ee::prekeys::{EcPrekeySecret, OneTimeOrLastResort, OneTimeSecret, PqPrekeySecret, Prekeys};
use chopar_e2ee::ratchet::Session;
use chopar_e2ee::recovery::RecoveryKey;
use chopar_e2ee::safety_number::SafetyNumber;
use chopar_e2ee::seal::{EnvelopeBody, FirstContact, SenderLog, Unsealed, seal_handshake, session_body};
use chopar_identity::bundle::signed;
use chopar_identity::{
    AccountLog, BundleBase, DeviceKeys, DeviceName, Ed25519Public, EntryDraft, OneTimePair, Signer,
    VerifiedBundle,
};
use chopar_wire::Timestamp;
use chopar_wire::proto::identity::Bundle;
use ed25519_dalek::{Signer as _, SigningKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const NOW: Timestamp = Timestamp(1_000_000);

struct Person {
    log: AccountLog,
    local: LocalDevice,
    signing: SigningKey,
    agreement: X25519Secret,
    signed_prekey: EcPrekeySecret,
    sealing_key: EcPrekeySecret,
    last_resort: PqPrekeySecret,
    one_time: OneTimeSecret,
    rng: ChaCha20Rng,
}

impl Person {
    fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let account = RecoveryKey::random(&mut rng).account();
        let create = EntryDraft::create(&account.account_key(), &account.recovery_keys(), NOW.0);
        let signature = account.sign(&create.signing_input());
        let create = create.finish(&[signature]).unwrap();
        let mut log = AccountLog::verify(&account.created_account(), &[create]).unwrap();

        let signing = SigningKey::from_bytes(Secret32::random(&mut rng).as_bytes());
        let agreement = X25519Secret::random(&mut rng);
        let keys = DeviceKeys {
            signing: Ed25519Public::parse(signing.verifying_key().as_bytes()).unwrap(),
            agreement: agreement.public(),
        };
        let name = DeviceName::parse("Firefox").unwrap();
        let add = EntryDraft::add_device(
            &log,
            &keys,
            &name,
            Signer::AccountKey(account.account_key()),
            NOW.0,
        );
        let input = add.signing_input();
        let add = add
            .finish(&[account.sign(&input), signing.sign(&input).to_bytes()])
            .unwrap();
        log.extend(&[add]).unwrap();
        Self {
            local: LocalDevice::new(*log.account(), keys),
            log,
            signing,
            agreement,
            signed_prekey: EcPrekeySecret::random(1, NOW, &mut rng),
            sealing_key: EcPrekeySecret::random(1, NOW, &mut rng),
            last_resort: PqPrekeySecret::random(1, NOW, &mut rng),
            one_time: OneTimeSecret::random(1, NOW, &mut rng),
            rng,
        }
    }

    fn bundle(&self) -> Bundle {
        let base = BundleBase {
            account: *self.local.account(),
            device: *self.local.device(),
            sequence: 1,
            time: NOW.0,
            signed_prekey: self.signed_prekey.public(),
            sealing_key: self.sealing_key.public(),
            last_resort: self.last_resort.public(),
        }
        .body();
        let pair = self.one_time.public().body(self.local.device());
        let base_signature = self.signing.sign(&BundleBase::signing_input(&base)).to_bytes();
        let pair_signature = self.signing.sign(&OneTimePair::signing_input(&pair)).to_bytes();
        Bundle {
            base: Some(signed(base, base_signature)),
            one_time: Some(signed(pair, pair_signature)),
        }
    }

    /// Begins a session with a peer whose log and bundle came from the relay.
    fn begin(&mut self, peer: &Person) -> (Session, HandshakeHeader, VerifiedBundle) {
        let device = PeerDevice::from_log(&peer.log, peer.local.device()).unwrap();
        let bundle = VerifiedBundle::verify(device.account(), device.keys(), &peer.bundle()).unwrap();
        let initiation = Initiation::begin(&self.local, &device, &bundle, &mut self.rng).unwrap();
        let agreed = self.agreement.agree(initiation.wanted()).unwrap();
        let (secrets, header) = initiation.finish(agreed);
        (Session::initiator(secrets, NOW), header, bundle)
    }

    fn unseal(&self, body: &[u8]) -> Unsealed {
        match EnvelopeBody::parse(body).unwrap() {
            EnvelopeBody::Handshake(sealed) => sealed.open(&self.local, &self.sealing_key).unwrap(),
            EnvelopeBody::Session(_) => panic!("handshake form expected"),
        }
    }

    /// Makes the session that an unsealed envelope begins.
    fn accept(&self, unsealed: &Unsealed) -> Session {
        let SenderLog::Whole(entries) = &unsealed.log else {
            panic!("a short log travels whole")
        };
        let log = AccountLog::verify(&unsealed.account, entries).unwrap();
        let peer = PeerDevice::from_log(&log, &unsealed.device).unwrap();
        let prekeys = Prekeys {
            signed: &self.signed_prekey,
            one_time: OneTimeOrLastResort::OneTime(&self.one_time),
        };
        let acceptance = Acceptance::begin(&self.local, &peer, &unsealed.header, &prekeys).unwrap();
        let agreed = self.agreement.agree(acceptance.wanted()).unwrap();
        Session::responder(
            acceptance.finish(agreed),
            self.signed_prekey.secret.duplicate(),
            NOW,
        )
    }
}

/// Opens a message, commits, and takes the padding off.
fn read(session: &mut Session, message: &[u8]) -> Vec<u8> {
    let opened = session.open(message, NOW).unwrap();
    session.commit(opened.draft).unwrap();
    unpad(&opened.plaintext).unwrap().to_vec()
}

#[test]
fn a_first_message_and_its_answer() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let (mut ours, header, bundle) = alice.begin(&bob);

    // Two messages before any answer: both in handshake form, with the same header.
    let bob_device = PeerDevice::from_log(&bob.log, bob.local.device()).unwrap();
    let mut bodies = Vec::new();
    for text in ["salom", "qalaysan?"] {
        let message = ours
            .encrypt(&pad(text.as_bytes()).unwrap(), NOW, &mut alice.rng)
            .unwrap();
        let content = FirstContact {
            log: &alice.log,
            device: alice.local.device(),
            header: &header,
            message: &message,
        };
        let key = &bundle.base().sealing_key;
        bodies.push(seal_handshake(&bob_device, key, &content, &mut alice.rng).unwrap());
    }

    // They arrive in the wrong order; the agreement is done once.
    let second = bob.unseal(&bodies[1]);
    let first = bob.unseal(&bodies[0]);
    assert_eq!(second.header.digest(), first.header.digest());
    let mut theirs = bob.accept(&second);
    assert_eq!(read(&mut theirs, &second.message), b"qalaysan?");
    assert_eq!(read(&mut theirs, &first.message), b"salom");

    // The answer needs no handshake any more.
    let answer = theirs
        .encrypt(&pad("yaxshi".as_bytes()).unwrap(), NOW, &mut bob.rng)
        .unwrap();
    let body = session_body(&answer);
    let Ok(EnvelopeBody::Session(answer)) = EnvelopeBody::parse(&body) else {
        panic!("session form expected")
    };
    assert_eq!(read(&mut ours, answer), b"yaxshi");
    assert!(ours.is_confirmed());
}

/// P-025.
#[test]
fn a_sender_who_is_not_who_the_envelope_says_gets_no_session() {
    let (mut alice, bob, eve) = (Person::new(1), Person::new(2), Person::new(3));
    let (mut ours, header, bundle) = alice.begin(&bob);
    let bob_device = PeerDevice::from_log(&bob.log, bob.local.device()).unwrap();
    let message = ours
        .encrypt(&pad(b"I am Eve").unwrap(), NOW, &mut alice.rng)
        .unwrap();
    // Alice puts Eve's (public) log and device into her envelope.
    let content = FirstContact {
        log: &eve.log,
        device: eve.local.device(),
        header: &header,
        message: &message,
    };
    let body = seal_handshake(&bob_device, &bundle.base().sealing_key, &content, &mut alice.rng).unwrap();
    let unsealed = bob.unseal(&body);
    assert_eq!(unsealed.account, *eve.local.account(), "the claim");
    let theirs = bob.accept(&unsealed);
    assert!(
        theirs.open(&unsealed.message, NOW).is_err(),
        "does not authenticate"
    );
}

/// A first message of Alice's to Bob, made without anything of Alice's but what the relay shows, by one who computed
/// DH(IKa, SPKb) from something of Bob's. Whether Bob opens it with his prekeys.
fn posing(alice: &Person, bob: &Person, thief: &mut Person, agreed: Agreed) -> bool {
    let device = PeerDevice::from_log(&bob.log, bob.local.device()).unwrap();
    let bundle = VerifiedBundle::verify(device.account(), device.keys(), &bob.bundle()).unwrap();
    let initiation = Initiation::begin(&alice.local, &device, &bundle, &mut thief.rng).unwrap();
    let (secrets, header) = initiation.finish(agreed);
    let mut session = Session::initiator(secrets, NOW);
    let message = session
        .encrypt(&pad(b"it is me, Alice").unwrap(), NOW, &mut thief.rng)
        .unwrap();
    let content = FirstContact {
        log: &alice.log,
        device: alice.local.device(),
        header: &header,
        message: &message,
    };
    let key = &bundle.base().sealing_key;
    let unsealed = bob.unseal(&seal_handshake(&device, key, &content, &mut thief.rng).unwrap());
    assert_eq!(unsealed.account, *alice.local.account());
    bob.accept(&unsealed).open(&unsealed.message, NOW).is_ok()
}

/// What this kind of agreement does not give: who has the private half of Bob's signed prekey can be anybody to Bob. The
/// identity key alone is not enough, neither Bob's nor somebody else's; and once the prekey is gone, so is the way.
/// T-091.
#[test]
fn who_has_a_prekey_poses_as_anybody_to_its_owner() {
    let (alice, mut bob, mut thief) = (Person::new(1), Person::new(2), Person::new(3));
    let alices = alice.local.keys().agreement;
    let agreed = bob.signed_prekey.secret.agree(&alices).unwrap();
    assert!(
        posing(&alice, &bob, &mut thief, agreed),
        "the limit that is written down"
    );
    let agreed = bob.agreement.agree(&alices).unwrap();
    assert!(!posing(&alice, &bob, &mut thief, agreed));
    let agreed = thief.agreement.agree(&bob.signed_prekey.public().public).unwrap();
    assert!(!posing(&alice, &bob, &mut thief, agreed));
    // The next prekey under the same number: what was copied of the old one is worth nothing.
    let old = bob.signed_prekey.secret.duplicate();
    bob.signed_prekey = EcPrekeySecret::random(1, NOW, &mut bob.rng);
    assert!(!posing(&alice, &bob, &mut thief, old.agree(&alices).unwrap()));
}

/// P-030.
#[test]
fn both_see_one_safety_number() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let side = |p: &Person| (*p.log.account(), *p.log.account_key());
    let ((a, a_key), (b, b_key)) = (side(&alice), side(&bob));
    let ours = SafetyNumber::new((&a, &a_key), (&b, &b_key));
    let theirs = SafetyNumber::new((&b, &b_key), (&a, &a_key));
    assert_eq!(ours.digits(), theirs.digits());
    assert_eq!(ours.confirm(&theirs.qr()), Ok(()));
}
