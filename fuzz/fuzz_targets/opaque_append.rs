//! See `chopar_fuzz_targets::opaque_append`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::opaque_append(bytes);
});
