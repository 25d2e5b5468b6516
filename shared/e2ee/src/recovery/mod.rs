//! The recovery key: one secret on paper from which the account's own keys follow.

mod account;
mod key;
mod seal;
mod text;

pub use account::{AccountSecrets, RecoverySealSecret};
pub use key::RecoveryKey;
pub use seal::{RecoveryEncapsulation, seal_to_recovery};
pub use text::{GROUPS, RecoveryKeyError};
