//! See `chopar_fuzz_targets::history_record`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::history_record(bytes);
});
