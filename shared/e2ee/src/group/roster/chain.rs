//! The verified chain of a group.

use chopar_identity::AccountLog;
use chopar_wire::ids::{AccountId, GroupId};
use chopar_wire::proto::identity::Signed;

use super::act::{Act, Role};
use super::entry::ParsedEntry;
use super::error::RosterError;
use super::head::{RosterHead, RosterRelation};
use super::rules;
use super::state::{Member, RosterChange, Settings, State};
use crate::group::limits::MAX_ENTRIES;

/// The account logs that entries are verified against: verified themselves, as far as they are known.
pub trait Logs {
    /// The log of an account; `None` where it is not known.
    fn log(&self, account: &AccountId) -> Option<&AccountLog>;
}

impl Logs for std::collections::BTreeMap<AccountId, AccountLog> {
    fn log(&self, account: &AccountId) -> Option<&AccountLog> {
        self.get(account)
    }
}

/// A group's roster, every entry of it verified. There is no other way to have one.
#[derive(Clone)]
pub struct Roster {
    group: GroupId,
    entries: Vec<Signed>,
    hashes: Vec<[u8; 32]>,
    state: State,
}

impl Roster {
    /// Verifies the first entry of a group. Its hash is the group's id.
    ///
    /// # Errors
    /// [`RosterError`]; [`RosterError::LogMissing`] where the creator's log must be fetched first.
    pub fn begin(
        group: &GroupId,
        first: &Signed,
        logs: &impl Logs,
    ) -> Result<(Self, RosterChange), RosterError> {
        let entry = ParsedEntry::parse(first, 0)?;
        if entry.position != 0 {
            return Err(RosterError::Gap {
                expected: 0,
                got: entry.position,
            });
        }
        if entry.hash() != *group.as_bytes() {
            return Err(RosterError::OtherGroup { position: 0 });
        }
        let name = rules::check_create(&entry)?;
        rules::check_signature(&entry, logs.log(&entry.account))?;
        let mut state = State::created(&entry, name);
        let change = state.apply(&entry);
        let roster = Self {
            group: *group,
            entries: vec![first.clone()],
            hashes: vec![entry.hash()],
            state,
        };
        Ok((roster, change))
    }

    /// Takes one further entry; `Ok(None)` where it is known already. A refused entry changes nothing.
    ///
    /// # Errors
    /// [`RosterError`]; [`RosterError::LogMissing`] where a log must be fetched first, [`RosterError::Fork`] where a *valid* entry
    /// stands against one known here.
    pub fn extend(&mut self, entry: &Signed, logs: &impl Logs) -> Result<Option<RosterChange>, RosterError> {
        let next = self.length();
        let parsed = ParsedEntry::parse(entry, next)?;
        let position = parsed.position;
        if position > 0 && parsed.group != Some(self.group) {
            return Err(RosterError::OtherGroup { position });
        }
        if position > next {
            return Err(RosterError::Gap {
                expected: next,
                got: position,
            });
        }
        if let Some(known) = self.hashes.get(position as usize) {
            if *known == parsed.hash() {
                return Ok(None);
            }
            return Err(self.judge_rival(&parsed, logs));
        }
        if next >= MAX_ENTRIES {
            return Err(RosterError::TooLong { limit: MAX_ENTRIES });
        }
        if parsed.parent != Some(self.head().hash) {
            return Err(RosterError::WrongParent { position });
        }
        rules::check(&parsed, &self.state)?;
        rules::check_signature(&parsed, logs.log(&parsed.account))?;
        let change = self.state.apply(&parsed);
        self.entries.push(entry.clone());
        self.hashes.push(parsed.hash());
        Ok(Some(change))
    }

    /// Which group.
    pub const fn group(&self) -> &GroupId {
        &self.group
    }

