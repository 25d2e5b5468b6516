//! The relay of Chopar: it stores ciphertext until it is fetched, and cannot read it.
//!
//! ```text
//!   accept ──> http/router ──> http/assets      the web client, strict headers
//!  (caps, TLS,     │
//!   timeouts)      ├─────────> files           uploads and downloads, with a capability of the socket's
//!                  └─────────> ws/connect ──> ws/session ──> ws/connection <──> ws/registry <── fanout
//!                                             (who are you)   (frames)                            ^
//!                                                                │                                │
//!                                                                └──> policy ──> store ── commit ─┘
//!                                                                                 │  ^
//!                                                                                 v  │  PostgreSQL alone
//!                                                                          nodes: the other relays of the organisation
//! ```
//! It depends on `chopar-wire` and `chopar-identity` only: it holds no code that could decrypt a message, and a test
//! keeps it so. It verifies account logs, bundles and sign-ins with the same code as the clients, which verify again.
//!
//! Not here: anything end-to-end.
//!
//! | module | holds |
//! |---|---|
//! | `relay` | [`Relay`]: opening, running, draining |
//! | `config`, `settings` | [`Config`] and its parts; how file, environment and flags make one |
//! | `accept`, `places`, `strangers`, `forwarded`, `descriptors` | the accept loop and its timeouts, caps, clients behind a proxy, open files |
//! | `tls`, `origin` | TLS 1.3, certificates that change while connections live; where people reach the relay |
//! | `http` | the web client, headers, probes |
//! | `ws` | `/v1/connect`: sign-in, frames, delivery |
//! | `files` | what goes over HTTP beside the socket: uploads, downloads, where their bytes are |
//! | `policy` | rates, words of the directory, effects of account logs |
//! | `audit` | who did what, as a chain of hashes |
//! | `store` | the trait `Store` with its contract, SQLite for one relay, PostgreSQL for several |
//! | `nodes` | what the relays of one organisation say to each other |
//! | `fanout` | from the writer to the connections |
//! | `metrics` | numbers for whoever watches, on a listener of their own |
//! | `backup` | copies of the data, taken and put back |
//! | `commands` | what a person types |

#![forbid(unsafe_code)]

mod accept;
mod audit;
mod backup;
mod clock;
pub mod commands;
mod config;
mod core;
mod data;
mod descriptors;
mod fanout;
mod files;
mod forwarded;
mod http;
mod metrics;
mod nodes;
mod origin;
mod places;
mod policy;
mod relay;
mod settings;
mod store;
mod strangers;
mod tls;
mod token;
mod ws;

pub use clock::Clock;
pub use config::{Caps, Config, Database, FileLimits, PostgresUrl, Tls, TlsFiles, UrlError, WebSource};
pub use policy::limits::{Rate, Rates};
pub use relay::{Relay, ServeError};
