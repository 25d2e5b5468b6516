//! The connection to the relay: dial, challenge, sign-in, drained; keep-alive; when to try again.
//!
//! ```text
//!   Down ──Connect──> Dialing ──Connected──> Greeting ──Challenge──> Challenged ──Sign──> SigningIn ──> SignedIn
//!    ^                   |                      |                        |                   |             |
//!    └───────────────────┴────── Disconnected, refused, silent for too long ─────────────────┴─────────────┘
//! ```

use chopar_wire::close::CloseCode;
use chopar_wire::proto::relay::client_frame::Body;
use chopar_wire::proto::relay::{Challenge, Ping};
use chopar_wire::{Timestamp, limits};

use crate::backoff::{Backoff, STABLE_MS};
use crate::context::Context;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Event, Failure};
use crate::view::{ConnectionState, Stopped};

/// A socket that is neither opened nor refused after this long is given up, in milliseconds.
const DIAL_MS: u64 = 20_000;
/// The relay's first frame must come within this, in milliseconds.
const GREETING_MS: u64 = 10_000;
/// Silence after which the relay is asked whether it is there, in milliseconds: below the half minute after which middleboxes
/// drop idle connections.
const QUIET_MS: u64 = 25_000;
/// How long the answer to that may take, in milliseconds.
const PONG_MS: u64 = 10_000;
/// How often it is looked whether a relay that does not let this device in does so again, in milliseconds: a restored backup
/// or a lifted suspension is noticed within a coffee break, and a relay with a thousand such browsers hears one a second.
const PASSING_MS: u64 = 15 * 60_000;

/// Where the connection stands.
pub(crate) enum State {
    /// No socket. `next`: when it will be tried again by itself.
    Down { next: Option<Timestamp> },
    /// [`Effect::Connect`] was asked for.
    Dialing { since: Timestamp },
    /// The socket is open, the relay has not spoken.
    Greeting { since: Timestamp },
    /// The relay has spoken; what does not need a sign-in can be asked.
    Challenged { challenge: Challenge },
    /// The proof is being signed or judged. The challenge serves a registration too.
    SigningIn { challenge: Challenge },
    /// In use. `drained`: everything that waited was delivered.
    SignedIn { since: Timestamp, drained: bool },
}

/// The connection, and what decides about the next one.
pub(crate) struct Link {
    pub(crate) state: State,
    pub(crate) stopped: Option<Stopped>,
    /// What the browser says about the network.
    network: bool,
    backoff: Backoff,
    heard: Timestamp,
    pinged: Option<Timestamp>,
    told: ConnectionState,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            state: State::Down { next: None },
            stopped: None,
            network: true,
            backoff: Backoff::default(),
            heard: Timestamp(0),
            pinged: None,
            told: ConnectionState::Offline {
                next_attempt: None,
                stopped: None,
            },
        }
    }
}

impl Link {
    pub(crate) const fn signed_in(&self) -> bool {
        matches!(self.state, State::SignedIn { .. })
    }

    pub(crate) const fn drained(&self) -> bool {
        matches!(self.state, State::SignedIn { drained: true, .. })
    }

    pub(crate) const fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
    }

    /// Whether an attempt may begin by itself, now or later.
    pub(crate) const fn hopeless(&self) -> bool {
        !self.network || self.stopped.is_some()
    }

    pub(crate) const fn view(&self) -> ConnectionState {
        match self.state {
            State::Down { next } => ConnectionState::Offline {
                next_attempt: next,
                stopped: self.stopped,
            },
            State::SignedIn { drained: true, .. } => ConnectionState::Online,
            _ => ConnectionState::Connecting,
        }
    }

    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Down { next } => next,
            State::Dialing { since } => Some(since.plus_ms(DIAL_MS)),
            State::Greeting { since } => Some(since.plus_ms(GREETING_MS)),
            _ => Some(match self.pinged {
                Some(at) => at.plus_ms(PONG_MS),
                None => self.heard.plus_ms(QUIET_MS),
            }),
        }
    }
}

impl Engine {
    /// Begins an attempt now if there is reason and no socket.
    pub(crate) fn dial(&mut self, cx: &mut Context<'_>) {
        if self.link.is_down() && !self.link.hopeless() {
            self.link.state = State::Dialing { since: cx.now };
            cx.effect(Effect::Connect);
        }
    }

    pub(crate) fn on_connected(&mut self, cx: &mut Context<'_>) {
        // A socket nobody waits for (the attempt was given up meanwhile) is closed.
        if !matches!(self.link.state, State::Dialing { .. }) {
            if self.link.is_down() {
                cx.effect(Effect::Disconnect);
            }
            return;
        }
        self.link.state = State::Greeting { since: cx.now };
        self.link.heard = cx.now;
        self.link.pinged = None;
    }

    pub(crate) fn on_disconnected(&mut self, code: u16, cx: &mut Context<'_>) {
        let code = CloseCode::from_code(code);
        match code {
            Some(CloseCode::Replaced) => self.link.stopped = Some(Stopped::Replaced),
            Some(CloseCode::Revoked) => {
                self.link.stopped = Some(Stopped::Revoked);
                self.own_device_revoked(cx);
            }
            _ => {}
        }
        self.link_lost(cx);
    }

