//! What the client is put together from: Trunk's bundle and the folder `static/`.

#[path = "../../../web-client/build/catalogue.rs"]
mod catalogue;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, anyhow, bail};

use crate::workspace;

/// The name by which the module's two files are known to placeholders, and the beginning of the names Trunk gives them.
pub(super) const MODULE: &str = "chopar-web";
/// Where translations lie in `static/`, and the texts made of them in the client.
pub(crate) const LOCALES: &str = "locales/";
/// Files of `static/` that browsers look for under a name of their own; they are always part of the client.
const STABLE: [&str; 4] = ["manifest.webmanifest", "sw.js", "favicon.ico", "robots.txt"];
/// Files that may hold placeholders.
const TEMPLATES: [&str; 5] = [
    "index.html",
    "boot.js",
    "worker.js",
    "sw.js",
    "manifest.webmanifest",
];

/// How the final name of a file comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// As it is; a browser asks again every time.
    Stable,
    /// As it is, and bound to its content by whoever named it.
    Named,
    /// With a digest of its content.
    ByContent,
}

/// One file before its placeholders are filled in.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) bytes: Vec<u8>,
    pub(crate) naming: Naming,
    pub(crate) template: bool,
    /// Whether the file is part of the client even if no other file names it.
    pub(crate) wanted: bool,
}

/// All files by the names placeholders use.
pub(crate) type Sources = BTreeMap<String, Source>;

/// Reads Trunk's bundle and `static/`.
pub(crate) fn gather(bundle: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    for name in files(bundle)? {
        let bytes = fs::read(bundle.join(&name)).with_context(|| format!("reading {name}"))?;
        let (key, source) = of_bundle(&name, bytes)?;
        sources.insert(key, source);
    }
    let folder = workspace::root().join("static");
    for name in files(&folder)? {
        // Style sheets come through Trunk; of translations the texts alone are served.
        if name.ends_with(".css") || name.starts_with(LOCALES) {
            continue;
        }
        let bytes = fs::read(folder.join(&name)).with_context(|| format!("reading static/{name}"))?;
        sources.insert(name.clone(), of_static(&name, bytes));
    }
    for (name, text) in catalogues(&folder)? {
        sources.insert(name.clone(), of_static(&name, text.into_bytes()));
    }
    for file in [format!("{MODULE}.js"), format!("{MODULE}.wasm")] {
        if !sources.contains_key(&file) {
            bail!("Trunk made no {file}");
        }
    }
    Ok(sources)
}

/// The file of each language, as the module's methods read it.
fn catalogues(folder: &Path) -> Result<Vec<(String, String)>> {
    let names = catalogue::LANGUAGES.map(|(language, _)| language);
    let mut locales: [String; 4] = Default::default();
    for (locale, name) in locales.iter_mut().zip(names) {
        let path = folder.join(format!("{LOCALES}{name}.json"));
        *locale = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    }
    let (_, texts) = catalogue::generate(&locales).map_err(|why| anyhow!("static/{LOCALES}{why}"))?;
    Ok(names
        .into_iter()
        .zip(texts)
        .map(|(name, text)| (format!("{LOCALES}{name}.txt"), text))
        .collect())
}

fn of_bundle(name: &str, bytes: Vec<u8>) -> Result<(String, Source)> {
    if name == "index.html" {
        return Ok((
            name.to_owned(),
            Source {
                bytes,
                naming: Naming::Stable,
                template: true,
                wanted: true,
            },
        ));
    }
    if name.ends_with(".css") {
        return Ok((
            name.to_owned(),
            Source {
                bytes,
                naming: Naming::Named,
                template: false,
                wanted: true,
            },
        ));
    }
    let Some(key) = module_file(name) else {
        // A snippet is JavaScript that a crate brings along. The module would import it without a digest.
        bail!(
            "{name} is in Trunk's bundle: a crate brings JavaScript of its own, which the page's integrity rules refuse"
        );
    };
    Ok((
        key,
        Source {
            bytes,
            naming: Naming::ByContent,
            template: false,
            wanted: false,
        },
    ))
}

fn of_static(name: &str, bytes: Vec<u8>) -> Source {
    let stable = STABLE.contains(&name);
    let naming = if stable { Naming::Stable } else { Naming::ByContent };
    Source {
        bytes,
        naming,
        template: TEMPLATES.contains(&name),
        wanted: stable,
    }
}

/// `chopar-web-1f3a_bg.wasm` is known as `chopar-web.wasm`.
fn module_file(name: &str) -> Option<String> {
    let (stem, kind) = name
        .strip_suffix("_bg.wasm")
        .map(|stem| (stem, "wasm"))
        .or_else(|| Some((name.strip_suffix(".js")?, "js")))?;
    let rest = stem.strip_prefix(MODULE)?;
    let is_hash = |hash: &str| hash.chars().all(|c| c.is_ascii_hexdigit());
    (rest.is_empty() || rest.strip_prefix('-').is_some_and(is_hash)).then(|| format!("{MODULE}.{kind}"))
}

/// The files under `folder`, as paths relative to it with `/` between.
pub(crate) fn files(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        let here = folder.join(&prefix);
        for entry in fs::read_dir(&here).with_context(|| format!("listing {}", here.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name
                .to_str()
                .with_context(|| format!("{} has a name that is no text", entry.path().display()))?;
            let path = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}/{name}")
            };
            if entry.file_type()?.is_dir() {
                open.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_module_are_known_with_and_without_a_hash() {
        assert_eq!(
            module_file("chopar-web-1f3a9_bg.wasm").as_deref(),
            Some("chopar-web.wasm")
        );
        assert_eq!(
            module_file("chopar-web-1f3a9.js").as_deref(),
            Some("chopar-web.js")
        );
        assert_eq!(module_file("chopar-web.js").as_deref(), Some("chopar-web.js"));
        assert_eq!(module_file("snippets/x/inline0.js"), None);
        assert_eq!(module_file("chopar-website.js"), None);
    }

    #[test]
    fn the_name_of_the_workers_script_changes_with_the_wasm() {
        // Tabs of two builds tell each other apart by it.
        let script = fs::read_to_string(workspace::root().join("static/worker.js")).unwrap();
        assert!(script.contains(&format!("@{{{MODULE}.wasm:integrity}}")));
        assert!(script.contains(&format!("\"@{{{MODULE}.js}}\"")));
    }

    #[test]
    fn javascript_of_a_crate_is_refused_by_name() {
        let error = of_bundle("snippets/some-crate-1/inline0.js", Vec::new())
            .unwrap_err()
            .to_string();
        assert!(error.contains("some-crate-1"), "{error}");
    }

    #[test]
    fn folders_are_walked_in_a_fixed_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/c")).unwrap();
        for name in ["z", "b/c/d", "a"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        assert_eq!(files(folder.path()).unwrap(), ["a", "b/c/d", "z"]);
    }
}
