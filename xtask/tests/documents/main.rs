//! The documents against the sources: every numbered rule has a test that carries its number, and every label and limit
//! stands in the protocol as it stands in the code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod attacks;
mod carriers;
mod labels;
mod limits;
mod rules;
mod sources;
mod structure;
