//! What the relay's tests share: people with real keys, a client that speaks frames, a relay on a free port.
#![allow(dead_code, unreachable_pub, missing_docs)]

pub mod client;
pub mod people;
pub mod reason;
pub mod relay;

pub use client::Client;
pub use people::Person;
pub use reason::Reason;
pub use relay::TestRelay;
