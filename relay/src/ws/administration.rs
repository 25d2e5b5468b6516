//! People and invites: the directory for everybody signed in, the rest for owners. What owners do to members is in
//! `oversight`.

use std::sync::Arc;

use chopar_identity::DisplayName;
use chopar_wire::ids::InviteId;
use chopar_wire::limits::{FIND_RESULTS, INVITE_MAX_SECONDS, INVITE_MAX_USES};
use chopar_wire::proto::relay::{
    self, CreateInvite, Find, Invites, ListMembers, Members, People, Reason, RevokeInvite, SetProfile,
    relay_frame::Body,
};

use super::answers::{Outcome, Refusal, done};
use super::session::Session;
use crate::audit::record::Actor;
use crate::core::Core;
use crate::policy::limits::Act;
use crate::policy::words::words;
use crate::store::{Invite, Role};
use crate::token::{self, NoRandomness, Token};

/// A query in bytes: a handle or a full name.
const QUERY_MAX: usize = 256;
/// Members in one answer: about 20 KiB.
const MEMBERS_PAGE: usize = 100;

pub(crate) async fn find(core: &Arc<Core>, session: &Session, find: Find) -> Outcome {
    core.limiter.account(&session.account, Act::Find, core.now())?;
    if find.query.len() > QUERY_MAX {
        return Err(Refusal::new(
            Reason::TooLarge,
            format!("a query has at most {QUERY_MAX} bytes"),
        ));
    }
    let found = core.store.find(words(&find.query), FIND_RESULTS).await?;
    let people = found
        .into_iter()
        .map(|person| relay::Person {
            account: person.account.into(),
            handle: person.handle,
            display_name: person.display_name,
        })
        .collect();
    Ok(Body::People(People { people }))
}

pub(crate) async fn set_profile(core: &Arc<Core>, session: &Session, set: SetProfile) -> Outcome {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    let name = DisplayName::parse(&set.display_name)
        .map_err(|fault| Refusal::new(Reason::NameInvalid, fault.to_string()))?;
    let facts = core.store.sign_in(session.account, session.device).await?;
    let facts = facts.ok_or_else(|| Refusal::new(Reason::NoSuchAccount, "no such account"))?;
    let mut search = words(&facts.handle);
    search.extend(words(name.as_str()));
    core.store
        .set_display_name(session.account, name.as_str().to_owned(), search)
        .await?;
    done()
}

pub(crate) async fn create_invite(core: &Arc<Core>, session: &Session, create: CreateInvite) -> Outcome {
    owner(core, session)?;
    let role = Role::from_number(create.role.into())
        .ok_or_else(|| Refusal::malformed("an invite is for a member, an owner or an auditor"))?;
    if !(1..=INVITE_MAX_USES).contains(&create.uses) {
        return Err(Refusal::malformed(format!(
            "an invite has 1 to {INVITE_MAX_USES} uses"
        )));
    }
    if !(1..=INVITE_MAX_SECONDS).contains(&create.lifetime_seconds) {
        return Err(Refusal::malformed(format!(
            "an invite lives 1 to {INVITE_MAX_SECONDS} seconds"
        )));
    }
    let (invite, token) = new_invite(role, create.uses, create.lifetime_seconds, core.now())?;
    core.store
        .create_invite(invite.clone(), token.hash(), Actor::Account(session.account))
        .await?;
    Ok(Body::Invite(relay::Invite {
        token: token.text(),
        ..listed(invite)
    }))
}

pub(crate) async fn list_invites(core: &Arc<Core>, session: &Session) -> Outcome {
    owner(core, session)?;
    let now = core.now();
    let invites = core.store.invites().await?;
    let open = invites
        .into_iter()
        .filter(|invite| invite.uses_left > 0 && invite.expires > now);
    Ok(Body::Invites(Invites {
        invites: open.map(listed).collect(),
    }))
}

pub(crate) async fn revoke_invite(core: &Arc<Core>, session: &Session, revoke: RevokeInvite) -> Outcome {
    owner(core, session)?;
    let id = InviteId::try_from(revoke.id.as_ref())?;
    if core
        .store
        .revoke_invite(id, Actor::Account(session.account))
        .await?
    {
        done()
    } else {
        Err(Refusal::new(Reason::InviteUnknown, "no such invite"))
    }
}

pub(crate) async fn list_members(core: &Arc<Core>, session: &Session, list: ListMembers) -> Outcome {
    owner(core, session)?;
    let mut members = core.store.members(list.after_handle, MEMBERS_PAGE + 1).await?;
    let more = members.len() > MEMBERS_PAGE;
    members.truncate(MEMBERS_PAGE);
    let members = members
        .into_iter()
        .map(|member| relay::Member {
            account: member.account.into(),
            handle: member.handle,
            display_name: member.display_name,
            role: member.role as i32,
            joined: member.joined,
            disabled: member.disabled,
            devices: member.devices,
        })
        .collect();
    Ok(Body::Members(Members { members, more }))
}

/// A fresh invite and the token that goes into its link.
pub(crate) fn new_invite(
    role: Role,
    uses: u32,
    seconds: u64,
    now: u64,
) -> Result<(Invite, Token), NoRandomness> {
    let id = InviteId::new(token::random()?);
    let invite = Invite {
        id,
        role,
        uses_left: uses,
        expires: now + seconds * 1000,
        created: now,
    };
    Ok((invite, Token::random()?))
}

pub(crate) fn owner(core: &Arc<Core>, session: &Session) -> Result<(), Refusal> {
    core.limiter.account(&session.account, Act::Other, core.now())?;
    if session.role == Role::Owner {
        Ok(())
    } else {
        Err(Refusal::new(Reason::NotAllowed, "only an owner may"))
    }
}

fn listed(invite: Invite) -> relay::Invite {
    relay::Invite {
        id: invite.id.into(),
        token: String::new(),
        role: invite.role as i32,
        uses_left: invite.uses_left,
        expires: invite.expires,
        created: invite.created,
    }
}
