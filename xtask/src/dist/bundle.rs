//! The bundle for machines without packages and without a network.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Parts, SBOM, configuration, from_repository, put};
use crate::process;

/// Builds the archive; its file's name.
pub(super) fn build(parts: &Parts, out: &Path) -> Result<String> {
    let name = format!("chopar-relay-{}-{}", parts.version, std::env::consts::ARCH);
    let tree = out.join(&name);
    let relay = fs::read(&parts.relay).with_context(|| format!("reading {}", parts.relay.display()))?;
    put(&tree, "chopar-relay", &relay, 0o755)?;
    put(&tree, "relay.toml", configuration()?.as_bytes(), 0o644)?;
    for (file, path) in [
        ("chopar-relay.service", "packaging/chopar-relay.service"),
        ("Containerfile", "packaging/Containerfile"),
        ("LICENSE", "LICENSE"),
        ("CHANGELOG.md", "CHANGELOG.md"),
        ("docs/operations.md", "docs/operations.md"),
        ("docs/threat-model.md", "docs/threat-model.md"),
        ("docs/protocol.md", "docs/protocol.md"),
    ] {
        put(&tree, file, &from_repository(path)?, 0o644)?;
    }
    for file in ["manifest.json", SBOM] {
        fs::copy(out.join(file), tree.join(file)).with_context(|| format!("copying {file}"))?;
    }
    let archive = format!("{name}.tar.gz");
    let file = File::create(out.join(&archive)).with_context(|| format!("writing {archive}"))?;
    let mut tar = Command::new("tar");
    tar.current_dir(out)
        .args([
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mtime=@0",
            "-cf",
            "-",
        ])
        .arg(&name);
    process::into_gzip(&mut tar, file)?;
    fs::remove_dir_all(&tree).with_context(|| format!("clearing {}", tree.display()))?;
    Ok(archive)
}
