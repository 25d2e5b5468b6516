//! See `chopar_fuzz_targets::first_contact`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::first_contact(bytes);
});
