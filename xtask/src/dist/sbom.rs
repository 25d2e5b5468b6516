//! The software bill of materials: every crate that the relay's program and the web client in it are compiled from, as
//! CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::workspace;

/// The crate whose program is shipped.
const ROOT: &str = "chopar-relay";
/// The crate of the web client, whose files are in that program.
const CLIENT: &str = "chopar-web";
/// What the client is compiled for.
const CLIENT_TARGET: &str = "wasm32-unknown-unknown";

/// A crate that is shipped.
struct Crate {
    name: String,
    version: String,
    licence: Option<String>,
    /// Package URLs of those it is compiled with.
    on: BTreeSet<String>,
}

/// By package URL.
type Crates = BTreeMap<String, Crate>;

/// The document of the relay at a version.
pub(super) fn of_relay(version: &str) -> Result<String> {
    let mut crates = Crates::new();
    let here = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let root = add(&mut crates, &metadata(&here)?, ROOT)?;
    let client = add(&mut crates, &metadata(CLIENT_TARGET)?, CLIENT)?;
    if let Some(relay) = crates.get_mut(&root) {
        relay.on.insert(client);
    }
    document(&crates, &root, version)
}

/// What cargo knows of the workspace where it is compiled for a target.
fn metadata(target: &str) -> Result<Value> {
    let mut cargo = Command::new(workspace::cargo());
    cargo.current_dir(workspace::root()).args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--offline",
        "--filter-platform",
        target,
    ]);
    let output = cargo.output().context("starting cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata for {target}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Adds a crate of the workspace and everything that it is compiled from; its package URL.
fn add(crates: &mut Crates, metadata: &Value, name: &str) -> Result<String> {
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .context("cargo names no packages")?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let root = packages
        .iter()
        .find(|(_, package)| package["name"] == name)
        .map(|(id, _)| *id)
        .with_context(|| format!("cargo does not know {name}"))?;
    let links = links(metadata)?;
    let text = |id: &str, field: &str| -> Result<String> {
        let found = packages.get(id).and_then(|package| package[field].as_str());
        Ok(found
            .with_context(|| format!("cargo says no {field} of {id}"))?
            .to_owned())
    };
    let purl = |id: &str| -> Result<String> {
        Ok(format!(
            "pkg:cargo/{}@{}",
            text(id, "name")?,
            text(id, "version")?
        ))
    };
    let (mut reached, mut open) = (BTreeSet::new(), vec![root]);
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        let on = links.get(id).map_or(&[][..], Vec::as_slice);
        open.extend(on);
        // One that both are compiled from may be compiled with more for one of them.
        let known = crates.entry(purl(id)?).or_insert(Crate {
            name: text(id, "name")?,
            version: text(id, "version")?,
            licence: text(id, "license").ok(),
            on: BTreeSet::new(),
        });
        for id in on {
            known.on.insert(purl(id)?);
        }
    }
    purl(root)
}

fn document(crates: &Crates, root: &str, version: &str) -> Result<String> {
    let component = |(purl, shipped): (&String, &Crate)| {
        let mut component = json!({
            "type": "library",
            "bom-ref": purl,
            "name": shipped.name,
            "version": shipped.version,
            "purl": purl,
        });
        if let Some(licence) = &shipped.licence {
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        component
    };
    let components: Vec<Value> = crates
        .iter()
        .filter(|(purl, _)| *purl != root)
        .map(component)
        .collect();
    let dependencies: Vec<Value> = crates
        .iter()
        .map(|(purl, shipped)| json!({ "ref": purl, "dependsOn": shipped.on }))
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": root, "name": ROOT, "version": version, "purl": root,
        } },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

/// What each package is compiled with: nothing that only its tests or its build need.
fn links(metadata: &Value) -> Result<BTreeMap<&str, Vec<&str>>> {
    let nodes = metadata["resolve"]["nodes"]
        .as_array()
        .context("cargo resolves nothing")?;
    let normal = |dependency: &&Value| {
        dependency["dep_kinds"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    let links = nodes.iter().filter_map(|node| {
        let on = node["deps"].as_array()?.iter().filter(normal);
        Some((
            node["id"].as_str()?,
            on.filter_map(|dependency| dependency["pkg"].as_str()).collect(),
        ))
    });
    Ok(links.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_listed_and_what_only_tests_need_is_not() {
        let text = of_relay("1.2.3").unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&whole["bomFormat"], &whole["specVersion"]),
            (&json!("CycloneDX"), &json!("1.5"))
        );
        assert_eq!(whole["metadata"]["component"]["version"], "1.2.3");
        let names: BTreeSet<&str> = whole["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        // Of the program, of the client in it, and of both.
        for name in [
            "rustls",
            "rusqlite",
            "libsqlite3-sys",
            CLIENT,
            "chopar-e2ee",
            "leptos",
            "wasm-bindgen",
            "chopar-wire",
            "ed25519-dalek",
        ] {
            assert!(names.contains(name), "{name} is missing");
        }
        for name in ["insta", "tempfile", "prost-build", "chopar-e2e", "xtask"] {
            assert!(!names.contains(name), "{name} is not shipped");
        }
        let components = whole["components"].as_array().unwrap();
        assert!(
            components
                .iter()
                .all(|component| component["licenses"].is_array()),
            "each names its licence"
        );
        let dependencies = whole["dependencies"].as_array().unwrap();
        assert_eq!(dependencies.len(), components.len() + 1);
        // Every reference leads somewhere, and the client is a part of the program.
        let refs: Vec<&Value> = dependencies.iter().map(|entry| &entry["ref"]).collect();
        let root = &whole["metadata"]["component"]["bom-ref"];
        let client = format!("pkg:cargo/{CLIENT}@");
        let mut is_part = false;
        for entry in dependencies {
            for on in entry["dependsOn"].as_array().unwrap() {
                assert!(refs.contains(&on), "{on}");
                is_part |= entry["ref"] == *root && on.as_str().unwrap().starts_with(&client);
            }
        }
        assert!(is_part, "the program holds the client");
    }
}
