//! Opening the database: its version first, then what leads from there to ours.

use tokio_postgres::error::SqlState;

use super::link::{Fault, Link};
use super::target::{PostgresUrl, Target, TargetError};

/// What leads from each version to the next, from an empty database on. What was released is never changed.
const STEPS: [&str; 4] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];
/// The version this relay writes.
pub(crate) const SCHEMA_VERSION: i64 = STEPS.len() as i64;
/// Key of the advisory lock under which one node at a time brings a database up to date: "Chpr", 1.
const UPGRADE_LOCK: &str = "SELECT pg_advisory_xact_lock(1130918002, 1)";

/// Why a database cannot be used. It was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(
        "the database is of version {found}, this relay knows versions up to {SCHEMA_VERSION}: use a newer relay"
    )]
    Newer { found: i64 },
    #[error("the database holds tables of another program: give the relay a database of its own")]
    Foreign,
    #[error("the database keeps text as {0}: make one with ENCODING 'UTF8'")]
    Encoding(String),
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error("the database cannot be opened: {0}")]
    Failed(String),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        if let Fault::Database(said) = &fault
            && said.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
        {
            return Self::Failed(
                "its user may not make tables there: make the user the owner of the database".to_owned(),
            );
        }
        Self::Failed(fault.named().to_string())
    }
}

/// The version of a database, 0 where it is empty. Nothing is written.
pub(crate) async fn version(url: &PostgresUrl) -> Result<i64, OpenError> {
    let link = Link::open(&Target::new(url, "look")).await?;
    version_of(&link).await
}

async fn version_of(link: &Link) -> Result<i64, OpenError> {
    let encoding: String = link
        .value("SELECT current_setting('server_encoding')", &[])
        .await?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    let ours: bool = link
        .value("SELECT to_regclass('chopar_version') IS NOT NULL", &[])
        .await?;
    if !ours {
        let tables: u64 = link
            .value(
                "SELECT count(*) FROM pg_class c
                 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')",
                &[],
            )
            .await?;
        return if tables == 0 {
            Ok(0)
        } else {
            Err(OpenError::Foreign)
        };
    }
    let version: u64 = link.value("SELECT version FROM chopar_version", &[]).await?;
    match i64::try_from(version).unwrap_or(i64::MAX) {
        newer if newer > SCHEMA_VERSION => Err(OpenError::Newer { found: newer }),
        version => Ok(version),
    }
}

/// Makes the tables in an empty database and brings an older one up to date, all of it or nothing.
pub(super) async fn bring_up_to_date(url: &PostgresUrl) -> Result<(), OpenError> {
    let link = Link::open(&Target::new(url, "upgrade")).await?;
    if version_of(&link).await? == SCHEMA_VERSION {
        return Ok(());
    }
    // An upgrade of a large database takes what it takes.
    link.script(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0; BEGIN",
    )
    .await?;
    link.script(UPGRADE_LOCK).await?;
    // Another node may have done it while this one waited.
    let version = version_of(&link).await?;
    for (step, number) in STEPS
        .iter()
        .zip(1i64..)
        .skip(usize::try_from(version).unwrap_or(0))
    {
        link.script(step).await?;
        if number == 1 {
            link.script("CREATE TABLE chopar_version (version bigint NOT NULL); INSERT INTO chopar_version VALUES (0)")
                .await?;
        }
        link.run("UPDATE chopar_version SET version = $1", &[&number])
            .await?;
    }
    Ok(link.script("COMMIT").await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::server;

    fn parse(url: &str) -> PostgresUrl {
        PostgresUrl::parse(url, None).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_older_database_is_brought_up_to_date() {
        let server = server::shared();
        let url = parse(&server.database("older"));
        server.ask("older", STEPS[0]);
        server.ask(
            "older",
            "CREATE TABLE chopar_version (version bigint NOT NULL); INSERT INTO chopar_version VALUES (1);
             INSERT INTO devices (device, account, signing, agreement, active) VALUES ('1', '2', '3', '4', true);
             INSERT INTO queue (device, seq, id, accepted, expires, body) VALUES ('1', 7, '8', 9, 10, 'body')",
        );
        assert_eq!(version(&url).await.unwrap(), 1);
        bring_up_to_date(&url).await.unwrap();
        assert_eq!(version(&url).await.unwrap(), SCHEMA_VERSION);
        assert_eq!(
            server.ask("older", "SELECT active, suspended FROM devices"),
            "t|f"
        );
        assert_eq!(
            server.ask(
                "older",
                "SELECT seq, size, shared IS NULL, length(body) FROM queue"
            ),
            "7|4|t|4"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn only_a_database_that_this_relay_knows_is_opened() {
        let server = server::shared();
        let dump = |name: &str| {
            server.ask(
                name,
                "SELECT relname, relkind, xmin FROM pg_class ORDER BY relname",
            )
        };

        let url = parse(&server.database("newer"));
        assert_eq!(version(&url).await.unwrap(), 0);
        // Several nodes that start together make the tables once.
        let (first, second) = tokio::join!(bring_up_to_date(&url), bring_up_to_date(&url));
        first.unwrap();
        second.unwrap();
        assert_eq!(version(&url).await.unwrap(), SCHEMA_VERSION);
        server.ask("newer", "UPDATE chopar_version SET version = version + 1");
        let before = dump("newer");
        assert!(matches!(
            bring_up_to_date(&url).await,
            Err(OpenError::Newer { found }) if found == SCHEMA_VERSION + 1
        ));
        assert_eq!(dump("newer"), before);

        let url = parse(&server.database("foreign"));
        server.ask("foreign", "CREATE TABLE accounts (x int)");
        let before = dump("foreign");
        assert!(matches!(bring_up_to_date(&url).await, Err(OpenError::Foreign)));
        assert_eq!(dump("foreign"), before);

        server.ask(
            "postgres",
            "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0",
        );
        assert!(matches!(
            bring_up_to_date(&parse(&server.url("latin"))).await,
            Err(OpenError::Encoding(found)) if found == "LATIN1"
        ));
        assert!(matches!(
            bring_up_to_date(&parse(&server.url("absent"))).await,
            Err(OpenError::Target(_))
        ));
    }
}
