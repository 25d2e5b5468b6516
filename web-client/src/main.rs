//! The client's one wasm module: everything is in the library, where it is checked natively too.

use wasm_bindgen::JsCast;
use web_sys::DedicatedWorkerGlobalScope;

/// Runs once in the page and once in the page's worker; the global object says which of the two this is.
fn main() {
    if js_sys::global().is_instance_of::<DedicatedWorkerGlobalScope>() {
        chopar_web::host::start(chopar_engine::Engine::new);
    } else {
        chopar_web::start();
    }
}
