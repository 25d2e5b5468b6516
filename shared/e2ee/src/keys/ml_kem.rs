//! ML-KEM (FIPS 203), both parameter sets, as everything here calls them: bytes in, bytes out, nothing secret left behind
//! that is ours to wipe.
//!
//! The computation is libcrux's (why: `docs/adr/0006`): constant-time, with AVX2 or NEON where the processor has it, found
//! out at run time, and portable code elsewhere, so also in a browser. It wipes nothing itself; an expanded private key
//! therefore lives in a [`Pair`](turns::Pair) only, for as long as one call needs it.
//!
//! | module | set | of |
//! |---|---|---|
//! | [`turns`] | ML-KEM-768 | the ratchet's KEM turns |
//! | [`handshakes`] | ML-KEM-1024 | the handshake and the recovery seal |

macro_rules! parameter_set {
    ($set:ident: $libcrux:ident, $public:ident, $private:ident, $ciphertext:ident, $key:literal, $ct:literal, $secret:literal) => {
        pub(crate) mod $set {
            use libcrux_ml_kem::$libcrux::{self as libcrux, $ciphertext, $private, $public};
            use zeroize::Zeroize;

            use crate::keys::Secret32;

            /// Length of an encapsulation key in bytes.
            pub(crate) const KEY: usize = $key;
            /// Length of a ciphertext in bytes.
            pub(crate) const CIPHERTEXT: usize = $ct;
            /// Length of an expanded decapsulation key in bytes.
            const PRIVATE: usize = $secret;

            /// A pair, expanded from its seed: costs a key generation, serves for any number of calls, wiped on drop.
            pub(crate) struct Pair {
                private: $private,
                public: $public,
            }

            impl Pair {
                /// The pair that the seed `d ‖ z` makes (algorithm 16).
                pub(crate) fn from_seed(seed: &[u8; 64]) -> Self {
                    let (private, public) = libcrux::generate_key_pair(*seed).into_parts();
                    Self { private, public }
                }

                /// The encapsulation key.
                pub(crate) fn key(&self) -> &[u8; KEY] {
                    self.public.as_slice()
                }

                /// The encapsulated secret; of a ciphertext for another key an unrelated one (algorithm 21).
                pub(crate) fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT]) -> Secret32 {
                    secret(libcrux::decapsulate(
                        &self.private,
                        &$ciphertext::from(ciphertext),
                    ))
                }
            }

            impl Drop for Pair {
                fn drop(&mut self) {
                    self.private[0..PRIVATE].zeroize();
                }
            }

            /// Encapsulates the message `m` to a key whose coefficients were checked (algorithm 20).
            pub(crate) fn encapsulate(key: &[u8; KEY], m: &[u8; 32]) -> ([u8; CIPHERTEXT], Secret32) {
                let (ciphertext, shared) = libcrux::encapsulate(&$public::from(key), *m);
                (ciphertext.into(), secret(shared))
            }

            fn secret(mut shared: [u8; 32]) -> Secret32 {
                let secret = Secret32::new(shared);
                shared.zeroize();
                secret
            }
        }
    };
}

parameter_set!(turns: mlkem768, MlKem768PublicKey, MlKem768PrivateKey, MlKem768Ciphertext, 1184, 1088, 2400);
parameter_set!(handshakes: mlkem1024, MlKem1024PublicKey, MlKem1024PrivateKey, MlKem1024Ciphertext, 1568, 1568, 3168);

/// Whether all coefficients of a turn's key are in range (FIPS 203, section 7.2): what must be asked of a key before
/// anything is encapsulated to it. Keys of handshakes are checked where they are parsed, as `KemPublic1024`.
pub(crate) fn is_turn_key(key: &[u8; turns::KEY]) -> bool {
    libcrux_ml_kem::mlkem768::validate_public_key(&key.into())
}
