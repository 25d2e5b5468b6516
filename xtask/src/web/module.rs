//! The wasm module: compiled, split into what is loaded first and the parts that are loaded later, and given its bindings.
//!
//! The order matters: only the linker knows which function names which others (`web-client/build.rs` has it say so), and wasm-bindgen
//! drops that knowledge. What only a part's entry reaches goes into the part; what several parts share and nothing else reaches, into one
//! that comes along with each of them. Parts bring no JavaScript: they import what they need from the module.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use wasm_split_cli_support as splitter;

use super::{Mode, sources::files};
use crate::{process::must, setup::WebTools, workspace};

/// The name of the module: of its package, its program, and the files made of it.
pub(super) const MODULE: &str = "chopar-web";
/// How names of parts begin.
pub(super) const PART: &str = "part-";
/// The script that loads parts; the module imports a function a part from it.
pub(super) const PARTS_SCRIPT: &str = "parts.js";
/// What wasm-bindgen makes of it.
const JS: &str = "chopar-web.js";
const WASM: &str = "chopar-web_bg.wasm";
/// As the splitter names a part by itself, and one that several share.
const OWN: &str = "split_";
const SHARED: &str = "chunk_";

/// What the client's code is made of.
pub(super) struct Module {
    /// The bindings; the script of parts is named in them by its placeholder.
    pub(super) js: String,
    /// What is loaded first.
    pub(super) wasm: Vec<u8>,
    /// What is loaded later.
    pub(super) parts: Vec<Part>,
    /// For each entry the names of the parts that it takes, itself last.
    entries: BTreeMap<String, Vec<String>>,
}

/// A file of the module that is loaded later.
pub(super) struct Part {
    /// Unique, without ending.
    pub(super) name: String,
    pub(super) wasm: Vec<u8>,
}

impl Module {
    /// What is added to the script of parts: for each entry its files with their digests, and the function that the module imports.
    pub(super) fn loaders(&self) -> String {
        let mut text = String::new();
        for (entry, parts) in &self.entries {
            let files: Vec<_> = parts
                .iter()
                .map(|part| format!("[\"@{{{part}.wasm}}\", \"@{{{part}.wasm:integrity}}\"]"))
                .collect();
            text += &format!(
                "export const __wasm_split_load_{entry} = entry(\"{entry}\", [{}]);\n",
                files.join(", ")
            );
        }
        text
    }
}

/// Builds the module; it is not optimised yet.
pub(super) fn build(tools: &WebTools, mode: Mode) -> Result<Module> {
    let folder = workspace::root().join("target/web/module");
    super::remove(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let first = folder.join("first.wasm");
    let split = split(&compile(tools, mode)?, &folder, &first)?;
    let bound = folder.join("bound");
    bind(tools, &first, &bound)?;
    let module = read(&bound, &split)?;
    for part in &module.parts {
        println!("  split off: {} ({} bytes)", part.name, part.wasm.len());
    }
    Ok(module)
}

/// Has cargo compile; the linked module.
fn compile(tools: &WebTools, mode: Mode) -> Result<PathBuf> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let mut cargo = tools.cargo()?;
    cargo
        .args(["build", "--target", TARGET, "--profile", mode.profile()])
        .args(["--package", MODULE, "--bin", MODULE]);
    must(&mut cargo).context("compiling the web client")?;
    let folder = workspace::wasm_target().join(TARGET).join(mode.profile());
    Ok(folder.join(format!("{MODULE}.wasm")))
}

/// Splits the linked module; which files each entry takes.
fn split(linked: &Path, folder: &Path, first: &Path) -> Result<splitter::SplitWasm> {
    let bytes = fs::read(linked).with_context(|| format!("reading {}", linked.display()))?;
    let link_name = format!("./{PARTS_SCRIPT}");
    let mut options = splitter::Options::new(&bytes);
    options.output_dir = folder;
    options.main_out_path = first;
    options.link_name = &link_name;
    splitter::transform(options).map_err(|why| anyhow!("splitting {}: {why:?}", linked.display()))
}

/// Has wasm-bindgen make the bindings of what is loaded first.
fn bind(tools: &WebTools, first: &Path, folder: &Path) -> Result<()> {
    let mut bindgen = tools.wasm_bindgen();
    bindgen
        // The table of functions is among the linker's exports: parts and module call each other through it.
        .args(["--target", "web", "--no-typescript", "--keep-lld-exports"])
        .args(["--out-name", MODULE, "--out-dir"])
        .arg(folder)
        .arg(first);
    must(&mut bindgen).context("making the bindings of the web client")
}

