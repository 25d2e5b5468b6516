//! See `chopar_fuzz_targets::search_text`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::search_text(bytes);
});
