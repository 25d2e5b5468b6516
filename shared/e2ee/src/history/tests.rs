//! History files end to end: what was written is read, and whatever else is named.

use proptest::prelude::*;

use super::BODY;
use super::limits::{CHUNK, MAX_RECORD};
use super::*;
use crate::fixture::rng;
use crate::recovery::RecoveryKey;

fn key(seed: u8) -> RecoveryKey {
    RecoveryKey::random(&mut rng(seed))
}

fn write(records: &[Vec<u8>], seed: u8) -> Vec<u8> {
    let mut sealer = HistorySealer::new(&key(1).account().recovery_keys(), &mut rng(seed)).unwrap();
    let mut file = sealer.header().to_bytes();
    for record in records {
        file.extend(sealer.put(record).unwrap());
    }
    file.extend(sealer.finish());
    file
}

fn read(file: &[u8], with: &RecoveryKey) -> Result<Vec<Vec<u8>>, OpenError> {
    let header = HistoryHeader::parse(file)?;
    let mut opener = HistoryOpener::new(&header, &with.account())?;
    let chunks = HistoryOpener::chunks(file.len() as u64)?;
    let mut records = Vec::new();
    for (number, chunk) in (1..).zip(file[HistoryHeader::LEN..].chunks(HistoryOpener::STORED)) {
        opener.take(chunk, number == chunks)?;
        while let Some(record) = opener.record()? {
            records.push(record.to_vec());
        }
    }
    opener.finish()?;
    Ok(records)
}

/// Three chunks, the middle one filled by one record.
fn file() -> (Vec<Vec<u8>>, Vec<u8>) {
    let records = vec![vec![1; 40_000], vec![2; 100_000], vec![3; 7]];
    let file = write(&records, 2);
    assert_eq!(file.len(), HistoryHeader::LEN + 3 * HistoryOpener::STORED);
    (records, file)
}

/// P-370, P-371.
#[test]
fn what_was_written_is_read_with_the_recovery_key_and_with_no_other() {
    let (records, file) = file();
    assert_eq!(read(&file, &key(1)).unwrap(), records);
    assert_eq!(read(&file, &key(9)), Err(OpenError::OtherKey));
    // Whoever changes the mark gets no further.
    let mut forged = file.clone();
    let mut other = HistorySealer::new(&key(9).account().recovery_keys(), &mut rng(3))
        .unwrap()
        .header()
        .to_bytes();
    other.truncate(HistoryHeader::LEN);
    forged[..28].copy_from_slice(&other[..28]);
    assert_eq!(read(&forged, &key(9)), Err(OpenError::Altered(0)));
}

/// P-371.
#[test]
fn a_file_that_is_cut_off_continued_or_altered_is_named() {
    let (records, file) = file();
    let at = |chunk: usize| HistoryHeader::LEN + chunk * HistoryOpener::STORED;
    for cut in [file.len() - 1, at(2) + 1, at(1) + 70_000, at(0), 500, 20, 11, 9] {
        assert_eq!(read(&file[..cut], &key(1)), Err(OpenError::Truncated), "{cut}");
    }
    // Whole chunks are missing: what the others hold authenticates, the end does not.
    assert_eq!(read(&file[..at(2)], &key(1)), Err(OpenError::Truncated));
    let longer = [file.as_slice(), &file[at(2)..]].concat();
    assert_eq!(read(&longer, &key(1)), Err(OpenError::Extended));
    for chunk in [0, 1, 2] {
        let mut altered = file.clone();
        altered[at(chunk) + 5] ^= 1;
        let expected = OpenError::Altered(u32::try_from(chunk).unwrap());
        assert_eq!(read(&altered, &key(1)), Err(expected));
    }
    // Two chunks that change places, and one of another file.
    let mut swapped = file.clone();
    swapped[at(0)..at(1)].copy_from_slice(&file[at(1)..at(2)]);
    assert_eq!(read(&swapped, &key(1)), Err(OpenError::Altered(0)));
    let other = write(&records, 4);
    let mixed = [&file[..at(1)], &other[at(1)..]].concat();
    assert_eq!(read(&mixed, &key(1)), Err(OpenError::Altered(1)));
    for byte in [28, 60, HistoryHeader::LEN - 1] {
        let mut altered = file.clone();
        altered[byte] ^= 1;
        assert!(read(&altered, &key(1)).is_err(), "{byte}");
    }
}

