//! See `chopar_fuzz_targets::safety_number_qr`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::safety_number_qr(bytes);
});
