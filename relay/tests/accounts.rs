//! Registration, invites, directory, sign-in, account logs, prekeys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashSet;

use chopar_relay::Clock;
use chopar_wire::proto::relay::{
    self as wire, AddOneTime, AppendLog, CheckInvite, ClaimBundle, CreateInvite, FetchLog, Find, ListInvites,
    ListMembers, PublishBundle, RevokeInvite, Role, SetProfile, SignIn, client_frame as c, relay_frame::Body,
};
use common::client::{kind, reason};
use common::relay::invite;
use common::{Client, Person, Reason, TestRelay};

#[tokio::test]
async fn an_invite_is_good_for_its_uses_and_time() {
    let clock = Clock::manual(1_800_000_000_000);
    let relay = TestRelay::start_with(|config| config.clock = clock.clone()).await;
    let (_owner, mut o) = relay.owner().await;
    let token = invite(&mut o, 1, 60).await;

    let mut guest = Client::connect(relay.port).await;
    match guest
        .ask(c::Body::CheckInvite(CheckInvite {
            invite: token.clone(),
        }))
        .await
    {
        Body::InviteStatus(status) => {
            assert!(status.usable && status.organisation == "Chopar" && status.reason == 0);
        }
        other => panic!("{}", kind(&other)),
    }
    let unknown = "0".repeat(32);
    for (bad, why) in [
        (&*unknown, Reason::InviteUnknown),
        ("", Reason::InviteUnknown),
        ("zz", Reason::InviteUnknown),
    ] {
        assert_eq!(
            guest.register(&Person::new(), bad, "guest", "Guest").await,
            Err(why)
        );
    }
    guest
        .register(&Person::new(), &token, "guest", "Guest")
        .await
        .unwrap();
    let mut late = Client::connect(relay.port).await;
    assert_eq!(
        late.register(&Person::new(), &token, "late", "Late").await,
        Err(Reason::InviteUsed)
    );
    let used = wire::Reason::InviteUsed;
    assert_eq!(status(&mut late, &token).await, (false, used as i32));

    let used_up = token;
    let token = invite(&mut o, 5, 60).await;
    clock.advance(61_000);
    let mut late = Client::connect(relay.port).await;
    assert_eq!(
        late.register(&Person::new(), &token, "late", "Late").await,
        Err(Reason::InviteExpired)
    );
    let expired = wire::Reason::InviteExpired;
    assert_eq!(status(&mut late, &token).await, (false, expired as i32));
    // One that is used up and expired was used up first.
    let used = used as i32;
    assert_eq!(status(&mut late, &used_up).await, (false, used));
    relay.stop().await;
}

/// Whether an invite is usable, and why not.
async fn status(client: &mut Client, token: &str) -> (bool, i32) {
    let invite = token.to_owned();
    match client.ask(c::Body::CheckInvite(CheckInvite { invite })).await {
        Body::InviteStatus(status) => (status.usable, status.reason),
        other => panic!("{}", kind(&other)),
    }
}

#[tokio::test]
async fn of_two_with_one_handle_one_wins_and_the_other_keeps_the_invite() {
    let relay = TestRelay::start().await;
    let (_owner, mut o) = relay.owner().await;
    for round in 0..5 {
        let token = invite(&mut o, 2, 3600).await;
        let (left, right) = (Person::new(), Person::new());
        let (mut l, mut r) = tokio::join!(Client::connect(relay.port), Client::connect(relay.port));
        let (name, upper) = (format!("racer{round}"), format!("Racer{round}"));
        let outcomes = tokio::join!(
            l.register(&left, &token, &name, "L"),
            r.register(&right, &token, &upper, "R")
        );
        let (loser, mut client) = match outcomes {
            (Ok(handle), Err(Reason::HandleTaken)) if handle == name => (right, r),
            (Err(Reason::HandleTaken), Ok(handle)) if handle == name => (left, l),
            other => panic!("{other:?}"),
        };
        // Same connection, same invite, another name.
        client
            .register(&loser, &token, &format!("other{round}"), "X")
            .await
            .unwrap();
    }
    relay.stop().await;
}