/// P-371: nothing that can still be read is lost with what cannot.
#[test]
fn behind_a_damaged_chunk_the_next_whole_record_is_read() {
    let records: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![number; 9_000]).collect();
    let file = write(&records, 2);
    let chunks = HistoryOpener::chunks(file.len() as u64).unwrap();
    for damaged in [vec![1], vec![1, 2], vec![4], vec![chunks - 1]] {
        let header = HistoryHeader::parse(&file).unwrap();
        let mut opener = HistoryOpener::new(&header, &key(1).account()).unwrap();
        let mut read = Vec::new();
        for (number, chunk) in (0..).zip(file[HistoryHeader::LEN..].chunks(HistoryOpener::STORED)) {
            let last = number + 1 == chunks;
            if damaged.contains(&number) {
                let altered = vec![0; chunk.len()];
                assert_eq!(opener.take(&altered, last), Err(OpenError::Altered(number)));
                opener.leave_out(last).unwrap();
            } else {
                opener.take(chunk, last).unwrap();
            }
            while let Some(record) = opener.record().unwrap() {
                read.push(record.to_vec());
            }
        }
        opener.finish().unwrap();
        assert_eq!(opener.leave_out(true), Err(OpenError::Extended));
        assert!(read.iter().all(|record| records.contains(record)));
        // A chunk has parts of nine records.
        let missing = records.len() - read.len();
        assert!(
            (1..=9 * damaged.len()).contains(&missing),
            "{damaged:?}: {missing}"
        );
    }
    // A record that fills several chunks: none begins in the next.
    let (records, file) = self::file();
    let header = HistoryHeader::parse(&file).unwrap();
    let mut opener = HistoryOpener::new(&header, &key(1).account()).unwrap();
    let chunk = |at: usize| &file[HistoryHeader::LEN + at * HistoryOpener::STORED..][..HistoryOpener::STORED];
    opener.leave_out(false).unwrap();
    opener.take(chunk(1), false).unwrap();
    assert_eq!(opener.record().unwrap(), None);
    opener.take(chunk(2), true).unwrap();
    assert_eq!(opener.record().unwrap(), Some(records[2].as_slice()));
    assert_eq!(opener.record().unwrap(), None);
}

/// P-370.
#[test]
fn other_files_and_newer_ones_are_named() {
    let (_, file) = file();
    for nothing in [&b""[..], b"PK\x03\x04", b"CHPRHISX and more than that"] {
        assert_eq!(read(nothing, &key(1)), Err(OpenError::NoHistory));
    }
    for (at, value, expected) in [
        (9, 2, OpenError::Newer(2)),
        (8, 1, OpenError::Newer(257)),
        (11, 2, OpenError::Newer(1)),
        (9, 0, OpenError::NoHistory),
        (11, 0, OpenError::NoHistory),
    ] {
        let mut altered = file.clone();
        altered[at] = value;
        assert_eq!(read(&altered, &key(1)), Err(expected));
    }
}

/// P-371.
#[test]
fn records_end_anywhere_in_a_chunk_and_are_bounded() {
    // Lengths around a chunk's end: with the length before them they end in it, at it, and behind it.
    for size in BODY - 8..BODY + 2 {
        let records = vec![vec![7; size], vec![8; 3]];
        assert_eq!(read(&write(&records, 5), &key(1)).unwrap(), records, "{size}");
        let alone = vec![vec![7; size]];
        assert_eq!(read(&write(&alone, 5), &key(1)).unwrap(), alone, "{size}");
    }
    assert_eq!(read(&write(&[], 5), &key(1)).unwrap(), Vec::<Vec<u8>>::new());
    let mut sealer = HistorySealer::new(&key(1).account().recovery_keys(), &mut rng(6)).unwrap();
    assert_eq!(sealer.put(&[]), Err(RecordTooLong(0)));
    assert_eq!(
        sealer.put(&vec![0; MAX_RECORD + 1]),
        Err(RecordTooLong(MAX_RECORD + 1))
    );
    assert!(sealer.put(&vec![0; MAX_RECORD]).is_ok());
}

/// What somebody writes who has the keys and does not keep to the format.
#[test]
fn malformed_records_are_refused() {
    let read = |content: &[u8], last| {
        let mut sealer = HistorySealer::new(&key(1).account().recovery_keys(), &mut rng(7)).unwrap();
        let mut chunk = [&[0; 4], content].concat();
        chunk.resize(CHUNK, 0);
        let mut sealed = Vec::new();
        sealer.seal_as_it_is(chunk, last, &mut sealed);
        let mut opener = HistoryOpener::new(sealer.header(), &key(1).account()).unwrap();
        opener.take(&sealed, last).unwrap();
        loop {
            match opener.record() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    };
    assert_eq!(read(&[0, 0, 0, 1, 9], true), Ok(()));
    // Something behind the end, an end before the last chunk, a length beyond the end, and beyond every bound.
    assert_eq!(read(&[0, 0, 0, 0, 9], true), Err(OpenError::Malformed));
    assert_eq!(read(&[0, 0, 0, 1, 9], false), Err(OpenError::Malformed));
    assert_eq!(read(&[0, 2, 0, 0, 9], true), Err(OpenError::Malformed));
    assert_eq!(read(&[0, 2, 0, 0, 9], false), Ok(()));
    assert_eq!(read(&[0, 0x20, 0, 1], false), Err(OpenError::Malformed));
}

/// P-371. A file on a shelf must open in ten years.
#[test]
fn the_same_randomness_makes_the_same_file() {
    use sha2::{Digest, Sha256};
    let file = write(&[b"salom".to_vec(), vec![4; 70_000]], 8);
    assert_eq!(
        hex::encode(Sha256::digest(&file)),
        "b74824b24ab2f850d5f6916d6d5c4a23dbfd3ae9192840c60964c2cb28c32ce8"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_records_come_back(sizes in prop::collection::vec(1_usize..90_000, 0..6)) {
        let records: Vec<_> = sizes.iter().map(|size| vec![(size % 251) as u8; *size]).collect();
        prop_assert_eq!(read(&write(&records, 9), &key(1)).unwrap(), records);
    }
}
