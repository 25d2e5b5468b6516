//! Opening the database file: its version first, then the settings every connection needs.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// What leads from each version to the next, from an empty database on. What was released is never changed.
const STEPS: [&str; 6] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
];
/// The version this relay writes.
pub(crate) const SCHEMA_VERSION: i64 = STEPS.len() as i64;
/// "Chpr": tells a relay's database from another program's.
const APPLICATION_ID: i64 = 0x4368_7072;
/// A page: the file system's usual block.
const PAGE_BYTES: u64 = 4096;

/// Why a database cannot be used. It was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(
        "the database is of version {found}, this relay knows versions up to {SCHEMA_VERSION}: use a newer relay"
    )]
    Newer { found: i64 },
    #[error("the file is a database, but not a relay's")]
    Foreign,
    #[error("the database cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// The version of the database at `path`, 0 where there is none yet. Nothing is written.
pub(crate) fn version(path: &Path) -> Result<i64, OpenError> {
    if !path.exists() {
        return Ok(0);
    }
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let version = pragma_number(&db, "user_version")?;
    let application = pragma_number(&db, "application_id")?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (version, application) {
        (0, 0) if tables == 0 => Ok(0),
        (_, APPLICATION_ID) if version > SCHEMA_VERSION => Err(OpenError::Newer { found: version }),
        (_, APPLICATION_ID) => Ok(version),
        _ => Err(OpenError::Foreign),
    }
}

/// The one connection that writes. Makes the schema in an empty database and brings an older one up to date.
pub(crate) fn writer(path: &Path, bytes_max: Option<u64>) -> Result<Connection, OpenError> {
    let version = version(path)?;
    let mut db = Connection::open(path)?;
    keep_plans(&db)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    if version == 0 {
        // Must precede the first table. Pages of delivered messages go back to the file system.
        db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384")?;
    if version < SCHEMA_VERSION {
        let tx = db.transaction()?;
        for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        tx.commit()?;
    }
    if let Some(bytes) = bytes_max {
        let pages = (bytes / PAGE_BYTES).clamp(1, u64::from(u32::MAX - 1));
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// A connection that only reads, beside the writer.
pub(crate) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    keep_plans(&db)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    // The system holds the file in memory too; of this there are several, each filled by whatever people come.
    db.execute_batch("PRAGMA cache_size = -1024")?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// A statement is planned once, whatever it is given. Otherwise SQLite plans anew for each new value that might let it use a partial
/// index, which took a third of a sign-in.
fn keep_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// A connection that copies the write-ahead log into the file, beside the writer and never in its way.
pub(super) fn beside(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Copies one moment of a database, which others may be writing, into a new file of live rows only; on the disk when this
/// returns.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    // A database that this relay would refuse to serve is refused here.
    version(from)?;
    let db = reader(from)?;
    let target = to.to_string_lossy();
    db.execute("VACUUM INTO ?1", [&target])?;
    drop(db);
    std::fs::File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))?;
    #[cfg(unix)]
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))?;
    Ok(())
}

/// `ok`, or what SQLite finds wrong in a database; one that this relay does not know is an error.
pub(crate) fn integrity(path: &Path) -> Result<String, OpenError> {
    match version(path)? {
        0 => Err(OpenError::Foreign),
        _ => Ok(reader(path)?.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?),
    }
}

fn pragma_number(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_is_refused_and_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let db = writer(&path, None).unwrap();
        db.pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        drop(db);
        let before = std::fs::read(&path).unwrap();
        assert!(
            matches!(writer(&path, None), Err(OpenError::Newer { found }) if found == SCHEMA_VERSION + 1)
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_older_database_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").unwrap();
        db.execute_batch(STEPS[0]).unwrap();
        db.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        db.pragma_update(None, "user_version", 1).unwrap();
        db.execute_batch(
            "INSERT INTO devices (device, account, signing, agreement, active, seq_reserved) VALUES
               (x'05', x'00', x'00', x'00', 0, 0), (x'07', x'00', x'00', x'00', 1, 1024);
             INSERT INTO queue (device, seq, id, accepted, expires, body) VALUES
               (x'07', 9, x'0b', 1, 3600001, x'aa'), (x'07', 8, x'0a', 1, 3600001, x'bb');
             INSERT INTO delivered (until, device, id) VALUES (172800000, x'07', x'02')",
        )
        .unwrap();
        drop(db);
        let db = writer(&path, None).unwrap();
        assert_eq!(super::version(&path).unwrap(), SCHEMA_VERSION);
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = db.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<rusqlite::Result<_>>().unwrap()
        };
        assert_eq!(
            texts(
                "SELECT concat_ws(' ', place - 2 * 1099511627776, hex(id), accepted, expires, hex(body)) FROM queue"
            ),
            ["8 0A 1 3600001 BB", "9 0B 1 3600001 AA"]
        );
        assert_eq!(texts("SELECT concat_ws(' ', hour, mailbox) FROM due"), ["2 2"]);
        assert_eq!(
            texts("SELECT concat_ws(' ', day, mailbox, hex(id)) FROM delivered"),
            ["1 2 02"]
        );
        assert_eq!(pragma_number(&db, "user_version").unwrap(), SCHEMA_VERSION);
        db.execute("INSERT INTO facts VALUES ('a', 'b')", []).unwrap();
    }

    #[test]
    fn every_connection_has_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let number = |db: &Connection, name: &str| pragma_number(db, name).unwrap();
        let journal = |db: &Connection| -> String {
            db.pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap()
        };
        // The connection that makes the database, the one of every later start, and the one with a bound.
        for bound in [None, None, Some(1 << 20)] {
            let db = writer(&path, bound).unwrap();
            assert_eq!(journal(&db), "wal");
            assert_eq!(
                number(&db, "synchronous"),
                2,
                "FULL: an answer survives a power failure"
            );
            assert_eq!(number(&db, "auto_vacuum"), 2, "INCREMENTAL");
            assert_eq!(number(&db, "cache_size"), -16_384);
            assert_eq!(number(&db, "busy_timeout"), 5_000);
            assert!(db.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
            assert_eq!(
                number(&db, "page_size"),
                PAGE_BYTES as i64,
                "what a bound in bytes is divided by"
            );
            assert_eq!(number(&db, "application_id"), APPLICATION_ID);
            if bound.is_some() {
                assert_eq!(number(&db, "max_page_count"), 256);
            }
        }
        let db = reader(&path).unwrap();
        assert_eq!(journal(&db), "wal");
        assert_eq!(number(&db, "cache_size"), -1_024);
        assert_eq!(number(&db, "busy_timeout"), 5_000);
        assert!(db.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
        let fault = db.execute("DELETE FROM delivered", []).unwrap_err();
        assert_eq!(fault.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
    }

    #[test]
    fn another_programs_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
        assert!(matches!(writer(&path, None), Err(OpenError::Foreign)));
        std::fs::write(
            &path,
            b"this is no database, but it is long enough to look like one, or is it?",
        )
        .unwrap();
        assert!(matches!(writer(&path, None), Err(OpenError::Sqlite(_))));
    }
}
