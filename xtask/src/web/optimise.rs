//! wasm-opt over the module.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::sources::{MODULE, Sources};
use crate::{process::output_of, setup::WebTools, workspace};

/// For size; every browser that has what the page asks for has these features, and the compiler emits code for them.
const FLAGS: [&str; 8] = [
    "-Oz",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Shrinks the client's module, if wasm-opt is there.
pub(crate) fn optimise(tools: &WebTools, sources: &mut Sources) -> Result<()> {
    let Some(script) = &tools.wasm_opt else {
        println!("  without wasm-opt: the module stays as the compiler left them");
        return Ok(());
    };
    let folder = workspace::root().join("target/web/optimise");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let name = format!("{MODULE}.wasm");
    let source = sources
        .get_mut(&name)
        .with_context(|| format!("there is no {name}"))?;
    let (input, output) = (folder.join(&name), folder.join(format!("{name}.small")));
    fs::write(&input, &source.bytes).with_context(|| format!("writing {}", input.display()))?;
    wasm_opt(script, &input, &output)?;
    let small = fs::read(&output).with_context(|| format!("reading {}", output.display()))?;
    println!(
        "  wasm-opt {name}: {} → {} bytes",
        source.bytes.len(),
        small.len()
    );
    source.bytes = small;
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
