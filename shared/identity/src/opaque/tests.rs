use ed25519_dalek::{Signer, SigningKey};

use super::*;

fn key(seed: u8) -> (SigningKey, Ed25519Public) {
    let secret = SigningKey::from_bytes(&[seed; 32]);
    let public = Ed25519Public::parse(secret.verifying_key().as_bytes()).unwrap();
    (secret, public)
}

fn append(parent: Option<[u8; 32]>, entry: &'static [u8], next: u8, by: u8) -> (OpaqueAppend, Signed) {
    let append = OpaqueAppend {
        log: OpaqueLogId::new([1; 16]),
        parent,
        entry: Bytes::from_static(entry),
        next_write_key: key(next).1,
    };
    let body = append.body();
    let signature = key(by).0.sign(&OpaqueAppend::signing_input(&body)).to_bytes();
    let signed = Signed {
        body: body.into(),
        signature: signature.to_vec().into(),
    };
    assert_eq!(OpaqueAppend::parse(&signed), Ok(append.clone()));
    (append, signed)
}

/// P-244.
#[test]
fn each_append_names_who_signs_the_next() {
    let (first, signed) = append(None, b"one", 1, 1);
    let head = first.follow(&signed, None).unwrap();
    assert_eq!((head.length, head.write_key), (1, key(1).1));
    let (second, signed) = append(Some(head.hash), b"two", 2, 1);
    let next = second.follow(&signed, Some(&head)).unwrap();
    assert_eq!((next.length, next.write_key), (2, key(2).1));

    // The key before the last writes no more.
    let (third, signed) = append(Some(next.hash), b"three", 1, 1);
    assert_eq!(third.follow(&signed, Some(&next)), Err(OpaqueError::BadSignature));
    let (third, signed) = append(Some(next.hash), b"three", 1, 2);
    assert_eq!(third.follow(&signed, Some(&next)).unwrap().length, 3);
}

/// P-244.
#[test]
fn what_does_not_follow_is_refused_by_name() {
    let (first, signed) = append(None, b"one", 1, 1);
    let head = first.follow(&signed, None).unwrap();
    assert_eq!(first.follow(&signed, Some(&head)), Err(OpaqueError::NotNext));
    let (orphan, signed) = append(Some([9; 32]), b"two", 1, 1);
    assert_eq!(orphan.follow(&signed, Some(&head)), Err(OpaqueError::NotNext));
    assert_eq!(orphan.follow(&signed, None), Err(OpaqueError::NotNext));
    let (stolen, signed) = append(None, b"one", 1, 2);
    assert_eq!(stolen.follow(&signed, None), Err(OpaqueError::BadSignature));
    let (_, mut altered) = append(Some(head.hash), b"two", 1, 1);
    let (second, _) = append(Some(head.hash), b"two", 1, 1);
    altered.signature = vec![0; 64].into();
    assert_eq!(
        second.follow(&altered, Some(&head)),
        Err(OpaqueError::BadSignature)
    );
}

#[test]
fn malformed_appends_are_named() {
    let parse = |body: AppendOpaqueBody| {
        OpaqueAppend::parse(&Signed {
            body: body.encode_to_vec().into(),
            signature: Bytes::new(),
        })
    };
    let good = || AppendOpaqueBody {
        log: vec![1; 16].into(),
        parent: Bytes::new(),
        entry: vec![1].into(),
        next_write_key: key(1).1.as_bytes().to_vec().into(),
    };
    assert!(parse(good()).is_ok());
    let mut longest = good();
    longest.entry = vec![0; MAX_OPAQUE_ENTRY].into();
    assert!(parse(longest).is_ok());
    for (name, body, fault) in [
        (
            "log",
            AppendOpaqueBody {
                log: vec![1; 15].into(),
                ..good()
            },
            OpaqueError::Malformed,
        ),
        (
            "parent",
            AppendOpaqueBody {
                parent: vec![1; 31].into(),
                ..good()
            },
            OpaqueError::Malformed,
        ),
        (
            "empty",
            AppendOpaqueBody {
                entry: Bytes::new(),
                ..good()
            },
            OpaqueError::Malformed,
        ),
        (
            "key",
            AppendOpaqueBody {
                next_write_key: vec![0; 32].into(),
                ..good()
            },
            OpaqueError::Malformed,
        ),
        (
            "long",
            AppendOpaqueBody {
                entry: vec![0; MAX_OPAQUE_ENTRY + 1].into(),
                ..good()
            },
            OpaqueError::TooLarge,
        ),
        (
            "longer",
            AppendOpaqueBody {
                entry: vec![0; 2 * MAX_OPAQUE_ENTRY].into(),
                ..good()
            },
            OpaqueError::TooLarge,
        ),
    ] {
        assert_eq!(parse(body), Err(fault), "{name}");
    }
}
