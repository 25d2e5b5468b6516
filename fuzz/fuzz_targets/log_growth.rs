//! See `chopar_fuzz_targets::log_growth`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::log_growth(bytes);
});
