//! Who may change a group, and what becomes of two who do so at once.

use chopar_wire::prost::Message;
use chopar_wire::proto::group::EntryBody;

use super::super::limits::{MAX_ENTRY, MAX_MEMBERS, MAX_PICTURE};
use super::super::roster::{Change, RosterRelation};
use super::*;

/// P-120, P-121.
#[test]
fn a_roster_says_who_is_in_and_who_changed_what() {
    let people = People::new(5);
    let mut roster = people.group(&[1, 2]);
    assert_eq!((roster.size(), roster.length(), roster.key()), (3, 1, 1));
    assert!(roster.is_admin(&people.id(0)) && !roster.is_admin(&people.id(1)));
    assert_eq!(roster.settings().name.as_str(), "Hisob-kitob");
    let who: Vec<_> = roster
        .members()
        .map(|(_, member)| member.display_name.as_str())
        .collect();
    assert!(who.contains(&"Person 1") && who.contains(&"Person 2"));

    let change = people
        .does(0, &Act::Add(vec![people.member(3, Role::Admin)]), &mut roster)
        .unwrap()
        .unwrap();
    assert_eq!((change.by, change.device), (people.id(0), people.device(0)));
    assert_eq!(change.change, Change::Added(vec![people.id(3)]));
    people
        .does(3, &Act::Remove(vec![people.id(1)]), &mut roster)
        .unwrap();
    assert_eq!((roster.key(), roster.member(&people.id(1))), (2, None));
    let role = Act::SetRole {
        account: people.id(2),
        role: Role::Admin,
    };
    people.does(3, &role, &mut roster).unwrap();
    let settings = SettingsChange {
        admins_only: Some(true),
        timer_seconds: Some(86_400),
        picture: Some(vec![1; 9]),
        ..SettingsChange::default()
    };
    people.does(2, &Act::Settings(settings), &mut roster).unwrap();
    assert!(roster.settings().admins_only && roster.settings().name.as_str() == "Hisob-kitob");
    people.does(3, &Act::Leave, &mut roster).unwrap();
    assert!(roster.wants_renewal() && roster.key() == 2);
    people.does(0, &Act::Renew, &mut roster).unwrap();
    assert!(!roster.wants_renewal() && roster.key() == 3);

    let (group, entries) = (*roster.group(), roster.entries(0).to_vec());
    let (mut again, _) = Roster::begin(&group, &entries[0], &people.logs).unwrap();
    for entry in &entries {
        again.extend(entry, &people.logs).unwrap();
    }
    assert_eq!(again, roster);
    assert_eq!(again.relation(&roster.head()), RosterRelation::Same);
}

/// P-121, T-030.
#[test]
fn what_somebody_may_not_do_is_refused_by_name() {
    let people = People::new(6);
    let mut roster = people.group(&[1, 2]);
    let add = Act::Add(vec![people.member(3, Role::Member)]);
    let remove = |number| Act::Remove(vec![people.id(number)]);
    let before = roster.clone();
    let refused = |by: usize, act: &Act, roster: &Roster| roster.permits(&people.id(by), act).unwrap_err();
    let position = 1;
    use RosterError as E;
    assert_eq!(refused(1, &add, &roster), E::NotAnAdmin { position });
    assert_eq!(refused(4, &add, &roster), E::NotAMember { position });
    assert_eq!(refused(4, &Act::Leave, &roster), E::NotAMember { position });
    assert_eq!(refused(1, &remove(0), &roster), E::NotAnAdmin { position });
    assert_eq!(refused(0, &remove(0), &roster), E::RemovesSigner { position });
    assert_eq!(refused(0, &remove(3), &roster), E::NoSuchMember { position });
    assert_eq!(refused(0, &Act::Leave, &roster), E::LastAdmin { position });
    let demote = Act::SetRole {
        account: people.id(0),
        role: Role::Member,
    };
    assert_eq!(refused(0, &demote, &roster), E::LastAdmin { position });
    let again = Act::Add(vec![people.member(1, Role::Member)]);
    assert_eq!(refused(0, &again, &roster), E::AlreadyAMember { position });
    let twice = Act::Add(vec![
        people.member(3, Role::Member),
        people.member(3, Role::Admin),
    ]);
    assert_eq!(refused(0, &twice, &roster), E::NamedTwice { position });
    for nothing in [
        Act::Add(vec![]),
        Act::Remove(vec![]),
        Act::Settings(SettingsChange::default()),
    ] {
        assert_eq!(refused(0, &nothing, &roster), E::NoChange { position });
    }

    // And where a draft is made past all this, nobody takes the entry.
    for (by, act, expected) in [
        (1, &add, E::NotAnAdmin { position }),
        (4, &add, E::NotAMember { position }),
        (0, &remove(3), E::NoSuchMember { position }),
    ] {
        let entry = forged(&people, by, act, &roster);
        assert_eq!(roster.extend(&entry, &people.logs), Err(expected));
    }
    assert_eq!(roster, before);
}

