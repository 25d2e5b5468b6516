//! The Debian package.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Parts, SBOM, architecture, configuration, from_repository, put};
use crate::process;

/// Scripts of the package, by their name in it.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];
/// What is asked about when the package brings another one.
const CONFFILES: &str = "/etc/chopar/relay.toml\n";

/// Builds the package; its file's name.
pub(super) fn build(parts: &Parts, out: &Path) -> Result<String> {
    let tree = out.join("deb");
    let relay = fs::read(&parts.relay).with_context(|| format!("reading {}", parts.relay.display()))?;
    put(&tree, "usr/bin/chopar-relay", &relay, 0o755)?;
    put(&tree, "etc/chopar/relay.toml", configuration()?.as_bytes(), 0o644)?;
    let unit = from_repository("packaging/chopar-relay.service")?;
    put(&tree, "lib/systemd/system/chopar-relay.service", &unit, 0o644)?;
    let documents = "usr/share/doc/chopar-relay";
    for (name, path) in [
        ("operations.md", "docs/operations.md"),
        ("threat-model.md", "docs/threat-model.md"),
        ("copyright", "LICENSE"),
        ("changelog", "CHANGELOG.md"),
    ] {
        put(
            &tree,
            &format!("{documents}/{name}"),
            &from_repository(path)?,
            0o644,
        )?;
    }
    let sbom = fs::read(out.join(SBOM)).with_context(|| format!("reading {SBOM}"))?;
    put(&tree, &format!("{documents}/{SBOM}"), &sbom, 0o644)?;
    for script in SCRIPTS {
        let text = from_repository(&format!("packaging/debian/{script}"))?;
        put(&tree, &format!("DEBIAN/{script}"), &text, 0o755)?;
    }
    put(&tree, "DEBIAN/conffiles", CONFFILES.as_bytes(), 0o644)?;
    let kib = relay.len().div_ceil(1024);
    put(
        &tree,
        "DEBIAN/control",
        control(&parts.version, kib).as_bytes(),
        0o644,
    )?;
    let name = format!("chopar-relay_{}_{}.deb", parts.version, architecture());
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zxz", "--build"])
        .arg(&tree)
        .arg(out.join(&name));
    process::must(&mut pack)?;
    fs::remove_dir_all(&tree).with_context(|| format!("clearing {}", tree.display()))?;
    Ok(name)
}

fn control(version: &str, kib: usize) -> String {
    format!(
        "Package: chopar-relay\n\
         Version: {version}\n\
         Architecture: {}\n\
         Maintainer: The Chopar project <chopar@localhost>\n\
         Installed-Size: {kib}\n\
         Depends: libc6 (>= 2.34), passwd\n\
         Section: net\n\
         Priority: optional\n\
         Description: end-to-end-encrypted messenger for organisations, the server\n \
         Stores ciphertext until it is fetched, and cannot read it. Holds the web client too:\n \
         people open it in a browser.\n",
        architecture()
    )
}
