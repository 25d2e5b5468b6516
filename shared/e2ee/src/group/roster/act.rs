//! What an entry does, as typed parts.

use chopar_identity::{DisplayName, Handle};
use chopar_wire::ids::AccountId;
use chopar_wire::proto::group::{self as proto, entry_body};
use chopar_wire::proto::identity::Signed;

use super::entry::ParsedEntry;
use super::error::RosterError;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Talks, and may leave.
    Member,
    /// Also changes the roster.
    Admin,
}

/// Somebody who is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// Who.
    pub account: AccountId,
    /// As what.
    pub role: Role,
    /// As who adds them knows it; empty where they do not.
    pub handle: String,
    /// The same.
    pub display_name: String,
}

/// Settings that change; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// What the group is called.
    pub name: Option<DisplayName>,
    /// Its picture; empty takes it away.
    pub picture: Option<Vec<u8>>,
    /// Whether only admins write.
    pub admins_only: Option<bool>,
    /// Messages disappear after so many seconds; 0: never.
    pub timer_seconds: Option<u32>,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The group begins; its creator is an admin and not among the members named.
    Create {
        /// 32 random bytes: no two groups have one id.
        nonce: [u8; 32],
        /// With a name.
        settings: SettingsChange,
        /// Who else is in it from the start.
        members: Vec<NewMember>,
    },
    /// Members join.
    Add(Vec<NewMember>),
    /// Members are removed; the log key changes.
    Remove(Vec<AccountId>),
    /// Who signs goes.
    Leave,
    /// A member may do more, or less.
    SetRole {
        /// Who.
        account: AccountId,
        /// What they are from now on.
        role: Role,
    },
    /// Settings change.
    Settings(SettingsChange),
    /// The log key changes, because somebody left.
    Renew,
}

impl Act {
    /// Whether its entry is sealed under a new log key.
    pub const fn renews_key(&self) -> bool {
        matches!(self, Self::Remove(_) | Self::Renew)
    }

    /// What an entry does, whoever signed it and wherever it stands: for drafting the same again.
    ///
    /// # Errors
    /// [`RosterError`] where it is malformed.
    pub fn of(entry: &Signed) -> Result<Self, RosterError> {
        Ok(ParsedEntry::parse(entry, 0)?.act)
    }

    pub(super) fn parse(act: entry_body::Act, position: u32) -> Result<Self, RosterError> {
        let account = |id: &[u8]| AccountId::try_from(id).map_err(|_| RosterError::Malformed { position });
        let members = |members: Vec<proto::Member>| {
            let members = members.iter().map(|member| new_member(member, position));
            members.collect::<Result<Vec<_>, _>>()
        };
        Ok(match act {
            entry_body::Act::Create(act) => Self::Create {
                nonce: act
                    .nonce
                    .as_ref()
                    .try_into()
                    .map_err(|_| RosterError::Malformed { position })?,
                settings: settings(act.settings.unwrap_or_default(), position)?,
                members: members(act.members)?,
            },
            entry_body::Act::Add(act) => Self::Add(members(act.members)?),
            entry_body::Act::Remove(act) => Self::Remove(
                act.accounts
                    .iter()
                    .map(|id| account(id))
                    .collect::<Result<_, _>>()?,
            ),
            entry_body::Act::Leave(_) => Self::Leave,
            entry_body::Act::SetRole(act) => Self::SetRole {
                account: account(&act.account)?,
                role: role(act.role, position)?,
            },
            entry_body::Act::Settings(act) => Self::Settings(settings(act, position)?),
            entry_body::Act::Renew(_) => Self::Renew,
        })
    }

    pub(in crate::group) fn to_proto(&self) -> entry_body::Act {
        let members = |members: &[NewMember]| members.iter().map(member_proto).collect();
        match self {
            Self::Create {
                nonce,
                settings,
                members: named,
            } => entry_body::Act::Create(proto::Create {
                nonce: nonce.to_vec().into(),
                settings: Some(settings_proto(settings)),
                members: members(named),
            }),
            Self::Add(named) => entry_body::Act::Add(proto::Add {
                members: members(named),
            }),
            Self::Remove(accounts) => entry_body::Act::Remove(proto::Remove {
                accounts: accounts.iter().map(|id| (*id).into()).collect(),
            }),
            Self::Leave => entry_body::Act::Leave(proto::Leave {}),
            Self::SetRole { account, role } => entry_body::Act::SetRole(proto::SetRole {
                account: (*account).into(),
                role: role_proto(*role).into(),
            }),
            Self::Settings(change) => entry_body::Act::Settings(settings_proto(change)),
            Self::Renew => entry_body::Act::Renew(proto::Renew {}),
        }
    }
}

fn new_member(member: &proto::Member, position: u32) -> Result<NewMember, RosterError> {
    // Names are somebody's word about somebody else: what is no name is left out, and changes nothing about who is in.
    let handle = Handle::parse(&member.handle).map(|handle| handle.as_str().to_owned());
    let name = DisplayName::parse(&member.display_name).map(|name| name.as_str().to_owned());
    Ok(NewMember {
        account: AccountId::try_from(member.account.as_ref())
            .map_err(|_| RosterError::Malformed { position })?,
        role: role(member.role, position)?,
        handle: handle.unwrap_or_default(),
        display_name: name.unwrap_or_default(),
    })
}

fn member_proto(member: &NewMember) -> proto::Member {
    proto::Member {
        account: member.account.into(),
        role: role_proto(member.role).into(),
        handle: member.handle.clone(),
        display_name: member.display_name.clone(),
    }
}

fn role(number: i32, position: u32) -> Result<Role, RosterError> {
    match proto::Role::try_from(number) {
        Ok(proto::Role::Member) => Ok(Role::Member),
        Ok(proto::Role::Admin) => Ok(Role::Admin),
        _ => Err(RosterError::Malformed { position }),
    }
}

const fn role_proto(role: Role) -> proto::Role {
    match role {
        Role::Member => proto::Role::Member,
        Role::Admin => proto::Role::Admin,
    }
}

fn settings(change: proto::Settings, position: u32) -> Result<SettingsChange, RosterError> {
    let name = match change.name {
        None => None,
        Some(name) => Some(DisplayName::parse(&name).map_err(|_| RosterError::BadName { position })?),
    };
    Ok(SettingsChange {
        name,
        picture: change.picture.map(|picture| picture.to_vec()),
        admins_only: change.admins_only,
        timer_seconds: change.timer_seconds,
    })
}

fn settings_proto(change: &SettingsChange) -> proto::Settings {
    proto::Settings {
        name: change.name.as_ref().map(|name| name.as_str().to_owned()),
        picture: change.picture.clone().map(Into::into),
        admins_only: change.admins_only,
        timer_seconds: change.timer_seconds,
    }
}
