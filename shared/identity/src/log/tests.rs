//! Every rule of the log has a test here that breaks it.

use chopar_wire::limits;
use chopar_wire::proto::identity::{Entry, EntryBody};
use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use prost::Message;

use super::fixture::{Account, device, id, name, public, recovery, secret};
use super::{AccountLog, Change, EntryDraft, HeadRelation, LogError, LogHead, Signer};
use crate::device::account_id;
use crate::keys::KeyError;
use crate::signed::signing_input;

const ACCOUNT: fn() -> Signer = || Signer::AccountKey(public(1));

fn refused(entries: &[Entry]) -> LogError {
    AccountLog::verify(&account_id(&public(1)), entries).expect_err("the log should be refused")
}

/// Changes the body of an entry and signs it again with the keys of `signers`, so that only the change is wrong.
fn rewrite(entry: &Entry, signers: &[u8], change: impl FnOnce(&mut EntryBody)) -> Entry {
    let mut body = EntryBody::decode(entry.body.clone()).unwrap();
    change(&mut body);
    let body = body.encode_to_vec();
    let input = signing_input(chopar_wire::labels::LOG_ENTRY, &body);
    let mut entry = entry.clone();
    entry.body = body.into();
    for (signature, number) in entry.signatures.iter_mut().zip(signers) {
        signature.signature = secret(*number).sign(&input).to_bytes().to_vec().into();
    }
    entry
}

/// P-021.
#[test]
fn a_life_of_an_account_verifies_and_tells_its_changes() {
    let mut a = Account::with_two_devices();
    let changes = a
        .push(EntryDraft::rename_device(
            &a.log,
            &id(11),
            &name("phone"),
            Signer::Device(id(11)),
            5,
        ))
        .unwrap();
    assert!(
        matches!(&changes[0].change, Change::DeviceRenamed { device, from, to }
        if *device == id(11) && from.as_str() == "device 11" && to.as_str() == "phone")
    );
    assert_eq!(
        (changes[0].position, changes[0].time, changes[0].by),
        (3, 5, Signer::Device(id(11)))
    );

    let changes = a.revoke(11, Signer::Device(id(10))).unwrap();
    assert!(matches!(&changes[0].change, Change::DeviceRevoked(d) if d.id == id(11)));
    assert!(a.log.is_revoked(&id(11)) && a.log.device(&id(11)).is_none());

    let changes = a
        .push(EntryDraft::replace_account_key(
            &a.log,
            &public(2),
            &recovery(),
            6,
        ))
        .unwrap();
    assert_eq!(
        changes[0].change,
        Change::AccountKeyReplaced {
            from: public(1),
            to: public(2)
        }
    );
    assert_eq!(a.log.account_key(), &public(2));
    assert_eq!(
        a.log.account(),
        &account_id(&public(1)),
        "the id survives the replacement"
    );
    // The old key signs nothing any more.
    assert_eq!(
        a.add(12, ACCOUNT()).unwrap_err(),
        LogError::WrongSigners { position: 6 }
    );
    a.add(12, Signer::AccountKey(public(2))).unwrap();

    let again = AccountLog::verify(a.log.account(), &a.all()).unwrap();
    assert_eq!(again, a.log);
    assert_eq!(
        again.active_devices().iter().map(|d| d.id).collect::<Vec<_>>(),
        [id(10), id(12)]
    );
    assert_eq!(again.length(), 7);
}

/// P-021, P-023, T-002.
#[test]
fn a_ghost_device_signed_by_an_unknown_key_is_refused() {
    let mut a = Account::with_two_devices();
    let before = a.log.clone();
    for by in [
        Signer::AccountKey(public(99)),
        Signer::Device(id(99)),
        Signer::Device(id(50)),
    ] {
        assert_eq!(a.add(50, by).unwrap_err(), LogError::WrongSigners { position: 3 });
    }
    // The right signer named, but signed by another key.
    let draft = EntryDraft::add_device(&a.log, &device(50), &name("x"), ACCOUNT(), 1);
    let input = draft.signing_input();
    let forged = draft
        .finish(&[
            secret(99).sign(&input).to_bytes(),
            secret(50).sign(&input).to_bytes(),
        ])
        .unwrap();
    assert_eq!(
        a.log.extend(&[forged]).unwrap_err(),
        LogError::BadSignature { position: 3 }
    );
    assert_eq!(a.log, before, "a failed extension changes nothing");
}