/// An entry that no honest device would draft.
fn forged(people: &People, by: usize, act: &Act, roster: &Roster) -> Signed {
    // A draft of the one who may, with another signer's name and act in it.
    let draft = EntryDraft::next(roster, &Act::Renew, &people.signer(0), NOW.0).unwrap();
    let mut body = EntryBody::decode(people.sign(0, draft).body).unwrap();
    let signer = people.signer(by);
    body.account = signer.account.into();
    body.device = signer.device.into();
    body.log = Some((&signer.log).into());
    body.act = Some(act.to_proto());
    body.key = roster.key() + u32::from(act.renews_key());
    signed_body(people, by, &body)
}

fn signed_body(people: &People, by: usize, body: &EntryBody) -> Signed {
    let body = body.encode_to_vec();
    let input = chopar_identity::signing_input(chopar_wire::labels::GROUP_ENTRY, &body);
    Signed {
        signature: people.all[by].signing.sign(&input).to_bytes().to_vec().into(),
        body: body.into(),
    }
}

/// P-122, T-030: an entry of a device that its log does not have, or has no more, or under an older log than before.
#[test]
fn a_device_must_be_active_where_its_entry_says_so() {
    let people = People::new(3);
    let mut roster = people.group(&[1, 2]);
    let rename = Act::Settings(named("Other"));
    let mut body = |change: &dyn Fn(&mut EntryBody)| {
        let draft = EntryDraft::next(&roster, &rename, &people.signer(0), NOW.0).unwrap();
        let mut body = EntryBody::decode(people.sign(0, draft).body).unwrap();
        change(&mut body);
        let entry = signed_body(&people, 0, &body);
        roster.extend(&entry, &people.logs).unwrap_err()
    };
    let position = 1;
    assert_eq!(
        body(&|body| body.device = people.device(1).into()),
        RosterError::NotActive { position }
    );
    assert_eq!(
        body(&|body| body.log.as_mut().unwrap().hash = vec![9; 32].into()),
        RosterError::OtherLog {
            position,
            account: people.id(0)
        }
    );
    assert_eq!(
        body(&|body| body.log.as_mut().unwrap().length = 3),
        RosterError::LogMissing {
            position,
            account: people.id(0)
        }
    );
    // At the length of one, the log had no device.
    let first = people.all[0].log.prefix_hash(1).unwrap();
    let older = chopar_identity::LogHead {
        length: 1,
        hash: first,
    };
    assert_eq!(
        body(&|body| body.log = Some((&older).into())),
        RosterError::OlderLog { position }
    );
    assert_eq!(
        body(&|body| body.suite = 2),
        RosterError::UnknownSuite { position, suite: 2 }
    );
    assert_eq!(body(&|body| body.key = 2), RosterError::WrongKey { position });
    assert_eq!(
        body(&|body| body.act = None),
        RosterError::UnknownAct { position }
    );
    assert_eq!(
        body(&|body| body.parent = vec![1; 32].into()),
        RosterError::WrongParent { position }
    );
    assert_eq!(
        body(&|body| body.group = vec![1; 32].into()),
        RosterError::OtherGroup { position }
    );
    assert_eq!(
        body(&|body| body.position = 5),
        RosterError::Gap { expected: 1, got: 5 }
    );
    // Without the log nothing can be said yet.
    let draft = EntryDraft::next(&roster, &rename, &people.signer(0), NOW.0).unwrap();
    let entry = people.sign(0, draft);
    assert_eq!(
        roster.extend(&entry, &BTreeMap::new()),
        Err(RosterError::LogMissing {
            position,
            account: people.id(0)
        })
    );
}

/// P-122: every bit of an entry counts.
#[test]
fn no_bit_of_an_entry_may_change() {
    let people = People::new(3);
    let mut roster = people.group(&[1]);
    let draft = EntryDraft::next(
        &roster,
        &Act::Add(vec![people.member(2, Role::Member)]),
        &people.signer(0),
        NOW.0,
    );
    let entry = people.sign(0, draft.unwrap());
    let before = roster.clone();
    for bit in 0..8 * (entry.body.len() + entry.signature.len()) {
        let mut altered = entry.clone();
        let (at, flip) = (bit / 8, 1 << (bit % 8));
        match at.checked_sub(entry.body.len()) {
            None => {
                let mut body = entry.body.to_vec();
                body[at] ^= flip;
                altered.body = body.into();
            }
            Some(at) => {
                let mut signature = entry.signature.to_vec();
                signature[at] ^= flip;
                altered.signature = signature.into();
            }
        }
        assert!(roster.extend(&altered, &people.logs).is_err(), "bit {bit}");
        assert_eq!(roster, before);
    }
    assert!(roster.extend(&entry, &people.logs).unwrap().is_some());
}