    /// Number of entries, at least one.
    pub fn length(&self) -> u32 {
        // `MAX_ENTRIES` bounds it far below.
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Length and hash of the last entry.
    pub fn head(&self) -> RosterHead {
        match self.hashes.last() {
            Some(hash) => RosterHead {
                length: self.length(),
                hash: *hash,
            },
            None => unreachable!("a roster begins with its create entry"),
        }
    }

    /// What a head that somebody else named says about this roster.
    pub fn relation(&self, head: &RosterHead) -> RosterRelation {
        let known = (head.length as usize)
            .checked_sub(1)
            .and_then(|at| self.hashes.get(at));
        match known {
            None => RosterRelation::Ahead,
            Some(hash) if *hash != head.hash => RosterRelation::Fork,
            Some(_) if head.length == self.length() => RosterRelation::Same,
            Some(_) => RosterRelation::Behind,
        }
    }

    /// The entries from `position` on, as they were signed, for passing on. Empty past the end.
    pub fn entries(&self, position: u32) -> &[Signed] {
        self.entries.get(position as usize..).unwrap_or_default()
    }

    /// Who is in it, by account.
    pub fn members(&self) -> impl Iterator<Item = (&AccountId, &Member)> {
        self.state.members.iter()
    }

    /// The member of this account.
    pub fn member(&self, account: &AccountId) -> Option<&Member> {
        self.state.members.get(account)
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.state.members.len()
    }

    /// Whether the account may write messages.
    pub fn may_write(&self, account: &AccountId) -> bool {
        self.member(account)
            .is_some_and(|member| member.role == Role::Admin || !self.state.settings.admins_only)
    }

    /// Whether the account may change the roster.
    pub fn is_admin(&self, account: &AccountId) -> bool {
        self.state.is_admin(account)
    }

    /// What the group is set to.
    pub const fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// Version of the log key in force.
    pub const fn key(&self) -> u32 {
        self.state.key
    }

    /// Whether somebody left who knows the log key in force: an admin renews it.
    pub const fn wants_renewal(&self) -> bool {
        self.state.left
    }

    /// Whether an account may do something now.
    ///
    /// # Errors
    /// [`RosterError`], why not.
    pub fn permits(&self, by: &AccountId, act: &Act) -> Result<(), RosterError> {
        rules::permits(&self.state, by, act, self.length())
    }

    /// An entry stands where another is known: a fork if it is valid in its place, else just an invalid entry.
    fn judge_rival(&self, rival: &ParsedEntry, logs: &impl Logs) -> RosterError {
        let position = rival.position;
        // The id of a group is the hash of its first entry: there is no second one.
        let Some((before, _)) = self
            .hashes
            .split_at_checked(position as usize)
            .filter(|_| position > 0)
        else {
            return RosterError::OtherGroup { position };
        };
        if rival.parent != before.last().copied() {
            return RosterError::WrongParent { position };
        }
        let checked = self
            .state_before(position)
            .and_then(|state| rules::check(rival, &state))
            .and_then(|()| rules::check_signature(rival, logs.log(&rival.account)));
        match checked {
            Err(error) => error,
            Ok(()) => match self.signer(position) {
                Ok(known) => RosterError::Fork {
                    position,
                    known,
                    rival: rival.account,
                },
                Err(error) => error,
            },
        }
    }

    fn signer(&self, position: u32) -> Result<AccountId, RosterError> {
        let entry = self.entries.get(position as usize).ok_or(RosterError::Empty)?;
        Ok(ParsedEntry::parse(entry, position)?.account)
    }

    /// The state after the first `position` entries. They are verified, so it is enough to apply them again.
    fn state_before(&self, position: u32) -> Result<State, RosterError> {
        let first = ParsedEntry::parse(self.entries.first().ok_or(RosterError::Empty)?, 0)?;
        let mut state = State::created(&first, rules::check_create(&first)?);
        for (at, entry) in (0..position).zip(&self.entries) {
            state.apply(&ParsedEntry::parse(entry, at)?);
        }
        Ok(state)
    }
}

/// Two rosters are equal where their entries are.
impl PartialEq for Roster {
    fn eq(&self, other: &Self) -> bool {
        self.group == other.group && self.hashes == other.hashes
    }
}

impl Eq for Roster {}

impl core::fmt::Debug for Roster {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Roster({:?}, {} entries, {} members)",
            self.group,
            self.entries.len(),
            self.size()
        )
    }
}
