//! The engine's wasm module.

fn main() {}
