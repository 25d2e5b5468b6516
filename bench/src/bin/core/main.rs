//! The cost of the end-to-end core: natively beside vodozemac in the same run, or with `--wasm FOLDER` in headless Chromium, where
//! FOLDER holds this very program as a wasm module (`cargo xtask bench core --wasm` makes it).
//!
//! Prints a table with ratios and goals, and one line of JSON for each operation:
//! `{"peer":…,"where":"native"|"chromium","op":…,"us":median,"min":…,"max":…}` in microseconds. Every batch has fresh sessions;
//! what is measured includes the wire encoding; plaintexts have 1,024 bytes. Times of `ooo_…` are for one message of the whole
//! run, `opened` says how many came out. `load` is from the module's bytes to its running instance, compiled anew each time.
//!
//! vodozemac has no post-quantum part, no header encryption, no signature check of the keys it begins with and an eight-byte
//! authenticator; the figures of `session_…` compare unlike things, and are printed nevertheless.
//!
//! ```text
//!  measure, chopar            natively and as wasm, the same code
//!  vodozemac, goals           natively
//!  chromium ── browser ── worker (wasm): one operation at a time, asked for by name
//! ```

mod chopar;
#[cfg(not(target_arch = "wasm32"))]
mod chromium;
#[cfg(not(target_arch = "wasm32"))]
mod goals;
mod measure;
#[cfg(not(target_arch = "wasm32"))]
mod vodozemac;
#[cfg(target_arch = "wasm32")]
mod worker;

#[cfg(target_arch = "wasm32")]
fn main() {
    worker::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    match &words[..] {
        [] => native(),
        [flag, folder] if flag == "--wasm" => chromium::run(folder.as_ref()),
        _ => anyhow::bail!("core, or core --wasm FOLDER"),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn native() -> anyhow::Result<()> {
    let mut ours = Vec::new();
    for (_, run) in chopar::OPERATIONS {
        ours.extend(run(&chopar::BENCH)?);
    }
    goals::show(&ours, &vodozemac::rows()?, goals::NATIVE);
    println!(
        "session record: {} bytes (goal: under 16384)",
        chopar::record_size()?
    );
    Ok(())
}
