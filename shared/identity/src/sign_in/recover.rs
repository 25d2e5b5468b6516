//! The account key instead of a device: whoever has nothing but the recovery key shows a relay that it is theirs.

use chopar_wire::ids::AccountId;
use chopar_wire::labels;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::RecoverBody;
use prost::Message;

use super::{MAX_SIGN_IN_BODY, SignInError, SignInExpected};
use crate::keys::Ed25519Public;
use crate::signed::{signing_input, verify};

/// What the account key signs: the facts of the relay's challenge, as a device does, under a label of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverClaim {
    /// The relay's name, from its challenge.
    pub relay_name: String,
    /// Where the client runs, as it sees it: `scheme://host[:port]`.
    pub origin: String,
    /// The challenge's nonce.
    pub nonce: [u8; 32],
    /// The challenge's end, milliseconds since 1970.
    pub expires: u64,
    /// Whose log is wanted.
    pub account: AccountId,
}

impl RecoverClaim {
    /// The body to be signed.
    pub fn body(&self) -> Vec<u8> {
        RecoverBody {
            relay_name: self.relay_name.clone(),
            origin: self.origin.clone(),
            nonce: self.nonce.to_vec().into(),
            expires: self.expires,
            account: self.account.into(),
        }
        .encode_to_vec()
    }

    /// The bytes the account key signs over a body of this kind.
    pub fn signing_input(body: &[u8]) -> Vec<u8> {
        signing_input(labels::RECOVER, body)
    }
}

/// Whose key a proof says it is signed with, before its signature is verified: enough to load the account log, worth nothing
/// else.
///
/// # Errors
/// [`SignInError::Malformed`].
pub fn recover_claimant(proof: &Signed) -> Result<AccountId, SignInError> {
    parse(proof).map(|(_, account)| account)
}

/// Verifies a proof against the challenge of this connection, with the account's *present* key out of its verified log.
///
/// # Errors
/// [`SignInError`], naming what did not fit.
pub fn verify_recover(
    proof: &Signed,
    expected: &SignInExpected<'_>,
    account_key: impl FnOnce(&AccountId) -> Option<Ed25519Public>,
) -> Result<AccountId, SignInError> {
    let (body, account) = parse(proof)?;
    expected.is_answered(&body.relay_name, &body.origin, &body.nonce, body.expires)?;
    let key = account_key(&account).ok_or(SignInError::BadSignature)?;
    verify(labels::RECOVER, &proof.body, &proof.signature, &key).map_err(|_| SignInError::BadSignature)?;
    Ok(account)
}

fn parse(proof: &Signed) -> Result<(RecoverBody, AccountId), SignInError> {
    if proof.body.len() > MAX_SIGN_IN_BODY {
        return Err(SignInError::Malformed);
    }
    let body = RecoverBody::decode(proof.body.clone()).map_err(|_| SignInError::Malformed)?;
    let account = AccountId::try_from(body.account.as_ref()).map_err(|_| SignInError::Malformed)?;
    Ok((body, account))
}
