//! HKDF-SHA256 and HMAC-SHA256 with outputs of fixed size, which cannot fail.

use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// HKDF-SHA256 (RFC 5869) over concatenated input parts and concatenated info parts.
pub(crate) fn hkdf<const N: usize>(salt: &[u8], ikm: &[&[u8]], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32) };
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in ikm {
        extract.input_ikm(part);
    }
    let (mut prk, expand) = extract.finalize();
    prk.as_mut_slice().zeroize();
    let mut out = Zeroizing::new([0; N]);
    let Ok(()) = expand.expand_multi_info(info, out.as_mut()) else {
        unreachable!("N is checked at compile time")
    };
    out
}

/// A key of HMAC-SHA256, set up once for several messages.
pub(crate) fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}

/// Finishes one HMAC into 32 bytes.
pub(crate) fn finish(mac: Hmac<Sha256>) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Updates and finishes one HMAC.
pub(crate) fn hmac_of(mut mac: Hmac<Sha256>, data: &[u8]) -> Zeroizing<[u8; 32]> {
    mac.update(data);
    finish(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, test case 1, with input and info in two parts each.
    #[test]
    fn hkdf_as_the_rfc_says() {
        let salt: Vec<u8> = (0..13).collect();
        let info: Vec<u8> = (0xf0..0xfa).collect();
        let okm = hkdf::<42>(&salt, &[&[0x0b; 20], &[0x0b; 2]], &[&info[..3], &info[3..]]);
        assert_eq!(
            hex::encode(okm.as_ref()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    /// The root step rests on it: the first bytes do not depend on how many are asked for.
    #[test]
    fn hkdf_is_prefix_stable() {
        let short = hkdf::<64>(&[1; 32], &[&[2; 32]], &[b"x"]);
        let long = hkdf::<96>(&[1; 32], &[&[2; 32]], &[b"x"]);
        assert_eq!(short.as_ref(), &long[..64]);
    }
}
