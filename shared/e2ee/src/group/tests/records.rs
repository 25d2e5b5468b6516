//! Both ends of an epoch at rest.

use std::path::PathBuf;

use super::*;
use crate::ratchet::RecordError;

/// P-137.
#[test]
fn both_ends_go_on_from_their_records() {
    let ((mut ours, mut theirs), mut rng) = (pair(50), rng(51));
    let messages: Vec<_> = (0..6).map(|_| ours.encrypt(b"x", &mut rng).unwrap()).collect();
    receive(&mut theirs, &messages[4]).unwrap();
    let mut again = ReceivingEpoch::from_record(&theirs.to_record()).unwrap();
    assert_eq!(again.to_record(), theirs.to_record());
    assert!(again.expected_tags().eq(theirs.expected_tags()));
    for n in [0, 1, 2, 3, 5] {
        receive(&mut again, &messages[n]).unwrap();
    }
    assert!(receive(&mut again, &messages[4]).is_err());
    again.close(6, NOW);
    let closed = ReceivingEpoch::from_record(&again.to_record()).unwrap();
    assert!(closed.is_closed() && closed.missing() == 0);

    let mut restored = SendingEpoch::from_record(&ours.to_record()).unwrap();
    assert_eq!(restored.length(), 6);
    assert_eq!(restored.to_record(), ours.to_record());
    let next = restored.encrypt(b"next", &mut rng).unwrap();
    assert_eq!(
        receive(&mut again, &next).err(),
        Some(crate::ratchet::OpenError::Expired)
    );
}

/// P-137.
#[test]
fn damage_is_an_error_and_never_half_a_state() {
    let ((mut ours, mut theirs), mut rng) = (pair(52), rng(53));
    let messages: Vec<_> = (0..3).map(|_| ours.encrypt(b"x", &mut rng).unwrap()).collect();
    receive(&mut theirs, &messages[2]).unwrap();
    for record in [theirs.to_record(), ours.to_record()] {
        for at in 0..record.len() {
            let mut altered = record.to_vec();
            altered[at] ^= 0x55;
            // Whatever it is read as can be used.
            if let Ok(epoch) = ReceivingEpoch::from_record(&altered) {
                drop(epoch.open(&messages[0], NOW));
            }
            if let Ok(mut epoch) = SendingEpoch::from_record(&altered) {
                drop(epoch.encrypt(b"x", &mut rng));
            }
        }
    }
    assert_eq!(
        ReceivingEpoch::from_record(&[]).err(),
        Some(RecordError::Version(0))
    );
    let sending = ours.to_record();
    assert!(ReceivingEpoch::from_record(&sending).is_err() || sending.is_empty());
}

/// Version 1 stays readable for ever: the files were written when it was new. Setting `CHOPAR_WRITE_GOLDEN` writes those that are
/// missing.
/// P-137, P-303.
#[test]
fn the_golden_records_of_version_1_are_read_and_written_alike() {
    let ((mut ours, mut theirs), mut rng) = (pair(54), rng(55));
    let messages: Vec<_> = (0..4).map(|_| ours.encrypt(b"late", &mut rng).unwrap()).collect();
    receive(&mut theirs, &messages[2]).unwrap();
    theirs.close(5, NOW);
    let golden = |name: &str, today: &[u8]| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name);
        if !path.exists() && std::env::var_os("CHOPAR_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, today).unwrap();
        }
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let sending = golden("epoch-sending-form-1.bin", &ours.to_record());
    let receiving = golden("epoch-receiving-form-1.bin", &theirs.to_record());
    let late = golden("epoch-message-form-1.bin", &messages[1]);
    let unchanged = "the encoding changed: that needs a new version";
    assert_eq!(ours.to_record()[..], sending[..], "{unchanged}");
    assert_eq!(theirs.to_record()[..], receiving[..], "{unchanged}");

    let mut ours = SendingEpoch::from_record(&sending).unwrap();
    let mut theirs = ReceivingEpoch::from_record(&receiving).unwrap();
    assert_eq!((ours.length(), theirs.missing()), (4, 4));
    assert_eq!(receive(&mut theirs, &late), Ok(b"late".to_vec()), "a kept key");
    let next = ours.encrypt(b"next", &mut rng).unwrap();
    assert_eq!(
        receive(&mut theirs, &next),
        Ok(b"next".to_vec()),
        "the chain goes on"
    );
}
