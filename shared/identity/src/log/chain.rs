//! The verified chain of an account.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::limits;
use chopar_wire::proto::identity::Entry;

use crate::device::account_id;
use crate::keys::Ed25519Public;
use crate::log::entry::{Act, ParsedEntry, hash};
use crate::log::error::LogError;
use crate::log::head::{HeadRelation, LogHead};
use crate::log::rules;
use crate::log::state::{Change, Device, LogChange, RecoveryKeys, State};

/// An account's log, every entry of it verified. There is no other way to have one.
#[derive(Clone)]
pub struct AccountLog {
    account: AccountId,
    entries: Vec<Entry>,
    hashes: Vec<[u8; 32]>,
    state: State,
}

impl AccountLog {
    /// Verifies a whole log from position 0.
    ///
    /// # Errors
    /// [`LogError`], naming the first entry that breaks a rule.
    pub fn verify(account: &AccountId, entries: &[Entry]) -> Result<Self, LogError> {
        let (first, rest) = entries.split_first().ok_or(LogError::Empty)?;
        let mut log = Self::begin(account, first)?;
        log.append(rest)?;
        Ok(log)
    }

    /// As [`verify`](Self::verify), for a log of which `pinned` was known before: it may have grown, nothing else.
    ///
    /// # Errors
    /// [`LogError::Rollback`] where it is shorter, [`LogError::Fork`] where it differs, and the rest.
    pub fn verify_pinned(account: &AccountId, entries: &[Entry], pinned: &LogHead) -> Result<Self, LogError> {
        let log = Self::verify(account, entries)?;
        match log.relation(pinned) {
            HeadRelation::Same | HeadRelation::Behind => Ok(log),
            HeadRelation::Ahead => Err(LogError::Rollback {
                known: pinned.length,
                got: log.length(),
            }),
            HeadRelation::Fork => Err(LogError::Fork {
                position: pinned.length - 1,
            }),
        }
    }

    /// Takes further entries. Those known already are skipped, so a generous answer does no harm.
    /// A failed extension changes nothing.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Fork`] where a *valid* entry stands against one known here.
    pub fn extend(&mut self, entries: &[Entry]) -> Result<Vec<LogChange>, LogError> {
        let mut draft = self.clone();
        let changes = draft.append(entries)?;
        *self = draft;
        Ok(changes)
    }

    /// After a fork: takes the whole other chain, if the owner declared it the one that stays. A failure changes nothing.
    ///
    /// The declaration must come after the point where the chains part, and the account key known here must be in the
    /// other chain's succession by then: a key that was replaced here because it was stolen resolves nothing.
    /// Devices may have gone without a change that says so: compare [`active_devices`](Self::active_devices).
    ///
    /// # Errors
    /// [`LogError::NotResolved`] where nobody entitled said so, and the rest.
    pub fn resolve(&mut self, entries: &[Entry]) -> Result<Vec<LogChange>, LogError> {
        let (first, rest) = entries.split_first().ok_or(LogError::Empty)?;
        let mut other = Self::begin(&self.account, first)?;
        let mut changes = other.append(rest)?;
        let parting = self
            .hashes
            .iter()
            .zip(&other.hashes)
            .take_while(|(a, b)| a == b)
            .count();
        let parting = u32::try_from(parting).unwrap_or(u32::MAX);
        changes.retain(|c| c.position >= parting);
        let resolution = changes
            .iter()
            .rfind(|c| c.change == Change::ForkResolved)
            .ok_or(LogError::NotResolved)?;
        if !other.keys_by(resolution.position)?.contains(self.account_key()) {
            return Err(LogError::NotResolved);
        }
        *self = other;
        Ok(changes)
    }

    /// Whose log it is.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Number of entries, at least one.
    pub fn length(&self) -> u32 {
        // `MAX_LOG_ENTRIES` bounds it far below.
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Length and hash of the last entry.
    pub fn head(&self) -> LogHead {
        match self.hashes.last() {
            Some(hash) => LogHead {
                length: self.length(),
                hash: *hash,
            },
            None => unreachable!("a log begins with its create entry"),
        }
    }

    /// The hash of the log's first `length` entries; `None` for zero and for more than are known.
    pub fn prefix_hash(&self, length: u32) -> Option<[u8; 32]> {
        self.hashes.get((length as usize).checked_sub(1)?).copied()
    }

    /// What a head that somebody else named says about this log.
    pub fn relation(&self, head: &LogHead) -> HeadRelation {
        match self.prefix_hash(head.length) {
            None => HeadRelation::Ahead,
            Some(hash) if hash != head.hash => HeadRelation::Fork,
            Some(_) if head.length == self.length() => HeadRelation::Same,
            Some(_) => HeadRelation::Behind,
        }
    }

    /// The entries from `position` on, as they were signed, for passing on. Empty past the end.
    pub fn entries(&self, position: u32) -> &[Entry] {
        self.entries.get(position as usize..).unwrap_or_default()
    }

    /// The account key in force.
    pub fn account_key(&self) -> &Ed25519Public {
        self.state.account_key()
    }

    /// The recovery seal keys in force.
    pub fn recovery_keys(&self) -> &RecoveryKeys {
        &self.state.recovery
    }

    /// The active devices, in the order of their addition; at most eight.
    pub fn active_devices(&self) -> &[Device] {
        &self.state.active
    }

    /// The active device with this id.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.state.device(id)
    }

