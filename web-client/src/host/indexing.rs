//! Searching the index of lines, and building it where it is not whole: in turn with everything else that uses the vault, a little at
//! a time.

use chopar_engine::Input;

use super::inbox::{Happening, Inbox};
use super::machine::Machine;
use super::owner::{Over, Owner};
use crate::platform::Exception;
use crate::platform::clock::{self, Alarm};
use crate::vault::VaultError;

/// How long after a start it is looked whether there is something to build, in milliseconds: what a person waits for comes first.
const FIRST_MS: u64 = 1_500;
/// Between two steps of the building, in milliseconds: a message that comes meanwhile, or is sent, does not wait.
const PAUSE_MS: u64 = 15;

/// When the building goes on.
pub(super) struct Indexing {
    alarm: Alarm,
    /// Whether the alarm is set, or has rung.
    under_way: bool,
    due: bool,
    /// It was not possible: left until somebody looks for something.
    halted: bool,
}

impl Indexing {
    /// Looks soon whether there is something to do.
    pub(super) fn new(inbox: Inbox) -> Result<Self, Exception> {
        let mut indexing = Self {
            alarm: Alarm::new(move || inbox.put(Happening::Index)),
            under_way: false,
            due: false,
            halted: false,
        };
        indexing.go_on(FIRST_MS)?;
        Ok(indexing)
    }

    /// The alarm rang.
    pub(super) fn rung(&mut self) {
        self.due = true;
    }

    fn go_on(&mut self, within_ms: u64) -> Result<(), Exception> {
        if self.under_way {
            return Ok(());
        }
        self.under_way = true;
        self.alarm.set(clock::now().plus_ms(within_ms))
    }
}

impl<M: Machine> Owner<'_, M> {
    /// Goes on with what a commit found to be damaged.
    pub(super) fn build_where_damaged(&mut self) -> Result<(), Over> {
        if self.vault.index_is_building() && !self.indexing.under_way && !self.indexing.halted {
            self.indexing.go_on(FIRST_MS)?;
        }
        Ok(())
    }

    /// Answers those who look for something.
    pub(super) async fn search(&mut self) -> Result<(), Over> {
        for (token, wanted) in std::mem::take(&mut self.searches) {
            let input = match self.vault.search(&wanted).await {
                Ok(found) => {
                    if found.building.is_some() {
                        self.indexing.halted = false;
                        self.indexing.go_on(PAUSE_MS)?;
                    }
                    Input::Found { token, found }
                }
                Err(_) => Input::Failed { token },
            };
            self.done(input);
        }
        Ok(())
    }

    /// One step of the building. What merely was not possible (a full disk) is left until somebody looks for something: nothing but
    /// the finding of old lines depends on it.
    pub(super) async fn index_if_due(&mut self) -> Result<(), Over> {
        if !std::mem::take(&mut self.indexing.due) {
            return Ok(());
        }
        self.indexing.under_way = false;
        match self.vault.index_some(&mut self.rng).await {
            Ok(true) => self.indexing.go_on(PAUSE_MS)?,
            Ok(false) => {}
            Err(VaultError::Fenced) => return Err(VaultError::Fenced.into()),
            Err(_) => self.indexing.halted = true,
        }
        Ok(())
    }
}
