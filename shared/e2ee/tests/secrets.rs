//! What holds a secret prints none of it, is wiped on drop and is copied by no `clone`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chopar_e2ee::fixture::{Person, rng};
use chopar_e2ee::group::{
    Distribution, EpochDraft, EpochId, LogKey, OpenedEntry, OpenedMessage, ReceivingEpoch, RosterHead,
    SendingEpoch,
};
use chopar_e2ee::handshake::{Acceptance, HandshakeSecrets, Initiation};
use chopar_e2ee::keys::{Agreed, KemSecret1024, Secret32, X25519Secret};
use chopar_e2ee::padding::pad;
use chopar_e2ee::prekeys::{EcPrekeySecret, OneTimeSecret, PqPrekeySecret};
use chopar_e2ee::ratchet::{Opened, OpenedSignal, Session, SessionDraft};
use chopar_e2ee::recovery::{AccountSecrets, RecoveryKey, RecoverySealSecret};
use chopar_e2ee::seal::{EnvelopeBody, FirstContact, seal_handshake};
use chopar_wire::Timestamp;
use chopar_wire::ids::{AccountId, DeviceId, GroupId};
use chopar_wire::proto::group::Access;
use chopar_wire::proto::identity::Signed;
use zeroize::ZeroizeOnDrop;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// Does not compile for a type that is `Clone`: then two implementations fit, and neither can be chosen.
macro_rules! never_cloned {
    ($($secret:ty),* $(,)?) => {$(
        const _: fn() = || {
            trait NotBoth<A> {
                fn here() {}
            }
            impl<T: ?Sized> NotBoth<()> for T {}
            struct Cloned;
            impl<T: ?Sized + Clone> NotBoth<Cloned> for T {}
            <$secret as NotBoth<_>>::here();
        };
    )*};
}

never_cloned![
    Acceptance,
    AccountSecrets,
    Agreed,
    Distribution,
    EcPrekeySecret,
    EpochDraft,
    HandshakeSecrets,
    Initiation,
    KemSecret1024,
    LogKey,
    OneTimeSecret,
    Opened,
    OpenedEntry,
    OpenedMessage,
    OpenedSignal,
    PqPrekeySecret,
    ReceivingEpoch,
    RecoveryKey,
    RecoverySealSecret,
    Secret32,
    SendingEpoch,
    Session,
    SessionDraft,
    X25519Secret,
];

/// The types at the bottom: every other secret is made of them, of `Zeroizing` or of the signing key below.
const _: fn() = || {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<Agreed>();
    wiped::<KemSecret1024>();
    wiped::<RecoveryKey>();
    wiped::<Secret32>();
    wiped::<X25519Secret>();
    wiped::<ed25519_dalek::SigningKey>();
};

/// All the bytes of all the secrets of a conversation, as four in a row that a text could show.
fn shown_bytes(secrets: &[&[u8]], shown: &str) -> Option<String> {
    let lower = shown.to_lowercase();
    let fours = secrets.iter().flat_map(|secret| secret.windows(4));
    // Four alike, as the zeros of a counter, say nothing and stand anywhere.
    fours.filter(|four| four[1..] != four[..3]).find_map(|four| {
        let spellings = [
            hex::encode(four),
            four.iter().map(u8::to_string).collect::<Vec<_>>().join(", "),
        ];
        spellings.into_iter().find(|spelling| lower.contains(spelling))
    })
}

