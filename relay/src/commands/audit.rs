//! `chopar-relay audit`: what was done, and whether the record of it is whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chopar_wire::proto::audit::Kind;
use clap::{Args, Subcommand};

use super::beside;
use crate::audit::chain::{Row, Tip};
use crate::audit::node::NodeId;
use crate::audit::record;
use crate::audit::shown::{from_json_line, json_line, line};
use crate::audit::verify::{Report, Verifier};
use crate::settings::flags::{Flags, Place};
use crate::store::Store;

/// Records read at once.
const PAGE: usize = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the last records of each node.
    Show(Show),
    /// Recompute every hash and name what was altered, removed or moved.
    Verify(Verify),
    /// Print all records as JSON lines that can be verified elsewhere (`audit verify --file`).
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    flags: Flags<Place>,
    /// How many.
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    last: u64,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    flags: Flags<Place>,
    /// An end that was noted earlier, as `verify` printed it: it must still be there.
    #[arg(long, value_name = "NODE:NUMBER:HASH")]
    noted: Vec<String>,
    /// Verify an export instead of a relay's own records.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    flags: Flags<Place>,
}

/// A number and a hash that somebody kept.
type Noted = BTreeMap<NodeId, (u64, [u8; 32])>;

impl Command {
    /// `false` where something is wrong.
    pub(super) async fn run(self) -> Result<bool> {
        match self {
            Self::Show(show) => {
                let store = beside::open(&super::choices(&show.flags)?).await?;
                for (node, tip) in store.audit_chains().await? {
                    println!("node {node}");
                    let after = tip.number.saturating_sub(show.last);
                    each(&*store, node, after, |row| {
                        println!("{}", line(row));
                        Ok(())
                    })
                    .await?;
                }
                store.close().await?;
                Ok(true)
            }
            Self::Verify(verify) => {
                let noted = noted(&verify.noted)?;
                match &verify.file {
                    Some(file) => of_file(file, &noted),
                    None => of_store(&verify.flags, &noted).await,
                }
            }
            Self::Export(export) => {
                let store = beside::open(&super::choices(&export.flags)?).await?;
                let mut out = stdout().lock();
                let mut rows = 0;
                for (node, _) in store.audit_chains().await? {
                    each(&*store, node, 0, |row| {
                        rows += 1;
                        Ok(writeln!(out, "{}", json_line(node, row))?)
                    })
                    .await?;
                }
                out.flush()?;
                store.record(record::whole(Kind::AuditExported, rows)).await?;
                store.close().await?;
                Ok(true)
            }
        }
    }
}

/// Hands over every record of a chain above a number, in order.
async fn each(
    store: &dyn Store,
    node: NodeId,
    mut after: u64,
    mut take: impl FnMut(&Row) -> Result<()>,
) -> Result<()> {
    loop {
        let rows = store.audit_page(node, after, PAGE).await?;
        for row in &rows {
            take(row)?;
            after = row.number;
        }
        if rows.len() < PAGE {
            return Ok(());
        }
    }
}

async fn of_store(flags: &Flags<Place>, noted: &Noted) -> Result<bool> {
    let store = beside::open(&super::choices(flags)?).await?;
    let chains = store.audit_chains().await?;
    let mut whole = true;
    for (node, tip) in &chains {
        let mut verifier = verifier(*node, noted);
        let first = &mut verifier;
        each(&*store, *node, 0, |row| {
            first.look_for_checkpoints(row);
            Ok(())
        })
        .await?;
        each(&*store, *node, 0, |row| {
            // What came while this was running is for the next time.
            if row.number <= tip.number {
                first.take(row);
            }
            Ok(())
        })
        .await?;
        whole &= told(*node, verifier.finish(Some(*tip)));
    }
    store.close().await?;
    Ok(whole & all_there(noted, &chains.iter().map(|(node, _)| *node).collect::<Vec<_>>()))
}

fn of_file(path: &Path, noted: &Noted) -> Result<bool> {
    let read = |take: &mut dyn FnMut(NodeId, &Row)| -> Result<()> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        for (at, text) in BufReader::new(file).lines().enumerate() {
            let (node, row) = from_json_line(&text?)
                .with_context(|| format!("{}, line {}: no record of an audit log", path.display(), at + 1))?;
            take(node, &row);
        }
        Ok(())
    };
    let mut verifiers: BTreeMap<NodeId, Verifier> = BTreeMap::new();
    read(&mut |node, row| {
        verifiers
            .entry(node)
            .or_insert_with(|| verifier(node, noted))
            .look_for_checkpoints(row);
    })?;
    read(&mut |node, row| {
        if let Some(verifier) = verifiers.get_mut(&node) {
            verifier.take(row);
        }
    })?;
    let nodes: Vec<NodeId> = verifiers.keys().copied().collect();
    let mut whole = all_there(noted, &nodes);
    for (node, verifier) in verifiers {
        whole &= told(node, verifier.finish(None::<Tip>));
    }
    Ok(whole)
}

fn verifier(node: NodeId, noted: &Noted) -> Verifier {
    let mut verifier = Verifier::new(node);
    if let Some((number, hash)) = noted.get(&node) {
        verifier.must_hold(*number, *hash);
    }
    verifier
}

/// Prints what was found in one chain; whether it is whole.
fn told(node: NodeId, report: Report) -> bool {
    for fault in &report.faults {
        println!("WRONG  node {node}: {fault}");
    }
    if report.faults.is_empty() {
        println!("ok     node {node}: {} records", report.records);
        if let Some((number, hash)) = report.end {
            println!(
                "       its end, to note elsewhere: {node}:{number}:{}",
                hex::encode(hash)
            );
        }
    }
    report.faults.is_empty()
}

fn all_there(noted: &Noted, nodes: &[NodeId]) -> bool {
    let mut whole = true;
    for node in noted.keys().filter(|node| !nodes.contains(node)) {
        println!("WRONG  node {node}: all of its records are missing");
        whole = false;
    }
    whole
}

fn noted(texts: &[String]) -> Result<Noted> {
    let mut noted = Noted::new();
    for text in texts {
        let end = end_of(text).with_context(|| {
            format!("{text:?} is no end of a chain: give it as `audit verify` printed it")
        })?;
        noted.insert(end.0, end.1);
    }
    Ok(noted)
}

fn end_of(text: &str) -> Option<(NodeId, (u64, [u8; 32]))> {
    let mut parts = text.split(':');
    let node = NodeId::parse(parts.next()?)?;
    let number = parts.next()?.parse().ok()?;
    let hash = hex::decode(parts.next()?).ok()?.try_into().ok()?;
    parts.next().is_none().then_some((node, (number, hash)))
}
