//! Prekey records: of this version, of the version before, damaged, and of a version to come.

use std::path::PathBuf;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

fn one_of_each() -> (EcPrekeySecret, PqPrekeySecret, OneTimeSecret) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    (
        EcPrekeySecret::random(7, Timestamp(5), &mut rng),
        PqPrekeySecret::random(8, Timestamp(6), &mut rng),
        OneTimeSecret::random(9, Timestamp(7), &mut rng),
    )
}

/// A file that a version wrote when it was new.
fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    std::fs::read(path).unwrap()
}

/// P-043.
#[test]
fn records_come_back() {
    let (ec, pq, pair) = one_of_each();
    let back = EcPrekeySecret::decode(&ec.encode()).unwrap();
    assert_eq!((back.public(), back.made), (ec.public(), ec.made));
    assert_eq!(back.secret.as_bytes(), ec.secret.as_bytes());
    let back = PqPrekeySecret::decode(&pq.encode()).unwrap();
    assert_eq!((back.public(), back.made), (pq.public(), pq.made));
    assert_eq!(back.secret.seed(), pq.secret.seed());
    let back = OneTimeSecret::decode(&pair.encode()).unwrap();
    assert_eq!((back.public(), back.made), (pair.public(), pair.made));
    assert_eq!(back.x25519.as_bytes(), pair.x25519.as_bytes());
    assert_eq!(back.kem.seed(), pair.kem.seed());
    // The public half that is kept is the one that belongs to the secret.
    assert_eq!(ec.public().public, ec.secret.public());
    assert_eq!(pair.public().x25519, pair.x25519.public());
}

/// P-043. The records of the first version, in files that stay: a device that was set up with it loses no prekey, and writes
/// what it read in the form of today.
#[test]
fn records_of_the_first_version_are_read_and_written_anew() {
    let (ec, pq, pair) = one_of_each();
    let old = EcPrekeySecret::decode(&golden("prekey-x25519-form-1.bin")).unwrap();
    assert_eq!((old.public(), old.made), (ec.public(), ec.made));
    assert_eq!(old.encode(), ec.encode());
    let old = PqPrekeySecret::decode(&golden("prekey-ml-kem-form-2.bin")).unwrap();
    assert_eq!((old.public(), old.made), (pq.public(), pq.made));
    assert_eq!(
        pq.encode()[..],
        golden("prekey-ml-kem-form-2.bin")[..],
        "the form of today"
    );
    let old = OneTimeSecret::decode(&golden("prekey-one-time-form-3.bin")).unwrap();
    assert_eq!((old.public(), old.made), (pair.public(), pair.made));
    assert_eq!(old.encode(), pair.encode());
}

/// P-043, P-300. What is written today, pinned: another layout needs another form byte. `CHOPAR_WRITE_GOLDEN` writes the files
/// again, for a form that has not been released.
#[test]
fn the_forms_of_today_stay_as_they_are() {
    let (ec, _, pair) = one_of_each();
    for (name, record) in [
        ("prekey-x25519-form-4.bin", ec.encode()),
        ("prekey-one-time-form-5.bin", pair.encode()),
    ] {
        if std::env::var_os("CHOPAR_WRITE_GOLDEN").is_some() {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("tests/data")
                .join(name);
            std::fs::write(path, &record).unwrap();
        }
        assert_eq!(record[..], golden(name)[..], "{name}");
    }
}

/// P-043, P-300.
#[test]
fn damage_other_kinds_and_other_versions_are_named() {
    let (ec, pq, pair) = one_of_each();
    let refused = |record: &[u8]| {
        [
            EcPrekeySecret::decode(record).map(|_| ()),
            PqPrekeySecret::decode(record).map(|_| ()),
            OneTimeSecret::decode(record).map(|_| ()),
        ]
    };
    let damaged = Err(PrekeyRecordError::Damaged);
    assert_eq!(refused(&ec.encode()), [Ok(()), damaged, damaged]);
    assert_eq!(refused(&pq.encode()), [damaged, Ok(()), damaged]);
    assert_eq!(refused(&pair.encode()), [damaged, damaged, Ok(())]);
    for record in [
        ec.encode().to_vec(),
        pq.encode().to_vec(),
        pair.encode().to_vec(),
        golden("prekey-x25519-form-1.bin"),
        golden("prekey-one-time-form-3.bin"),
    ] {
        for length in 0..record.len() {
            assert_eq!(refused(&record[..length]), [damaged; 3], "cut to {length}");
        }
        let longer = [&record[..], &[0]].concat();
        assert_eq!(refused(&longer), [damaged; 3]);
        for form in [0, 6, 255] {
            let mut newer = record.clone();
            newer[0] = form;
            assert_eq!(refused(&newer), [Err(PrekeyRecordError::UnknownForm(form)); 3]);
        }
    }
    // A public half that is no key.
    for at in [13..45, 44..45] {
        let mut record = ec.encode().to_vec();
        record[at].fill(0xff);
        assert_eq!(
            EcPrekeySecret::decode(&record).unwrap_err(),
            PrekeyRecordError::Damaged
        );
    }
}
