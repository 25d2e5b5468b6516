//! `chopar-relay backup` and `restore`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chopar_wire::proto::audit::Kind;
use clap::Args;

use super::beside;
use crate::audit::{self, record};
use crate::backup::{check, put_back, take};
use crate::settings::choices::Choices;
use crate::settings::flags::{Flags, Place};
use crate::{Database, PostgresUrl};

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
    #[arg(required_unless_present = "by_pg_restore")]
    from: Option<PathBuf>,
    /// Only look whether the backup is whole; nothing is written.
    #[arg(long, conflicts_with = "by_pg_restore")]
    check: bool,
    /// The PostgreSQL database was put back by pg_restore, and all relays stand still: make it fit to serve.
    #[arg(long, conflicts_with = "from")]
    by_pg_restore: bool,
}

impl Backup {
    pub(super) async fn run(self) -> Result<()> {
        let choices = super::choices(&self.flags)?;
        if let Database::Postgres(url) = &choices.database {
            bail!("{}", by_pg_dump(url, &choices.data, &self.to));
        }
        // First: the copy knows that it was taken.
        let store = beside::open(&choices).await?;
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
        let Some(from) = self.from else {
            return put_back_by_pg_restore(&choices).await;
        };
        if self.check {
            let looked_at = from.clone();
            tokio::task::spawn_blocking(move || check(&looked_at)).await??;
            println!("{} is whole.", from.display());
            return Ok(());
        }
        if matches!(choices.database, Database::Postgres(_)) {
            bail!(
                "the relay's data is in PostgreSQL, and --database says so: put it back with pg_restore into an empty database, \
                 while all relays stand still, and then run `chopar-relay restore --by-pg-restore`"
            );
        }
        let ready = async |folder: &Path| -> Result<()> {
            let mut there = choices.clone();
            there.data = folder.to_owned();
            let store = beside::open(&there).await?;
            store.after_restore().await?;
            Ok(store.close().await?)
        };
        put_back(&from, &choices.data, ready).await?;
        println!("{} holds the relay as it was. {RESTORED}", choices.data.display());
        Ok(())
    }
}

/// What a restore means for people.
const RESTORED: &str = "One-time prekeys count as spent and open invites are gone; what was done since the backup \
                        (suspensions, removals, invites) has to be done again";

async fn put_back_by_pg_restore(choices: &Choices) -> Result<()> {
    if matches!(choices.database, Database::Embedded) {
        bail!("no PostgreSQL database is named: give --database too, or the folder of a backup");
    }
    let store = beside::open(choices).await?;
    store.after_restore().await?;
    store.close().await?;
    println!("The database is fit to serve. {RESTORED}");
    Ok(())
}

/// What to do where the data is in PostgreSQL, whose own programs copy one moment of it.
fn by_pg_dump(url: &PostgresUrl, data: &Path, to: &Path) -> String {
    let mut command = String::from("pg_dump --format=custom");
    for (option, value) in url.connection_options() {
        command += &format!(" {option}={}", quoted(&value));
    }
    format!(
        "nothing was copied: the relay's data is in PostgreSQL, whose own program copies one moment of it, also while relays run. \
         Run\n  {command} --file={}\nIt asks for the password if there is one. Keep a copy of {} beside it, of each relay: its \
         {} is the key of the audit log, and tls/ the certificate authority if it has one of its own",
        quoted(&to.display().to_string()),
        data.display(),
        audit::node::FILE,
    )
}

/// A value as a shell takes it for one word.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@%+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-042.
    #[test]
    fn the_command_to_run_holds_no_password() {
        let said = |url: &str, to: &str| {
            let url = PostgresUrl::parse(url, None).unwrap();
            by_pg_dump(&url, Path::new("/var/lib/chopar"), Path::new(to))
        };
        let text = said("postgres://chopar:geheim@localhost:5433/relays", "/backups/today");
        assert!(
            text.contains(
                "\n  pg_dump --format=custom --host=localhost --port=5433 --username=chopar --dbname=relays --file=/backups/today\n"
            ),
            "{text}"
        );
        assert!(!text.contains("geheim") && text.contains("audit.key"));
        let text = said("postgres://chopar@/chopar?host=/run/postgresql", "it's here");
        assert!(
            text.contains(r"--host=/run/postgresql --username=chopar --dbname=chopar --file='it'\''s here'"),
            "{text}"
        );
    }
}
