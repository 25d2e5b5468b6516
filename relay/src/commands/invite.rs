//! `chopar-relay invite`: a link made on the relay's own machine.

use anyhow::{Context, Result};
use chopar_wire::limits::{INVITE_MAX_SECONDS, INVITE_MAX_USES};
use clap::{Args, ValueEnum};

use super::beside;
use crate::Clock;
use crate::audit::record::Actor;
use crate::settings::flags::{Flags, PlaceAndOrigin};
use crate::store::{Fact, Role};
use crate::ws::administration::new_invite;

#[derive(Debug, Args)]
pub(super) struct Make {
    #[command(flatten)]
    flags: Flags<PlaceAndOrigin>,
    /// What the invited may do.
    #[arg(long, value_enum, default_value_t = Invited::Member)]
    role: Invited,
    /// How many may register with the link.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(INVITE_MAX_USES)))]
    uses: u32,
    /// How many days the link is good for.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=INVITE_MAX_SECONDS / 86_400))]
    days: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Invited {
    Member,
    Owner,
    Auditor,
}

impl Make {
    pub(super) async fn run(self) -> Result<()> {
        let choices = super::choices(&self.flags)?;
        let store = beside::open(&choices).await?;
        let origin = match choices.origins.first() {
            Some(given) => given.clone(),
            None => store
                .fact(Fact::Origin)
                .await?
                .context("nothing says where people reach this relay: start it once, or give --origin")?,
        };
        let role = match self.role {
            Invited::Member => Role::Member,
            Invited::Owner => Role::Owner,
            Invited::Auditor => Role::Auditor,
        };
        let (invite, token) = new_invite(role, self.uses, self.days * 86_400, Clock::system().now())?;
        store
            .create_invite(invite, token.hash(), Actor::Console)
            .await
            .context("the invite could not be stored")?;
        store.close().await?;
        println!("{}/join#{}", origin.trim_end_matches('/'), token.text());
        Ok(())
    }
}
