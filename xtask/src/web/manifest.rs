//! `manifest.json`: the client's files with digests and sizes.
//!
//! ```json
//! { "version": 1, "build": "<hex sha256>", "files": { "index.html":
//!     { "sha256": "<hex>", "size": 1234, "content_type": "text/html; charset=utf-8", "immutable": false, "brotli": 567, "gzip": 678 } } }
//! ```
//! Paths are relative to the client's root. Where `brotli` or `gzip` is a size, the form lies beside the file as `<path>.br` or
//! `<path>.gz`; where it is null there is none.

use std::{collections::BTreeMap, fs, path::Path, thread};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Mode,
    assets::{Asset, Assets},
    compress,
};

const FILE: &str = "manifest.json";
/// Raised when a reader of an older form could misunderstand the file.
const VERSION: u64 = 1;

/// The files of a finished client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// By path.
    pub(crate) files: BTreeMap<String, Entry>,
    build: String,
}

/// One file; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sha256: String,
    pub(crate) content_type: String,
    pub(crate) immutable: bool,
    pub(crate) size: u64,
    pub(crate) brotli: Option<u64>,
    pub(crate) gzip: Option<u64>,
}

impl Manifest {
    /// Writes all files, their compressed forms and the manifest into `folder`. A client made to be built again within the minute
    /// has no compressed forms: making them takes longer than everything else.
    pub(crate) fn write(assets: &Assets, folder: &Path, mode: Mode) -> Result<Self> {
        let files = thread::scope(|scope| {
            let running: Vec<_> = assets
                .files()
                .map(|asset| scope.spawn(|| Ok((asset.path.clone(), put(asset, folder, mode)?))))
                .collect();
            let ended = running.into_iter().map(|file| {
                file.join()
                    .map_err(|_| anyhow!("a thread of the compressor panicked"))?
            });
            ended.collect::<Result<BTreeMap<_, _>>>()
        })?;
        let manifest = Self {
            files,
            build: assets.build.clone(),
        };
        let path = folder.join(FILE);
        fs::write(&path, manifest.to_json()?).with_context(|| format!("writing {}", path.display()))?;
        Ok(manifest)
    }

    /// Reads the manifest of a finished client.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Self::from_json(&text).with_context(|| format!("understanding {}", path.display()))
    }

    /// Whether every file and form is there in its full size.
    pub(crate) fn is_whole(&self, folder: &Path) -> bool {
        let has =
            |path: String, size: u64| fs::metadata(folder.join(path)).is_ok_and(|file| file.len() == size);
        self.files.iter().all(|(path, entry)| {
            has(path.clone(), entry.size)
                && entry.brotli.is_none_or(|size| has(format!("{path}.br"), size))
                && entry.gzip.is_none_or(|size| has(format!("{path}.gz"), size))
        })
    }

    fn to_json(&self) -> Result<String> {
        let files = self.files.iter().map(|(path, entry)| {
            let value = json!({
                "sha256": entry.sha256,
                "size": entry.size,
                "content_type": entry.content_type,
                "immutable": entry.immutable,
                "brotli": entry.brotli,
                "gzip": entry.gzip,
            });
            (path.clone(), value)
        });
        let files: serde_json::Map<_, _> = files.collect();
        Ok(serde_json::to_string_pretty(
            &json!({ "version": VERSION, "build": self.build, "files": files }),
        )?)
    }

    fn from_json(text: &str) -> Result<Self> {
        let whole: Value = serde_json::from_str(text)?;
        if whole["version"] != VERSION {
            bail!("its version is {}, not {VERSION}", whole["version"]);
        }
        let string = |value: &Value| value.as_str().map(str::to_owned).context("a text is missing");
        let mut files = BTreeMap::new();
        for (path, value) in whole["files"].as_object().context("there are no files in it")? {
            let entry = Entry {
                sha256: string(&value["sha256"])?,
                content_type: string(&value["content_type"])?,
                immutable: value["immutable"].as_bool().context("immutable is missing")?,
                size: value["size"].as_u64().context("a size is missing")?,
                brotli: value["brotli"].as_u64(),
                gzip: value["gzip"].as_u64(),
            };
            files.insert(path.clone(), entry);
        }
        Ok(Self {
            files,
            build: string(&whole["build"])?,
        })
    }
}

/// Writes one file with its compressed forms.
fn put(asset: &Asset, folder: &Path, mode: Mode) -> Result<Entry> {
    let (brotli, gzip) = match mode {
        Mode::Release => (compress::brotli(&asset.bytes)?, compress::gzip(&asset.bytes)?),
        Mode::Dev => (None, None),
    };
    let content_type = content_type(&asset.path)?;
    let save = |suffix: &str, bytes: &[u8]| -> Result<u64> {
        let path = folder.join(format!("{}{suffix}", asset.path));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        Ok(bytes.len() as u64)
    };
    Ok(Entry {
        sha256: hex::encode(Sha256::digest(&asset.bytes)),
        content_type: content_type.to_owned(),
        immutable: asset.immutable,
        size: save("", &asset.bytes)?,
        brotli: brotli.map(|bytes| save(".br", &bytes)).transpose()?,
        gzip: gzip.map(|bytes| save(".gz", &bytes)).transpose()?,
    })
}

fn content_type(path: &str) -> Result<&'static str> {
    Ok(match path.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => bail!("{path} is of a kind that the relay would not know how to serve"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let entry = Entry {
            sha256: "ab".repeat(32),
            content_type: "text/html; charset=utf-8".into(),
            immutable: false,
            size: 5,
            brotli: Some(3),
            gzip: None,
        };
        Manifest {
            files: [("index.html".to_owned(), entry)].into(),
            build: "cd".repeat(32),
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        assert_eq!(
            Manifest::from_json(&manifest().to_json().unwrap()).unwrap(),
            manifest()
        );
    }

    #[test]
    fn another_version_or_a_missing_part_is_refused() {
        let text = manifest().to_json().unwrap();
        assert!(Manifest::from_json(&text.replace("\"version\": 1", "\"version\": 2")).is_err());
        assert!(Manifest::from_json(&text.replace("\"size\"", "\"sise\"")).is_err());
        assert!(Manifest::from_json("{}").is_err());
    }

    #[test]
    fn a_folder_is_whole_only_with_every_form_in_its_full_size() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("index.html", "12345");
        assert!(!manifest().is_whole(folder.path()));
        put("index.html.br", "123");
        assert!(manifest().is_whole(folder.path()));
        put("index.html", "1234");
        assert!(!manifest().is_whole(folder.path()));
    }

    #[test]
    fn an_unknown_kind_of_file_is_refused() {
        assert!(content_type("a/b.wasm").is_ok());
        assert!(content_type("a/b.exe").is_err());
        assert!(content_type("noend").is_err());
    }
}