/// P-021, T-002.
#[test]
fn a_new_device_must_sign_for_itself() {
    let mut a = Account::with_two_devices();
    let draft = || EntryDraft::add_device(&a.log, &device(12), &name("x"), ACCOUNT(), 1);
    let mut without = a.keys.sign(draft());
    without.signatures.pop();
    let input = draft().signing_input();
    let wrong = draft()
        .finish(&[
            secret(1).sign(&input).to_bytes(),
            secret(1).sign(&input).to_bytes(),
        ])
        .unwrap();
    let mut doubled = a.keys.sign(draft());
    doubled.signatures[0] = doubled.signatures[1].clone();
    assert_eq!(
        a.log.extend(&[without]).unwrap_err(),
        LogError::WrongSigners { position: 3 }
    );
    assert_eq!(
        a.log.extend(&[wrong]).unwrap_err(),
        LogError::BadSignature { position: 3 }
    );
    assert_eq!(
        a.log.extend(&[doubled]).unwrap_err(),
        LogError::WrongSigners { position: 3 }
    );
}

/// P-021.
#[test]
fn an_extra_signature_is_refused() {
    let mut a = Account::with_two_devices();
    let mut entry = a
        .keys
        .sign(EntryDraft::revoke_device(&a.log, &id(11), ACCOUNT(), 1));
    entry.signatures.push(entry.signatures[0].clone());
    assert_eq!(
        a.log.extend(&[entry.clone()]).unwrap_err(),
        LogError::WrongSigners { position: 3 }
    );
    entry.signatures.extend(entry.signatures.clone());
    assert_eq!(
        a.log.extend(&[entry]).unwrap_err(),
        LogError::EntryTooLarge { position: 3 }
    );
}

/// P-021, P-022.
#[test]
fn a_revoked_device_signs_nothing_and_never_comes_back() {
    let mut a = Account::with_two_devices();
    a.revoke(11, ACCOUNT()).unwrap();
    assert_eq!(
        a.add(12, Signer::Device(id(11))).unwrap_err(),
        LogError::WrongSigners { position: 4 }
    );
    assert_eq!(
        a.revoke(10, Signer::Device(id(11))).unwrap_err(),
        LogError::WrongSigners { position: 4 }
    );
    assert_eq!(
        a.add(11, ACCOUNT()).unwrap_err(),
        LogError::DeviceKnown { position: 4 }
    );
    assert_eq!(
        a.add(10, ACCOUNT()).unwrap_err(),
        LogError::DeviceKnown { position: 4 }
    );
    assert_eq!(
        a.revoke(11, ACCOUNT()).unwrap_err(),
        LogError::NoSuchDevice { position: 4 }
    );
    let rename = EntryDraft::rename_device(&a.log, &id(11), &name("x"), ACCOUNT(), 1);
    assert_eq!(
        a.push(rename).unwrap_err(),
        LogError::NoSuchDevice { position: 4 }
    );
    // A device may end itself.
    a.revoke(10, Signer::Device(id(10))).unwrap();
    assert!(a.log.active_devices().is_empty());
}

