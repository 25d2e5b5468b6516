//! See `chopar_fuzz_targets::ratchet_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::ratchet_header(bytes);
});
