//! wasm-opt over the module and its parts.

use std::{fs, iter, path::Path, process::Command};

use anyhow::{Context, Result};

use super::module::{MODULE, Module};
use crate::{process::output_of, setup::WebTools, workspace};

/// For size as it is sent: the module that `-O2` makes is a little larger than that of `-Oz`, and a hundredth smaller once compressed.
/// The linker puts the stack below everything else, so the lowest addresses are its last reserve and hold nothing. Every browser that has
/// what the page asks for has these features, and the compiler emits code for them.
const FLAGS: [&str; 9] = [
    "-O2",
    "--low-memory-unused",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Shrinks the module and its parts, if wasm-opt is there.
pub(super) fn optimise(tools: &WebTools, module: &mut Module) -> Result<()> {
    if tools.wasm_opt.is_none() {
        println!("  without wasm-opt: the module stays as the compiler left it");
        return Ok(());
    }
    let folder = workspace::root().join("target/web/optimise");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let first = (MODULE, &mut module.wasm);
    let parts = module
        .parts
        .iter_mut()
        .map(|part| (part.name.as_str(), &mut part.wasm));
    for (name, wasm) in iter::once(first).chain(parts) {
        let file = folder.join(format!("{name}.wasm"));
        fs::write(&file, &*wasm).with_context(|| format!("writing {}", file.display()))?;
        shrink(tools, &file)?;
        let small = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        println!("  wasm-opt {name}: {} → {} bytes", wasm.len(), small.len());
        *wasm = small;
    }
    Ok(())
}

/// Shrinks one module in its place, as those of the client are, if wasm-opt is there.
pub(crate) fn shrink(tools: &WebTools, module: &Path) -> Result<()> {
    match &tools.wasm_opt {
        Some(script) => wasm_opt(script, module, module),
        None => Ok(()),
    }
}

fn wasm_opt(script: &Path, input: &Path, output: &Path) -> Result<()> {
    let mut node = Command::new("node");
    node.arg(script).args(FLAGS).arg(input).arg("-o").arg(output);
    output_of(&mut node)
        .map(drop)
        .with_context(|| format!("wasm-opt refused {}", input.display()))
}