/// P-021.
#[test]
fn devices_may_not_do_what_is_the_account_keys() {
    let mut a = Account::with_two_devices();
    let draft = EntryDraft::replace_account_key(&a.log, &public(2), &recovery(), 1);
    let mut entry = a.keys.sign(draft);
    entry.signatures.remove(0);
    assert_eq!(
        a.log.extend(&[entry]).unwrap_err(),
        LogError::WrongSigners { position: 3 }
    );
    let mut resolve = a.keys.sign(EntryDraft::resolve_fork(&a.log, 1));
    let by_device = a.keys.sign(EntryDraft::revoke_device(
        &a.log,
        &id(11),
        Signer::Device(id(10)),
        1,
    ));
    resolve.signatures = by_device.signatures;
    assert_eq!(
        a.log.extend(&[resolve]).unwrap_err(),
        LogError::WrongSigners { position: 3 }
    );
}

#[test]
fn an_account_key_never_comes_back() {
    let mut a = Account::with_two_devices();
    let same = EntryDraft::replace_account_key(&a.log, &public(1), &recovery(), 1);
    assert_eq!(a.push(same).unwrap_err(), LogError::KeyReused { position: 3 });
    a.push(EntryDraft::replace_account_key(
        &a.log,
        &public(2),
        &recovery(),
        1,
    ))
    .unwrap();
    let back = EntryDraft::replace_account_key(&a.log, &public(1), &recovery(), 1);
    assert_eq!(a.push(back).unwrap_err(), LogError::KeyReused { position: 4 });
}

/// P-020, P-023.
#[test]
fn order_parents_and_completeness_are_checked() {
    let a = Account::with_two_devices();
    let all = a.all();
    assert_eq!(refused(&[]), LogError::Empty);
    assert_eq!(refused(&all[1..]), LogError::Gap { expected: 0, got: 1 });
    assert_eq!(
        refused(&[all[0].clone(), all[2].clone()]),
        LogError::Gap { expected: 1, got: 2 }
    );
    assert_eq!(
        refused(&[all[0].clone(), all[2].clone(), all[1].clone()]),
        LogError::Gap { expected: 1, got: 2 }
    );
    let orphan = rewrite(&all[2], &[10, 11], |b| b.parent = vec![7; 32].into());
    assert_eq!(
        refused(&[all[0].clone(), all[1].clone(), orphan]),
        LogError::WrongParent { position: 2 }
    );
    let parent_of_none = rewrite(&all[0], &[1], |b| b.parent = vec![7; 32].into());
    assert_eq!(refused(&[parent_of_none]), LogError::WrongParent { position: 0 });
    let second_create = rewrite(&all[0], &[1], |b| {
        b.position = 1;
        b.parent = a.log.prefix_hash(1).unwrap().to_vec().into();
    });
    assert_eq!(
        refused(&[all[0].clone(), second_create]),
        LogError::MisplacedCreate { position: 1 }
    );
    let not_created = rewrite(&all[1], &[1, 10], |b| {
        b.position = 0;
        b.parent = Vec::new().into();
    });
    assert_eq!(refused(&[not_created]), LogError::MisplacedCreate { position: 0 });
}

/// P-005, P-020.
#[test]
fn accounts_suites_and_unknown_acts_are_refused_by_name() {
    let a = Account::with_two_devices();
    let all = a.all();
    let other = account_id(&public(2));
    assert_eq!(
        AccountLog::verify(&other, &all).unwrap_err(),
        LogError::OtherAccount { position: 0 }
    );
    let claimed = rewrite(&all[0], &[1], |b| b.account = other.into());
    assert_eq!(
        AccountLog::verify(&other, &[claimed]).unwrap_err(),
        LogError::OtherAccount { position: 0 }
    );
    let strayed = rewrite(&all[1], &[1, 10], |b| b.account = other.into());
    assert_eq!(
        refused(&[all[0].clone(), strayed]),
        LogError::OtherAccount { position: 1 }
    );
    let suite = rewrite(&all[1], &[1, 10], |b| b.suite = 2);
    assert_eq!(
        refused(&[all[0].clone(), suite]),
        LogError::UnknownSuite {
            position: 1,
            suite: 2
        }
    );
    let no_act = rewrite(&all[1], &[1, 10], |b| b.act = None);
    assert_eq!(
        refused(&[all[0].clone(), no_act]),
        LogError::UnknownAct { position: 1 }
    );
    let mut noise = all[1].clone();
    noise.body = vec![0xff; 40].into();
    assert_eq!(
        refused(&[all[0].clone(), noise]),
        LogError::Malformed { position: 1 }
    );
}

