//! See `chopar_fuzz_targets::handshake_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::handshake_header(bytes);
});