/// P-125, T-031.
#[test]
fn two_entries_with_one_parent_are_a_fork_that_names_who_signed() {
    let people = People::new(4);
    let mut roster = people.group(&[1, 2]);
    let admin = Act::SetRole {
        account: people.id(1),
        role: Role::Admin,
    };
    people.does(0, &admin, &mut roster).unwrap();
    let draft = |by: usize, name: &str| {
        let draft = EntryDraft::next(&roster, &Act::Settings(named(name)), &people.signer(by), NOW.0);
        people.sign(by, draft.unwrap())
    };
    let (one, other) = (draft(0, "One"), draft(1, "Other"));
    let mut theirs = roster.clone();
    roster.extend(&one, &people.logs).unwrap();
    theirs.extend(&other, &people.logs).unwrap();
    assert_eq!(roster.relation(&theirs.head()), RosterRelation::Fork);
    let fork = RosterError::Fork {
        position: 2,
        known: people.id(0),
        rival: people.id(1),
    };
    assert_eq!(roster.extend(&other, &people.logs), Err(fork));
    // One that was never valid there is just refused.
    let mut forged = other.clone();
    forged.signature = one.signature.clone();
    assert_eq!(
        roster.extend(&forged, &people.logs),
        Err(RosterError::BadSignature { position: 2 })
    );
    // A group has one first entry: its id is the hash of it.
    let (_, second) = people.create(1, &[0]);
    assert_eq!(
        roster.extend(&second, &people.logs),
        Err(RosterError::OtherGroup { position: 0 })
    );
    // What is known already says nothing new.
    assert_eq!(roster.extend(&one, &people.logs), Ok(None));
}

/// P-121: a thousand and one, names of ten thousand characters, pictures beyond all measure.
#[test]
fn too_many_and_too_much_are_refused_by_name() {
    let people = People::new(2);
    let crowd = |first: u16, count: u16| -> Vec<NewMember> {
        (first..first + count)
            .map(|number| {
                let mut id = [1; 32];
                id[..2].copy_from_slice(&number.to_be_bytes());
                NewMember {
                    account: AccountId::new(id),
                    role: Role::Member,
                    handle: String::new(),
                    display_name: String::new(),
                }
            })
            .collect()
    };
    let create = |members| {
        let act = Act::Create {
            nonce: [1; 32],
            settings: named("All"),
            members,
        };
        let entry = people.sign(0, EntryDraft::create(&act, &people.signer(0), NOW.0)?);
        Roster::begin(&GroupId::new(entry_hash(&entry.body)), &entry, &people.logs)
    };
    let (mut roster, _) = create(crowd(0, 999)).unwrap();
    assert_eq!(roster.size(), MAX_MEMBERS);
    let one_more = Act::Add(vec![people.member(1, Role::Member)]);
    let too_many = |position| RosterError::TooManyMembers {
        position,
        got: 1001,
        limit: MAX_MEMBERS,
    };
    assert_eq!(people.does(0, &one_more, &mut roster), Err(too_many(1)));
    assert_eq!(create(crowd(0, 1000)).unwrap_err(), too_many(0));

    let mut small = people.group(&[1]);
    let long = EntryDraft::next(&small, &Act::Settings(named("x")), &people.signer(0), NOW.0).unwrap();
    let mut body = EntryBody::decode(people.sign(0, long).body).unwrap();
    let mut settings = |change: chopar_wire::proto::group::Settings| {
        body.act = Some(chopar_wire::proto::group::entry_body::Act::Settings(change));
        small
            .extend(&signed_body(&people, 0, &body), &people.logs)
            .unwrap_err()
    };
    for name in ["x".repeat(10_000), String::new(), "a\u{202e}b".to_owned()] {
        let change = chopar_wire::proto::group::Settings {
            name: Some(name),
            ..Default::default()
        };
        assert_eq!(settings(change), RosterError::BadName { position: 1 });
    }
    let picture = chopar_wire::proto::group::Settings {
        picture: Some(vec![0; MAX_PICTURE + 1].into()),
        ..Default::default()
    };
    assert_eq!(settings(picture), RosterError::PictureTooLarge { position: 1 });
    let timer = chopar_wire::proto::group::Settings {
        timer_seconds: Some(u32::MAX),
        ..Default::default()
    };
    assert_eq!(settings(timer), RosterError::TimerTooLong { position: 1 });
    let huge = chopar_wire::proto::group::Settings {
        picture: Some(vec![0; MAX_ENTRY].into()),
        ..Default::default()
    };
    assert_eq!(settings(huge), RosterError::EntryTooLarge { position: 1 });
}
