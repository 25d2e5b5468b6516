//! Whoever has the recovery key and no device: the account key opens the log, and lets a device in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use chopar_wire::proto::relay::set_member::Act;
use chopar_wire::proto::relay::{
    AdmitDevice, ClaimBundle, FetchLog, Log, Recover, SetMember, client_frame as c, relay_frame::Body,
};
use common::client::{kind, reason};
use common::{Client, Person, Reason, TestRelay};

async fn recover(client: &mut Client, person: &Person) -> Result<Log, Reason> {
    let proof = Some(person.recover_proof(&client.challenge, &client.origin()));
    match client.ask(c::Body::Recover(Recover { proof })).await {
        Body::Log(log) => Ok(log),
        refused @ Body::Refused(_) => Err(refused_with(client, &refused).await),
        other => panic!("{}", kind(&other)),
    }
}

/// The log of an account whose key is right.
async fn opened(client: &mut Client, person: &Person) -> Log {
    match recover(client, person).await {
        Ok(log) => log,
        Err(why) => panic!("{why:?}"),
    }
}

/// Why an account's log is not opened.
async fn refusal(client: &mut Client, person: &Person) -> Reason {
    match recover(client, person).await {
        Err(why) => why,
        Ok(_) => panic!("it was opened"),
    }
}

/// The reason, once the fresh challenge that follows it has come.
async fn refused_with(client: &mut Client, refused: &Body) -> Reason {
    let why = reason(refused);
    client.take_challenge().await;
    why
}

async fn admit(client: &mut Client, frame: AdmitDevice) -> Result<Body, Reason> {
    match client.ask(c::Body::AdmitDevice(frame)).await {
        refused @ Body::Refused(_) => Err(refused_with(client, &refused).await),
        answer => Ok(answer),
    }
}

async fn fetch(client: &mut Client, person: &Person) -> Body {
    let fetch = FetchLog {
        account: person.account.into(),
        from: 0,
    };
    client.ask(c::Body::FetchLog(fetch)).await
}

async fn nothing_was_stored(client: &mut Client, person: &Person) {
    match fetch(client, person).await {
        Body::Log(log) => assert!(log.entries == person.log.entries(0)),
        other => panic!("{}", kind(&other)),
    }
}

/// What the relay makes of a device's admission by the account key.
async fn admitted(client: &mut Client, frame: AdmitDevice) -> Result<String, Reason> {
    admit(client, frame).await.map(|body| kind(&body))
}

/// P-310, P-311.
#[tokio::test]
async fn the_account_key_opens_its_log_and_lets_a_device_in() {
    let relay = TestRelay::start().await;
    let (owner, mut o) = relay.owner().await;
    let (mut bob, b) = relay.member(&mut o, "bob").await;
    drop(b);
    let mut fresh = relay.client().await;
    // Nothing before the proof.
    assert_eq!(reason(&fetch(&mut fresh, &bob).await), Reason::SignInFirst);
    let log = opened(&mut fresh, &bob).await;
    assert!(log.entries == bob.log.entries(0));
    assert!(log.head.unwrap() == (&bob.head()).into());
    assert!(matches!(fetch(&mut fresh, &bob).await, Body::Log(log) if log.entries == bob.log.entries(0)));
    // It opens one log.
    assert_eq!(reason(&fetch(&mut fresh, &owner).await), Reason::SignInFirst);

    let (device, entry) = bob.draft_device();
    let frame = bob.admission(&device, &fresh.challenge, &fresh.origin());
    match admit(&mut fresh, frame).await {
        Ok(Body::SignedIn(signed_in)) => {
            assert_eq!((signed_in.handle.as_str(), signed_in.bundle_sequence), ("bob", 1));
            assert_eq!(signed_in.log_head.unwrap().length, 3);
        }
        other => panic!("{:?}", other.map(|body| kind(&body))),
    }
    bob.accept(&entry);
    bob.devices.push(device);
    assert_eq!(fresh.drain().await.len(), 0);
    // It is a device as any other: written to, and its bundle there to be had.
    o.submit(&bob, b"to both").await;
    assert_eq!(&fresh.delivery().await.body[..], b"to both");
    let claim = c::Body::ClaimBundle(ClaimBundle {
        account: bob.account.into(),
        device: bob.devices[1].id.into(),
    });
    assert!(matches!(o.ask(claim).await, Body::ClaimedBundle(_)));
    drop(fresh);
    drop(relay.signed_in(&bob, 1).await);
    relay.stop().await;
}

/// P-310: an account that is not there is answered as a wrong key is, so that nobody finds out who is registered.
#[tokio::test]
async fn a_wrong_key_opens_nothing() {
    let relay = TestRelay::start().await;
    let (owner, mut o) = relay.owner().await;
    let (bob, b) = relay.member(&mut o, "bob").await;
    drop(b);
    let mut fresh = relay.client().await;
    assert_eq!(refusal(&mut fresh, &Person::new()).await, Reason::SignInFailed);
    // Somebody else's account, signed with the own key.
    let mut posing = Person::new();
    posing.account = bob.account;
    assert_eq!(refusal(&mut fresh, &posing).await, Reason::SignInFailed);
    // What was signed for the challenge before.
    let seen = Recover {
        proof: Some(owner.recover_proof(&fresh.challenge, &fresh.origin())),
    };
    let mut other = relay.client().await;
    let replayed = other.ask(c::Body::Recover(seen)).await;
    assert_eq!(reason(&replayed), Reason::SignInFailed);
    assert_eq!(reason(&fetch(&mut fresh, &bob).await), Reason::SignInFirst);
    // A guesser is sent away.
    for _ in 0..2 {
        assert_eq!(refusal(&mut fresh, &posing).await, Reason::SignInFailed);
    }
    let proof = Some(posing.recover_proof(&fresh.challenge, &fresh.origin()));
    let last = fresh.ask(c::Body::Recover(Recover { proof })).await;
    assert_eq!(reason(&last), Reason::SignInFailed);
    assert!(matches!(fresh.end().await, common::client::Ended::Code(_)));
    relay.stop().await;
}

