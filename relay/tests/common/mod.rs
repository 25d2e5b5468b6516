//! What the relay's tests share: people with real keys, a client that speaks frames, a relay on a free port.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]

pub mod client;
pub mod files;
pub mod history;
pub mod http;
pub mod load;
pub mod opaque;
pub mod people;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod reason;
pub mod relay;
pub mod tls;

pub use client::Client;
pub use history::History;
pub use http::{ask, get, status};
pub use people::Person;
pub use program::{Program, free_port};
pub use reason::Reason;
pub use relay::TestRelay;
