//! What a roster says at its head, and how an entry changes it.

use std::collections::BTreeMap;

use chopar_identity::DisplayName;
use chopar_wire::ids::{AccountId, DeviceId};

use super::act::{Act, NewMember, Role, SettingsChange};
use super::entry::ParsedEntry;

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What they may do.
    pub role: Role,
    /// Their handle, as who added them knew it; may be empty.
    pub handle: String,
    /// Their name, the same.
    pub display_name: String,
    /// The position of the entry that added them.
    pub since: u32,
}

/// What the group is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What it is called.
    pub name: DisplayName,
    /// Its picture; empty where there is none.
    pub picture: Vec<u8>,
    /// Whether only admins write.
    pub admins_only: bool,
    /// Messages disappear after so many seconds; 0: never.
    pub timer_seconds: u32,
}

/// What one entry changed, and who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterChange {
    /// The entry's position.
    pub position: u32,
    /// Milliseconds since 1970, by the claim of who signed.
    pub time: u64,
    /// Who signed.
    pub by: AccountId,
    /// With which device.
    pub device: DeviceId,
    /// What happened.
    pub change: Change,
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The group came to be, with these members besides its creator.
    Created(Vec<AccountId>),
    /// They joined.
    Added(Vec<AccountId>),
    /// They were removed.
    Removed(Vec<AccountId>),
    /// Who signed left.
    Left,
    /// A member's role is another.
    RoleSet {
        /// Whose.
        account: AccountId,
        /// From now on.
        role: Role,
    },
    /// Settings changed, to what is named.
    Set(SettingsChange),
    /// The log key changed.
    Renewed,
}

/// The state after some number of entries.
#[derive(Clone)]
pub(super) struct State {
    pub(super) members: BTreeMap<AccountId, Member>,
    pub(super) settings: Settings,
    /// Version of the log key in force.
    pub(super) key: u32,
    /// Somebody left who knows the log key in force.
    pub(super) left: bool,
    /// How far entries have named the log of each who signed one.
    pub(super) logs: BTreeMap<AccountId, u32>,
}

impl State {
    pub(super) fn created(entry: &ParsedEntry, name: DisplayName) -> Self {
        let mut state = Self {
            members: BTreeMap::new(),
            settings: Settings {
                name,
                picture: Vec::new(),
                admins_only: false,
                timer_seconds: 0,
            },
            key: entry.key,
            left: false,
            logs: BTreeMap::new(),
        };
        let creator = NewMember {
            account: entry.account,
            role: Role::Admin,
            handle: String::new(),
            display_name: String::new(),
        };
        state.add(0, std::slice::from_ref(&creator));
        state
    }

    pub(super) fn is_admin(&self, account: &AccountId) -> bool {
        self.members.get(account).is_some_and(|m| m.role == Role::Admin)
    }

    /// Whether somebody besides these is an admin.
    pub(super) fn has_admin_besides(&self, gone: &[AccountId]) -> bool {
        self.members
            .iter()
            .any(|(id, member)| member.role == Role::Admin && !gone.contains(id))
    }

    /// Applies an entry that [`super::rules`] has checked against this very state.
    pub(super) fn apply(&mut self, entry: &ParsedEntry) -> RosterChange {
        let change = match &entry.act {
            Act::Create {
                settings, members, ..
            } => {
                self.set(settings);
                self.add(entry.position, members);
                Change::Created(members.iter().map(|member| member.account).collect())
            }
            Act::Add(members) => {
                self.add(entry.position, members);
                Change::Added(members.iter().map(|member| member.account).collect())
            }
            Act::Remove(accounts) => {
                self.members.retain(|id, _| !accounts.contains(id));
                Change::Removed(accounts.clone())
            }
            Act::Leave => {
                self.members.remove(&entry.account);
                self.left = true;
                Change::Left
            }
            Act::SetRole { account, role } => {
                if let Some(member) = self.members.get_mut(account) {
                    member.role = *role;
                }
                Change::RoleSet {
                    account: *account,
                    role: *role,
                }
            }
            Act::Settings(change) => {
                self.set(change);
                Change::Set(change.clone())
            }
            Act::Renew => Change::Renewed,
        };
        if entry.act.renews_key() {
            self.left = false;
        }
        self.key = entry.key;
        self.logs.insert(entry.account, entry.log.length);
        RosterChange {
            position: entry.position,
            time: entry.time,
            by: entry.account,
            device: entry.device,
            change,
        }
    }

    fn add(&mut self, since: u32, members: &[NewMember]) {
        for new in members {
            let member = Member {
                role: new.role,
                handle: new.handle.clone(),
                display_name: new.display_name.clone(),
                since,
            };
            self.members.insert(new.account, member);
        }
    }

    fn set(&mut self, change: &SettingsChange) {
        let settings = &mut self.settings;
        if let Some(name) = &change.name {
            settings.name = name.clone();
        }
        if let Some(picture) = &change.picture {
            settings.picture.clone_from(picture);
        }
        settings.admins_only = change.admins_only.unwrap_or(settings.admins_only);
        settings.timer_seconds = change.timer_seconds.unwrap_or(settings.timer_seconds);
    }
}
