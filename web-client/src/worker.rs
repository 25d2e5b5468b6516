//! The engine's wasm module: everything is in the library, where it is checked natively too.

fn main() {
    chopar_web::host::start(chopar_engine::Engine::new);
}
