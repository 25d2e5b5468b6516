//! Files end to end: what was sealed opens, and nothing else does.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key};
use chopar_wire::ids::FileId;
use chopar_wire::proto::content::File;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::chunks::Chunks;
use super::limits::{BLOCK, CHUNK, MAX_SIZE, MIN_PADDED};
use super::*;
use crate::fixture::rng;
use crate::keys::Secret32;

/// A text in which no two places look alike.
fn content(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

fn seal(content: &[u8], seed: u8) -> (FileSecret, Vec<Vec<u8>>) {
    let mut sealer = FileSealer::new(content.len() as u64, &mut rng(seed)).unwrap();
    let (mut rest, mut chunks) = (content, Vec::new());
    while let Some(wanted) = sealer.wants() {
        let (now, later) = rest.split_at(wanted);
        chunks.push(sealer.seal(now).unwrap());
        rest = later;
    }
    assert!(rest.is_empty());
    (sealer.finish().unwrap(), chunks)
}

fn open(secret: &FileSecret, chunks: &[Vec<u8>]) -> Result<Vec<u8>, OpenError> {
    let mut opener = FileOpener::new(secret);
    let mut content = Vec::new();
    for chunk in chunks {
        content.extend(opener.open(chunk)?);
    }
    opener.finish()?;
    Ok(content)
}

/// P-320, P-321.
#[test]
fn files_of_every_size_come_back() {
    let chunk = CHUNK;
    for size in [
        0,
        1,
        chunk - 1,
        chunk,
        chunk + 1,
        2 * chunk,
        3 * chunk + 7,
        1_000_000,
    ] {
        let content = content(size);
        let (secret, chunks) = seal(&content, 1);
        let layout = secret.layout();
        assert_eq!(layout.chunks() as usize, chunks.len());
        assert_eq!(
            layout.stored(),
            chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>()
        );
        assert_eq!(open(&secret, &chunks), Ok(content), "{size}");
    }
}

/// P-322.
#[test]
fn sizes_are_few_and_steps_small() {
    let sizes: Vec<u64> = {
        let mut size = 0;
        std::iter::from_fn(|| {
            let layout = Layout::of(size)?;
            size = layout.padded() + 1;
            Some(layout.padded())
        })
        .collect()
    };
    assert_eq!((sizes[0], sizes.len()), (MIN_PADDED, 116));
    for pair in sizes.windows(2) {
        assert!(
            pair[1] <= pair[0] + pair[0] / 10 + BLOCK && pair[1] % BLOCK == 0,
            "{pair:?}"
        );
    }
    assert_eq!(Layout::of(MAX_SIZE).unwrap().size(), MAX_SIZE);
    assert_eq!(Layout::of(MAX_SIZE + 1), None);
    assert_eq!(
        FileSealer::new(MAX_SIZE + 1, &mut rng(1)).err(),
        Some(SealError::TooLarge(MAX_SIZE + 1))
    );
    // A file is told from another by its bucket alone.
    let stored = |size| Layout::of(size).unwrap().stored();
    assert_eq!(stored(0), stored(MIN_PADDED));
    assert_eq!(stored(MIN_PADDED + 1), stored(69_632));
}

/// P-321.
#[test]
fn every_chunk_is_what_the_protocol_says() {
    let content = content(CHUNK + 5);
    let (secret, chunks) = seal(&content, 2);
    let cipher = Aes256Gcm::new(<&Key<Aes256Gcm>>::from(secret.key.as_bytes()));
    let mut aad = b"Chopar v1 file-chunk\0\0\x01".to_vec();
    aad.extend_from_slice(secret.id.as_bytes());
    aad.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5]);
    let mut padded = content;
    padded.resize(73_728, 0);
    let mut digest = Sha256::new_with_prefix(b"Chopar v1 file-digest\0");
    for (number, plain) in padded.chunks(CHUNK).enumerate() {
        let nonce = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number as u8, u8::from(number == 1)];
        let sealed = cipher
            .encrypt(
                &nonce.into(),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .unwrap();
        assert!(sealed == chunks[number], "chunk {number}");
        digest.update(Sha256::digest(&sealed));
    }
    assert_eq!(secret.digest[..], digest.finalize()[..]);
}