fn read(bound: &Path, split: &splitter::SplitWasm) -> Result<Module> {
    only_bindings(&files(bound)?)?;
    let (js, wasm) = (bound.join(JS), bound.join(WASM));
    let text = fs::read_to_string(&js).with_context(|| format!("reading {}", js.display()))?;
    let mut parts = Vec::new();
    for path in &split.split_modules {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        parts.push(Part {
            name: name_of(stem.context("a part without a name")?)?,
            wasm: fs::read(path).with_context(|| format!("reading {}", path.display()))?,
        });
    }
    let mut entries = BTreeMap::new();
    for (entry, stems) in &split.prefetch_map {
        let names: Vec<_> = stems.iter().map(|stem| name_of(stem)).collect::<Result<_>>()?;
        entries.insert(entry.clone(), names);
    }
    let named: BTreeSet<_> = entries.values().flatten().collect();
    // The splitter also writes those that turned out empty.
    parts.retain(|part| named.contains(&part.name));
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Module {
        js: with_parts_script(&text)?,
        wasm: fs::read(&wasm).with_context(|| format!("reading {}", wasm.display()))?,
        parts,
        entries,
    })
}

/// A snippet is JavaScript that a crate brings along. The module would import it without a digest.
fn only_bindings(made: &[String]) -> Result<()> {
    match made.iter().find(|name| *name != JS && *name != WASM) {
        None => Ok(()),
        Some(other) => bail!(
            "wasm-bindgen made {other}: a crate brings JavaScript of its own, which the page's integrity rules refuse"
        ),
    }
}

/// `split_own` is known as `part-own`, and `chunk_2` as `part-shared-2`.
fn name_of(stem: &str) -> Result<String> {
    match (stem.strip_prefix(OWN), stem.strip_prefix(SHARED)) {
        (Some(own), _) => Ok(format!("{PART}{own}")),
        (_, Some(shared)) => Ok(format!("{PART}shared-{shared}")),
        _ => bail!("the splitter made {stem}, which is neither a part nor shared by parts"),
    }
}

/// The bindings with the placeholder of the script's final name in the place of its plain one. They import it once for each entry.
fn with_parts_script(js: &str) -> Result<String> {
    let plain = format!("from \"./{PARTS_SCRIPT}\"");
    if !js.contains(&plain) {
        bail!("the bindings do not import {PARTS_SCRIPT}: nothing was split off");
    }
    Ok(js.replace(&plain, &format!("from \"@{{{PARTS_SCRIPT}}}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_its_files_with_their_digests_and_itself_last() {
        let shared = ["part-shared-2", "part-own"].map(str::to_owned);
        let module = Module {
            js: String::new(),
            wasm: Vec::new(),
            parts: Vec::new(),
            entries: BTreeMap::from([("own".to_owned(), shared.to_vec())]),
        };
        assert_eq!(
            module.loaders(),
            "export const __wasm_split_load_own = entry(\"own\", \
             [[\"@{part-shared-2.wasm}\", \"@{part-shared-2.wasm:integrity}\"], \
             [\"@{part-own.wasm}\", \"@{part-own.wasm:integrity}\"]]);\n"
        );
    }

    #[test]
    fn parts_are_named_after_their_entry() {
        assert_eq!(name_of("split_own").unwrap(), "part-own");
        assert_eq!(name_of("chunk_2").unwrap(), "part-shared-2");
        assert!(name_of("main").is_err());
    }

    #[test]
    fn the_bindings_import_the_script_under_its_final_name() {
        let js = "import * as import1 from \"./parts.js\"\nreturn { \"./parts.js\": import1 };";
        assert_eq!(
            with_parts_script(js).unwrap(),
            "import * as import1 from \"@{parts.js}\"\nreturn { \"./parts.js\": import1 };"
        );
        assert!(with_parts_script("").is_err());
    }

    #[test]
    fn javascript_of_a_crate_is_refused_by_name() {
        let bound = tempfile::tempdir().unwrap();
        fs::create_dir_all(bound.path().join("snippets/some-crate-1")).unwrap();
        fs::write(bound.path().join("snippets/some-crate-1/inline0.js"), "").unwrap();
        let error = files(bound.path())
            .and_then(|names| only_bindings(&names))
            .unwrap_err()
            .to_string();
        assert!(error.contains("some-crate-1"), "{error}");
    }
}
