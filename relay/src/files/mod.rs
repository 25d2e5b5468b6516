//! Files: bytes that the relay keeps for a while and cannot read.
//!
//! ```text
//!  ws/files ── BeginFile, OpenFile ──> store: room, whose, until when ──> capability ──> the device
//!                                                                                          │
//!  http  PATCH /v1/files/<id>  ──> admission ──> upload ── part by part ──> bodies         │ with every request
//!        GET   /v1/files/<id>  ──> admission ──> download <── part by part ── bodies <─────┘
//!  upkeep: whose time is over ──> bodies, then store
//! ```
//! A request holds one part of a file in memory. What an answer says is durable: first the bytes, then how far they reach
//! in the store.
//!
//! | module | holds |
//! |---|---|
//! | `capability` | who may do what with which file until when, under the relay's key |
//! | `admission` | whether a request may |
//! | `upload`, `download` | what it does then |
//! | `transfers` | how many at once |
//! | `bodies`, `folder` | where the bytes are: the trait, and files in a folder; those in PostgreSQL are in `store` |
//! | `upkeep` | what goes, and when |

mod admission;
pub(crate) mod bodies;
pub(crate) mod capability;
pub(crate) mod download;
mod folder;
mod transfers;
pub(crate) mod upkeep;
pub(crate) mod upload;

use std::sync::Arc;

use tokio::sync::Mutex;

use self::bodies::Bodies;
use self::capability::Key;
use self::transfers::Transfers;

/// What all requests about files share.
pub(crate) struct Vault {
    pub(crate) bodies: Arc<dyn Bodies>,
    pub(crate) key: Key,
    transfers: Transfers,
    /// Held by whoever deletes: what was just found to have ended does not begin anew meanwhile.
    ending: Mutex<()>,
}

impl Vault {
    pub(crate) fn new(bodies: Arc<dyn Bodies>, key: Key) -> Self {
        Self {
            bodies,
            key,
            transfers: Transfers::default(),
            ending: Mutex::default(),
        }
    }
}