    pub(crate) fn on_network(&mut self, online: bool, cx: &mut Context<'_>) {
        self.link.network = online;
        if online {
            // Another network may have another server behind the relay's name.
            self.link.stopped = self.link.stopped.filter(|why| !why.may_pass());
            self.connect_now(cx);
        } else {
            // The socket may be alive still (a relay on this machine has no network to lose): the relay is asked at once.
            // Waiting for the next attempt is pointless.
            match &mut self.link.state {
                State::Down { next } => *next = None,
                State::Dialing { .. } | State::Greeting { .. } => {}
                _ => self.ping(cx),
            }
            self.fail_waiting_asks(Failure::Offline, cx);
        }
    }

    /// A person asks for an attempt: they know better than the browser whether there is a network, and whether this profile is
    /// the one to use.
    pub(crate) fn connect_by_hand(&mut self, cx: &mut Context<'_>) {
        self.link.network = true;
        self.link.stopped = self.link.stopped.filter(|stopped| *stopped == Stopped::Revoked);
        self.connect_now(cx);
    }

    /// An attempt without further waiting, if one makes sense.
    pub(crate) fn connect_now(&mut self, cx: &mut Context<'_>) {
        self.link.backoff.reset();
        if self.wants_link() {
            self.dial(cx);
        }
    }

    /// The socket is gone: what was open on it is settled, and the next attempt planned.
    pub(crate) fn link_lost(&mut self, cx: &mut Context<'_>) {
        if let State::SignedIn { since, .. } = self.link.state
            && cx.now.ms_since(since) >= STABLE_MS
        {
            self.link.backoff.reset();
        }
        self.link.state = State::Down { next: None };
        self.link.pinged = None;
        self.connection_settled(cx);
        if self.wants_link() && !self.link.hopeless() {
            let wait = self.link.backoff.next(cx);
            self.link.state = State::Down {
                next: Some(cx.now.plus_ms(wait)),
            };
        }
    }

    /// The relay does not let this device in: no further attempt for a good while, and the reason is said.
    pub(crate) fn stop_link(&mut self, why: Stopped, cx: &mut Context<'_>) {
        self.link.stopped = Some(why);
        self.drop_link(cx);
        if why.may_pass() {
            let wait = PASSING_MS / 2 + cx.below(PASSING_MS);
            self.link.state = State::Down {
                next: Some(cx.now.plus_ms(wait)),
            };
        }
        self.fail_waiting_asks(Failure::Offline, cx);
        self.recovering_failed(Failure::Offline, cx);
    }

    /// Closes the socket from this side and plans the next attempt.
    pub(crate) fn drop_link(&mut self, cx: &mut Context<'_>) {
        if !self.link.is_down() {
            cx.effect(Effect::Disconnect);
            self.link_lost(cx);
        }
    }

    pub(crate) fn on_challenge(&mut self, challenge: Challenge, cx: &mut Context<'_>) {
        // A fresh one may come at any time before the sign-in: it replaces the one before.
        if matches!(
            self.link.state,
            State::Down { .. } | State::Dialing { .. } | State::SignedIn { .. }
        ) {
            return;
        }
        if challenge.protocol != limits::PROTOCOL {
            return self.stop_link(Stopped::Outdated, cx);
        }
        self.link.state = State::Challenged { challenge };
    }

    /// Everything that waited was handed over. What of it is still being opened here is short work.
    pub(crate) fn on_queue_empty(&mut self, cx: &mut Context<'_>) {
        if let State::SignedIn { drained, .. } = &mut self.link.state {
            *drained = true;
            self.repairs.drained(cx.now);
            self.drained(cx);
        }
    }

    /// Notes the moment: old prekeys may only go after one.
    pub(crate) fn drained(&mut self, cx: &mut Context<'_>) {
        if let Some(own) = &mut self.own {
            own.drained = cx.now;
            cx.account = true;
        }
    }

    /// Any frame proves that the relay is there.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.link.heard = now;
        self.link.pinged = None;
    }

    pub(crate) fn tick_link(&mut self, cx: &mut Context<'_>) {
        if self.requests.due().is_some_and(|due| due <= cx.now) {
            self.drop_link(cx);
            return;
        }
        if self.link.due().is_none_or(|due| due > cx.now) {
            return;
        }
        match self.link.state {
            State::Down { .. } => {
                // Whatever was the reason: what the relay says now counts.
                self.link.state = State::Down { next: None };
                self.link.stopped = self.link.stopped.filter(|why| !why.may_pass());
                self.dial(cx);
            }
            State::Dialing { .. } | State::Greeting { .. } => self.drop_link(cx),
            _ if self.link.pinged.is_some() => self.drop_link(cx),
            _ => self.ping(cx),
        }
    }

    fn ping(&mut self, cx: &mut Context<'_>) {
        self.link.pinged = Some(cx.now);
        self.requests.send_only(cx, Body::Ping(Ping {}));
    }

    /// Tells a changed connection, once per step.
    pub(crate) fn tell_link(&mut self, cx: &mut Context<'_>) {
        let view = self.link.view();
        if self.link.told != view {
            self.link.told = view;
            cx.tell(Event::ConnectionChanged(view));
        }
    }
}
