//! Files: encrypted in chunks under a key of their own, described inside the encryption of a message.
//!
//! ```text
//!  content ─┬─ 64 KiB ──> AES-256-GCM, nonce 0…0 ‖ 0 ‖ 0 ──> chunk 0 ─┐
//!           ├─ 64 KiB ──> AES-256-GCM, nonce 0…0 ‖ 1 ‖ 0 ──> chunk 1 ─┼──> the relay, under an id that says nothing
//!   zeros ──┴─ the rest ─> AES-256-GCM, nonce 0…0 ‖ n ‖ 1 ──> chunk n ─┘
//!                                                      └── digest over the chunks ─┐
//!  name, media type, size, id, key, digest, what it looks like ──> FileDescriptor ─┴──> content of a message
//! ```
//! Either end holds one chunk at a time. Docs: section 12 of `docs/protocol.md`, `docs/adr/0023`.
//!
//! | module | holds |
//! |---|---|
//! | `layout` | into which chunks a size is cut |
//! | `seal`, `open` | a file to chunks, chunks to a file |
//! | `secret` | what opens a file |
//! | `descriptor` | a file as a message speaks of it |
//! | `looks` | what is shown of it before it is fetched |
//! | `name`, `media` | what a hostile sender may call it, and what is made of that |
//! | `limits` | every bound |

mod chunks;
mod descriptor;
mod labels;
mod layout;
pub mod limits;
mod looks;
mod media;
mod name;
mod open;
mod seal;
mod secret;
#[cfg(test)]
mod tests;

pub use descriptor::{DescriptorError, FileDescriptor};
pub use layout::Layout;
pub use looks::{Looks, LooksError};
pub use media::{MediaError, MediaType};
pub use name::{FileName, NameTooLong};
pub use open::{FileOpener, OpenError};
pub use seal::{FileSealer, SealError};
pub use secret::FileSecret;
