//! See `chopar_fuzz_targets::file_descriptor`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::file_descriptor(bytes);
});
