//! The relay in memory, where nobody but a recovery key is at hand.

use chopar_identity::sign_in::{recover_claimant, sign_in_claimant};
use chopar_identity::{LogError, Signer, verify_base, verify_recover};
use chopar_wire::AccountId;
use chopar_wire::proto::relay::relay_frame::Body as Say;
use chopar_wire::proto::relay::{AdmitDevice, FetchLog, LogConflict, Reason, Recover};

use super::relay::{Relay, refused};

impl Relay {
    pub(super) fn recover(&mut self, connection: u64, recover: &Recover, now: u64) -> Result<Say, Reason> {
        let proof = recover.proof.as_ref().ok_or(Reason::Malformed)?;
        let account = recover_claimant(proof).map_err(|_| Reason::Malformed)?;
        let key = self.accounts.get(&account).map(|known| *known.log.account_key());
        self.judge(connection, now, |expected| {
            verify_recover(proof, expected, |_| key)
        })?;
        if let Some(state) = self.connections.get_mut(&connection) {
            state.recovering = Some(account);
        }
        Ok(self.log_shown(&account, account.as_bytes(), 0))
    }

    /// Whose account key was proven on a connection.
    fn proven(&self, connection: u64) -> Option<AccountId> {
        self.connections.get(&connection)?.recovering
    }

    pub(super) fn fetch_recovered(&self, connection: u64, fetch: &FetchLog) -> Say {
        let account = AccountId::try_from(fetch.account.as_ref()).ok();
        match self.proven(connection).filter(|proven| account == Some(*proven)) {
            Some(account) => self.log_shown(&account, &fetch.account, fetch.from),
            None => refused(Reason::SignInFirst),
        }
    }

    pub(super) fn admit_device(
        &mut self,
        connection: u64,
        admit: AdmitDevice,
        now: u64,
    ) -> Result<Say, Reason> {
        let (proof, entry) = (
            admit.proof.ok_or(Reason::Malformed)?,
            admit.entry.ok_or(Reason::Malformed)?,
        );
        let bundle = admit.bundle.ok_or(Reason::BundleInvalid)?;
        let (account, _) = sign_in_claimant(&proof).map_err(|_| Reason::Malformed)?;
        if self.proven(connection) != Some(account) {
            return Err(Reason::SignInFirst);
        }
        let known = self.accounts.get(&account).ok_or(Reason::NoSuchAccount)?;
        let (length, mut log) = (known.log.length(), known.log.clone());
        match log.extend(std::slice::from_ref(&entry)) {
            Ok(changes)
                if changes
                    .iter()
                    .any(|change| matches!(change.by, Signer::Device(_))) =>
            {
                return Err(Reason::NotAllowed);
            }
            Ok(changes) if !changes.is_empty() => {}
            Ok(_) | Err(LogError::Fork { .. } | LogError::Gap { .. }) => {
                return Ok(Say::LogConflict(LogConflict {
                    from: length - 1,
                    entries: known.log.entries(length - 1).to_vec(),
                }));
            }
            Err(_) => return Err(Reason::LogInvalid),
        }
        let (account, device) = self.prove(connection, &proof, &log, now)?;
        let keys = log.device(&device).ok_or(Reason::NoSuchDevice)?.keys;
        verify_base(&account, &keys, &bundle).map_err(|_| Reason::BundleInvalid)?;
        let known = self.accounts.get_mut(&account).ok_or(Reason::NoSuchAccount)?;
        known.log = log;
        known.bundles.insert(device, bundle);
        Ok(self.signed_in(connection, account, device, now))
    }
}