/// P-321.
#[test]
fn the_same_randomness_makes_the_same_bytes() {
    let (secret, chunks) = seal(&content(100_000), 3);
    let lines = [
        format!("id      {}", hex::encode(secret.id.as_bytes())),
        format!("key     {}", hex::encode(secret.key.as_bytes())),
        format!("padded  {}", secret.layout().padded()),
        format!("stored  {}", secret.layout().stored()),
        format!("chunk 0 {}", hex::encode(Sha256::digest(&chunks[0]))),
        format!("chunk 1 {}", hex::encode(Sha256::digest(&chunks[1]))),
        format!("digest  {}", hex::encode(secret.digest)),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

/// P-323, T-120.
#[test]
fn chunks_cut_off_moved_swapped_foreign_or_added_fail_by_name() {
    let (secret, chunks) = seal(&content(3 * CHUNK + 100), 4);
    assert_eq!(chunks.len(), 4);
    let (other, others) = seal(&content(3 * CHUNK + 100), 5);
    let altered = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut chunks = chunks.clone();
        change(&mut chunks);
        open(&secret, &chunks)
    };
    use OpenError::{Extended, Foreign, Truncated};
    assert_eq!(altered(&|_| {}).map(drop), Ok(()));
    // Cut off at every chunk, and within one.
    for left in 0..4 {
        let cut = altered(&|chunks| chunks.truncate(left));
        assert_eq!(cut, Err(Truncated { chunk: left as u32 }));
    }
    assert_eq!(
        altered(&|chunks| chunks[1].truncate(100)),
        Err(Truncated { chunk: 1 })
    );
    assert_eq!(altered(&|chunks| chunks[0].clear()), Err(Truncated { chunk: 0 }));
    // Moved within the file.
    assert_eq!(altered(&|chunks| chunks.swap(0, 1)), Err(Foreign { chunk: 0 }));
    assert_eq!(altered(&|chunks| chunks.swap(1, 2)), Err(Foreign { chunk: 1 }));
    assert_eq!(
        altered(&|chunks| chunks[2] = chunks[1].clone()),
        Err(Foreign { chunk: 2 })
    );
    assert_eq!(
        altered(&|chunks| drop(chunks.remove(1))),
        Err(Foreign { chunk: 1 })
    );
    // From another file, of the same size.
    for at in 0..4 {
        let foreign = altered(&|chunks| chunks[at].clone_from(&others[at]));
        assert_eq!(foreign, Err(Foreign { chunk: at as u32 }));
    }
    assert_eq!(open(&other, &chunks), Err(Foreign { chunk: 0 }));
    // Longer than it is.
    assert_eq!(altered(&|chunks| chunks[1].push(0)), Err(Extended { chunk: 1 }));
    assert_eq!(altered(&|chunks| chunks[3].push(0)), Err(Extended { chunk: 3 }));
    assert_eq!(
        altered(&|chunks| chunks.push(chunks[3].clone())),
        Err(Extended { chunk: 3 })
    );
}

/// P-323.
#[test]
fn no_bit_of_a_chunk_may_change_and_a_failure_changes_nothing() {
    let (secret, chunks) = seal(b"hello", 6);
    let mut opener = FileOpener::new(&secret);
    let length = chunks[0].len();
    // The content and its padding, here and there, and all of the tag.
    for at in (0..length).step_by(997).chain(length - 16..length) {
        for bit in 0..8 {
            let mut altered = chunks[0].clone();
            altered[at] ^= 1 << bit;
            assert_eq!(
                opener.open(&altered),
                Err(OpenError::Foreign { chunk: 0 }),
                "{at}.{bit}"
            );
        }
    }
    assert_eq!(opener.open(&chunks[0]).as_deref(), Ok(&b"hello"[..]));
    assert_eq!(opener.finish(), Ok(()));
}

/// P-323.
#[test]
fn what_the_message_says_of_a_file_is_bound_into_its_chunks() {
    let (secret, chunks) = seal(b"hello", 7);
    let described = |change: &dyn Fn(&mut File)| {
        let mut file = descriptor(secret_like(&secret)).to_wire();
        change(&mut file);
        open(&FileDescriptor::parse(&file).unwrap().secret, &chunks).map(drop)
    };
    let foreign = Err(OpenError::Foreign { chunk: 0 });
    assert_eq!(described(&|_| {}), Ok(()));
    assert_eq!(described(&|file| file.id = vec![1; 16].into()), foreign);
    assert_eq!(described(&|file| file.key = vec![1; 32].into()), foreign);
    assert_eq!(
        described(&|file| file.size = 4),
        foreign,
        "within the same bucket"
    );
    assert_eq!(
        described(&|file| file.digest = vec![1; 32].into()),
        Err(OpenError::OtherFile)
    );
}

/// P-324.
#[test]
fn a_sender_who_uploads_two_files_under_one_key_is_found_out() {
    let mine = |plain: &[u8; CHUNK]| {
        let layout = Layout::of(5).unwrap();
        let mut chunks = Chunks::new(&FileId::new([1; 16]), &Secret32::new([2; 32]), layout);
        let mut chunk = plain.to_vec();
        chunks.seal(&mut chunk);
        let secret = FileSecret {
            id: FileId::new([1; 16]),
            key: Secret32::new([2; 32]),
            layout,
            digest: chunks.digest(),
        };
        (secret, vec![chunk])
    };
    let mut plain = [0; CHUNK];
    plain[..5].copy_from_slice(b"hello");
    let (secret, chunks) = mine(&plain);
    assert_eq!(open(&secret, &chunks).as_deref(), Ok(&b"hello"[..]));
    plain[..5].copy_from_slice(b"other");
    assert_eq!(open(&secret, &mine(&plain).1), Err(OpenError::OtherFile));
    // Nothing is hidden behind the end.
    plain[CHUNK - 1] = 1;
    let (secret, chunks) = mine(&plain);
    assert_eq!(open(&secret, &chunks), Err(OpenError::Padding));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let size = CHUNK as u64 + 10;
    let mut sealer = FileSealer::new(size, &mut rng(8)).unwrap();
    assert_eq!(sealer.wants(), Some(CHUNK));
    let wanted = CHUNK;
    for got in [0, 1, CHUNK - 1, CHUNK + 1] {
        assert_eq!(
            sealer.seal(&vec![0; got]),
            Err(SealError::OtherSize { wanted, got })
        );
    }
    assert!(sealer.seal(&[0; CHUNK]).is_ok());
    assert_eq!(
        FileSealer::finish(sealer).err(),
        Some(SealError::Unfinished { at: 1, of: 2 })
    );
    let mut sealer = FileSealer::new(0, &mut rng(8)).unwrap();
    assert!(sealer.seal(&[]).is_ok());
    assert_eq!(sealer.wants(), None);
    assert_eq!(sealer.seal(&[]), Err(SealError::Unfinished { at: 1, of: 1 }));
}

/// P-320.
#[test]
fn each_file_has_an_id_and_a_key_of_its_own_and_shows_neither_key_nor_size() {
    let mut rng = rng(9);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let mut sealer = FileSealer::new(1, &mut rng).unwrap();
        sealer.seal(b"x").unwrap();
        let secret = sealer.finish().unwrap();
        assert!(seen.insert(secret.id.as_bytes().to_vec()) && seen.insert(secret.key.as_bytes().to_vec()));
        let shown = format!("{secret:?}");
        assert!(!shown.contains("key") && !shown.contains("size"), "{shown}");
    }
}

