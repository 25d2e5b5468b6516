//! `chopar-relay invite`: a link made on the relay's own machine.

use anyhow::{Context, Result, bail};
use chopar_wire::limits::{INVITE_MAX_SECONDS, INVITE_MAX_USES};
use clap::{Args, ValueEnum};

use super::DataFolder;
use crate::store::open::{self, Listeners, Opened};
use crate::store::{Fact, Role};
use crate::ws::administration::new_invite;
use crate::{Clock, Database};

#[derive(Debug, Args)]
pub(super) struct Make {
    #[command(flatten)]
    data: DataFolder,
    /// Where people reach the relay; if not given, where it was last started to be reached.
    #[arg(long, env = "CHOPAR_ORIGIN")]
    origin: Option<String>,
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
        let (database, folder) = (self.data.database()?, self.data.path);
        if open::version(&database, &folder).await? == 0 {
            match database {
                Database::Postgres(_) => bail!("the database is empty: start the relay once"),
                Database::Embedded => bail!(
                    "{} holds no relay's data: start the relay once, or name its folder with --data",
                    folder.display()
                ),
            }
        }
        let clock = Clock::system();
        let Opened { store, .. } = open::open(&database, &folder, &clock, None, Listeners::none()).await?;
        let origin = match self.origin {
            Some(given) => given,
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
        let (invite, token) = new_invite(role, self.uses, self.days * 86_400, clock.now())?;
        store
            .create_invite(invite, token.hash())
            .await
            .context("the invite could not be stored")?;
        store.close().await?;
        let origin = origin.split(',').next().unwrap_or_default().trim_end_matches('/');
        println!("{origin}/join#{}", token.text());
        Ok(())
    }
}
