//! A proof is worth something here and now, and nothing anywhere else.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::labels;
use chopar_wire::proto::identity::Signed;
use ed25519_dalek::{Signer, SigningKey};

use super::{
    MAX_SIGN_IN_BODY, RecoverClaim, SignInClaim, SignInError, SignInExpected, recover_claimant,
    sign_in_claimant, verify_recover, verify_sign_in,
};
use crate::bundle::signed;
use crate::keys::Ed25519Public;
use crate::signed::signing_input;

const ACCOUNT: AccountId = AccountId::new([1; 32]);
const DEVICE: DeviceId = DeviceId::new([2; 16]);
const NONCE: [u8; 32] = [3; 32];

fn claim() -> SignInClaim {
    SignInClaim {
        relay_name: "example".into(),
        origin: "https://chat.example.org".into(),
        nonce: NONCE,
        expires: 5000,
        account: ACCOUNT,
        device: DEVICE,
    }
}

fn proof(claim: &SignInClaim) -> Signed {
    let body = claim.body();
    let signature = SigningKey::from_bytes(&[9; 32])
        .sign(&SignInClaim::signing_input(&body))
        .to_bytes();
    signed(body, signature)
}

fn judge_at(proof: &Signed, now: u64) -> Result<(AccountId, DeviceId), SignInError> {
    let origins = [
        "http://localhost:8080".to_owned(),
        "https://chat.example.org".to_owned(),
    ];
    let expected = SignInExpected {
        relay_name: "example",
        origins: &origins,
        nonce: &NONCE,
        expires: 5000,
        now,
    };
    verify_sign_in(proof, &expected, |account, device| {
        let key = SigningKey::from_bytes(&[9; 32]).verifying_key();
        (*account == ACCOUNT && *device == DEVICE).then(|| Ed25519Public::parse(key.as_bytes()).unwrap())
    })
}

fn judge(claim: &SignInClaim) -> Result<(AccountId, DeviceId), SignInError> {
    judge_at(&proof(claim), 4999)
}

#[test]
fn a_proof_for_this_challenge_signs_in() {
    assert_eq!(judge(&claim()), Ok((ACCOUNT, DEVICE)));
    assert_eq!(sign_in_claimant(&proof(&claim())), Ok((ACCOUNT, DEVICE)));
}

/// P-100, T-005.
#[test]
fn whatever_does_not_fit_is_named() {
    let other = |change: fn(&mut SignInClaim)| {
        let mut claim = claim();
        change(&mut claim);
        judge(&claim).unwrap_err()
    };
    assert_eq!(
        other(|c| c.relay_name = "elsewhere".into()),
        SignInError::OtherRelay
    );
    assert_eq!(
        other(|c| c.origin = "https://evil.example".into()),
        SignInError::OtherOrigin
    );
    assert_eq!(other(|c| c.nonce = [4; 32]), SignInError::OtherChallenge);
    assert_eq!(other(|c| c.expires = u64::MAX), SignInError::OtherChallenge);
    assert_eq!(
        other(|c| c.account = AccountId::new([7; 32])),
        SignInError::UnknownDevice
    );
    assert_eq!(
        other(|c| c.device = DeviceId::new([7; 16])),
        SignInError::UnknownDevice
    );
    assert_eq!(judge_at(&proof(&claim()), 5000), Err(SignInError::Expired));
}

/// P-100.
#[test]
fn a_foreign_or_misused_signature_is_refused() {
    let body = claim().body();
    let foreign = SigningKey::from_bytes(&[8; 32])
        .sign(&SignInClaim::signing_input(&body))
        .to_bytes();
    assert_eq!(
        judge_at(&signed(body.clone(), foreign), 1),
        Err(SignInError::BadSignature)
    );
    let misused = SigningKey::from_bytes(&[9; 32])
        .sign(&signing_input(labels::BUNDLE, &body))
        .to_bytes();
    assert_eq!(
        judge_at(&signed(body, misused), 1),
        Err(SignInError::BadSignature)
    );
}

#[test]
fn malformed_proofs_are_refused() {
    for body in [vec![], vec![0xff; 20], vec![0; MAX_SIGN_IN_BODY + 1]] {
        assert_eq!(judge_at(&signed(body, [0; 64]), 1), Err(SignInError::Malformed));
    }
}

fn recovering() -> RecoverClaim {
    RecoverClaim {
        relay_name: "example".into(),
        origin: "https://chat.example.org".into(),
        nonce: NONCE,
        expires: 5000,
        account: ACCOUNT,
    }
}

fn judge_recovering(body: Vec<u8>, label: &str, now: u64) -> Result<AccountId, SignInError> {
    let signature = SigningKey::from_bytes(&[9; 32])
        .sign(&signing_input(label, &body))
        .to_bytes();
    let origins = ["https://chat.example.org".to_owned()];
    let expected = SignInExpected {
        relay_name: "example",
        origins: &origins,
        nonce: &NONCE,
        expires: 5000,
        now,
    };
    verify_recover(&signed(body, signature), &expected, |account| {
        let key = SigningKey::from_bytes(&[9; 32]).verifying_key();
        (*account == ACCOUNT).then(|| Ed25519Public::parse(key.as_bytes()).unwrap())
    })
}

/// P-310.
#[test]
fn the_account_key_answers_the_same_challenge_under_a_label_of_its_own() {
    let judge = |claim: &RecoverClaim| judge_recovering(claim.body(), labels::RECOVER, 4999);
    assert_eq!(judge(&recovering()), Ok(ACCOUNT));
    assert_eq!(
        recover_claimant(&signed(recovering().body(), [0; 64])),
        Ok(ACCOUNT)
    );
    let other = |change: fn(&mut RecoverClaim)| {
        let mut claim = recovering();
        change(&mut claim);
        judge(&claim).unwrap_err()
    };
    assert_eq!(
        other(|c| c.relay_name = "elsewhere".into()),
        SignInError::OtherRelay
    );
    assert_eq!(
        other(|c| c.origin = "https://evil.example".into()),
        SignInError::OtherOrigin
    );
    assert_eq!(other(|c| c.nonce = [4; 32]), SignInError::OtherChallenge);
    assert_eq!(other(|c| c.expires = u64::MAX), SignInError::OtherChallenge);
    // An account that is not there is answered as a wrong key is.
    assert_eq!(
        other(|c| c.account = AccountId::new([7; 32])),
        SignInError::BadSignature
    );
    let body = recovering().body();
    assert_eq!(
        judge_recovering(body.clone(), labels::RECOVER, 5000),
        Err(SignInError::Expired)
    );
    // A device's proof is none of the account key, nor the other way round.
    assert_eq!(
        judge_recovering(body, labels::SIGN_IN, 4999),
        Err(SignInError::BadSignature)
    );
    for body in [vec![], vec![0xff; 20], vec![0; MAX_SIGN_IN_BODY + 1]] {
        assert_eq!(
            judge_recovering(body, labels::RECOVER, 1),
            Err(SignInError::Malformed)
        );
    }
}