/// A second one of the same, for tests alone.
fn secret_like(secret: &FileSecret) -> FileSecret {
    FileSecret {
        id: secret.id,
        key: secret.key.duplicate(),
        layout: secret.layout,
        digest: secret.digest,
    }
}

fn descriptor(secret: FileSecret) -> FileDescriptor {
    FileDescriptor {
        secret,
        name: FileName::parse("Суратлар.jpg").unwrap(),
        media: MediaType::parse("image/jpeg").unwrap(),
        looks: Looks {
            thumbnail: vec![7; 100].into(),
            sides: Some((4000, 3000)),
            ..Looks::default()
        },
    }
}

/// P-325.
#[test]
fn a_descriptor_comes_back_and_what_no_client_says_is_refused_by_name() {
    let (secret, _) = seal(b"hello", 10);
    let described = descriptor(secret);
    let file = described.to_wire();
    assert_eq!(FileDescriptor::parse(&file), Ok(described));
    let fault = |change: &dyn Fn(&mut File)| {
        let mut file = file.clone();
        change(&mut file);
        FileDescriptor::parse(&file).err()
    };
    use DescriptorError as E;
    assert!(matches!(
        fault(&|file| file.id = vec![1; 15].into()),
        Some(E::Id(_))
    ));
    assert_eq!(fault(&|file| file.key = vec![1; 31].into()), Some(E::Secret));
    assert_eq!(fault(&|file| file.digest = vec![1; 33].into()), Some(E::Secret));
    assert_eq!(fault(&|file| file.size = MAX_SIZE + 1), Some(E::TooLarge));
    assert_eq!(
        fault(&|file| file.name = "x".repeat(256)),
        Some(E::Name(NameTooLong))
    );
    assert_eq!(
        fault(&|file| file.media_type = "jpeg".into()),
        Some(E::Media(MediaError))
    );
    let looks = |fault| Some(E::Looks(fault));
    assert_eq!(
        fault(&|file| file.thumbnail = vec![0; 4097].into()),
        looks(LooksError::Thumbnail)
    );
    assert_eq!(fault(&|file| file.width = 0), looks(LooksError::Sides));
    assert_eq!(fault(&|file| file.height = 32_769), looks(LooksError::Sides));
    assert_eq!(
        fault(&|file| file.waveform = vec![1; 10].into()),
        looks(LooksError::Waveform)
    );
    assert_eq!(
        fault(&|file| {
            file.duration_ms = 1;
            file.waveform = vec![1; 129].into();
        }),
        looks(LooksError::Waveform)
    );
    assert_eq!(
        fault(&|file| file.duration_ms = 86_400_001),
        looks(LooksError::Duration)
    );
}

