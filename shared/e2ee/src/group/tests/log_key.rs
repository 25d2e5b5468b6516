//! Entries in the opaque log.

use super::super::{LogKey, SealError};
use super::*;

/// P-123.
#[test]
fn the_newest_key_opens_the_whole_log_and_an_older_one_nothing_new() {
    let (people, mut rng) = (People::new(2), rng(30));
    let (group, entry) = people.create(0, &[1]);
    let first = LogKey::first(&mut rng);
    let second = first.next(&mut rng);
    let old = first.seal(&group, &entry, None, &mut rng).unwrap();
    let new = second.seal(&group, &entry, Some(&first), &mut rng).unwrap();
    assert_eq!(
        (LogKey::version_of(&old), LogKey::version_of(&new)),
        (Some(1), Some(2))
    );
    let opened = second.open(&group, &new).unwrap();
    assert!(opened.entry == entry);
    let before = opened.key_before.unwrap();
    assert_eq!(before.version(), 1);
    assert!(before.open(&group, &old).unwrap().key_before.is_none());
    assert_eq!(first.open(&group, &new).err(), Some(SealError::Version(2)));
    let guess = LogKey::parse(2, first.as_bytes()).unwrap();
    assert_eq!(guess.open(&group, &new).err(), Some(SealError::Authentication));
    assert_eq!(
        second.open(&GroupId::new([1; 32]), &new).err(),
        Some(SealError::Authentication)
    );
    assert!(LogKey::parse(0, &[1; 32]).is_none() && LogKey::parse(1, &[1; 31]).is_none());
}

/// P-123, T-010.
#[test]
fn no_bit_of_a_sealed_entry_may_change() {
    let (people, mut rng) = (People::new(2), rng(31));
    let (group, entry) = people.create(0, &[1]);
    let key = LogKey::first(&mut rng);
    let sealed = key.seal(&group, &entry, None, &mut rng).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(key.open(&group, &altered).is_err(), "bit {bit}");
    }
    for len in 0..sealed.len() {
        assert!(key.open(&group, &sealed[..len]).is_err(), "cut to {len}");
    }
    // The length says little: a longer name, the same size.
    assert_eq!((sealed.len() - 36) % 16, 0);
}

/// P-124.
#[test]
fn each_version_writes_with_a_key_of_its_own() {
    let mut rng = rng(32);
    let first = LogKey::first(&mut rng);
    let second = first.next(&mut rng);
    assert_ne!(first.write_key(), second.write_key());
    assert_eq!(first.write_key(), first.duplicate().write_key());
    let signature = first.sign_append(&chopar_identity::signing_input("x", b"append"));
    assert!(chopar_identity::verify("x", b"append", &signature, &first.write_key()).is_ok());
    assert!(chopar_identity::verify("x", b"append", &signature, &second.write_key()).is_err());
    assert_eq!(format!("{first:?}"), "LogKey(version 1)");
}
