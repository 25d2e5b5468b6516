//! What holds whatever the relay does.
//!
//! | promise | checked as |
//! |---|---|
//! | never plain to the relay | no frame to it holds a text |
//! | never plain to a stranger | nobody shows a text that was not said to them |
//! | never altered, never under another name | what is shown was said, by that person, to this one, in these words |
//! | never twice | each message is shown once |
//! | no tick lies | what its sender sees as delivered is shown |

use std::collections::{BTreeMap, BTreeSet};

use super::cast::Who;
use super::stage::Stage;

/// The number of the state `Delivered` in records.
const DELIVERED: u32 = 2;

impl Stage {
    /// Checks all of it.
    ///
    /// # Errors
    /// The first broken promise, in words.
    pub fn promises(&self) -> Result<(), String> {
        if let Some(text) = &self.heard.borrow().plain {
            return Err(format!("the relay heard {text:?}"));
        }
        for (browser, owner) in self.owners.iter().enumerate() {
            for other in self.others(*owner) {
                self.shown_as_said(other, *owner, browser)?;
                self.ticks(*owner, other, browser)?;
            }
        }
        Ok(())
    }

    fn others(&self, reader: Who) -> impl Iterator<Item = Who> + use<> {
        (0..self.accounts.len())
            .map(Who)
            .filter(move |writer| *writer != reader)
    }

    fn shown_as_said(&self, writer: Who, reader: Who, browser: usize) -> Result<(), String> {
        let said: BTreeMap<_, _> = self
            .said
            .iter()
            .filter(|said| (self.owners[said.from.0], said.to) == (writer, reader))
            .map(|said| (said.id, said.text.as_str()))
            .collect();
        let mut shown = BTreeSet::new();
        for (id, text) in self.world.persons[browser].theirs(&self.account(writer)) {
            if said.get(&id) != Some(&text.as_str()) {
                return Err(format!(
                    "{reader} is shown {text:?}, which {writer} never said to them"
                ));
            }
            if !shown.insert(id) {
                return Err(format!("{reader} is shown {text:?} of {writer} twice"));
            }
        }
        Ok(())
    }

    fn ticks(&self, writer: Who, reader: Who, browser: usize) -> Result<(), String> {
        let theirs = (0..self.owners.len()).filter(|browser| self.owners[*browser] == reader);
        let shown: Vec<_> = theirs
            .flat_map(|browser| self.shown(Who(browser), writer))
            .collect();
        for (text, state) in self.world.persons[browser].own_states(&self.account(reader)) {
            if state >= DELIVERED && !shown.contains(&text) {
                return Err(format!(
                    "{writer} sees {text:?} delivered, and {reader} is not shown it"
                ));
            }
        }
        Ok(())
    }
}