/// P-022.
#[test]
fn bounds_hold() {
    let mut a = Account::new();
    for number in 10..18 {
        a.add(number, ACCOUNT()).unwrap();
    }
    assert_eq!(
        a.add(18, ACCOUNT()).unwrap_err(),
        LogError::TooManyDevices { position: 9 }
    );
    a.revoke(10, ACCOUNT()).unwrap();
    a.add(18, ACCOUNT()).unwrap();
    while a.log.length() < 256 {
        let text = format!("name {}", a.log.length());
        a.push(EntryDraft::rename_device(
            &a.log,
            &id(11),
            &name(&text),
            Signer::Device(id(12)),
            1,
        ))
        .unwrap();
    }
    let full = EntryDraft::rename_device(&a.log, &id(11), &name("one more"), ACCOUNT(), 1);
    assert_eq!(a.push(full).unwrap_err(), LogError::TooLong { limit: 256 });
    assert_eq!(AccountLog::verify(a.log.account(), &a.all()).unwrap(), a.log);

    let fat = rewrite(&a.all()[1], &[1, 10], |b| {
        b.parent = vec![0; limits::MAX_LOG_ENTRY].into()
    });
    assert_eq!(
        refused(&[a.all()[0].clone(), fat]),
        LogError::EntryTooLarge { position: 1 }
    );
}

#[test]
fn names_and_keys_inside_are_judged() {
    use chopar_wire::proto::identity::entry_body::Act;
    let a = Account::with_two_devices();
    let all = a.all();
    let named = rewrite(&all[1], &[1, 10], |b| match b.act.as_mut() {
        Some(Act::AddDevice(add)) => add.name = "\u{202e}x".into(),
        _ => unreachable!(),
    });
    assert_eq!(
        refused(&[all[0].clone(), named]),
        LogError::BadName { position: 1 }
    );
    let low = rewrite(&all[1], &[1, 10], |b| match b.act.as_mut() {
        Some(Act::AddDevice(add)) => add.keys.as_mut().unwrap().agreement = vec![0; 32].into(),
        _ => unreachable!(),
    });
    let fault = KeyError::LowOrder("X25519 public key");
    assert_eq!(
        refused(&[all[0].clone(), low]),
        LogError::Key { position: 1, fault }
    );
}

/// P-023, P-024.
#[test]
fn a_fork_is_told_from_noise() {
    let mut a = Account::with_two_devices();
    let rival_of_last = {
        let mut b = Account::new();
        b.add(10, ACCOUNT()).unwrap();
        b.add(20, Signer::Device(id(10))).unwrap();
        b.all()[2].clone()
    };
    let before = a.log.clone();
    assert_eq!(
        a.log.extend(std::slice::from_ref(&rival_of_last)).unwrap_err(),
        LogError::Fork { position: 2 }
    );
    // An invalid rival is only an invalid entry.
    let mut broken = rival_of_last;
    broken.signatures[0].signature = vec![0; 64].into();
    assert_eq!(
        a.log.extend(&[broken]).unwrap_err(),
        LogError::BadSignature { position: 2 }
    );
    // Two create entries of one key.
    let other_create = a.keys.sign(EntryDraft::create(&public(1), &recovery(), 77));
    assert_eq!(
        a.log.extend(&[other_create]).unwrap_err(),
        LogError::Fork { position: 0 }
    );
    assert_eq!(a.log, before);
    // What is known already is skipped.
    let known = a.all();
    assert!(a.log.extend(&known).unwrap().is_empty());
}