/// P-311: nothing of an admission that does not fit is taken.
#[tokio::test]
async fn an_admission_is_whole_or_nothing() {
    let relay = TestRelay::start().await;
    let (owner, mut o) = relay.owner().await;
    let (mut bob, b) = relay.member(&mut o, "bob").await;
    drop(b);
    let (device, entry) = bob.draft_device();
    let (another, another_entry) = bob.draft_device();
    let mut fresh = relay.client().await;
    // Without the account key's proof there is no admission, however whole.
    let early = bob.admission(&device, &fresh.challenge, &fresh.origin());
    let refused = admitted(&mut fresh, early).await;
    assert_eq!(refused, Err(Reason::SignInFirst));
    opened(&mut fresh, &bob).await;
    let whole = |client: &Client, bob: &Person| bob.admission(&device, &client.challenge, &client.origin());
    let mut refused = Vec::new();
    for change in [
        |frame: &mut AdmitDevice, _: &AdmitDevice| frame.entry = None,
        |frame: &mut AdmitDevice, other: &AdmitDevice| frame.entry = other.entry.clone(),
        |frame: &mut AdmitDevice, other: &AdmitDevice| frame.bundle = other.bundle.clone(),
        |frame: &mut AdmitDevice, other: &AdmitDevice| frame.proof = other.proof.clone(),
        |frame: &mut AdmitDevice, _: &AdmitDevice| {
            // Nobody let it in.
            let entry = frame.entry.as_mut().unwrap();
            entry.signatures.remove(0);
        },
    ] {
        let mut frame = whole(&fresh, &bob);
        let other = bob.admission(&another, &fresh.challenge, &fresh.origin());
        change(&mut frame, &other);
        refused.push(admitted(&mut fresh, frame).await);
    }
    assert_eq!(
        refused,
        [
            Err(Reason::Malformed),
            Err(Reason::LogInvalid),
            Err(Reason::BundleInvalid),
            Err(Reason::LogInvalid),
            Err(Reason::LogInvalid),
        ]
    );
    // A device that belongs to somebody already.
    let taken = bob.admission(&owner.devices[0], &fresh.challenge, &fresh.origin());
    assert_eq!(admitted(&mut fresh, taken).await, Err(Reason::DeviceExists));
    // Another device was first: what came before is said, and the same connection goes on.
    let first = {
        let mut client = relay.client().await;
        opened(&mut client, &bob).await;
        let frame = bob.admission(&another, &client.challenge, &client.origin());
        admitted(&mut client, frame).await
    };
    assert_eq!(first, Ok("SignedIn".to_owned()));
    let frame = whole(&fresh, &bob);
    match admit(&mut fresh, frame).await {
        Ok(Body::LogConflict(conflict)) => {
            assert_eq!(conflict.from, 2);
            assert!(conflict.entries == [another_entry.clone()]);
        }
        other => panic!("{:?}", other.map(|body| kind(&body))),
    }
    fresh.take_challenge().await;
    assert!(entry != another_entry);
    bob.accept(&another_entry);
    let frame = whole(&fresh, &bob);
    let last = admitted(&mut fresh, frame).await;
    assert_eq!(last, Ok("SignedIn".to_owned()));
    relay.stop().await;
}

/// P-310, P-220.
#[tokio::test]
async fn a_disabled_member_recovers_nothing() {
    let relay = TestRelay::start().await;
    let (_owner, mut o) = relay.owner().await;
    let (bob, b) = relay.member(&mut o, "bob").await;
    drop(b);
    let act = |act: Act| {
        c::Body::SetMember(SetMember {
            account: bob.account.into(),
            act: act.into(),
            free_handle: false,
        })
    };
    assert!(matches!(o.ask(act(Act::Disable)).await, Body::Done(_)));
    let mut fresh = relay.client().await;
    assert_eq!(refusal(&mut fresh, &bob).await, Reason::NotAllowed);
    assert_eq!(reason(&fetch(&mut fresh, &bob).await), Reason::SignInFirst);
    // Disabled between the proof and the admission.
    assert!(matches!(o.ask(act(Act::Enable)).await, Body::Done(_)));
    opened(&mut fresh, &bob).await;
    assert!(matches!(o.ask(act(Act::Disable)).await, Body::Done(_)));
    let frame = bob.admission(&bob.draft_device().0, &fresh.challenge, &fresh.origin());
    let refused = admitted(&mut fresh, frame).await;
    assert_eq!(refused, Err(Reason::NotAllowed));
    nothing_was_stored(&mut o, &bob).await;
    relay.stop().await;
}

/// P-220, P-311: a suspended device is active in the log still, and lets no other in.
#[tokio::test]
async fn no_device_lets_another_in_here() {
    let relay = TestRelay::start().await;
    let (_owner, mut o) = relay.owner().await;
    let (bob, b) = relay.member(&mut o, "bob").await;
    drop(b);
    let mut fresh = relay.client().await;
    opened(&mut fresh, &bob).await;
    let (device, _) = bob.draft_device();
    let mut frame = bob.admission(&device, &fresh.challenge, &fresh.origin());
    frame.entry = Some(bob.draft_addition_by_device(&device));
    let refused = admitted(&mut fresh, frame).await;
    assert_eq!(refused, Err(Reason::NotAllowed));
    nothing_was_stored(&mut o, &bob).await;
    relay.stop().await;
}
