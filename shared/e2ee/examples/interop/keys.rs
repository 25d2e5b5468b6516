//! A generator that hands out the caller's private keys first.

use std::collections::VecDeque;
use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// Each time 32 bytes are wanted, the next given key; without one, and for any other length, the operating system's
/// randomness.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenKeys(pub(crate) VecDeque<[u8; 32]>);

impl TryRng for GivenKeys {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        system(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        system(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        match (out.len(), self.0.pop_front()) {
            (32, Some(key)) => out.copy_from_slice(&key),
            (_, Some(key)) => {
                self.0.push_front(key);
                system(out);
            }
            (_, None) => system(out),
        }
        Ok(())
    }
}

impl TryCryptoRng for GivenKeys {}

fn system(out: &mut [u8]) {
    if let Err(error) = getrandom::fill(out) {
        // Nothing sensible can be said on the line protocol without randomness, and nothing may go on.
        eprintln!("the operating system gives no randomness: {error}");
        std::process::abort();
    }
}