/// P-024.
#[test]
fn heads_compare() {
    let mut a = Account::with_two_devices();
    let old = a.log.head();
    assert_eq!(a.log.relation(&old), HeadRelation::Same);
    let shorter = a.log.clone();
    a.add(12, ACCOUNT()).unwrap();
    assert_eq!(a.log.relation(&old), HeadRelation::Behind);
    assert_eq!(shorter.relation(&a.log.head()), HeadRelation::Ahead);
    assert_eq!(
        a.log.relation(&LogHead { hash: [0; 32], ..old }),
        HeadRelation::Fork
    );

    let all = a.all();
    let pin = a.log.head();
    let account = *a.log.account();
    assert!(AccountLog::verify_pinned(&account, &all, &old).is_ok());
    assert_eq!(
        AccountLog::verify_pinned(&account, &all[..3], &pin).unwrap_err(),
        LogError::Rollback { known: 4, got: 3 }
    );
    assert_eq!(
        AccountLog::verify_pinned(&account, &all, &LogHead { hash: [1; 32], ..pin }).unwrap_err(),
        LogError::Fork { position: 3 }
    );
    let proto = chopar_wire::proto::identity::LogHead::from(&pin);
    assert_eq!(LogHead::try_from(&proto), Ok(pin));
    assert!(LogHead::try_from(&Default::default()).is_err());
}

/// Two chains that part after position 1: here device 11, there device 20.
fn forked() -> (Account, Account) {
    let mut there = Account::new();
    there.add(10, ACCOUNT()).unwrap();
    there.add(20, Signer::Device(id(10))).unwrap();
    (Account::with_two_devices(), there)
}