/// P-101.
#[tokio::test]
async fn a_device_belongs_to_one_account() {
    let relay = TestRelay::start().await;
    let (owner, mut o) = relay.owner().await;
    let token = invite(&mut o, 1, 3600).await;
    // The keys are its own, so everything verifies; only the relay knows that they are taken.
    let twin = Person::with_keys_of(&owner.devices[0]);
    let mut guest = Client::connect(relay.port).await;
    for _ in 0..2 {
        assert_eq!(
            guest.register(&twin, &token, "twin", "Twin").await,
            Err(Reason::DeviceExists)
        );
    }
    // Neither the invite nor the handle was taken.
    let mut bob = Person::new();
    guest.register(&bob, &token, "twin", "Twin").await.unwrap();
    let append = |entry| c::Body::AppendLog(AppendLog { entry: Some(entry) });
    let entry = bob.draft_addition(&owner.devices[0]);
    assert_eq!(reason(&guest.ask(append(entry)).await), Reason::DeviceExists);
    // The log stands where it stood.
    let (device, entry) = bob.draft_device();
    assert!(matches!(guest.ask(append(entry.clone())).await, Body::Done(_)));
    bob.accept(&entry);
    bob.devices.push(device);
    Client::signed_in(relay.port, &owner, 0).await;
    relay.stop().await;
}

#[tokio::test]
async fn bad_names_are_named() {
    let relay = TestRelay::start().await;
    let token = relay.owner_token.clone().unwrap();
    let mut guest = Client::connect(relay.port).await;
    let long = "a".repeat(200);
    for handle in ["a", "", &*long, "ali\u{0}", "аli", "a b", ".ali"] {
        let refused = guest.register(&Person::new(), &token, handle, "Ali").await;
        assert_eq!(refused, Err(Reason::HandleInvalid), "{handle:?}");
    }
    for name in ["", " ", "a\nb", &*"я".repeat(65)] {
        assert_eq!(
            guest.register(&Person::new(), &token, "ali", name).await,
            Err(Reason::NameInvalid)
        );
    }
    assert_eq!(
        guest
            .register(&Person::new(), &token, "Ali", " Ali ")
            .await
            .unwrap(),
        "ali"
    );
    relay.stop().await;
}

/// P-101.
#[tokio::test]
async fn a_registration_with_a_foreign_part_changes_nothing() {
    let relay = TestRelay::start().await;
    let token = relay.owner_token.clone().unwrap();
    let (me, other) = (Person::new(), Person::new());
    let mut guest = Client::connect(relay.port).await;
    let good = guest.registration(&me, &token, "me", "Me");
    let theirs = guest.registration(&other, &token, "me", "Me");

    let mut log = good.clone();
    log.log = vec![theirs.log[0].clone(), good.log[1].clone()];
    let mut short = good.clone();
    short.log.truncate(1);
    let mut bundle = good.clone();
    bundle.bundle = theirs.bundle.clone();
    for (register, why) in [
        (log, Reason::LogInvalid),
        (short, Reason::LogInvalid),
        (bundle, Reason::BundleInvalid),
    ] {
        assert_eq!(reason(&guest.ask(c::Body::Register(register)).await), why);
    }
    // The proof of somebody else, fresh for the challenge that is out now.
    while guest.challenge.nonce == good_nonce(&good) {
        guest.ask(c::Body::Ping(Default::default())).await;
    }
    let mut proof = guest.registration(&me, &token, "me", "Me");
    proof.proof = Some(other.proof(0, &guest.challenge, &guest.origin()));
    assert_eq!(
        reason(&guest.ask(c::Body::Register(proof)).await),
        Reason::SignInFailed
    );
    guest.ask(c::Body::Ping(Default::default())).await;
    guest.register(&me, &token, "me", "Me").await.unwrap();
    let mut again = Client::connect(relay.port).await;
    assert_eq!(
        again.register(&me, &token, "again", "Me").await,
        Err(Reason::AccountExists)
    );
    relay.stop().await;
}

