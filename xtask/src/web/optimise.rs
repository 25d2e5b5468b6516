//! wasm-opt over both modules.

use std::{fs, path::Path, process::Command, thread};

use anyhow::{Context, Result, anyhow};

use super::sources::Sources;
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

/// Shrinks each wasm file among `sources`, if wasm-opt is there.
pub(crate) fn optimise(tools: &WebTools, sources: &mut Sources) -> Result<()> {
    let Some(script) = &tools.wasm_opt else {
        println!("  without wasm-opt: the modules stay as the compiler left them");
        return Ok(());
    };
    let folder = workspace::root().join("target/web/optimise");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let modules = sources.iter_mut().filter(|(name, _)| name.ends_with(".wasm"));
    thread::scope(|scope| {
        let running: Vec<_> = modules
            .map(|(name, source)| {
                let folder = &folder;
                scope.spawn(move || -> Result<()> {
                    let (input, output) = (folder.join(name), folder.join(format!("{name}.small")));
                    fs::write(&input, &source.bytes)
                        .with_context(|| format!("writing {}", input.display()))?;
                    wasm_opt(script, &input, &output)?;
                    let small = fs::read(&output).with_context(|| format!("reading {}", output.display()))?;
                    println!(
                        "  wasm-opt {name}: {} → {} bytes",
                        source.bytes.len(),
                        small.len()
                    );
                    source.bytes = small;
                    Ok(())
                })
            })
            .collect();
        running.into_iter().try_for_each(|module| {
            module
                .join()
                .map_err(|_| anyhow!("a thread of wasm-opt panicked"))?
        })
    })
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
