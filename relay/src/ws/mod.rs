//! `/v1/connect`: one WebSocket, binary protobuf frames, both directions.
//!
//! ```text
//!  connect   (upgrade: Host, Origin, buffer limits)
//!    └> session     (Challenge -> SignIn | Register | CheckInvite | recovery, under a deadline)
//!         ├> recovery    (the account key opens its log, and lets a device in)
//!         └> connection  (the loop of a signed-in device)
//!              ├> dispatch   (frame -> policy -> store -> answer; groups, opaque, files, records, administration,
//!              │             oversight)
//!              ├> standing   (who was suspended, here or elsewhere, and has to go)
//!              ├> delivery   (queue and pushes -> Deliver, within a window)
//!              └> registry   (who is here; the way in for what others send)
//! ```

pub(crate) mod administration;
pub(crate) mod answers;
pub(crate) mod connect;
mod connection;
mod delivery;
mod dispatch;
mod files;
mod groups;
mod opaque;
mod oversight;
mod records;
mod recovery;
mod registration;
pub(crate) mod registry;
mod session;
pub(crate) mod standing;
mod wire;