fn good_nonce(register: &chopar_wire::proto::relay::Register) -> prost::bytes::Bytes {
    use chopar_wire::proto::relay::SignInBody;
    use prost::Message;
    SignInBody::decode(register.proof.as_ref().unwrap().body.clone())
        .unwrap()
        .nonce
}

/// P-100, T-005.
#[tokio::test]
async fn a_proof_is_worth_nothing_elsewhere_or_twice() {
    let clock = Clock::manual(1_800_000_000_000);
    let relay = TestRelay::start_with(|config| config.clock = clock.clone()).await;
    let (me, o) = relay.owner().await;
    drop(o);
    let sign_in = |proof| c::Body::SignIn(SignIn { proof: Some(proof) });

    let mut first = Client::connect(relay.port).await;
    let proof = me.proof(0, &first.challenge, &first.origin());
    let mut second = Client::connect(relay.port).await;
    assert_eq!(
        reason(&second.ask(sign_in(proof.clone())).await),
        Reason::SignInFailed,
        "another connection's"
    );
    assert!(matches!(first.ask(sign_in(proof)).await, Body::SignedIn(_)));

    // Twice on one connection: a refusal has spent the challenge.
    let mut third = Client::connect(relay.port).await;
    let proof = me.proof(0, &third.challenge, &third.origin());
    let elsewhere = me.proof(0, &third.challenge, "http://evil.example");
    for proof in [elsewhere, proof] {
        assert_eq!(reason(&third.ask(sign_in(proof)).await), Reason::SignInFailed);
        third.ask(c::Body::Ping(Default::default())).await;
    }
    third.sign_in(&me, 0).await.unwrap();

    // Each refusal comes with a fresh challenge; `ask` takes it in on the way to the next answer.
    second.ask(c::Body::Ping(Default::default())).await;
    let elsewhere = me.proof(0, &second.challenge, "http://evil.example");
    assert_eq!(
        reason(&second.ask(sign_in(elsewhere)).await),
        Reason::SignInFailed
    );
    second.ask(c::Body::Ping(Default::default())).await;
    let mut broken = me.proof(0, &second.challenge, &second.origin());
    let mut signature = broken.signature.to_vec();
    signature[0] ^= 1;
    broken.signature = signature.into();
    assert_eq!(reason(&second.ask(sign_in(broken)).await), Reason::SignInFailed);
    second.ask(c::Body::Ping(Default::default())).await;
    let stranger = Person::new().proof(0, &second.challenge, &second.origin());
    assert_eq!(reason(&second.ask(sign_in(stranger)).await), Reason::SignInFailed);
    second.ask(c::Body::Ping(Default::default())).await;
    let late = me.proof(0, &second.challenge, &second.origin());
    clock.advance(60_000);
    assert_eq!(reason(&second.ask(sign_in(late)).await), Reason::SignInExpired);
    second.ask(c::Body::Ping(Default::default())).await;
    second.sign_in(&me, 0).await.unwrap();

    // A page of another origin does not even get a socket; one of ours must say so in its proof.
    assert!(
        Client::try_connect(relay.port, Some("http://evil.example"))
            .await
            .is_err()
    );
    let ours = format!("http://127.0.0.1:{}", relay.port);
    let mut page = Client::try_connect(relay.port, Some(&ours)).await.unwrap();
    assert_eq!(
        page.sign_in(&me, 0).await.unwrap_err(),
        Reason::SignInFailed,
        "the proof says localhost"
    );
    relay.stop().await;
}