/// P-021.
#[test]
fn a_fork_is_resolved_by_the_account_key_only() {
    let (mut here, mut there) = forked();
    let before = here.log.clone();
    assert_eq!(here.log.resolve(&there.all()).unwrap_err(), LogError::NotResolved);
    assert_eq!(here.log, before);
    there.push(EntryDraft::resolve_fork(&there.log, 9)).unwrap();
    there.add(21, ACCOUNT()).unwrap();
    assert_eq!(
        here.log.extend(&there.all()).unwrap_err(),
        LogError::Fork { position: 2 }
    );
    let changes = here.log.resolve(&there.all()).unwrap();
    assert_eq!(changes.iter().map(|c| c.position).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(here.log, there.log);
    assert!(here.log.device(&id(11)).is_none());
}

#[test]
fn a_resolution_before_the_fork_or_for_another_chain_counts_for_nothing() {
    let mut common = Account::new();
    common.push(EntryDraft::resolve_fork(&common.log, 1)).unwrap();
    let mut here = AccountLog::verify(common.log.account(), &common.all()).unwrap();
    let add = |number| EntryDraft::add_device(&common.log, &device(number), &name("x"), ACCOUNT(), 1);
    let (left, right) = (common.keys.sign(add(10)), common.keys.sign(add(11)));
    here.extend(&[left]).unwrap();
    let there = [common.all(), vec![right]].concat();
    assert_eq!(here.resolve(&there).unwrap_err(), LogError::NotResolved);

    let (here, _) = forked();
    let astray = rewrite(
        &here.keys.sign(EntryDraft::resolve_fork(&here.log, 1)),
        &[1],
        |b| {
            use chopar_wire::proto::identity::{ResolveFork, entry_body::Act};
            b.act = Some(Act::ResolveFork(ResolveFork {
                head: vec![5; 32].into(),
            }));
        },
    );
    let all = [here.all(), vec![astray]].concat();
    assert_eq!(refused(&all), LogError::WrongResolution { position: 3 });
}

#[test]
fn a_stolen_replaced_key_resolves_nothing() {
    let (mut here, mut there) = forked();
    here.push(EntryDraft::replace_account_key(
        &here.log,
        &public(2),
        &recovery(),
        1,
    ))
    .unwrap();
    there.push(EntryDraft::resolve_fork(&there.log, 9)).unwrap();
    assert_eq!(here.log.resolve(&there.all()).unwrap_err(), LogError::NotResolved);
    // The other way round the owner's new key may: it follows from the one known there.
    let (old, mut owner) = forked();
    owner
        .push(EntryDraft::replace_account_key(
            &owner.log,
            &public(2),
            &recovery(),
            1,
        ))
        .unwrap();
    owner.push(EntryDraft::resolve_fork(&owner.log, 9)).unwrap();
    let mut old = old.log;
    old.resolve(&owner.all()).unwrap();
    assert_eq!(old.account_key(), &public(2));
}

#[test]
fn a_draft_wants_its_signatures() {
    let a = Account::new();
    let draft = EntryDraft::add_device(&a.log, &device(10), &name("x"), ACCOUNT(), 1);
    assert_eq!(draft.signers(), [ACCOUNT(), Signer::Device(id(10))]);
    let refused = draft.finish(&[[0; 64]]).err();
    assert_eq!(refused, Some(LogError::SignatureCount { expected: 2, got: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever single byte of a log is changed, the log is refused or says exactly the same.
    #[test]
    fn no_changed_byte_changes_what_a_log_says(at in 0usize..10_000, xor in 1u8..) {
        let a = Account::with_two_devices();
        let mut all = a.all();
        let index = at % all.len();
        let mut bytes = all[index].encode_to_vec();
        let place = at / 3 % bytes.len();
        bytes[place] ^= xor;
        if let Ok(changed) = Entry::decode(bytes.as_slice()) {
            all[index] = changed;
            if let Ok(log) = AccountLog::verify(a.log.account(), &all) {
                prop_assert_eq!(log, a.log);
            }
        }
    }

    /// Any sequence of acts by any signers: what the log accepts, everybody who verifies it accepts alike.
    #[test]
    fn extension_and_whole_verification_agree(acts in prop::collection::vec((0u8..4, 10u8..16, 0u8..7), 0..30)) {
        let mut a = Account::new();
        for (act, number, by) in acts {
            let by = if by == 6 { ACCOUNT() } else { Signer::Device(id(10 + by)) };
            let before = a.log.clone();
            let permitted = match by {
                Signer::AccountKey(_) => true,
                Signer::Device(by) => before.device(&by).is_some(),
            };
            let outcome = match act {
                0 | 1 => a.add(number, by),
                2 => a.revoke(number, by),
                _ => a.push(EntryDraft::rename_device(&before, &id(number), &name("n"), by, 1)),
            };
            prop_assert!(outcome.is_err() || permitted);
            if outcome.is_err() {
                prop_assert_eq!(&a.log, &before);
            }
            let again = AccountLog::verify(before.account(), &a.all()).unwrap();
            prop_assert_eq!(again.active_devices(), a.log.active_devices());
        }
    }
}

/// T-010, P-020, P-023: each bit of each entry of a log as it travels. None verifies, and the log that is known stays as it was.
#[test]
fn no_bit_of_a_log_may_change() {
    let a = Account::with_two_devices();
    let entries = a.all();
    for (position, entry) in entries.iter().enumerate() {
        let bytes = entry.encode_to_vec();
        let mut known =
            (position > 0).then(|| AccountLog::verify(a.log.account(), &entries[..position]).unwrap());
        for bit in 0..8 * bytes.len() {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let Ok(altered) = Entry::decode(altered.as_slice()) else {
                continue;
            };
            match &mut known {
                Some(known) => {
                    assert!(known.extend(&[altered]).is_err(), "entry {position}, bit {bit}");
                    assert_eq!(known.length() as usize, position);
                }
                None => {
                    let log = AccountLog::verify(a.log.account(), &[altered]);
                    assert!(log.is_err(), "the first entry, bit {bit}");
                }
            }
        }
        if let Some(mut known) = known {
            known.extend(&entries[position..=position]).unwrap();
        }
    }
}
