//! One connection to the database: statements prepared once, faults without values, an end when it is dropped.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::target::{Target, TargetError};
use crate::store::StoreError;

/// How long one statement or one transaction may take. Beyond it the connection counts as lost: the server may be stopped,
/// or the way to it cut without a word.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Parameters of a statement, in their order.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Why a statement did not do what was asked.
#[derive(Debug)]
pub(super) enum Fault {
    Database(tokio_postgres::Error),
    /// No connection, or it took longer than [`PATIENCE`].
    Unreachable,
    /// A row holds what this relay never wrote; what is wrong with it.
    Data(&'static str),
    /// Another node changed what this one had looked at before it could lock it.
    Moved,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(fault: tokio_postgres::Error) -> Self {
        Self::Database(fault)
    }
}

impl Fault {
    /// The connection is of no use any more; whether a commit under way took place is not known.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::Database(fault) => match fault.as_db_error() {
                // Class 57P: the server stops or was told to end this session.
                Some(said) => {
                    said.code().code().starts_with("57P")
                        || *said.code() == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
                }
                None => fault.is_closed() || fault.source().is_some_and(|cause| cause.is::<std::io::Error>()),
            },
            Self::Unreachable => true,
            Self::Data(_) | Self::Moved => false,
        }
    }

    /// Another node was at the same rows; a second attempt finds them as it left them.
    pub(super) fn is_collision(&self) -> bool {
        let code = match self {
            Self::Database(fault) => fault.code(),
            Self::Moved => return true,
            Self::Unreachable | Self::Data(_) => None,
        };
        code.is_some_and(|code| {
            [
                SqlState::UNIQUE_VIOLATION,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::LOCK_NOT_AVAILABLE,
            ]
            .contains(code)
        })
    }

    /// The store's name for it. The server's message names tables and rules; its detail, which may name values, is left out.
    pub(super) fn named(&self) -> StoreError {
        match self {
            _ if self.is_collision() => StoreError::Busy,
            _ if self.is_loss() => StoreError::Away,
            Self::Database(fault) => match fault.as_db_error() {
                Some(said) if *said.code() == SqlState::DISK_FULL => StoreError::Full,
                Some(said) => StoreError::Failed(format!("{} {}", said.code().code(), said.message())),
                // What this relay gave or expected was of another kind; the words name no value.
                None => StoreError::Failed(fault.to_string()),
            },
            Self::Data(what) => StoreError::Failed((*what).to_owned()),
            Self::Unreachable => StoreError::Away,
            Self::Moved => StoreError::Busy,
        }
    }
}

/// A connection that lives until this is dropped.
pub(super) struct Link {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    driver: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        // A server that does not answer would keep the driver, and with it the socket.
        self.driver.abort();
    }
}

impl Link {
    pub(super) async fn open(target: &Target) -> Result<Self, TargetError> {
        let (client, driver) = target.connect().await?;
        Ok(Self {
            client,
            statements: Mutex::default(),
            driver,
        })
    }

    pub(super) fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    /// Prepares statements ahead: what is sent without waiting for the answer before must not wait for a preparation.
    pub(super) async fn prepare(&self, all: impl Iterator<Item = &'static str>) -> Result<(), Fault> {
        for sql in all {
            self.statement(sql).await?;
        }
        Ok(())
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement, Fault> {
        let known = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(sql).cloned() {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        known().insert(sql, statement.clone());
        Ok(statement)
    }

    /// Rows of a query. Calls that are polled together travel together, in the order of their first poll.
    pub(super) async fn rows(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    /// The row of a query that finds at most one.
    pub(super) async fn row(&self, sql: &'static str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        let statement = self.statement(sql).await?;
        Ok(self.client.query_opt(&statement, values).await?)
    }

    /// The one value of a query that finds exactly one.
    pub(super) async fn value<T: Column>(&self, sql: &'static str, values: Values<'_>) -> Result<T, Fault> {
        let row = self
            .row(sql, values)
            .await?
            .ok_or(Fault::Data("a row is missing"))?;
        T::read(&row, 0)
    }

    /// Rows that a statement changed.
    pub(super) async fn run(&self, sql: &'static str, values: Values<'_>) -> Result<u64, Fault> {
        let statement = self.statement(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }

    /// Statements without parameters.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.client.batch_execute(sql).await?)
    }
}

/// A value in a column, checked as it is read.
pub(super) trait Column: Sized {
    fn read(row: &Row, at: usize) -> Result<Self, Fault>;
}

/// Reads a column.
pub(super) fn column<T: Column>(row: &Row, at: usize) -> Result<T, Fault> {
    T::read(row, at)
}

impl<const N: usize> Column for [u8; N] {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        let bytes: &[u8] = row.try_get(at)?;
        bytes
            .try_into()
            .map_err(|_| Fault::Data("an id has another length"))
    }
}

impl Column for u64 {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        let number: i64 = row.try_get(at)?;
        Self::try_from(number).map_err(|_| Fault::Data("a number is negative"))
    }
}

impl Column for Option<u64> {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        let number: Option<i64> = row.try_get(at)?;
        number.map(|_| u64::read(row, at)).transpose()
    }
}

impl Column for u32 {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        Self::try_from(u64::read(row, at)?).map_err(|_| Fault::Data("a number is too large"))
    }
}

impl Column for usize {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        Self::try_from(u64::read(row, at)?).map_err(|_| Fault::Data("a number is too large"))
    }
}

impl Column for bool {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        Ok(row.try_get(at)?)
    }
}

impl Column for String {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        Ok(row.try_get(at)?)
    }
}

impl Column for prost::bytes::Bytes {
    fn read(row: &Row, at: usize) -> Result<Self, Fault> {
        let bytes: &[u8] = row.try_get(at)?;
        Ok(Self::copy_from_slice(bytes))
    }
}

/// A number as the database counts: times and sizes are far below the bound.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
