//! Embeds the web client: a table of its files with their precompressed siblings, read from its `manifest.json`
//! (`{ "version": 1, "files": { path: { sha256, content_type, immutable, … } } }`). Without a built client the table is empty and the relay says how to build one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-env-changed=CHOPAR_WEB_DIST");
    println!("cargo::rustc-check-cfg=cfg(chopar_client_missing)");
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let dist = match env::var_os("CHOPAR_WEB_DIST") {
        Some(dist) => PathBuf::from(dist),
        None => here.join("../target/web/dist"),
    };
    let out = PathBuf::from(env::var("OUT_DIR")?);
    if !embed(&dist, "ASSETS", &out.join("assets.rs"))? {
        println!("cargo::rustc-cfg=chopar_client_missing");
    }
    // A small client for the unit tests: it goes the way the real one goes.
    embed(&here.join("tests/web"), "FIXTURE", &out.join("fixture.rs"))?;
    Ok(())
}

/// Writes the table of a built client, an empty one where there is none; whether there is one.
fn embed(dist: &Path, name: &str, into: &Path) -> Result<bool, Failure> {
    let manifest = dist.join("manifest.json");
    // A path that is not there yet is watched too: the first build of the client is noticed.
    println!("cargo::rerun-if-changed={}", manifest.display());
    let built = manifest.is_file();
    let mut table = format!("static {name}: &[Asset] = &[\n");
    if built {
        for line in entries(dist, &manifest)? {
            table += &line;
        }
    }
    table += "];\n";
    fs::write(into, table)?;
    Ok(built)
}

/// The table's lines, in the order of paths: they are found by binary search.
fn entries(dist: &Path, manifest: &Path) -> Result<Vec<String>, Failure> {
    let parsed: serde_json::Value = serde_json::from_slice(&fs::read(manifest)?)?;
    if parsed.get("version").and_then(serde_json::Value::as_u64) != Some(1) {
        return Err("manifest.json is of another version".into());
    }
    let files = parsed.get("files").and_then(|files| files.as_object());
    let files = files.ok_or("manifest.json holds no object of files")?;
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut lines = Vec::new();
    for (path, facts) in files {
        let path = path.trim_start_matches('/');
        let text = |name: &str| facts.get(name).and_then(serde_json::Value::as_str);
        let sha256 = text("sha256").ok_or_else(|| format!("manifest.json: {path} has no sha256"))?;
        let kind =
            text("content_type").ok_or_else(|| format!("manifest.json: {path} has no content_type"))?;
        let immutable = facts
            .get("immutable")
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false);
        let file = fs::canonicalize(dist.join(path))?;
        println!("cargo::rerun-if-changed={}", file.display());
        let sibling = |suffix: &str| {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            let sibling = PathBuf::from(name);
            if sibling.is_file() {
                format!("Some(include_bytes!({sibling:?}))")
            } else {
                "None".to_owned()
            }
        };
        let mut line = String::new();
        writeln!(
            line,
            "    Asset {{ path: {path:?}, kind: {kind:?}, sha256: {sha256:?}, immutable: {immutable}, plain: include_bytes!({file:?}), \
             brotli: {}, gzip: {} }},",
            sibling(".br"),
            sibling(".gz"),
        )?;
        lines.push(line);
    }
    Ok(lines)
}
