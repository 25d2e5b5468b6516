//! PQXDH (revision 3): two devices that never met agree on secrets, one of them absent.
//!
//! ```text
//!  initiator                                              responder
//!  Initiation::begin(bundle)                              Acceptance::begin(header, private prekeys)
//!    wanted(): SPKb ──> identity key (WebCrypto)             wanted(): EKa ──> identity key (WebCrypto)
//!  finish(DH(IKa,SPKb)) ──> HandshakeSecrets, header      finish(DH(EKa,IKb)) ──> HandshakeSecrets
//! ```
//!
//! Both stages are pure; the one agreement that needs the identity key's private half happens between them, outside.

mod acceptance;
mod agreement;
mod associated;
mod header;
mod initiation;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
mod secrets;

#[cfg(test)]
mod tests;

pub use acceptance::{Acceptance, AcceptanceError};
pub use header::{HandshakeHeader, HeaderError, KemPrekeyId};
pub use initiation::{Initiation, InitiationError};
pub use secrets::HandshakeSecrets;
