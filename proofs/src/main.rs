//! `proofs FOLDER [--full]`: every proof in headless Chromium, where FOLDER holds this very program as a wasm module. Prints what
//! each proof looked at and how long it took; the last line counts them as test runners do.
//!
//! Natively the same proofs are ordinary tests of this package.

#[cfg(not(target_arch = "wasm32"))]
mod chromium;

#[cfg(target_arch = "wasm32")]
fn main() {
    chopar_proofs::browser::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let (folder, full) = match &words[..] {
        [folder] => (folder, false),
        [folder, flag] if flag == "--full" => (folder, true),
        _ => anyhow::bail!("proofs FOLDER [--full]"),
    };
    tokio::runtime::Runtime::new()?.block_on(chromium::run(folder.as_ref(), full))
}
