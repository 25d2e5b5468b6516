//! Randomness from `crypto.getRandomValues`.

use getrandom::SysRng;
use rand_core::UnwrapErr;

/// The browser's generator as an infallible one. Should it ever fail, the worker stops (a panic) instead of going on
/// with keys that are not random.
pub type SystemRandom = UnwrapErr<SysRng>;

/// The browser's generator.
pub const fn system_random() -> SystemRandom {
    UnwrapErr(SysRng)
}