/// P-011, P-043, P-066.
#[test]
fn no_secret_is_printed() {
    let (alice, bob, mut rng) = (Person::new(1), Person::new(2), rng(9));
    let recovery = RecoveryKey::random(&mut rng);
    let account = recovery.account();
    let bundle = bob.verified_bundle(true);
    let initiation = Initiation::begin(&alice.local, &bob.peer(), &bundle, &mut rng).unwrap();
    let agreed = alice.agreement.agree(initiation.wanted()).unwrap();
    let agreed_bytes = *agreed.as_bytes();
    let agreed_shown = format!("{agreed:?}");
    let (secrets, header) = initiation.finish(agreed);
    let derived = [
        *secrets.root.as_bytes(),
        *secrets.initiator_header_key.as_bytes(),
        *secrets.responder_header_key.as_bytes(),
    ];
    let secrets_shown = format!("{secrets:?} {:?}", secrets.root);
    assert!(
        secrets_shown.starts_with("HandshakeSecrets(…)"),
        "nor who talks to whom"
    );
    let mut session = Session::initiator(secrets, NOW);
    let text = pad(b"nobody prints what is said").unwrap();
    let message = session.encrypt(&text, NOW, &mut rng).unwrap();
    let content = FirstContact {
        log: &alice.log,
        device: alice.local.device(),
        header: &header,
        message: &message,
    };
    let body = seal_handshake(&bob.peer(), &bob.sealing_key.public(), &content, &mut rng).unwrap();
    let EnvelopeBody::Handshake(sealed) = EnvelopeBody::parse(&body).unwrap() else {
        panic!("handshake form expected")
    };
    let acceptance = Acceptance::begin(&bob.local, &alice.peer(), &header, &bob.prekeys(true)).unwrap();
    let agreed = bob.agreement.agree(acceptance.wanted()).unwrap();
    let mut answering = Session::responder(
        acceptance.finish(agreed),
        bob.signed_prekey.secret.duplicate(),
        NOW,
    );
    let opened = answering.open(&message, NOW).unwrap();
    let opened_shown = format!("{opened:?} {:?}", opened.draft);
    let said = opened.plaintext.to_vec();
    answering.commit(opened.draft).unwrap();
    let signal = answering.seal_signal(b"typing typing", NOW, &mut rng).unwrap();
    let signal = session.open_signal(&signal, NOW).unwrap();

    let shown = [
        ("agreed", agreed_shown),
        ("handshake secrets", secrets_shown),
        ("x25519", format!("{:?}", alice.agreement)),
        ("kem", format!("{:?}", bob.one_time.kem)),
        ("signed prekey", format!("{:?}", bob.signed_prekey)),
        ("last resort", format!("{:?}", bob.last_resort)),
        ("one-time pair", format!("{:?}", bob.one_time)),
        ("recovery key", format!("{recovery:?}")),
        ("account", format!("{account:?}")),
        ("recovery seal", format!("{:?}", account.seal_secret())),
        ("handshake header", format!("{header:?}")),
        ("sealed", format!("{sealed:?}")),
        ("opened", opened_shown),
        ("signal", format!("{signal:?}")),
        ("session", format!("{answering:?}")),
    ];
    let records = [session.to_record(), answering.to_record()];
    let recovered = account.seal_secret();
    let all: [&[u8]; 17] = [
        &agreed_bytes,
        &derived[0],
        &derived[1],
        &derived[2],
        alice.agreement.as_bytes(),
        bob.agreement.as_bytes(),
        bob.signed_prekey.secret.as_bytes(),
        bob.sealing_key.secret.as_bytes(),
        bob.last_resort.secret.seed(),
        bob.one_time.x25519.as_bytes(),
        bob.one_time.kem.seed(),
        recovered.x25519.as_bytes(),
        recovered.kem.seed(),
        &records[0][40..],
        &records[1][40..],
        b"nobody prints what is said",
        b"typing typing",
    ];
    assert_eq!(&said[..26], b"nobody prints what is said");
    for (what, shown) in &shown {
        assert_eq!(shown_bytes(&all, shown), None, "{what}: {shown}");
        assert!(
            !shown.contains("nobody") && !shown.contains("typing"),
            "{what}: {shown}"
        );
    }
    let shown = shown.map(|(what, shown)| format!("{what}: {shown}")).join("\n");
    insta::assert_snapshot!(shown, @r#"
    agreed: Agreed(…)
    handshake secrets: HandshakeSecrets(…) Secret32(…)
    x25519: X25519Secret(…)
    kem: KemSecret1024(…)
    signed prekey: EcPrekeySecret(1, Timestamp(1))
    last resort: PqPrekeySecret(3, Timestamp(1))
    one-time pair: OneTimeSecret(4, Timestamp(1))
    recovery key: RecoveryKey(…)
    account: AccountSecrets(…)
    recovery seal: RecoverySealSecret { x25519: X25519Secret(…), kem: KemSecret1024(…) }
    handshake header: HandshakeHeader(1, OneTime(4))
    sealed: SealedHandshake(key 2, 4560 bytes)
    opened: Opened(256 bytes) SessionDraft(turn)
    signal: OpenedSignal(13 bytes)
    session: Session { created: Timestamp(1800000000000), confirmed: true, turn_due: true, sent_in_chain: 0, receiving: [(0, 1)], skipped: 0, kem: "idle", messages_since_exchange: 1, .. }
    "#);
}

/// P-123, P-130: the same for groups.
#[test]
fn no_secret_of_a_group_is_printed() {
    let mut rng = rng(10);
    let group = GroupId::new([1; 32]);
    let first = LogKey::first(&mut rng);
    let next = first.next(&mut rng);
    let entry = Signed {
        body: b"nobody prints an entry".to_vec().into(),
        signature: vec![2; 64].into(),
    };
    let sealed = next.seal(&group, &entry, Some(&first), &mut rng).unwrap();
    let opened_entry = next.open(&group, &sealed).unwrap();
    let id = EpochId {
        group,
        account: AccountId::new([3; 32]),
        device: DeviceId::new([4; 16]),
        head: RosterHead {
            length: 5,
            hash: [6; 32],
        },
        generation: 7,
    };
    let mut ours = SendingEpoch::begin(id, NOW, &mut rng);
    let distribution = ours.distribution(None);
    let mut theirs = ReceivingEpoch::begin(id, &distribution);
    let skipped = ours.encrypt(b"skipped", &mut rng).unwrap();
    let message = ours.encrypt(b"nobody prints what is said", &mut rng).unwrap();
    let opened = theirs.open(&message, NOW).unwrap();
    let shown = [
        ("log key", format!("{next:?}")),
        ("opened entry", format!("{opened_entry:?}")),
        ("distribution", format!("{distribution:?}")),
        ("opened message", format!("{opened:?}")),
        ("draft", format!("{:?}", opened.draft)),
    ];
    let handed_over = distribution.to_proto(Access::default());
    theirs.commit(opened.draft).unwrap();
    assert_eq!(&theirs.open(&skipped, NOW).unwrap().plaintext[..], b"skipped");
    let records = [ours.to_record(), theirs.to_record()];
    let all: [&[u8]; 7] = [
        first.as_bytes(),
        next.as_bytes(),
        &handed_over.chain_key,
        &handed_over.header_key,
        &records[0],
        &records[1],
        b"nobody prints",
    ];
    for (what, shown) in &shown {
        assert_eq!(shown_bytes(&all, shown), None, "{what}: {shown}");
        assert!(!shown.contains("nobody"), "{what}: {shown}");
    }
    let shown = shown.map(|(what, shown)| format!("{what}: {shown}")).join("\n");
    insta::assert_snapshot!(shown, @r#"
    log key: LogKey(version 2)
    opened entry: OpenedEntry(22 bytes)
    distribution: Distribution(roster of 5, generation 7, from 0)
    opened message: OpenedMessage(26 bytes)
    draft: EpochDraft(…)
    "#);
}
