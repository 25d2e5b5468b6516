//! See `chopar_fuzz_targets::roster_sealed`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::roster_sealed(bytes);
});
