//! Pictures of one screen at every size and in both themes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use chopar_e2e::harness::{Look, Page, Theme};

/// Width and height in CSS pixels: a phone, a tablet, a desk.
const SIZES: [(u32, u32); 3] = [(390, 844), (820, 1180), (1440, 900)];

/// Where the pictures go.
#[derive(Clone)]
pub(crate) struct Album {
    folder: PathBuf,
    taken: Arc<AtomicUsize>,
}

impl Album {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            taken: Arc::default(),
        }
    }

    /// How many pictures were taken.
    pub(crate) fn count(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes `screen` at every size and in both themes, and leaves the page at the widest, light.
    pub(crate) async fn take(&self, page: &Page, screen: &str, language: &str) -> Result<()> {
        for (width, height) in SIZES {
            for (theme, word) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
                page.set_look(&Look {
                    width,
                    height,
                    theme,
                    language: language.to_owned(),
                    ..Look::default()
                })
                .await?;
                page.until_painted().await?;
                let file = format!("{screen}-{width}-{word}-{language}.png");
                page.picture(&self.folder.join(file)).await?;
                self.taken.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
