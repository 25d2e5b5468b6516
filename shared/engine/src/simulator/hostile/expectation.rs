//! What must hold at a place in a scenario.

use std::collections::BTreeSet;

use super::cast::Who;
use super::stage::Stage;
use super::step::Step;
use crate::effect::Kind;
use crate::event::Answer;
use crate::intent::Intent;
use crate::view::{Alarm, Held, Line, LineBody, Notice, SentState};

/// Something that holds or does not; [`expect`] makes it a step.
pub struct Expectation(Step);

/// More lines than any scenario has in one conversation.
const ALL: u16 = 1_000;

/// Ends the scenario where it does not hold.
pub fn expect(what: Expectation) -> Step {
    what.0
}

impl Expectation {
    pub(super) fn new(words: String, holds: impl Fn(&mut Stage) -> Result<(), String> + 'static) -> Self {
        Self(Step::checked(format!("expect: {words}"), holds))
    }
}

impl Who {
    /// The conversation shows this alarm, in its row and as a line.
    pub fn is_warned(self, peer: Self, alarm: Alarm) -> Expectation {
        Expectation::new(
            format!("{self} is warned about {peer}: {alarm:?}"),
            move |stage| {
                let raised = stage.alarm(self, peer);
                if raised != Some(alarm) {
                    return Err(format!("the alarm is {raised:?}"));
                }
                let said = LineBody::Notice(Notice::AlarmRaised(alarm));
                if stage.lines(self, peer).iter().any(|line| line.body == said) {
                    Ok(())
                } else {
                    Err("the alarm is raised, and no line says so".to_owned())
                }
            },
        )
    }

    /// Something is wrong with the own log, and is said on every page; or nothing is.
    pub fn is_warned_of_the_own_log(self, alarm: Option<Alarm>) -> Expectation {
        Expectation::new(
            format!("{self} is warned of the own log: {alarm:?}"),
            move |stage| match stage.world.ask_now(self.0, Intent::Snapshot) {
                Answer::Snapshot(snapshot) if snapshot.own_devices.alarm == alarm => Ok(()),
                Answer::Snapshot(snapshot) => Err(format!("it is {:?}", snapshot.own_devices.alarm)),
                _ => Err("there is no snapshot".to_owned()),
            },
        )
    }

    /// The conversation has this name.
    pub fn calls(self, peer: Self, name: &'static str) -> Expectation {
        Expectation::new(format!("{self} calls {peer} {name:?}"), move |stage| {
            let row = stage.world.persons[self.0].rows.get(&stage.account(peer));
            match row {
                Some(row) if row.name == name => Ok(()),
                Some(row) => Err(format!("it is {:?}", row.name)),
                None => Err("there is no conversation".to_owned()),
            }
        })
    }

    /// So many logs were asked for at most since noted.
    pub fn asked_for_at_most_since_noted(self, logs: usize) -> Expectation {
        Expectation::new(
            format!("{self} asked for at most {logs} logs since noted"),
            move |stage| match stage.logs_since_noted(self) {
                asked if asked <= logs => Ok(()),
                asked => Err(format!("{asked} were asked for")),
            },
        )
    }

    /// So many people are known at most, counting everything that is kept of them.
    pub fn knows_at_most(self, people: usize) -> Expectation {
        Expectation::new(format!("{self} knows at most {people} people"), move |stage| {
            let person = &stage.world.persons[self.0];
            let engine = person.engine.as_ref();
            let of = |kind: Kind| {
                let records = person.vault.select(|key| key.kind == kind);
                let partitions: BTreeSet<_> = records.into_iter().map(|r| r.key.partition).collect();
                partitions.len()
            };
            // The own account is a contact too.
            let known = [
                person.rows.len(),
                engine.map_or(0, |engine| engine.contacts.len() - 1),
                of(Kind::Contact) - 1,
                of(Kind::Line),
                // One for each message; whoever is made up says one thing.
                of(Kind::Place),
                of(Kind::Session),
            ];
            if known.iter().all(|known| *known <= people) {
                Ok(())
            } else {
                Err(format!(
                    "rows, contacts, records, conversations, sessions: {known:?}"
                ))
            }
        })
    }

    /// So many sessions are kept with the devices of others, in all.
    pub fn keeps_sessions(self, count: usize) -> Expectation {
        Expectation::new(format!("{self} keeps {count} sessions"), move |stage| match stage
            .sessions(self)
            .len()
        {
            kept if kept == count => Ok(()),
            kept => Err(format!("{kept} are kept")),
        })
    }

    /// The conversation shows no alarm.
    pub fn is_not_warned(self, peer: Self) -> Expectation {
        Expectation::new(
            format!("{self} is not warned about {peer}"),
            move |stage| match stage.alarm(self, peer) {
                None => Ok(()),
                Some(alarm) => Err(format!("the alarm is {alarm:?}")),
            },
        )
    }

