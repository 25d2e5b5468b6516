//! The opening: challenge, then a proof of possession or a registration, under a deadline.

use std::net::IpAddr;
use std::sync::Arc;

use chopar_identity::sign_in::sign_in_claimant;
use chopar_identity::{SignInError, SignInExpected, verify_sign_in};
use chopar_wire::close::CloseCode;
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::limits::{CHALLENGE_LIFETIME_MS, PROTOCOL};
use chopar_wire::proto::identity::{LogHead, Signed};
use chopar_wire::proto::relay::{
    self, Challenge, CheckInvite, InviteStatus, Pong, Reason, Registered, client_frame, relay_frame::Body,
};
use tokio::time::Instant;

use super::answers::Refusal;
use super::recovery::{Admitted, Proven};
use super::wire::{Incoming, Lost, Wire};
use super::{registration, standing};
use crate::core::{Core, stop_of};
use crate::places::Peer;
use crate::policy::devices;
use crate::store::{DevicePublics, Role, SignInFacts};
use crate::token;

/// Refused proofs before the connection is closed: a client mends a mistake once or twice, a guesser does not.
const ATTEMPTS_MAX: u32 = 5;

/// Who is at the other end of a connection, proven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) role: Role,
    pub(crate) keys: DevicePublics,
    /// The change of standing up to which the sign-in was judged.
    pub(crate) looked: u64,
    /// Whether the account has suspended devices.
    pub(crate) any_suspended: bool,
    /// The connection's number over all nodes.
    pub(crate) connection: u64,
}

/// What one proof must answer. Good for one attempt.
pub(crate) struct Nonce {
    pub(crate) value: [u8; 32],
    pub(crate) expires: u64,
}

/// Leads a fresh connection to a session. `None`: it was closed.
pub(crate) async fn open(
    core: &Arc<Core>,
    mut wire: Wire,
    peer: &Peer,
    address: IpAddr,
    origin: Option<&str>,
) -> Option<(Wire, Session)> {
    let mut opening = Opening {
        core,
        peer,
        origin,
        nonce: Nonce {
            value: [0; 32],
            expires: 0,
        },
        attempts: 0,
        deadline: Instant::now() + core.config.caps.sign_in,
        address,
        recovering: None,
    };
    let mut stopping = core.stopping.subscribe();
    let end = tokio::select! {
        end = opening.converse(&mut wire) => end,
        () = stop_of(&mut stopping) => End::Close(CloseCode::GoingAway),
        // At once: somebody waits for the place.
        () = peer.told_to_go() => End::Gone,
    };
    match end {
        End::SignedIn(session) => {
            peer.is_known();
            Some((wire, session))
        }
        End::Close(code) => {
            // It goes by itself, and in a moment.
            peer.is_known();
            wire.close(code).await;
            None
        }
        End::Gone => None,
    }
}

enum End {
    SignedIn(Session),
    Close(CloseCode),
    Gone,
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Slow => Self::Close(CloseCode::SlowReader),
            Lost::Broken => Self::Gone,
        }
    }
}

/// A connection before its sign-in.
pub(super) struct Opening<'a> {
    pub(super) core: &'a Arc<Core>,
    pub(super) peer: &'a Peer,
    origin: Option<&'a str>,
    nonce: Nonce,
    attempts: u32,
    pub(super) deadline: Instant,
    pub(super) address: IpAddr,
    /// Whose account key was proven here: its log may be read.
    pub(super) recovering: Option<Proven>,
}

