//! The interface's wasm module.

fn main() {}
