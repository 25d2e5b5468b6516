//! What the host needs of an engine.

use chopar_engine::{Input, Step};
use chopar_wire::Timestamp;

use crate::platform::random::SystemRandom;

/// A sans-I/O machine. The product has one, `chopar_engine::Engine`; the seam lets a page of experiments drive the host
/// with another.
pub trait Machine: 'static {
    /// What an input leads to.
    fn handle(&mut self, input: Input, now: Timestamp, rng: &mut SystemRandom) -> Step;
}
