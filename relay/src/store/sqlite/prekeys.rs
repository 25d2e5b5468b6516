//! Prekeys: one bundle and a pool of one-time pairs for each device.

use chopar_wire::ids::{AccountId, DeviceId};
use chopar_wire::limits::ONE_TIME_POOL;
use prost::bytes::Bytes;
use rusqlite::OptionalExtension;

use super::books::Books;
use crate::store::Claim;

impl Books {
    pub(super) fn publish_bundle(
        &mut self,
        device: DeviceId,
        sequence: u64,
        bundle: &[u8],
    ) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached(
                "INSERT INTO bundles (device, sequence, bundle) VALUES (?1, ?2, ?3)
                 ON CONFLICT (device) DO UPDATE SET sequence = ?2, bundle = ?3 WHERE sequence < ?2",
            )?
            .execute((device.as_bytes(), sequence, bundle))
            .map(|written| written > 0)
    }

    pub(super) fn add_one_time(
        &mut self,
        device: DeviceId,
        pairs: &[(u32, Bytes)],
    ) -> rusqlite::Result<Option<usize>> {
        let mut fresh = Vec::with_capacity(pairs.len());
        for (id, pair) in pairs {
            let there: bool = self
                .db
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM one_time WHERE device = ?1 AND id = ?2)")?
                .query_row((device.as_bytes(), id), |row| row.get(0))?;
            if !there {
                fresh.push((id, pair));
            }
        }
        let size = self.pool_size(&device)? + fresh.len();
        if size > ONE_TIME_POOL {
            return Ok(None);
        }
        for (id, pair) in fresh {
            self.db
                .prepare_cached("INSERT INTO one_time (device, id, pair) VALUES (?1, ?2, ?3)")?
                .execute((device.as_bytes(), id, pair.as_ref()))?;
        }
        Ok(Some(size))
    }

    pub(super) fn claim(&mut self, account: &AccountId, device: DeviceId) -> rusqlite::Result<Claim> {
        let active: bool = self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM devices WHERE device = ?1 AND account = ?2 AND active = 1)",
            )?
            .query_row((device.as_bytes(), account.as_bytes()), |row| row.get(0))?;
        if !active {
            return Ok(Claim::NoDevice);
        }
        let base: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT bundle FROM bundles WHERE device = ?1")?
            .query_row([device.as_bytes()], |row| row.get(0))
            .optional()?;
        let Some(base) = base else {
            return Ok(Claim::NoBundle);
        };
        let oldest: Option<(i64, Vec<u8>)> = self
            .db
            .prepare_cached("SELECT number, pair FROM one_time WHERE device = ?1 ORDER BY number LIMIT 1")?
            .query_row([device.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((number, _)) = &oldest {
            self.db
                .prepare_cached("DELETE FROM one_time WHERE number = ?1")?
                .execute([number])?;
        }
        let left = self.pool_size(&device)?;
        Ok(Claim::Bundle {
            base: base.into(),
            one_time: oldest.map(|(_, pair)| pair.into()),
            left,
        })
    }

    fn pool_size(&self, device: &DeviceId) -> rusqlite::Result<usize> {
        self.db
            .prepare_cached("SELECT count(*) FROM one_time WHERE device = ?1")?
            .query_row([device.as_bytes()], |row| row.get(0))
    }
}
