//! `chopar-relay backup` and `restore`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use chopar_wire::proto::audit::Kind;
use clap::Args;

use super::beside;
use crate::audit::record;
use crate::backup::{check, put_back, take};
use crate::settings::flags::{Flags, Place};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    flags: Flags<Place>,
    /// The folder to make; it must not be there.
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    flags: Flags<Place>,
    /// The backup's folder.
    from: PathBuf,
    /// Only look whether the backup is whole; nothing is written.
    #[arg(long)]
    check: bool,
}

impl Backup {
    pub(super) async fn run(self) -> Result<()> {
        let choices = super::choices(&self.flags)?;
        // First: the copy knows that it was taken.
        let store = beside::open(&choices)?;
        let noted = store.record(record::whole(Kind::BackedUp, 0)).await;
        store.close().await?;
        noted.context("the backup could not be written into the audit log")?;
        let (from, to) = (choices.data, self.to.clone());
        tokio::task::spawn_blocking(move || take(&from, &to)).await??;
        println!(
            "{} holds a whole copy. It opens no message; keep it like the data itself: it names people, and with a \
             certificate authority of the relay's own it holds that key",
            self.to.display()
        );
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self) -> Result<()> {
        let choices = super::choices(&self.flags)?;
        if self.check {
            let from = self.from.clone();
            tokio::task::spawn_blocking(move || check(&from)).await??;
            println!("{} is whole.", self.from.display());
            return Ok(());
        }
        let ready = async |folder: &std::path::Path| -> Result<()> {
            let mut there = choices.clone();
            there.data = folder.to_owned();
            let store = beside::open(&there)?;
            store.after_restore().await?;
            Ok(store.close().await?)
        };
        put_back(&self.from, &choices.data, ready).await?;
        println!(
            "{} holds the relay as it was. One-time prekeys count as spent and open invites are gone; what was done \
             since the backup (suspensions, removals, invites) has to be done again",
            choices.data.display()
        );
        Ok(())
    }
}
