//! See `chopar_fuzz_targets::engine_frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chopar_fuzz_targets::engine_frames(bytes);
});