    /// The device as it was active after the first `length` entries, whatever became of it since; `None` where it was not, and
    /// for a length that is zero or not known here. For what was signed under an earlier head. Costs a walk over those entries.
    pub fn device_at(&self, length: u32, id: &DeviceId) -> Option<Device> {
        if length == self.length() {
            return self.device(id).cloned();
        }
        self.prefix_hash(length)?;
        self.state_before(length).ok()?.device(id).cloned()
    }

    /// Whether this device was active once and is no longer.
    pub fn is_revoked(&self, id: &DeviceId) -> bool {
        self.state.revoked.contains(id)
    }

    /// The log of a create entry alone.
    fn begin(account: &AccountId, first: &Entry) -> Result<Self, LogError> {
        let entry = ParsedEntry::parse(first, 0)?;
        if entry.position != 0 {
            return Err(LogError::Gap {
                expected: 0,
                got: entry.position,
            });
        }
        let Act::Create {
            account_key,
            recovery,
        } = &entry.act
        else {
            return Err(LogError::MisplacedCreate { position: 0 });
        };
        if entry.account != *account || account_id(account_key) != *account {
            return Err(LogError::OtherAccount { position: 0 });
        }
        rules::check_create(&entry, account_key)?;
        Ok(Self {
            account: *account,
            entries: vec![first.clone()],
            hashes: vec![entry.hash()],
            state: State::created(*account_key, recovery.clone()),
        })
    }

    /// Extends in place; a caller that must not see half of it works on a copy.
    fn append(&mut self, entries: &[Entry]) -> Result<Vec<LogChange>, LogError> {
        let mut changes = Vec::new();
        for entry in entries {
            let next = self.length();
            let parsed = ParsedEntry::parse(entry, next)?;
            if parsed.account != self.account {
                return Err(LogError::OtherAccount {
                    position: parsed.position,
                });
            }
            if parsed.position > next {
                return Err(LogError::Gap {
                    expected: next,
                    got: parsed.position,
                });
            }
            if let Some(known) = self.hashes.get(parsed.position as usize) {
                if *known == parsed.hash() {
                    continue;
                }
                return Err(self.judge_rival(&parsed));
            }
            if self.entries.len() >= limits::MAX_LOG_ENTRIES {
                return Err(LogError::TooLong {
                    limit: limits::MAX_LOG_ENTRIES,
                });
            }
            let head = self.head().hash;
            if parsed.parent != Some(head) {
                return Err(LogError::WrongParent {
                    position: parsed.position,
                });
            }
            let by = rules::check(&parsed, &self.state, &head)?;
            if let Some(change) = self.state.apply(&parsed) {
                changes.push(LogChange {
                    position: parsed.position,
                    time: parsed.time,
                    by,
                    change,
                });
            }
            self.entries.push(entry.clone());
            self.hashes.push(parsed.hash());
        }
        Ok(changes)
    }

    /// An entry stands where another is known: a fork if it is valid in its place, else just an invalid entry.
    fn judge_rival(&self, rival: &ParsedEntry) -> LogError {
        let position = rival.position;
        let fork = LogError::Fork { position };
        let Some(parent) = self.prefix_hash(position) else {
            // Position 0: two create entries of one account, both signed by its first key.
            return match &rival.act {
                Act::Create { account_key, .. } if account_id(account_key) == self.account => {
                    rules::check_create(rival, account_key).err().unwrap_or(fork)
                }
                _ => LogError::MisplacedCreate { position },
            };
        };
        if rival.parent != Some(parent) {
            return LogError::WrongParent { position };
        }
        match self.state_before(position) {
            Ok(state) => rules::check(rival, &state, &parent).err().unwrap_or(fork),
            Err(error) => error,
        }
    }

    /// The state after the first `position` entries. They are verified, so it is enough to apply them again.
    fn state_before(&self, position: u32) -> Result<State, LogError> {
        let mut state = Self::begin(&self.account, &self.entries[0])?.state;
        for (at, entry) in (0..position).zip(&self.entries).skip(1) {
            state.apply(&ParsedEntry::parse(entry, at)?);
        }
        Ok(state)
    }

    /// Every account key in force at or before `position`.
    fn keys_by(&self, position: u32) -> Result<Vec<Ed25519Public>, LogError> {
        Ok(self.state_before(position)?.account_keys)
    }
}

/// Two logs are equal where their entries are.
impl PartialEq for AccountLog {
    fn eq(&self, other: &Self) -> bool {
        self.account == other.account && self.hashes == other.hashes
    }
}

impl Eq for AccountLog {}

impl core::fmt::Debug for AccountLog {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "AccountLog({:?}, {} entries)",
            self.account,
            self.entries.len()
        )
    }
}

/// The hash of an entry as it travels, for a relay that compares and sets on parents.
pub fn entry_hash(entry: &Entry) -> [u8; 32] {
    hash(&entry.body)
}
