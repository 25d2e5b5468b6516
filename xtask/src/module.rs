//! A wasm module beside the web client, made as the client's own are: same compiler, profile, bindings and optimiser. So what is
//! proven or measured of it holds for what is shipped.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{
    process::must,
    setup::WebTools,
    web::{self, Mode},
    workspace,
};

/// Makes the program `bin` of `package`; the folder with `bin.js` and `bin_bg.wasm`. `options` go to cargo.
pub(crate) fn build(tools: &WebTools, package: &str, bin: &str, options: &[&str]) -> Result<PathBuf> {
    let profile = Mode::Release.profile();
    let mut cargo = tools.cargo()?;
    cargo
        .args(["build", "--target=wasm32-unknown-unknown", "--profile", profile])
        .args(["--package", package, "--bin", bin])
        .args(options);
    must(&mut cargo).with_context(|| format!("compiling {bin} to wasm"))?;

    let folder = workspace::root().join("target/web/modules").join(bin);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let compiled = workspace::wasm_target()
        .join("wasm32-unknown-unknown")
        .join(profile)
        .join(format!("{bin}.wasm"));
    let mut bindgen = tools.wasm_bindgen();
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-dir"])
        .arg(&folder)
        .arg(&compiled);
    must(&mut bindgen).with_context(|| format!("making the bindings of {bin}"))?;
    let module = folder.join(format!("{bin}_bg.wasm"));
    web::shrink(tools, &module)?;
    let size = fs::metadata(&module)
        .with_context(|| format!("reading {}", module.display()))?
        .len();
    println!("  {bin}: {size} bytes of wasm");
    Ok(folder)
}
