//! The web client: from sources to a folder of files whose names, digests and compressed forms are final.
//!
//! ```text
//!  module       cargo; the module split into what is loaded first and parts that are loaded later; wasm-bindgen
//!  optimise     wasm-opt
//!  sources      the page, scripts, styles and texts beside them
//!  assets       names by content, digests, placeholders filled in: every file is bound by the page that loads it
//!  compress     .br and .gz beside each file
//!  manifest     manifest.json, the list the relay serves from and a person can compare with
//! ```

mod assets;
mod compress;
mod manifest;
mod module;
mod optimise;
mod sources;
mod stamp;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use self::{assets::Assets, stamp::Stamp};
pub(crate) use self::{
    manifest::{Entry, Manifest},
    optimise::shrink,
    sources::{LOCALES, is_part},
};
use crate::{setup::WebTools, workspace};

/// How the client is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Fast to build, large.
    Dev,
    /// As it is shipped.
    Release,
}

impl Mode {
    /// The folder of the finished client. The relay's build looks into the one of `Release` by itself.
    pub(crate) fn dist(self) -> PathBuf {
        workspace::root().join("target/web").join(match self {
            Self::Dev => "dist-dev",
            Self::Release => "dist",
        })
    }

    /// The profile of the workspace's Cargo.toml.
    pub(crate) fn profile(self) -> &'static str {
        match self {
            Self::Dev => "wasm-dev",
            Self::Release => "wasm-release",
        }
    }
}

/// Builds the client unless nothing has changed since it was last built; its manifest.
pub(crate) fn build(tools: &WebTools, mode: Mode) -> Result<Manifest> {
    let stamp = Stamp::of_workspace(&format!("{mode:?} {}", tools.fingerprint()))?;
    let dist = mode.dist();
    if stamp.is_on(&dist) {
        let manifest = Manifest::read(&dist)?;
        if manifest.is_whole(&dist) {
            println!("  the web client is up to date");
            return Ok(manifest);
        }
    }
    let mut module = module::build(tools, mode)?;
    if mode == Mode::Release {
        optimise::optimise(tools, &mut module)?;
    }
    let assets = Assets::resolve(sources::gather(module)?)?;

    let next = dist.with_extension("next");
    remove(&next)?;
    fs::create_dir_all(&next).with_context(|| format!("making {}", next.display()))?;
    println!("  writing files and their compressed forms");
    let manifest = Manifest::write(&assets, &next, mode)?;
    remove(&dist)?;
    fs::rename(&next, &dist).with_context(|| format!("putting {} in place", dist.display()))?;
    stamp.put_on(&dist)?;
    Ok(manifest)
}

fn remove(folder: &PathBuf) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}
