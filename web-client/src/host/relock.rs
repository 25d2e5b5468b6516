//! Another lock on the vault, as a person asks for it in Settings.

use super::link::Link;
use super::locked::COMPUTING_MS;
use super::machine::Machine;
use super::owner::{Over, Owner};
use crate::platform::clock;
use crate::port::{FromWorker, LockAnswer, LockChange, Secret};
use crate::vault::{NewLock, VaultError};

impl<M: Machine> Owner<'_, M> {
    /// Changes the lock and says what came of it, in every tab: the one that asked knows the id. An error is one that this owner
    /// does not survive; what merely was not possible is an answer.
    pub(super) async fn relock(&mut self, id: u64, change: &LockChange) -> Result<(), Over> {
        self.worker.busy(COMPUTING_MS)?;
        let answer = match self.changed(change).await {
            Err(VaultError::Fenced) => return Err(Over::Vault(VaultError::Fenced)),
            Err(_) => LockAnswer::Failed,
            Ok(answer) => answer,
        };
        self.worker.busy(0)?;
        if answer == LockAnswer::Done {
            self.worker.key = self.vault.shared_key();
            self.worker.say(&Link::Key(self.worker.key.clone()))?;
            self.idle.set(self.vault.lock().idle_minutes)?;
            self.tell_all(FromWorker::About(self.about()))?;
        }
        Ok(self.tell_all(FromWorker::LockChanged { id, answer })?)
    }

    async fn changed(&mut self, change: &LockChange) -> Result<LockAnswer, VaultError> {
        let lock = self.vault.lock();
        let Some(recovery) = self.machine.recovery_keys() else {
            return Ok(LockAnswer::NotNow);
        };
        // The lock stays as it is, and waits for another time.
        if lock.is_set() && change.passphrase.is_none() && change.passkey.is_none() && change.proof.is_none()
        {
            self.vault.set_idle(change.idle_minutes, &mut self.rng).await?;
            return Ok(LockAnswer::Done);
        }
        if lock.is_set() {
            let Some(proof) = &change.proof else {
                return Ok(LockAnswer::Wrong);
            };
            let proven = self.vault.prove(proof, clock::now()).await?;
            if proven != LockAnswer::Done {
                return Ok(proven);
            }
        }
        let passphrase = match &change.passphrase {
            Some(Secret::Passphrase(typed)) => Some(typed.as_str()),
            Some(_) => return Ok(LockAnswer::Failed),
            None => None,
        };
        let passkey = match &change.passkey {
            Some((passkey, Secret::Passkey(answer))) => Some((passkey, answer)),
            Some(_) => return Ok(LockAnswer::Failed),
            None => None,
        };
        let new = NewLock {
            passphrase,
            passkey,
            recovery: &recovery,
            idle_minutes: change.idle_minutes,
        };
        self.vault.relock(&new, &mut self.rng).await?;
        Ok(LockAnswer::Done)
    }
}
