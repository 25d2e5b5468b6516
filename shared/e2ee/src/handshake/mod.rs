//! PQXDH: two devices that never met agree on secrets, one of them absent.

mod secrets;

pub use secrets::HandshakeSecrets;
