//! `chopar-relay device`: devices of one member.

use anyhow::{Context, Result, bail};
use chopar_identity::AccountLog;
use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::proto::identity::Entry;
use clap::{Args, Subcommand};
use prost::Message;

use super::{beside, member};
use crate::audit::record::Actor;
use crate::settings::flags::{Flags, Place};
use crate::store::Store;
use crate::store::administration::Act;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List a member's devices.
    List(Owner),
    /// Refuse a device's sign-ins, store nothing for it and delete what waits for it. Only the member can revoke a device in
    /// their log: their other devices are asked to.
    Suspend(One),
    /// Let a suspended device in again.
    Resume(One),
}

#[derive(Debug, Args)]
pub(super) struct Owner {
    /// The member's handle.
    handle: String,
    #[command(flatten)]
    flags: Flags<Place>,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The member's handle.
    handle: String,
    /// The first digits of the device's id, as `list` shows it.
    device: String,
    #[command(flatten)]
    flags: Flags<Place>,
}

impl Command {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::List(owner) => {
                let store = beside::open(&super::choices(&owner.flags)?).await?;
                let account = member::named(&*store, &owner.handle).await?.account;
                let names = names(&*store, account).await?;
                for listed in store.devices(account).await?.unwrap_or_default() {
                    let name = names.iter().find(|(device, _)| *device == listed.device);
                    let name = name.map_or("", |(_, name)| name);
                    let suspended = if listed.suspended { "  suspended" } else { "" };
                    println!("{}{suspended}  {name}", listed.device);
                }
                Ok(store.close().await?)
            }
            Self::Suspend(one) => {
                one.act(
                    |account, device| Act::Suspend { account, device },
                    "is suspended. Its connection ends within seconds; the member's other devices are asked to revoke it",
                )
                .await
            }
            Self::Resume(one) => {
                one.act(|account, device| Act::Resume { account, device }, "is let in again").await
            }
        }
    }
}

impl One {
    async fn act(self, act: impl FnOnce(AccountId, DeviceId) -> Act, done: &str) -> Result<()> {
        let store = beside::open(&super::choices(&self.flags)?).await?;
        let account = member::named(&*store, &self.handle).await?.account;
        let wanted = self.device.to_ascii_lowercase();
        let devices = store.devices(account).await?.unwrap_or_default();
        let mut fitting = devices
            .iter()
            .map(|listed| listed.device)
            .filter(|device| device.to_string().starts_with(&wanted));
        let device = match (fitting.next(), fitting.next()) {
            (Some(device), None) if !wanted.is_empty() => device,
            (Some(_), _) => bail!(
                "{:?} fits several devices of {}: give more digits",
                self.device,
                self.handle
            ),
            (None, _) => bail!(
                "{} has no active device {:?}: `chopar-relay device list {}` lists them",
                self.handle,
                self.device,
                self.handle
            ),
        };
        let outcome = store.administer(act(account, device), Actor::Console).await?;
        store.close().await?;
        member::said(outcome, &device.to_string(), done)
    }
}

/// What the devices are called in their owner's log.
async fn names(store: &dyn Store, account: AccountId) -> Result<Vec<(DeviceId, String)>> {
    let page = store
        .log(account, 0, usize::MAX)
        .await?
        .context("the account has no log")?;
    let entries: Vec<Entry> = page
        .entries
        .into_iter()
        .map(Entry::decode)
        .collect::<Result<_, _>>()?;
    let log = AccountLog::verify(&account, &entries).context("the account's log does not verify")?;
    let named = |device: &chopar_identity::Device| (device.id, device.name.as_str().to_owned());
    Ok(log.active_devices().iter().map(named).collect())
}
