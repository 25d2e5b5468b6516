//! See `chopar_fuzz_targets::file_chunk`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::file_chunk(bytes);
});
