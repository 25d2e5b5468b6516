//! The software bill of materials: every crate that the relay's program is compiled from, as CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::workspace;

/// The crate whose program is shipped.
const ROOT: &str = "chopar-relay";

/// The document of the relay at a version.
pub(super) fn of_relay(version: &str) -> Result<String> {
    let mut cargo = Command::new(workspace::cargo());
    cargo
        .current_dir(workspace::root())
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
        ])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH));
    let output = cargo.output().context("starting cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    document(&serde_json::from_slice(&output.stdout)?, version)
}

fn document(metadata: &Value, version: &str) -> Result<String> {
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .context("cargo names no packages")?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let root = packages
        .iter()
        .find(|(_, package)| package["name"] == ROOT)
        .map(|(id, _)| *id)
        .with_context(|| format!("cargo does not know {ROOT}"))?;
    let links = links(metadata)?;
    let mut reached = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(links.get(id).into_iter().flatten());
        }
    }
    let purl = |id: &str| {
        packages.get(id).map(|package| {
            let text = |field: &str| package[field].as_str().unwrap_or_default();
            format!("pkg:cargo/{}@{}", text("name"), text("version"))
        })
    };
    let component = |id: &&str| {
        let package = packages.get(*id)?;
        let mut component = json!({
            "type": "library",
            "bom-ref": purl(id)?,
            "name": package["name"],
            "version": package["version"],
            "purl": purl(id)?,
        });
        if let Some(licence) = package["license"].as_str() {
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        Some(component)
    };
    let components: Vec<Value> = reached
        .iter()
        .filter(|id| **id != root)
        .filter_map(component)
        .collect();
    let dependencies: Vec<Value> = reached
        .iter()
        .filter_map(|id| {
            let on: BTreeSet<String> = links
                .get(id)
                .into_iter()
                .flatten()
                .filter_map(|id| purl(id))
                .collect();
            Some(json!({ "ref": purl(id)?, "dependsOn": on }))
        })
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": purl(root), "name": ROOT, "version": version, "purl": purl(root),
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
        for name in [
            "rustls",
            "rusqlite",
            "chopar-wire",
            "ed25519-dalek",
            "libsqlite3-sys",
        ] {
            assert!(names.contains(name), "{name} is missing");
        }
        for name in ["insta", "tempfile", "chopar-e2ee", "leptos", "prost-build"] {
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
    }
}
