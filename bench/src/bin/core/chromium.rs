//! The browser's side, driven: one operation after the other, each in its own call.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use chopar_e2e::harness::WasmModule;

use crate::chopar::PEER;
use crate::goals;
use crate::measure::{BATCHES, Row};

/// The module's name: that of this program.
const MODULE: &str = "core";
/// The longest operation takes some ten seconds on two idle cores.
const WITHIN: Duration = Duration::from_secs(600);

/// Measures the module in `folder`.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let ours = runtime.block_on(measured(folder))?;
    goals::show(&ours, &[], goals::CHROMIUM);
    Ok(())
}

async fn measured(folder: &Path) -> Result<Vec<Row>> {
    let module = WasmModule::open(folder, MODULE).await?;
    let loads = module.load_times(BATCHES).await?;
    let mut rows = vec![Row::of(PEER, "chromium", "load", loads)];
    let names: Vec<String> = serde_json::from_str(&module.ask("names", "", WITHIN).await?)?;
    for name in names {
        let lines = module.ask(&name, "", WITHIN).await?;
        rows.extend(serde_json::from_str::<Vec<Row>>(&lines).with_context(|| name.clone())?);
    }
    module.close().await?;
    Ok(rows)
}
