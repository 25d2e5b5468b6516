//! What the client is put together from: the module, `web-client/index.html` and the folder `static/`.

#[path = "../../../web-client/build/catalogue.rs"]
mod catalogue;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, anyhow};

use super::module::{MODULE, Module, PART, PARTS_SCRIPT};
use crate::workspace;

/// The page.
pub(super) const PAGE: &str = "index.html";
/// Where translations lie in `static/`, and the texts made of them in the client.
pub(crate) const LOCALES: &str = "locales/";
/// Files that browsers look for under a name of their own; they are always part of the client.
const STABLE: [&str; 5] = [PAGE, "manifest.webmanifest", "sw.js", "favicon.ico", "robots.txt"];
/// Files that may hold placeholders.
const TEMPLATES: [&str; 7] = [
    PAGE,
    "boot.js",
    PARTS_SCRIPT,
    "chopar-web.js",
    "worker.js",
    "sw.js",
    "manifest.webmanifest",
];

/// How the final name of a file comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// As it is; a browser asks again every time.
    Stable,
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

/// Puts the module together with the page and `static/`.
pub(super) fn gather(module: Module) -> Result<Sources> {
    let root = workspace::root();
    let mut sources = Sources::new();
    let page = root.join("web-client").join(PAGE);
    let bytes = fs::read(&page).with_context(|| format!("reading {}", page.display()))?;
    sources.insert(PAGE.to_owned(), named(PAGE, bytes));
    let folder = root.join("static");
    for name in files(&folder)? {
        // Of translations the texts alone are served.
        if name.starts_with(LOCALES) {
            continue;
        }
        let bytes = fs::read(folder.join(&name)).with_context(|| format!("reading static/{name}"))?;
        sources.insert(name.clone(), named(&name, bytes));
    }
    for (name, text) in catalogues(&folder)? {
        sources.insert(name.clone(), named(&name, text.into_bytes()));
    }
    let script = sources
        .get_mut(PARTS_SCRIPT)
        .with_context(|| format!("there is no static/{PARTS_SCRIPT}"))?;
    script.bytes.extend(module.loaders().into_bytes());
    let made = [
        (format!("{MODULE}.js"), module.js.into_bytes()),
        (format!("{MODULE}.wasm"), module.wasm),
    ];
    let parts = module
        .parts
        .into_iter()
        .map(|part| (format!("{}.wasm", part.name), part.wasm));
    for (name, bytes) in made.into_iter().chain(parts) {
        sources.insert(name.clone(), named(&name, bytes));
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

fn named(name: &str, bytes: Vec<u8>) -> Source {
    let stable = STABLE.contains(&name);
    let naming = if stable { Naming::Stable } else { Naming::ByContent };
    Source {
        bytes,
        naming,
        template: TEMPLATES.contains(&name),
        wanted: stable,
    }
}

/// Whether the file of this final name is loaded only when something in it is first needed.
pub(crate) fn is_part(path: &str) -> bool {
    path.starts_with(PART) && path.ends_with(".wasm")
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
    fn a_part_is_told_from_the_script_that_loads_it() {
        assert!(is_part("part-own-1f3a9.wasm"));
        assert!(!is_part("parts-1f3a9.js"));
        assert!(!is_part("chopar-web-1f3a9.wasm"));
    }

    #[test]
    fn the_name_of_the_workers_script_changes_with_the_wasm() {
        // Tabs of two builds tell each other apart by it.
        let script = fs::read_to_string(workspace::root().join("static/worker.js")).unwrap();
        assert!(script.contains(&format!("@{{{MODULE}.wasm:integrity}}")));
        assert!(script.contains(&format!("\"@{{{MODULE}.js}}\"")));
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
