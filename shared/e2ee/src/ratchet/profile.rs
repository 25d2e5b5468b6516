//! What differs between the product's suite and the profile that independent implementations can follow.

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Suite1 {}
    #[cfg(feature = "oracle")]
    impl Sealed for super::Oracle {}
}

/// A parameter set of the ratchet. The product has one, [`Suite1`].
pub trait Profile: sealed::Sealed + Send + Sync + 'static {
    /// Header encryption, recognition tags, random salts and KEM turns: all of them or none.
    const FULL: bool;

    /// Label of the root step.
    fn root_label(&self) -> &[u8];

    /// Label of a message's key and nonce.
    fn message_label(&self) -> &[u8];
}

/// Suite 1: everything of the protocol's section "Ratchet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suite1;

impl Profile for Suite1 {
    const FULL: bool = true;

    fn root_label(&self) -> &[u8] {
        super::labels::ROOT
    }

    fn message_label(&self) -> &[u8] {
        super::labels::MESSAGE
    }
}

/// The plain Double Ratchet for transcripts of independent implementations: a 40-byte header in clear
/// (`ratchet_pub ‖ pn ‖ n`), no tag, no KEM, salt zero, labels as given. A message is `header ‖ ciphertext`.
#[cfg(feature = "oracle")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oracle {
    /// Label of the root step.
    pub root: Vec<u8>,
    /// Label of a message's key and nonce.
    pub message: Vec<u8>,
}

#[cfg(feature = "oracle")]
impl Profile for Oracle {
    const FULL: bool = false;

    fn root_label(&self) -> &[u8] {
        &self.root
    }

    fn message_label(&self) -> &[u8] {
        &self.message
    }
}
