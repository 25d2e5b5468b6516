//! What the host needs of an engine.

use chopar_engine::{Engine, Input, Step};
use chopar_identity::RecoveryKeys;
use chopar_wire::Timestamp;

use crate::platform::random::SystemRandom;

/// A sans-I/O machine. The product has one, `chopar_engine::Engine`; the seam lets a page of experiments drive the host
/// with another.
pub trait Machine: 'static {
    /// What an input leads to. Several inputs may be handled before the first step is committed: their writes then become
    /// durable together, and their effects follow in order.
    fn handle(&mut self, input: Input, now: Timestamp, rng: &mut SystemRandom) -> Step;

    /// The public halves of the account's recovery key, which a lock is sealed to as well.
    fn recovery_keys(&self) -> Option<RecoveryKeys>;
}

impl Machine for Engine {
    fn handle(&mut self, input: Input, now: Timestamp, rng: &mut SystemRandom) -> Step {
        Self::handle(self, input, now, rng)
    }

    fn recovery_keys(&self) -> Option<RecoveryKeys> {
        Self::recovery_keys(self).cloned()
    }
}