#[tokio::test]
async fn people_are_found_by_handle_and_by_words_of_their_name() {
    let relay = TestRelay::start().await;
    let (_owner, mut o) = relay.owner().await;
    let (_d, mut d) = relay.member(&mut o, "dilnoza.k").await;
    let set = SetProfile {
        display_name: "Dilnoza Oʻktamova".to_owned(),
    };
    assert!(matches!(d.ask(c::Body::SetProfile(set)).await, Body::Done(_)));
    for (query, found) in [
        ("dil", true),
        ("DILNOZA.K", true),
        ("oktam", true),
        ("O'ktam dil", true),
        ("ilnoza", false),
        ("dilnoza zzz", false),
        ("", false),
        ("%", false),
    ] {
        match o
            .ask(c::Body::Find(Find {
                query: query.to_owned(),
            }))
            .await
        {
            Body::People(people) => {
                let handles: Vec<_> = people.people.iter().map(|person| &*person.handle).collect();
                assert_eq!(
                    handles,
                    if found { vec!["dilnoza.k"] } else { vec![] },
                    "{query:?}"
                );
            }
            other => panic!("{}", kind(&other)),
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn only_owners_administer() {
    let relay = TestRelay::start().await;
    let (_owner, mut o) = relay.owner().await;
    let (member, mut m) = relay.member(&mut o, "member").await;
    let create = CreateInvite {
        role: Role::Owner.into(),
        uses: 1,
        lifetime_seconds: 60,
    };
    for body in [
        c::Body::CreateInvite(create),
        c::Body::ListInvites(ListInvites {}),
        c::Body::ListMembers(ListMembers::default()),
        c::Body::RevokeInvite(RevokeInvite {
            id: vec![0; 16].into(),
        }),
    ] {
        assert_eq!(reason(&m.ask(body).await), Reason::NotAllowed);
    }
    for (uses, lifetime_seconds) in [(0, 60), (1001, 60), (1, 0), (1, 31 * 24 * 3600)] {
        let bad = CreateInvite {
            role: Role::Member.into(),
            uses,
            lifetime_seconds,
        };
        assert_eq!(
            reason(&o.ask(c::Body::CreateInvite(bad)).await),
            Reason::Malformed
        );
    }
    let token = invite(&mut o, 3, 60).await;
    let id = match o.ask(c::Body::ListInvites(ListInvites {})).await {
        Body::Invites(list) => {
            assert_eq!((list.invites.len(), list.invites[0].uses_left), (1, 3));
            assert!(list.invites[0].token.is_empty());
            list.invites[0].id.clone()
        }
        other => panic!("{}", kind(&other)),
    };
    assert!(matches!(
        o.ask(c::Body::RevokeInvite(RevokeInvite { id })).await,
        Body::Done(_)
    ));
    let mut guest = Client::connect(relay.port).await;
    assert_eq!(
        guest.register(&Person::new(), &token, "guest", "G").await,
        Err(Reason::InviteUnknown)
    );
    match o.ask(c::Body::ListMembers(ListMembers::default())).await {
        Body::Members(list) => {
            let rows: Vec<_> = list
                .members
                .iter()
                .map(|m| (&*m.handle, m.role().as_str_name(), m.devices))
                .collect();
            assert_eq!(rows, [("member", "ROLE_MEMBER", 1), ("owner", "ROLE_OWNER", 1)]);
            assert_eq!(list.members[0].account.as_ref(), member.account.as_bytes());
            assert!(!list.more);
        }
        other => panic!("{}", kind(&other)),
    }
    relay.stop().await;
}

#[tokio::test]
async fn logs_grow_by_what_verifies_and_by_one_at_a_time() {
    let relay = TestRelay::start().await;
    let (_owner, mut o) = relay.owner().await;
    let (mut bob, mut b) = relay.member(&mut o, "bob").await;
    // Two drafts on one head: one is appended, the other is told what it missed.
    let ((first, entry), (_, rival)) = (bob.draft_device(), bob.draft_device());
    let append = |entry: &chopar_wire::proto::identity::Entry| {
        c::Body::AppendLog(AppendLog {
            entry: Some(entry.clone()),
        })
    };
    assert!(matches!(b.ask(append(&entry)).await, Body::Done(_)));
    match b.ask(append(&rival)).await {
        Body::LogConflict(conflict) => {
            assert_eq!(conflict.from, 2);
            assert_eq!(conflict.entries[0].body, entry.body);
        }
        other => panic!("{}", kind(&other)),
    }
    bob.accept(&entry);
    bob.devices.push(first);
    let (_, mut forged) = bob.draft_device();
    let mut signature = forged.signatures[1].signature.to_vec();
    signature[40] ^= 1;
    forged.signatures[1].signature = signature.into();
    assert_eq!(reason(&b.ask(append(&forged)).await), Reason::LogInvalid);
    // An owner cannot write into a member's log.
    let (_, theirs) = bob.draft_device();
    assert_eq!(reason(&o.ask(append(&theirs)).await), Reason::NotAllowed);
    match o
        .ask(c::Body::FetchLog(FetchLog {
            account: bob.account.into(),
            from: 1,
        }))
        .await
    {
        Body::Log(log) => {
            assert_eq!((log.from, log.entries.len(), log.head.unwrap().length), (1, 2, 3));
        }
        other => panic!("{}", kind(&other)),
    }
    let nobody = FetchLog {
        account: vec![9; 32].into(),
        from: 0,
    };
    assert_eq!(
        reason(&o.ask(c::Body::FetchLog(nobody)).await),
        Reason::NoSuchAccount
    );
    relay.stop().await;
}

/// P-041, T-007.
#[tokio::test]
async fn a_one_time_pair_is_handed_out_once() {
    let relay = TestRelay::start_with(|config| config.rates.claims_of_device = config.rates.claims).await;
    let (_owner, mut o) = relay.owner().await;
    let (bob, mut b) = relay.member(&mut o, "bob").await;
    let (_eve, mut e) = relay.member(&mut o, "eve").await;
    b.drain().await;
    let device = &bob.devices[0];
    let pairs = |from: u32, to: u32| AddOneTime {
        one_time: (from..to).map(|id| device.one_time(id)).collect(),
    };
    assert!(matches!(
        b.ask(c::Body::AddOneTime(pairs(0, 50))).await,
        Body::Done(_)
    ));
    assert!(
        matches!(b.ask(c::Body::AddOneTime(pairs(0, 50))).await, Body::Done(_)),
        "the same again counts once"
    );
    assert!(matches!(
        b.ask(c::Body::AddOneTime(pairs(50, 100))).await,
        Body::Done(_)
    ));
    assert_eq!(
        reason(&b.ask(c::Body::AddOneTime(pairs(100, 101))).await),
        Reason::PoolFull
    );
    assert_eq!(
        reason(&b.ask(c::Body::AddOneTime(pairs(0, 51))).await),
        Reason::TooLarge
    );
    let mut forged = pairs(200, 201);
    forged.one_time[0].signature = vec![0; 64].into();
    assert_eq!(
        reason(&b.ask(c::Body::AddOneTime(forged)).await),
        Reason::BundleInvalid
    );

    let claim = || {
        c::Body::ClaimBundle(ClaimBundle {
            account: bob.account.into(),
            device: bob.id().into(),
        })
    };
    let mut seen = HashSet::new();
    let mut without = 0;
    for _ in 0..55 {
        let (left, right) = (o.send(claim()).await, e.send(claim()).await);
        for body in [o.answer(left).await, e.answer(right).await] {
            match body {
                Body::ClaimedBundle(claimed) => match claimed.bundle.unwrap().one_time {
                    Some(pair) => assert!(seen.insert(pair.body), "handed out twice"),
                    None => without += 1,
                },
                other => panic!("{}", kind(&other)),
            }
        }
    }
    assert_eq!((seen.len(), without), (100, 10));
    match b.next().await {
        Body::OneTimeLow(low) => assert_eq!(low.left, 24),
        other => panic!("{}", kind(&other)),
    }

    // Bundles: the number must rise, the signature must be the device's own.
    assert_eq!(
        reason(&b.ask(c::Body::PublishBundle(publish(&bob, 1))).await),
        Reason::BundleInvalid
    );
    assert!(matches!(
        b.ask(c::Body::PublishBundle(publish(&bob, 2))).await,
        Body::Done(_)
    ));
    assert_eq!(
        reason(&o.ask(c::Body::PublishBundle(publish(&bob, 3))).await),
        Reason::BundleInvalid
    );
    relay.stop().await;
}

fn publish(person: &Person, sequence: u64) -> PublishBundle {
    PublishBundle {
        bundle: Some(person.bundle(0, sequence)),
    }
}
