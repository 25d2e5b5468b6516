//! Another lock on the vault, as a person asks for it in Settings.

use super::busy::COMPUTING_MS;
use super::link::Link;
use super::machine::Machine;
use super::owner::{Over, Owner};
use crate::platform::{Exception, clock};
use crate::port::{FromWorker, LockAnswer, LockChange, Secret};
use crate::vault::{NewLock, VaultError};

impl<M: Machine> Owner<'_, M> {
    /// Changes the lock and says what came of it, in every tab: the one that asked knows the id. An error is one that this owner
    /// does not survive; what merely was not possible is an answer.
    pub(super) async fn relock(&mut self, id: u64, change: &LockChange) -> Result<(), Over> {
        let changed = self.proven_and_changed(change).await;
        self.worker.busy(0)?;
        let answer = match changed {
            Err(Over::Vault(error)) if error != VaultError::Fenced => LockAnswer::Failed,
            other => other?,
        };
        if answer == LockAnswer::Done {
            self.worker.key = self.vault.shared_key();
            self.share_key()?;
            self.worker.somebody_here()?;
            self.idle
                .set(self.vault.lock().idle_minutes, self.worker.used_at)?;
            self.tell_all(FromWorker::About(self.about()))?;
        }
        Ok(self.tell_all(FromWorker::LockAnswered { id, answer })?)
    }

    /// Gives the workers of the other tabs the key, or says that there is no lock.
    pub(super) fn share_key(&self) -> Result<(), Exception> {
        self.worker.say(&Link::Key {
            epoch: self.worker.part.get().epoch(),
            key: self.worker.key.clone(),
        })
    }

    async fn proven_and_changed(&mut self, change: &LockChange) -> Result<LockAnswer, Over> {
        self.worker.busy(COMPUTING_MS)?;
        let proven = self.proven(change).await?;
        if proven != LockAnswer::Done {
            return Ok(proven);
        }
        // What follows computes as long once more.
        self.worker.busy(COMPUTING_MS)?;
        Ok(self.changed(change).await?)
    }

    /// Whether whoever asks has a secret of the lock that is there. To wait for another time takes none.
    async fn proven(&self, change: &LockChange) -> Result<LockAnswer, VaultError> {
        if !self.vault.lock().is_set() || stays(change) {
            return Ok(LockAnswer::Done);
        }
        match &change.proof {
            Some(proof) => self.vault.prove(proof, clock::now()).await,
            None => Ok(LockAnswer::Wrong(0)),
        }
    }

    async fn changed(&mut self, change: &LockChange) -> Result<LockAnswer, VaultError> {
        let Some(recovery) = self.machine.recovery_keys() else {
            return Ok(LockAnswer::NotNow);
        };
        if self.vault.lock().is_set() && stays(change) {
            self.vault.set_idle(change.idle_minutes, &mut self.rng).await?;
            return Ok(LockAnswer::Done);
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
        let files = self.files.clone();
        let _still = files.still().await;
        self.vault.relock(&new, &mut self.rng).await?;
        Ok(LockAnswer::Done)
    }
}

/// Whether the lock stays as it is, and only waits for another time.
const fn stays(change: &LockChange) -> bool {
    change.passphrase.is_none() && change.passkey.is_none() && change.proof.is_none()
}
