//! `chopar-relay member`: who may be here.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use super::beside;
use crate::audit::record::Actor;
use crate::settings::flags::{Flags, Place};
use crate::store::administration::{Act, Outcome};
use crate::store::{Member, Role, Store};

/// Members read at once.
const PAGE: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List all members.
    List(Everybody),
    /// Refuse a member's sign-ins and what is sent to them, and delete what waits for them. Nothing else is lost: `enable`
    /// takes it back.
    Disable(One),
    /// Let a disabled member in again.
    Enable(One),
    /// Delete a member's account, devices, prekeys, directory entry and what waits for them, for good. Contacts keep what they
    /// have. Nobody else gets the handle until `free-handle` says so.
    Remove(One),
    /// Let others take the handle of a removed member: whoever takes it is another person, and clients say so.
    FreeHandle(One),
}

#[derive(Debug, Args)]
pub(super) struct Everybody {
    #[command(flatten)]
    flags: Flags<Place>,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The member's handle.
    handle: String,
    #[command(flatten)]
    flags: Flags<Place>,
}

impl Command {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::List(everybody) => {
                let store = beside::open(&super::choices(&everybody.flags)?).await?;
                list(&*store).await?;
                Ok(store.close().await?)
            }
            Self::Disable(one) => {
                one.act(
                    |member| Act::Disable(member.account),
                    "is disabled. Their connections end within seconds",
                )
                .await
            }
            Self::Enable(one) => one.act(|member| Act::Enable(member.account), "is enabled").await,
            Self::Remove(one) => {
                let remove = |member: &Member| Act::Remove {
                    account: member.account,
                    free_handle: false,
                };
                one.act(
                    remove,
                    "is removed; the handle is held until `member free-handle`",
                )
                .await
            }
            Self::FreeHandle(one) => {
                let store = beside::open(&super::choices(&one.flags)?).await?;
                let outcome = store
                    .administer(Act::FreeHandle(one.handle.clone()), Actor::Console)
                    .await?;
                store.close().await?;
                said(outcome, &one.handle, "may be taken by others")
            }
        }
    }
}

impl One {
    async fn act(self, act: impl FnOnce(&Member) -> Act, done: &str) -> Result<()> {
        let store = beside::open(&super::choices(&self.flags)?).await?;
        let member = named(&*store, &self.handle).await?;
        let outcome = store.administer(act(&member), Actor::Console).await?;
        store.close().await?;
        said(outcome, &self.handle, done)
    }
}

/// The member of a handle.
pub(super) async fn named(store: &dyn Store, handle: &str) -> Result<Member> {
    let member = store.member_named(handle.to_lowercase()).await?;
    member.with_context(|| format!("there is no member {handle}: `chopar-relay member list` lists them"))
}

/// Says how an act ended.
pub(super) fn said(outcome: Outcome, whom: &str, done: &str) -> Result<()> {
    match outcome {
        Outcome::Done => println!("{whom} {done}."),
        Outcome::AsItWas => println!("It was so already; nothing was changed."),
        Outcome::NoSuchAccount => bail!("there is no member {whom} any more"),
        Outcome::NoSuchDevice => bail!("{whom} is no active device any more"),
        Outcome::NotHeld => bail!("the handle {whom} is not held for a removed member"),
        Outcome::LastOwner => bail!(
            "{whom} is the last owner who is enabled, and nobody could administer the relay in the app: invite another \
             first (chopar-relay invite --role owner)"
        ),
    }
    Ok(())
}

async fn list(store: &dyn Store) -> Result<()> {
    let mut after = String::new();
    loop {
        let members = store.members(after, PAGE).await?;
        for member in &members {
            let role = match member.role {
                Role::Member => "member",
                Role::Owner => "owner",
                Role::Auditor => "auditor",
            };
            let disabled = if member.disabled { "  disabled" } else { "" };
            let (handle, name) = (&member.handle, &member.display_name);
            println!(
                "{handle:<32}  {role:<7}  {} devices{disabled}  {name}",
                member.devices
            );
        }
        match members.last() {
            Some(last) if members.len() == PAGE => after = last.handle.clone(),
            _ => return Ok(()),
        }
    }
}
