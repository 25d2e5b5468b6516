//! One browser, one module, one proof after the other.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use chopar_e2e::harness::WasmModule;

/// The module's name: that of this program.
const MODULE: &str = "proofs";
/// The longest proof takes seconds, in its full size some minutes.
const WITHIN: Duration = Duration::from_secs(900);

/// Runs every proof of the module in `folder`.
///
/// # Errors
/// When one does not hold; the others are looked at nevertheless.
pub(crate) async fn run(folder: &Path, full: bool) -> Result<()> {
    let all = Instant::now();
    let module = WasmModule::open(folder, MODULE).await?;
    let size = if full { "full" } else { "bounded" };
    let names: Vec<String> = serde_json::from_str(&module.ask("names", size, WITHIN).await?)?;
    // At least those that run natively, and as many again as make the browser's own.
    ensure!(
        names.len() > chopar_proofs::proofs().len(),
        "only {} proofs",
        names.len()
    );
    let mut failed = 0;
    for name in &names {
        let begun = Instant::now();
        let outcome = module.ask(name, size, WITHIN).await;
        let took = begun.elapsed().as_secs_f64();
        match outcome {
            Ok(counts) => println!("{name:<32} {took:>7.1} s  {counts}"),
            Err(error) => {
                failed += 1;
                println!("{name:<32} {took:>7.1} s  FAILED: {error:#}");
            }
        }
    }
    module.close().await?;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {verdict}. {} passed; {failed} failed; in Chromium; finished in {:.1} s",
        names.len() - failed,
        all.elapsed().as_secs_f64()
    );
    ensure!(failed == 0, "{failed} proofs do not hold in Chromium");
    Ok(())
}