    /// These texts of somebody are shown, in this order, and no others.
    pub fn reads(self, of: Self, texts: &'static [&'static str]) -> Expectation {
        Expectation::new(format!("{self} reads {texts:?} of {of}"), move |stage| {
            let shown = stage.shown(self, of);
            if shown == texts {
                Ok(())
            } else {
                Err(format!("shown is {shown:?}"))
            }
        })
    }

    /// These texts of somebody are shown, in any order, and no others.
    pub fn reads_in_any_order(self, of: Self, texts: &'static [&'static str]) -> Expectation {
        Expectation::new(
            format!("{self} reads {texts:?} of {of} in any order"),
            move |stage| {
                let mut shown = stage.shown(self, of);
                shown.sort();
                let mut texts = texts.to_vec();
                texts.sort_unstable();
                if shown == texts {
                    Ok(())
                } else {
                    Err(format!("shown is {shown:?}"))
                }
            },
        )
    }

    /// An own text has come so far, and is held for this reason or none.
    pub fn sees(self, text: &'static str, state: SentState, held: Option<Held>) -> Expectation {
        Expectation::new(
            format!("{self} sees {text:?} {state:?}, held {held:?}"),
            move |stage| {
                let found = stage.own_state(self, text);
                if found == Some((state, held)) {
                    Ok(())
                } else {
                    Err(format!("it is {found:?}"))
                }
            },
        )
    }

    /// A line says this.
    pub fn is_told(self, peer: Self, notice: Notice) -> Expectation {
        let words = match &notice {
            Notice::DeviceAdded { name } => format!("a device {name:?} was added"),
            Notice::DeviceRevoked { name } => format!("a device {name:?} was revoked"),
            Notice::Repaired => "messages arrived late".to_owned(),
            _ => "the notice".to_owned(),
        };
        Expectation::new(format!("{self} is told about {peer}: {words}"), move |stage| {
            let wanted = LineBody::Notice(notice.clone());
            if stage.lines(self, peer).iter().any(|line| line.body == wanted) {
                Ok(())
            } else {
                Err("no line says so".to_owned())
            }
        })
    }

    /// There is no conversation at all.
    pub fn knows_nobody(self) -> Expectation {
        Expectation::new(format!("{self} has no conversation"), move |stage| {
            match stage.world.persons[self.0].rows.len() {
                0 => Ok(()),
                rows => Err(format!("there are {rows}")),
            }
        })
    }

    /// At most so many envelopes wait for a session that may come.
    pub fn keeps_unopened_at_most(self, envelopes: usize) -> Expectation {
        Expectation::new(
            format!("{self} keeps at most {envelopes} unopened envelopes"),
            move |stage| {
                let engine = stage.world.persons[self.0].engine.as_ref();
                match engine.map_or(0, crate::Engine::quarantined) {
                    kept if kept <= envelopes => Ok(()),
                    kept => Err(format!("{kept} are kept")),
                }
            },
        )
    }

    /// The sessions are, byte for byte, what they were when noted.
    pub fn has_the_same_sessions_since_noted(self) -> Expectation {
        Expectation::new(format!("{self}'s sessions are as noted"), move |stage| {
            if stage.since_noted(self).0 {
                Ok(())
            } else {
                Err("a session changed".to_owned())
            }
        })
    }

    /// Nothing was submitted since noted: no message, no acknowledgement, no signal.
    pub fn sent_nothing_since_noted(self) -> Expectation {
        Expectation::new(
            format!("{self} sent nothing since noted"),
            move |stage| match stage.since_noted(self).1 {
                0 => Ok(()),
                count => Err(format!("{count} submissions")),
            },
        )
    }
}

impl Stage {
    pub(super) fn alarm(&self, who: Who, peer: Who) -> Option<Alarm> {
        self.world.persons[who.0].rows.get(&self.account(peer))?.alarm
    }

    pub(super) fn shown(&self, who: Who, of: Who) -> Vec<String> {
        let texts = self.world.persons[who.0].theirs(&self.account(of));
        texts.into_iter().map(|(_, text)| text).collect()
    }

    pub(super) fn lines(&mut self, who: Who, peer: Who) -> Vec<Line> {
        let page = Intent::Page {
            conversation: self.account(peer),
            before: None,
            limit: ALL,
        };
        match self.world.ask_now(who.0, page) {
            Answer::Page { lines, .. } => lines,
            _ => Vec::new(),
        }
    }

    pub(super) fn own_state(&mut self, who: Who, wanted: &str) -> Option<(SentState, Option<Held>)> {
        let to = self.said.iter().find(|said| said.text == wanted)?.to;
        let own = |line: Line| match line.body {
            LineBody::Own {
                text, state, held, ..
            } if text == wanted => Some((state, held)),
            _ => None,
        };
        self.lines(who, to).into_iter().find_map(own)
    }
}
