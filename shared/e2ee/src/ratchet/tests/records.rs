//! The session at rest: size, versions, damage, and a record of version 1 that must stay readable.

use std::path::PathBuf;

use super::super::limits::SIGNAL_RESTORE_JUMP;
use super::*;

/// A session with a skipped key, superseded chains and an unanswered KEM key, and two messages that it can open.
fn rich() -> (Session, Vec<u8>, Vec<u8>) {
    let (mut alice, mut bob, mut rng) = pair(40);
    ping_pong(&mut alice, &mut bob, &mut rng, 8);
    let late = alice.encrypt(b"late", NOW, &mut rng).unwrap();
    let opened = alice.encrypt(b"opened", NOW, &mut rng).unwrap();
    receive(&mut bob, &opened).unwrap();
    let next = alice.encrypt(b"next", NOW, &mut rng).unwrap();
    (bob, late, next)
}

/// Version 1 stays readable for ever: the file was written when it was new. Setting `CHOPAR_WRITE_GOLDEN` writes it
/// again, for a version that has not been released.
/// P-071, P-302.
#[test]
fn the_golden_record_of_version_1_is_read_and_written_alike() {
    let path = |name| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src/ratchet/tests")
            .join(name)
    };
    let (session, late, next) = rich();
    if std::env::var_os("CHOPAR_WRITE_GOLDEN").is_some() {
        std::fs::write(path("session-v1.record"), session.to_record()).unwrap();
        std::fs::write(path("session-v1.late"), late).unwrap();
        std::fs::write(path("session-v1.next"), next).unwrap();
    }
    let golden = |name| std::fs::read(path(name)).unwrap();
    let record = golden("session-v1.record");
    assert_eq!(
        session.to_record()[..],
        record[..],
        "the encoding changed: that needs a new version"
    );
    let mut kept = Session::from_record(&record).unwrap();
    assert_eq!(receive(&mut kept, &golden("session-v1.late")).unwrap(), b"late");
    assert_eq!(receive(&mut kept, &golden("session-v1.next")).unwrap(), b"next");
}

/// P-071.
#[test]
fn a_restored_session_is_the_same_but_for_the_signal_counter() {
    let (mut session, _, _) = rich();
    let mut restored = Session::from_record(&session.to_record()).unwrap();
    assert_eq!(restored.signal_counter, SIGNAL_RESTORE_JUMP);
    restored.signal_counter = 0;
    assert_eq!(restored.to_record(), session.to_record());
    session.signal_counter = limits::COUNTER_STOP;
    let restored = Session::from_record(&session.to_record()).unwrap();
    assert_eq!(restored.signal_counter, limits::COUNTER_STOP);
}

/// The largest session without skipped keys: five full replay memories and both kinds of KEM state.
#[test]
fn a_record_stays_under_sixteen_kib() {
    let (mut alice, mut bob, mut rng) = pair(41);
    ping_pong(&mut alice, &mut bob, &mut rng, 8);
    let offer = alice.encrypt(b"offer", NOW, &mut rng).unwrap();
    receive(&mut bob, &offer).unwrap();
    for session in [&mut alice, &mut bob] {
        for chain in &mut session.receiving {
            (0..2 * limits::SEEN_BITS).for_each(|n| chain.seen.open(n));
        }
        let size = session.to_record().len();
        assert!((3_000..6_000).contains(&size), "{size}");
        assert!(Session::from_record(&session.to_record()).is_ok());
    }
}

#[test]
fn every_skipped_key_costs_about_seventy_bytes() {
    let (mut alice, mut bob, mut rng) = pair(42);
    ping_pong(&mut alice, &mut bob, &mut rng, 1);
    let before = bob.to_record().len();
    let messages: Vec<_> = (0..=1000)
        .map(|_| alice.encrypt(b"x", NOW, &mut rng).unwrap())
        .collect();
    receive(&mut bob, &messages[1000]).unwrap();
    let each = (bob.to_record().len() - before) / 1000;
    assert!((60..=75).contains(&each), "{each}");
}

/// P-071, P-302.
#[test]
fn other_versions_and_damage_are_named() {
    let (session, late, _) = rich();
    let record = session.to_record();
    let refused = |bytes: &[u8]| Session::from_record(bytes).err().unwrap();
    assert_eq!(refused(&[]), RecordError::Version(0));
    let mut newer = record.to_vec();
    assert_eq!(newer[..2], [0x08, 1]);
    newer[1] = 2;
    assert_eq!(refused(&newer), RecordError::Version(2));
    assert_eq!(refused(&[0xff; 10]), RecordError::Damaged("encoding"));
    // Cut anywhere: refused, or whole because only defaults were cut off. Never a session that lost something silently.
    for len in 2..record.len() {
        if let Ok(cut) = Session::from_record(&record[..len]) {
            assert!(cut.open(&late, NOW).is_ok(), "cut to {len}");
        }
    }
}

#[test]
fn no_secret_survives_in_the_debug_form() {
    let (session, _, _) = rich();
    let shown = format!("{session:?} {:?}", session.id());
    for window in session.root.0.as_bytes().windows(4) {
        assert!(!shown.contains(&hex::encode(window)));
        assert!(!shown.contains(&format!(
            "{}, {}, {}, {}",
            window[0], window[1], window[2], window[3]
        )));
    }
}