/// P-327, T-121.
#[test]
fn only_what_is_a_picture_to_everybody_is_shown_as_one() {
    let (secret, _) = seal(b"hello", 11);
    let file = descriptor(secret).to_wire();
    let is_picture = |change: &dyn Fn(&mut File)| {
        let mut file = file.clone();
        change(&mut file);
        FileDescriptor::parse(&file).unwrap().is_picture()
    };
    assert!(is_picture(&|_| {}));
    assert!(is_picture(&|file| file.name = "a.JPEG".into()));
    for name in [
        "photo.jpg.exe",
        "photo.png",
        "photo",
        "photo.jpg\u{202e}gnp.scr",
        "photo.svg",
    ] {
        assert!(!is_picture(&|file| file.name = name.into()), "{name}");
    }
    for kind in [
        "image/svg+xml",
        "image/png",
        "text/html",
        "",
        "application/x-msdownload",
    ] {
        assert!(!is_picture(&|file| file.media_type = kind.into()), "{kind}");
    }
    // A bomb says its sides, or is no picture.
    assert!(!is_picture(&|file| (file.width, file.height) = (32_768, 32_768)));
    assert!(!is_picture(&|file| (file.width, file.height) = (0, 0)));
    let note = File {
        name: "note.webm".to_owned(),
        media_type: "audio/webm".to_owned(),
        duration_ms: 1500,
        waveform: vec![3; 64].into(),
        ..file.clone()
    };
    assert!(FileDescriptor::parse(&note).unwrap().is_voice_note());
    for (name, kind, bars) in [
        ("note.webm", "video/mp4", 64),
        ("note.webm.exe", "audio/webm", 64),
        ("note.html", "audio/webm", 64),
        ("note", "audio/webm", 64),
        ("note.webm", "audio/x-executable", 64),
        ("note.ogg", "audio/ogg", 64),
        ("note.mp3", "audio/mpeg", 64),
        ("note.webm", "audio/webm", 0),
    ] {
        let other = File {
            name: name.to_owned(),
            media_type: kind.to_owned(),
            waveform: vec![3; bars].into(),
            ..note.clone()
        };
        assert!(
            !FileDescriptor::parse(&other).unwrap().is_voice_note(),
            "{name}, {kind}"
        );
    }
}

/// P-344.
#[test]
fn a_mark_names_one_file_and_no_other() {
    let (secret, _) = seal(b"hello", 1);
    let file = FileDescriptor {
        secret,
        name: FileName::parse("a.txt").unwrap(),
        media: MediaType::parse("").unwrap(),
        looks: Looks::default(),
    }
    .to_wire();
    let mark = |change: &dyn Fn(&mut File)| {
        let mut file = file.clone();
        change(&mut file);
        FileDescriptor::parse(&file).unwrap().secret.mark()
    };
    let marks = [
        mark(&|_| {}),
        mark(&|file| file.id = vec![1; 16].into()),
        mark(&|file| file.key = vec![1; 32].into()),
        mark(&|file| file.size += 1),
        mark(&|file| file.digest = vec![1; 32].into()),
    ];
    let distinct: std::collections::BTreeSet<_> = marks.iter().collect();
    assert_eq!(distinct.len(), marks.len());
    assert_eq!(mark(&|file| file.name = "b.txt".to_owned()), marks[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// P-321, P-323.
    #[test]
    fn what_was_sealed_opens_in_its_order_alone(size in 0usize..300_000, seed: u8, from in 0usize..8, to in 0usize..8) {
        let content = content(size);
        let (secret, mut chunks) = seal(&content, seed);
        prop_assert_eq!(open(&secret, &chunks), Ok(content));
        let count = chunks.len();
        let (from, to) = (from % count, to % count);
        chunks.swap(from, to);
        prop_assert_eq!(open(&secret, &chunks).is_ok(), from == to);
    }
}
