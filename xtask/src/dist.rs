//! The task `dist`: what an organisation installs, in one folder that needs no network.
//!
//! ```text
//!  target/dist/  chopar-relay_<version>_<arch>.deb       for Debian and Ubuntu
//!                chopar-relay-<version>-<arch>.tar.gz    program, unit, configuration, container file, manual
//!                manifest.json                           the web client's files, for `chopar-relay verify-client`
//!                sbom.cdx.json                           every crate of program and web client (CycloneDX); in both packages too
//!                SHA256SUMS                              of all of them
//! ```

mod bundle;
mod deb;
mod sbom;

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::web::{self, Mode};
use crate::{process, setup, workspace};

const SUMS: &str = "SHA256SUMS";
/// Every crate that is shipped.
const SBOM: &str = "sbom.cdx.json";

/// What the packages are made of.
pub(crate) struct Parts {
    /// The relay's program, with the client in it.
    pub(crate) relay: PathBuf,
    /// The client's manifest.
    pub(crate) manifest: PathBuf,
    pub(crate) version: String,
}

/// Builds client and relay as they are shipped, and packs them.
pub(crate) fn dist() -> Result<()> {
    let tools = setup::for_web()?;
    web::build(&tools, Mode::Release)?;
    println!("== relay");
    let mut build = workspace::native_cargo(Mode::Release);
    build.args([
        "build",
        "--release",
        "--locked",
        "--package",
        "chopar-relay",
        "--bin",
        "chopar-relay",
    ]);
    process::must(&mut build)?;
    let parts = Parts {
        relay: workspace::native_target().join("release/chopar-relay"),
        manifest: Mode::Release.dist().join("manifest.json"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let out = workspace::root().join("target/dist");
    println!("== packages");
    for file in pack(&parts, &out)? {
        println!("  {}", out.join(file).display());
    }
    Ok(())
}

/// Writes all packages into a fresh folder; their names, the checksums last.
pub(crate) fn pack(parts: &Parts, out: &Path) -> Result<Vec<String>> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("clearing {}", out.display()))?;
    }
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let sbom = out.join(SBOM);
    fs::write(&sbom, sbom::of_relay(&parts.version)?)
        .with_context(|| format!("writing {}", sbom.display()))?;
    fs::copy(&parts.manifest, out.join("manifest.json"))
        .with_context(|| format!("copying {}", parts.manifest.display()))?;
    let mut files = vec!["manifest.json".to_owned(), SBOM.to_owned()];
    files.push(deb::build(parts, out)?);
    files.push(bundle::build(parts, out)?);
    files.sort();
    let mut sums = String::new();
    for file in &files {
        let bytes = fs::read(out.join(file)).with_context(|| format!("reading {file}"))?;
        sums += &format!("{}  {file}\n", hex::encode(Sha256::digest(bytes)));
    }
    fs::write(out.join(SUMS), sums).context("writing the checksums")?;
    files.push(SUMS.to_owned());
    Ok(files)
}

/// The packages' configuration: the example with the one setting that a package knows.
fn configuration() -> Result<String> {
    let path = workspace::root().join("packaging/relay.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let set = "\n# data = \"/var/lib/chopar\"\n";
    anyhow::ensure!(text.contains(set), "{} sets no data folder", path.display());
    Ok(text.replace(set, "\ndata = \"/var/lib/chopar\"\n"))
}

/// Debian's name of this machine's processor.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Puts a file of the repository, or other bytes, into a tree with its mode.
fn put(tree: &Path, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
    let file = tree.join(path);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))?;
    set_mode(&file, mode)
}

fn from_repository(path: &str) -> Result<Vec<u8>> {
    let path = workspace::root().join(path);
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("setting the mode of {}", path.display()))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
