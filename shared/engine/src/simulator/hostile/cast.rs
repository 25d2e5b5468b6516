//! The people of a scenario, and what they do.

use core::fmt;

use chopar_e2ee::recovery::RecoveryKey;
use chopar_identity::EntryDraft;
use chopar_wire::proto::identity::Entry;

use super::stage::Stage;
use super::step::Step;
use crate::intent::Intent;
use crate::view::Setting;

/// A person, by their number in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who(pub usize);

/// Usually the one who writes.
pub const ALICE: Who = Who(0);
/// Usually the one who is written to.
pub const BOB: Who = Who(1);
/// Somebody else.
pub const CAROL: Who = Who(2);

/// How long everything settles after something was done, in milliseconds: longer than acknowledgements are batched.
pub(super) const SETTLE_MS: u64 = 5_000;

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ALICE => f.write_str("alice"),
            BOB => f.write_str("bob"),
            CAROL => f.write_str("carol"),
            Self(number) => write!(f, "person {number}"),
        }
    }
}

impl Who {
    /// Writes to somebody, and everything settles. Every text of a scenario is said once.
    pub fn says(self, text: impl Into<String>, to: Self) -> Step {
        let text = text.into();
        Step::new(format!("{self} says {text:?} to {to}"), move |stage| {
            stage.say(self, to, text.clone());
            stage.pass(SETTLE_MS);
        })
    }

    /// Looks at somebody's conversation: from then on they are no stranger.
    pub fn opens(self, peer: Self) -> Step {
        Step::new(
            format!("{self} opens the conversation with {peer}"),
            move |stage| {
                stage.open(self, peer);
                stage.pass(SETTLE_MS);
            },
        )
    }

    /// Wants to hear nothing of somebody any more.
    pub fn blocks(self, peer: Self) -> Step {
        Step::new(format!("{self} blocks {peer}"), move |stage| {
            let intent = Intent::Keep {
                conversation: stage.account(peer),
                setting: Setting::Blocked,
                on: true,
            };
            stage.world.ask(self.0, 0, intent);
            stage.pass(SETTLE_MS);
        })
    }

    /// Closes the browser.
    pub fn goes_away(self) -> Step {
        Step::new(format!("{self} goes away"), move |stage| {
            stage.world.switch_off(self.0)
        })
    }

    /// Opens it again.
    pub fn comes_back(self) -> Step {
        Step::new(format!("{self} comes back"), move |stage| {
            stage.world.switch_on(self.0);
            stage.pass(SETTLE_MS);
        })
    }

    /// The browser damages every session it keeps.
    pub fn finds_the_sessions_damaged(self) -> Step {
        Step::new(format!("{self} finds the sessions damaged"), move |stage| {
            stage.world.switch_off(self.0);
            let damaged = stage.world.persons[self.0]
                .vault
                .damage(|key| key.kind == crate::Kind::Session);
            assert!(damaged > 0, "there was no session");
            stage.world.switch_on(self.0);
            stage.pass(SETTLE_MS);
        })
    }

    /// Loses the connection and makes a new one.
    pub fn reconnects(self) -> Step {
        Step::new(format!("{self} reconnects"), move |stage| stage.reconnect(self))
    }

    /// Takes another name.
    pub fn is_called(self, name: &'static str) -> Step {
        Step::new(format!("{self} is called {name:?} from now on"), move |stage| {
            let display_name = name.to_owned();
            let answer = stage
                .world
                .ask_now(self.0, crate::Intent::SetDisplayName { display_name });
            assert!(answer == crate::Answer::Done, "a name was not taken");
        })
    }

    /// Makes somebody's cleared browser a second device of the own account.
    pub fn links(self, browser: Self) -> Step {
        Step::new(
            format!("{self} links {browser}'s cleared browser"),
            move |stage| {
                stage.world.reset(browser.0);
                stage.owners[browser.0] = self;
                stage.world.link(browser.0, self.0);
                stage.pass(SETTLE_MS);
                stage.reconnect(self);
            },
        )
    }

    /// Revokes the device linked last.
    pub fn revokes_the_last_device(self) -> Step {
        Step::new(format!("{self} revokes the device linked last"), move |stage| {
            let log = stage.log(self);
            let last = log.active_devices().last().expect("an active device").id;
            let answer = stage
                .world
                .ask_now(self.0, crate::Intent::RevokeDevice { device: last });
            assert!(answer == crate::Answer::Done, "a device was not revoked");
            stage.pass(SETTLE_MS);
        })
    }

    /// Renames the own device: the shortest way to a longer log.
    pub fn renames_the_own_device(self, name: &'static str) -> Step {
        Step::new(format!("{self} calls the own device {name:?}"), move |stage| {
            let entry = stage.world.draft_rename(self.0, &stage.account(self), name);
            stage.append(self, &entry);
        })
    }

    /// A device of theirs is in other hands and signs a second history of their log. The relay keeps both.
    pub fn has_two_histories(self) -> Step {
        Step::new(format!("{self}'s device signs two histories"), move |stage| {
            let other = stage.world.fork(self.0);
            stage.other_history.insert(self, other);
            stage.reconnect(self);
        })
    }

    /// Decides with the recovery key which history stays: the one the relay has.
    pub fn resolves_the_fork(self) -> Step {
        Step::new(format!("{self} decides which history stays"), move |stage| {
            let log = stage.log(self);
            let draft = EntryDraft::resolve_fork(&log, stage.world.now().0);
            let signature = stage.account_secrets(self).sign(&draft.signing_input());
            let entry = draft.finish(&[signature]).expect("one signature");
            stage.append(self, &entry);
        })
    }

    /// Asks to send an own text again.
    pub fn retries(self, text: &'static str) -> Step {
        Step::new(format!("{self} sends {text:?} again"), move |stage| {
            let said = stage
                .said
                .iter()
                .find(|said| said.text == text)
                .expect("it was said");
            let retry = crate::Intent::Retry {
                conversation: stage.account(said.to),
                id: said.id,
            };
            assert!(
                stage.world.ask_now(self.0, retry) == crate::Answer::Done,
                "nothing to retry"
            );
            stage.pass(SETTLE_MS);
        })
    }

    /// Remembers how things stand with this person, for `…_since_noted`.
    pub fn is_noted(self) -> Step {
        Step::new(format!("how things stand with {self} is noted"), move |stage| {
            stage.note(self)
        })
    }
}

impl Stage {
    pub(super) fn account_secrets(&self, who: Who) -> chopar_e2ee::recovery::AccountSecrets {
        RecoveryKey::parse(&self.recovery[who.0])
            .expect("a recovery key")
            .account()
    }

    /// Appends to somebody's log at the relay, and lets them notice.
    fn append(&mut self, who: Who, entry: &Entry) {
        let account = self.account(who);
        self.world.relay.append(&account, entry);
        self.reconnect(who);
    }
}
