//! `chopar-relay doctor`: looks at what a relay needs and says in plain words what is wrong.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::{fs, io};

use clap::Args;

use crate::files::bodies::Place;
use crate::origin::Origin;
use crate::settings::flags::{All, Flags};
use crate::store::Fact;
use crate::store::open;
use crate::{Clock, Config, Database, TlsFiles, data, tls};

/// 1 January 2026: a clock before it was never set.
const EARLIEST_MS: u64 = 1_767_225_600_000;
/// Free bytes below which the relay will soon have to refuse messages: 512 MiB.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    flags: Flags<All>,
}

/// Good, or what to do about it.
type Finding = Result<String, String>;

impl Doctor {
    /// Prints one line for each finding; `false` where something is wrong.
    pub(super) async fn run(self) -> anyhow::Result<bool> {
        let choices = super::choices(&self.flags)?;
        let (folder, kept) = (&choices.data, &choices.database);
        let known = known(kept, folder).await;
        let known = known.as_ref().map_err(String::as_str);
        let findings = [
            ("clock", clock(Clock::system().now())),
            ("data folder", writable(folder)),
            ("database", database(kept, folder).await),
            ("files", files(&choices.config())),
            ("free disk", free_disk(folder)),
            ("proxy", proxy(known)),
            ("certificate", certificate(folder, choices.certificate(), known)),
            ("port", port(choices.listen)),
        ];
        for (what, finding) in &findings {
            match finding {
                Ok(good) => println!("ok     {what}: {good}"),
                Err(bad) => println!("WRONG  {what}: {bad}"),
            }
        }
        Ok(findings.iter().all(|(_, finding)| finding.is_ok()))
    }
}

fn clock(now: u64) -> Finding {
    if now < EARLIEST_MS {
        Err("this machine's clock is years behind; invites and sign-ins depend on it. Set it, or start its time \
             service"
            .to_owned())
    } else {
        Ok("set".to_owned())
    }
}

fn writable(folder: &Path) -> Finding {
    let probe = || -> io::Result<()> {
        data::create(folder)?;
        let file = folder.join(".doctor");
        fs::write(&file, b"probe")?;
        fs::remove_file(file)
    };
    match probe() {
        Ok(()) => Ok(format!("{} can be written", folder.display())),
        Err(fault) => Err(format!("{} cannot be written: {fault}", folder.display())),
    }
}

fn files(config: &Config) -> Finding {
    match Place::of(config) {
        Place::Folder(folder) => writable(&folder),
        Place::Database(_) => Ok("in the database".to_owned()),
    }
}

async fn database(kept: &Database, folder: &Path) -> Finding {
    let name = match kept {
        Database::Embedded => "SQLite",
        Database::Postgres(_) => "PostgreSQL",
    };
    match open::version(kept, folder).await {
        Ok(0) => Ok("none yet; the first start makes it".to_owned()),
        Ok(version) => Ok(format!("{name}, version {version}")),
        Err(fault) => Err(fault.to_string()),
    }
}

/// What the relay wrote about itself when it was last started.
struct Known {
    origin: Option<String>,
    behind_proxy: Option<String>,
    tls: Option<String>,
}

async fn known(kept: &Database, folder: &Path) -> Result<Known, String> {
    let fact = async |fact| {
        open::fact(kept, folder, fact)
            .await
            .map_err(|fault| fault.to_string())
    };
    Ok(Known {
        origin: fact(Fact::Origin).await?,
        behind_proxy: fact(Fact::BehindProxy).await?,
        tls: fact(Fact::Tls).await?,
    })
}

fn free_disk(folder: &Path) -> Finding {
    let disk = rustix::fs::statvfs(folder).map_err(|fault| format!("cannot be measured: {fault}"))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let mib = free / (1024 * 1024);
    if free < FREE_BYTES_MIN {
        Err(format!(
            "{mib} MiB are free; the relay refuses messages when there is no room. Make room"
        ))
    } else {
        Ok(format!("{mib} MiB"))
    }
}

/// How the relay was last started, against where people reach it.
fn proxy(known: Result<&Known, &str>) -> Finding {
    let known = known?;
    let (Some(origin), Some(behind)) = (&known.origin, &known.behind_proxy) else {
        return Ok("the relay was not started yet".to_owned());
    };
    let speaks_tls = known.tls.as_ref().is_some_and(|source| source != "no");
    let elsewhere = origin.starts_with("https://") && !speaks_tls;
    match (elsewhere, behind == "yes") {
        (true, false) => Err(format!(
            "people reach the relay at {origin}, so through a proxy, but it was started without --behind-proxy: it takes \
             all of them for one address and serves only so many of them. Start it with --behind-proxy"
        )),
        (_, true) => Ok("clients are told apart by its X-Forwarded-For; it must set that header".to_owned()),
        (false, false) => Ok("none".to_owned()),
    }
}

/// What browsers will be shown: the files that were named, or what the relay's own authority made.
fn certificate(folder: &Path, files: Option<&TlsFiles>, known: Result<&Known, &str>) -> Finding {
    let now = Clock::system().now() / 1000;
    let known = known?;
    let found = match (files, known.tls.as_deref()) {
        (Some(files), _) => tls::in_files(files, now).map(Some),
        (None, Some(tls::FROM_OWN_AUTHORITY)) => tls::of_own_authority(folder, now),
        (None, Some(tls::FROM_FILES)) => {
            return Ok(
                "from files; name them with --tls-cert and --tls-key, and they are looked at".to_owned(),
            );
        }
        (None, _) => Ok(None),
    };
    let Some(pair) = found.map_err(|fault| fault.to_string())? else {
        return Ok("none".to_owned());
    };
    let until = pair.until();
    if pair.ends_soon(now) {
        return Err(format!(
            "it ends on {until}, and browsers will refuse it then. Renew it; a relay that runs finds the new one by itself"
        ));
    }
    // A folder that no relay was started in says nothing of its origin.
    match known.origin.as_deref().and_then(Origin::parse) {
        Some(origin) if !pair.names(&origin.host) => Err(format!(
            "it is not for {}, where people reach the relay: browsers refuse it there",
            origin.authority
        )),
        _ => Ok(format!("good until {until}")),
    }
}

fn port(listen: SocketAddr) -> Finding {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(fault) if fault.kind() == io::ErrorKind::AddrInUse => Err(format!(
            "{listen} is taken, perhaps by a relay that runs; else choose another with --listen"
        )),
        Err(fault) => Err(format!("{listen} cannot be listened on: {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite;

    #[tokio::test]
    async fn faults_are_found() {
        let kept = Database::Embedded;
        assert!(clock(0).is_err());
        assert!(clock(Clock::system().now()).is_ok());
        let folder = tempfile::tempdir().unwrap();
        assert!(writable(folder.path()).is_ok());
        assert!(writable(Path::new("/dev/null/folder")).is_err());
        let mut config = Config::new(folder.path());
        assert!(files(&config).unwrap().contains("/files can be written"));
        config.files.folder = Some("/dev/null/folder".into());
        assert!(files(&config).is_err());
        assert_eq!(
            database(&kept, folder.path()).await.unwrap(),
            "none yet; the first start makes it"
        );
        fs::write(
            sqlite::path(folder.path()),
            b"not a database at all, only some text in a file",
        )
        .unwrap();
        assert!(database(&kept, folder.path()).await.is_err());
        assert!(known(&kept, folder.path()).await.is_err());
        assert!(proxy(Err("no database")).is_err());
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(port(taken.local_addr().unwrap()).is_err());
    }
}
