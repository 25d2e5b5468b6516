//! Proof of possession: a device shows a relay that it holds its signing key, here and now. Where no device is left the account
//! key does ([`RecoverClaim`]).

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::labels;
use chopar_wire::proto::identity::Signed;
use chopar_wire::proto::relay::SignInBody;
use prost::Message;

use crate::keys::Ed25519Public;
pub use crate::sign_in::recover::{RecoverClaim, recover_claimant, verify_recover};
use crate::signed::{signing_input, verify};

/// A proof's body in bytes: names, a nonce and two ids; more is a mistake.
pub const MAX_SIGN_IN_BODY: usize = 1024;

/// What a device signs: exactly the facts of the relay's challenge, so a proof is worth nothing elsewhere or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInClaim {
    /// The relay's name, from its challenge.
    pub relay_name: String,
    /// Where the client runs, as it sees it: `scheme://host[:port]`.
    pub origin: String,
    /// The challenge's nonce.
    pub nonce: [u8; 32],
    /// The challenge's end, milliseconds since 1970.
    pub expires: u64,
    /// Who signs in.
    pub account: AccountId,
    /// With which device.
    pub device: DeviceId,
}

impl SignInClaim {
    /// The body to be signed.
    pub fn body(&self) -> Vec<u8> {
        SignInBody {
            relay_name: self.relay_name.clone(),
            origin: self.origin.clone(),
            nonce: self.nonce.to_vec().into(),
            expires: self.expires,
            account: self.account.into(),
            device: self.device.into(),
        }
        .encode_to_vec()
    }

    /// The bytes a signer signs over a body of this kind.
    pub fn signing_input(body: &[u8]) -> Vec<u8> {
        signing_input(labels::SIGN_IN, body)
    }
}

/// What a relay asked for on this very connection.
#[derive(Clone, Copy, Debug)]
pub struct SignInExpected<'a> {
    /// Its own name.
    pub relay_name: &'a str,
    /// The origins its client is served from.
    pub origins: &'a [String],
    /// The nonce of its challenge.
    pub nonce: &'a [u8; 32],
    /// The end of its challenge, milliseconds since 1970.
    pub expires: u64,
    /// The moment, milliseconds since 1970, by its own clock.
    pub now: u64,
}

impl SignInExpected<'_> {
    /// Whether a proof names exactly the facts of the challenge, and in time.
    fn is_answered(
        &self,
        relay_name: &str,
        origin: &String,
        nonce: &[u8],
        expires: u64,
    ) -> Result<(), SignInError> {
        if relay_name != self.relay_name {
            return Err(SignInError::OtherRelay);
        }
        if !self.origins.contains(origin) {
            return Err(SignInError::OtherOrigin);
        }
        if nonce != self.nonce || expires != self.expires {
            return Err(SignInError::OtherChallenge);
        }
        if self.now >= self.expires {
            return Err(SignInError::Expired);
        }
        Ok(())
    }
}

/// Why a proof was refused. Who presented it is at fault, except for [`Expired`](Self::Expired), where a new challenge
/// helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Not an encoded body, or a field of the wrong size.
    #[error("the sign-in proof is malformed")]
    Malformed,
    /// Made for another relay.
    #[error("the sign-in proof names another relay")]
    OtherRelay,
    /// Made on a page that this relay does not serve.
    #[error("the sign-in proof names an origin this relay does not serve")]
    OtherOrigin,
    /// Made for another connection: replayed.
    #[error("the sign-in proof answers another challenge")]
    OtherChallenge,
    /// The challenge is over.
    #[error("the challenge has expired")]
    Expired,
    /// The account has no such active device.
    #[error("no such active device")]
    UnknownDevice,
    /// The device did not sign this.
    #[error("the sign-in signature does not verify")]
    BadSignature,
}

/// Who a proof says it is from, before its signature is verified: enough to load the account log, worth nothing else.
///
/// # Errors
/// [`SignInError::Malformed`].
pub fn sign_in_claimant(proof: &Signed) -> Result<(AccountId, DeviceId), SignInError> {
    let claim = parse(proof)?;
    Ok((claim.account, claim.device))
}

/// Verifies a proof against the challenge of this connection. `signing_key` looks up the key of an *active* device in the
/// account's verified log.
///
/// # Errors
/// [`SignInError`], naming what did not fit.
pub fn verify_sign_in(
    proof: &Signed,
    expected: &SignInExpected<'_>,
    signing_key: impl FnOnce(&AccountId, &DeviceId) -> Option<Ed25519Public>,
) -> Result<(AccountId, DeviceId), SignInError> {
    let claim = parse(proof)?;
    expected.is_answered(&claim.relay_name, &claim.origin, &claim.nonce, claim.expires)?;
    let key = signing_key(&claim.account, &claim.device).ok_or(SignInError::UnknownDevice)?;
    verify(labels::SIGN_IN, &proof.body, &proof.signature, &key).map_err(|_| SignInError::BadSignature)?;
    Ok((claim.account, claim.device))
}

fn parse(proof: &Signed) -> Result<SignInClaim, SignInError> {
    if proof.body.len() > MAX_SIGN_IN_BODY {
        return Err(SignInError::Malformed);
    }
    let body = SignInBody::decode(proof.body.clone()).map_err(|_| SignInError::Malformed)?;
    Ok(SignInClaim {
        relay_name: body.relay_name,
        origin: body.origin,
        nonce: body
            .nonce
            .as_ref()
            .try_into()
            .map_err(|_| SignInError::Malformed)?,
        expires: body.expires,
        account: AccountId::try_from(body.account.as_ref()).map_err(|_| SignInError::Malformed)?,
        device: DeviceId::try_from(body.device.as_ref()).map_err(|_| SignInError::Malformed)?,
    })
}

mod recover;
#[cfg(test)]
mod tests;