impl Opening<'_> {
    async fn converse(&mut self, wire: &mut Wire) -> End {
        match self.try_converse(wire).await {
            Ok(session) => End::SignedIn(session),
            Err(end) => end,
        }
    }

    async fn try_converse(&mut self, wire: &mut Wire) -> Result<Session, End> {
        self.challenge(wire).await?;
        loop {
            let incoming = tokio::time::timeout_at(self.deadline, wire.read())
                .await
                .map_err(|_| End::Close(CloseCode::SignInTimeout))?;
            let frame = match incoming {
                Incoming::Frame(frame) => *frame,
                Incoming::Fault(request, refusal) => {
                    wire.write(request, refusal.into_body()).await?;
                    wire.flush().await?;
                    continue;
                }
                Incoming::Alive => continue,
                Incoming::Gone => return Err(End::Gone),
                Incoming::Enough(code) => return Err(End::Close(code)),
            };
            let request = frame.request;
            match frame.body {
                Some(client_frame::Body::SignIn(sign_in)) => match self.sign_in(sign_in.proof).await {
                    Ok((session, facts)) => {
                        self.core.metrics.signed_in();
                        wire.write(request, signed_in(&facts, self.core.now())).await?;
                        return Ok(session);
                    }
                    Err(refusal) => self.refuse_attempt(wire, request, refusal).await?,
                },
                Some(client_frame::Body::Register(register)) => match self.register(register).await {
                    Ok((session, facts)) => {
                        let registered = Registered {
                            handle: facts.handle.clone(),
                            role: session.role as i32,
                        };
                        // The client knows what a `SignedIn` would tell: it has just said it.
                        wire.write(request, Body::Registered(registered)).await?;
                        return Ok(session);
                    }
                    Err(refusal) => self.refuse_attempt(wire, request, refusal).await?,
                },
                Some(client_frame::Body::Recover(recover)) => match self.recover(recover.proof).await {
                    Ok(log) => wire.write(request, log).await?,
                    Err(refusal) => self.refuse_attempt(wire, request, refusal).await?,
                },
                Some(client_frame::Body::FetchLog(fetch)) if self.recovering.is_some() => {
                    let body = self.fetch_log(fetch).await.unwrap_or_else(Refusal::into_body);
                    wire.write(request, body).await?;
                }
                Some(client_frame::Body::AdmitDevice(admit)) => match self.admit(admit).await {
                    Ok(Admitted::In(admitted)) => {
                        let (session, facts) = *admitted;
                        self.core.metrics.signed_in();
                        wire.write(request, signed_in(&facts, self.core.now())).await?;
                        return Ok(session);
                    }
                    Ok(Admitted::TooLate(conflict)) => {
                        wire.write(request, conflict).await?;
                        self.challenge(wire).await?;
                    }
                    Err(refusal) => self.refuse_attempt(wire, request, refusal).await?,
                },
                Some(client_frame::Body::CheckInvite(check)) => {
                    let body = self.check_invite(check).await.unwrap_or_else(Refusal::into_body);
                    wire.write(request, body).await?;
                }
                Some(client_frame::Body::Ping(_)) => {
                    let body = self.ping().unwrap_or_else(Refusal::into_body);
                    wire.write(request, body).await?;
                }
                _ => {
                    let refusal = Refusal::new(Reason::SignInFirst, "sign in first");
                    wire.write(request, refusal.into_body()).await?;
                }
            }
            wire.flush().await?;
        }
    }

    /// Asks with a fresh nonce; the one before is worth nothing from here on.
    async fn challenge(&mut self, wire: &mut Wire) -> Result<(), End> {
        let now = self.core.now();
        let value = token::random().map_err(|fault| {
            tracing::error!(%fault, "no randomness");
            End::Close(CloseCode::GoingAway)
        })?;
        self.nonce = Nonce {
            value,
            expires: now + CHALLENGE_LIFETIME_MS,
        };
        let challenge = Challenge {
            relay_name: self.core.config.name.clone(),
            nonce: value.to_vec().into(),
            expires: self.nonce.expires,
            relay_time: now,
            protocol: PROTOCOL,
        };
        wire.write(0, Body::Challenge(challenge)).await?;
        wire.flush().await?;
        Ok(())
    }

    /// Says no and asks again: a proof answers one challenge, once.
    async fn refuse_attempt(&mut self, wire: &mut Wire, request: u64, refusal: Refusal) -> Result<(), End> {
        let blames_proof = matches!(refusal.reason, Reason::SignInFailed | Reason::DeviceRevoked);
        wire.write(request, refusal.into_body()).await?;
        self.attempts += u32::from(blames_proof);
        if self.attempts >= ATTEMPTS_MAX {
            wire.flush().await?;
            return Err(End::Close(CloseCode::Overloaded));
        }
        self.challenge(wire).await
    }

    async fn sign_in(&mut self, proof: Option<Signed>) -> Result<(Session, SignInFacts), Refusal> {
        self.core.limiter.address(self.address, self.core.now())?;
        let proof = proof.ok_or_else(|| Refusal::malformed("a sign-in has a proof"))?;
        let (account, device) = sign_in_claimant(&proof).map_err(|fault| refusal_of(&fault))?;
        let looked = self.core.lookout.looked();
        let facts = self.core.store.sign_in(account, device).await?;
        self.prove(&proof, |_, _| facts.as_ref().map(|facts| facts.keys))?;
        let admitted = self.session(account, device, facts, looked);
        // A right proof and no more: strangers' attempts would fill the log.
        if admitted
            .as_ref()
            .map_or_else(|refusal| refusal.reason == Reason::NotAllowed, |_| true)
        {
            standing::record_sign_in(self.core, account, device, admitted.is_ok()).await;
        }
        admitted
    }

    async fn register(&mut self, register: relay::Register) -> Result<(Session, SignInFacts), Refusal> {
        self.core.limiter.address(self.address, self.core.now())?;
        let proof = register
            .proof
            .clone()
            .ok_or_else(|| Refusal::malformed("a registration has a proof"))?;
        let new = registration::verify(register)?;
        let device = new.devices.first().map(|device| (device.id, device.keys));
        self.prove(&proof, |account, id| {
            let (known, keys) = device.filter(|(known, _)| *account == new.account && known == id)?;
            (known == *id).then_some(keys)
        })?;
        let account = new.account;
        registration::store(self.core, new).await?;
        tracing::info!("a member registered");
        self.core.metrics.registered();
        let (device, _) = device.ok_or_else(|| Refusal::malformed("a registration has a device"))?;
        let looked = self.core.lookout.looked();
        let facts = self.core.store.sign_in(account, device).await?;
        self.session(account, device, facts, looked)
    }

    /// Only after the signature: who may not enter is told why only when they proved who they are.
    pub(super) fn session(
        &self,
        account: AccountId,
        device: DeviceId,
        facts: Option<SignInFacts>,
        looked: u64,
    ) -> Result<(Session, SignInFacts), Refusal> {
        let facts = facts.ok_or_else(|| refusal_of(&SignInError::UnknownDevice))?;
        if !facts.active {
            return Err(Refusal::new(Reason::DeviceRevoked, "this device was revoked"));
        }
        if facts.disabled {
            return Err(Refusal::new(Reason::NotAllowed, "this member is disabled"));
        }
        if facts.suspended {
            return Err(Refusal::new(Reason::NotAllowed, "this device is suspended"));
        }
        Ok((
            Session {
                account,
                device,
                role: facts.role,
                keys: facts.keys,
                looked,
                any_suspended: facts.any_suspended,
                connection: facts.connection,
            },
            facts,
        ))
    }

    fn prove(
        &self,
        proof: &Signed,
        keys: impl FnOnce(&AccountId, &DeviceId) -> Option<DevicePublics>,
    ) -> Result<(AccountId, DeviceId), Refusal> {
        self.answers(|expected| {
            verify_sign_in(proof, expected, |account, device| {
                keys(account, device)
                    .and_then(|stored| devices::keys(&stored).ok())
                    .map(|keys| keys.signing)
            })
        })
    }

    /// Judges a proof against the challenge of this connection.
    pub(super) fn answers<T>(
        &self,
        judge: impl FnOnce(&SignInExpected<'_>) -> Result<T, SignInError>,
    ) -> Result<T, Refusal> {
        // A browser cannot lie about its page: where it named one, the proof must name the same.
        let named;
        let origins = match self.origin {
            Some(origin) => {
                named = [origin.to_owned()];
                &named[..]
            }
            None => &self.core.origins[..],
        };
        let expected = SignInExpected {
            relay_name: &self.core.config.name,
            origins,
            nonce: &self.nonce.value,
            expires: self.nonce.expires,
            now: self.core.now(),
        };
        judge(&expected).map_err(|fault| refusal_of(&fault))
    }

    fn ping(&self) -> Result<Body, Refusal> {
        self.core.limiter.address(self.address, self.core.now())?;
        Ok(Body::Pong(Pong {}))
    }

    async fn check_invite(&mut self, check: CheckInvite) -> Result<Body, Refusal> {
        self.core.limiter.address(self.address, self.core.now())?;
        let organisation = self.core.config.name.clone();
        let hash = token::parse(&check.invite).map(|token| token.hash());
        let invite = match hash {
            Some(hash) => self.core.store.invite(hash).await?,
            None => None,
        };
        let invite = invite.ok_or_else(|| Refusal::new(Reason::InviteUnknown, "no such invite"))?;
        // In the order of a registration's own checks: the same invite is refused for the same reason.
        let reason = if invite.uses_left == 0 {
            Reason::InviteUsed
        } else if invite.expires <= self.core.now() {
            Reason::InviteExpired
        } else {
            Reason::Unspecified
        };
        let usable = reason == Reason::Unspecified;
        if usable {
            self.deadline = Instant::now() + self.core.config.caps.registration;
            self.peer.is_known();
        }
        let (role, expires) = (invite.role as i32, invite.expires);
        Ok(Body::InviteStatus(InviteStatus {
            usable,
            role,
            expires,
            organisation,
            reason: reason.into(),
        }))
    }
}

pub(super) fn refusal_of(fault: &SignInError) -> Refusal {
    let reason = match fault {
        SignInError::Expired => Reason::SignInExpired,
        SignInError::Malformed => Reason::Malformed,
        _ => Reason::SignInFailed,
    };
    Refusal::new(reason, fault.to_string())
}

fn signed_in(facts: &SignInFacts, relay_time: u64) -> Body {
    Body::SignedIn(relay::SignedIn {
        handle: facts.handle.clone(),
        display_name: facts.display_name.clone(),
        role: facts.role as i32,
        one_time_left: u32::try_from(facts.one_time_left).unwrap_or(u32::MAX),
        bundle_sequence: facts.bundle_sequence,
        log_head: Some(LogHead {
            length: facts.head.length,
            hash: facts.head.hash.to_vec().into(),
        }),
        relay_time,
    })
}
