//! Who did what at this relay, as a chain of hashes: written by the store with the act itself, verified by anybody who has
//! the records. No store, no network here.
//!
//! ```text
//!   1 <──── 2 <──── 3 <──── 4 <──── 5          previous: every record names the one before
//!   act <───────── act <────────── act         previous_kept: every record names the last one kept for good
//! ```
//! Sign-ins (2, 4) go after 90 days behind a signed checkpoint that names the last of them; the acts stay one chain.
//!
//! | module | holds |
//! |---|---|
//! | `node` | the key of a node's chain, and the chain's name |
//! | `record` | records of every kind |
//! | `chain` | how a record is linked |
//! | `verify` | what is wrong with a chain, by number |
//! | `shown` | a record as a line and as JSON |

pub(crate) mod chain;
pub(crate) mod node;
pub(crate) mod record;
pub(crate) mod shown;
pub(crate) mod verify;
