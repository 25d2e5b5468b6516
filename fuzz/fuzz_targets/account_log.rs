//! See `chopar_fuzz_targets::account_log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::account_log(bytes);
});
