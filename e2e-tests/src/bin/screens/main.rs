//! `screens OUT_DIR`: a small real organisation, and a picture of every screen it passes.
//!
//! Files are named `<screen>-<width>-<theme>-<language>.png`. A new screen gets its picture by one more line in [`story`].
//! Where relay, client and browser are is said in the environment, as for the tests.

mod album;
mod kept;
mod onboarding;
mod story;
mod trouble;
mod words;

use std::path::PathBuf;

use anyhow::{Context, Result};
use chopar_e2e::harness::Stage;

use self::album::Album;

#[tokio::main]
async fn main() -> Result<()> {
    let out = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("screens"), PathBuf::from);
    std::fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let album = Album::new(out.clone());
    let taken = album.clone();
    Stage::play("screens", move |stage| story::play(stage, album)).await?;
    println!("{} pictures are in {}", taken.count(), out.display());
    Ok(())
}
