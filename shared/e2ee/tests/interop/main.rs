//! The interop program, run as a program: against the PyPI packages X3DH and DoubleRatchet, with the transcripts made by
//! them, and against itself in the product's suite.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod full;
mod packages;
mod program;
mod transcript;
