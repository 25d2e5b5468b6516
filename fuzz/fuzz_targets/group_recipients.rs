//! See `chopar_fuzz_targets::group_recipients`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::group_recipients(bytes);
});
