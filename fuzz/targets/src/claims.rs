//! What devices and people claim about themselves: sign-in proofs, names, the growth of a known log.

use std::sync::LazyLock;

use chopar_identity::{
    AccountLog, DeviceName, DisplayName, EntryDraft, LogError, RecoverClaim, SignInClaim, SignInExpected,
    Signer, verify_recover, verify_sign_in,
};
use chopar_wire::prost::Message;
use chopar_wire::proto::identity::{Entry, Signed};
use chopar_wire::proto::relay::Log;
use ed25519_dalek::Signer as _;

use crate::{NOW, SCENE};

/// What the relay of the target asked for.
const NONCE: [u8; 32] = [9; 32];
/// The relay's name.
const RELAY: &str = "relay";
/// Where its client runs.
const ORIGIN: &str = "https://relay.example";

/// The claim that Bob's device signs on this connection.
pub fn claim() -> SignInClaim {
    SignInClaim {
        relay_name: RELAY.to_owned(),
        origin: ORIGIN.to_owned(),
        nonce: NONCE,
        expires: NOW.0 + 1,
        account: *SCENE.bob.local.account(),
        device: *SCENE.bob.local.device(),
    }
}

/// The same by Bob's account key, where no device of his is left.
pub fn recovering() -> RecoverClaim {
    RecoverClaim {
        relay_name: RELAY.to_owned(),
        origin: ORIGIN.to_owned(),
        nonce: NONCE,
        expires: NOW.0 + 1,
        account: *SCENE.bob.local.account(),
    }
}

/// A proof of possession: only what the device, or the account key, signed for this very challenge is taken.
pub fn sign_in(bytes: &[u8]) -> bool {
    let Ok(proof) = Signed::decode(bytes) else {
        return false;
    };
    let bob = &SCENE.bob.local;
    let expected = SignInExpected {
        relay_name: RELAY,
        origins: &[ORIGIN.to_owned()],
        nonce: &NONCE,
        expires: NOW.0 + 1,
        now: NOW.0,
    };
    let key = |account: &_, device: &_| {
        (account == bob.account() && device == bob.device()).then_some(bob.keys().signing)
    };
    let account_key = |_: &_| Some(*SCENE.bob.log.account_key());
    if let Ok(account) = verify_recover(&proof, &expected, account_key) {
        assert_eq!(account, *bob.account());
        assert_eq!(proof.body[..], recovering().body(), "a forged claim");
        return true;
    }
    let Ok(claimant) = verify_sign_in(&proof, &expected, key) else {
        return false;
    };
    assert_eq!(claimant, (*bob.account(), *bob.device()));
    assert_eq!(proof.body[..], claim().body(), "a forged claim");
    true
}

/// Names: what is taken is in the form it is kept in, and shows nothing but itself.
pub fn name(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let of_person = DisplayName::parse(&text).inspect(|name| {
        assert_eq!(DisplayName::parse(name.as_str()).as_ref(), Ok(name));
        assert!(!name.as_str().chars().any(char::is_control));
    });
    let of_device = DeviceName::parse(&text).inspect(|name| {
        assert_eq!(DeviceName::parse(name.as_str()).as_ref(), Ok(name));
        assert!(!name.as_str().chars().any(char::is_control));
    });
    of_person.is_ok() || of_device.is_ok()
}

/// Bob's log in one history of two that his device signed.
static KNOWN: LazyLock<AccountLog> = LazyLock::new(|| history("One"));

#[allow(
    clippy::unwrap_used,
    reason = "made of its own valid parts; a failure is a mistake in the target"
)]
fn history(name: &str) -> AccountLog {
    let mut log = SCENE.bob.log.clone();
    log.extend(&[renamed(&log, name)]).unwrap();
    log
}

#[allow(
    clippy::unwrap_used,
    reason = "made of its own valid parts; a failure is a mistake in the target"
)]
fn renamed(log: &AccountLog, name: &str) -> Entry {
    let bob = &SCENE.bob;
    let id = *bob.local.device();
    let name = DeviceName::parse(name).unwrap();
    let draft = EntryDraft::rename_device(log, &id, &name, Signer::Device(id), NOW.0);
    let signature = bob.signing.sign(&draft.signing_input()).to_bytes();
    draft.finish(&[signature]).unwrap()
}

/// What a relay may show of the known log: an entry more, another history, and that history with its owner's word.
#[allow(
    clippy::unwrap_used,
    reason = "made of its own valid parts; a failure is a mistake in the target"
)]
pub fn histories() -> [Vec<Entry>; 3] {
    let other = history("Other");
    let resolution = EntryDraft::resolve_fork(&other, NOW.0);
    let signature = SCENE.bob.account.sign(&resolution.signing_input()).to_bytes();
    let resolved = [other.entries(0), &[resolution.finish(&[signature]).unwrap()]].concat();
    [vec![renamed(&KNOWN, "Two")], other.entries(0).to_vec(), resolved]
}

/// A known log and what comes to it: it grows by what verifies, or stays as it was; another history counts with the
/// owner's word alone.
pub fn log_growth(bytes: &[u8]) -> bool {
    let Ok(shown) = Log::decode(bytes) else {
        return false;
    };
    let mut log = KNOWN.clone();
    match log.extend(&shown.entries) {
        Ok(changes) => {
            assert!(
                log.entries(0).starts_with(KNOWN.entries(0)),
                "what was known is other"
            );
            assert!(changes.len() >= (log.length() - KNOWN.length()) as usize);
            let again = AccountLog::verify(KNOWN.account(), log.entries(0));
            assert_eq!(again.as_ref(), Ok(&log));
        }
        Err(_) => assert_eq!(log, *KNOWN, "a failure changed something"),
    }
    let grown = log != *KNOWN;
    let mut log = KNOWN.clone();
    match log.resolve(&shown.entries) {
        Ok(_) => {
            let again = AccountLog::verify(KNOWN.account(), &shown.entries);
            assert_eq!(again.as_ref(), Ok(&log));
        }
        Err(fault) => {
            assert_eq!(log, *KNOWN, "a failure changed something");
            if shown.entries.is_empty() {
                assert_eq!(fault, LogError::Empty);
            }
        }
    }
    grown || log != *KNOWN
}
