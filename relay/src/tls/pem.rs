//! DER as text: what administrators' tools and people's systems take.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Characters in a line.
const LINE: usize = 64;

pub(super) fn certificate(der: &[u8]) -> String {
    String::clone(&armoured("CERTIFICATE", der))
}

/// A key in PKCS #8.
pub(super) fn private_key(der: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(armoured("PRIVATE KEY", der).as_bytes().to_vec())
}

fn armoured(label: &str, der: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(STANDARD.encode(der));
    // Room for all of it at once: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(digits.len() + digits.len() / LINE + 128));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}
