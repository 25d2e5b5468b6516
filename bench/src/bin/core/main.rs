//! The cost of the end-to-end core, natively, beside vodozemac in the same run.
//!
//! Prints a table with ratios and one line of JSON for each operation:
//! `{"peer":…,"where":"native","op":…,"us":median,"min":…,"max":…}` in microseconds. Every batch has fresh sessions; what is
//! measured includes the wire encoding; plaintexts have 1,024 bytes. Times of `ooo_…` are for one message of the whole run,
//! `opened` says how many came out.
//!
//! vodozemac has no post-quantum part, no header encryption, no signature check of the keys it begins with and an eight-byte
//! authenticator; the figures of `session_…` compare unlike things, and are printed nevertheless.

mod chopar;
mod measure;
mod vodozemac;

use std::collections::BTreeMap;

use anyhow::Result;

fn main() -> Result<()> {
    let rows = [chopar::rows()?, vodozemac::rows()?].concat();
    let theirs: BTreeMap<_, _> = rows
        .iter()
        .filter(|row| row.peer == vodozemac::PEER)
        .map(|row| (row.op, row))
        .collect();
    println!(
        "{:<22} {:>11} {:>11} {:>11} {:>11} {:>7}",
        "operation", "chopar µs", "min", "max", "vodozemac", "ratio"
    );
    for row in rows.iter().filter(|row| row.peer == chopar::PEER) {
        let (other, ratio) = match theirs.get(row.op) {
            Some(other) => (format!("{:.1}", other.us), format!("{:.2}", row.us / other.us)),
            None => ("–".to_owned(), "–".to_owned()),
        };
        println!(
            "{:<22} {:>11.1} {:>11.1} {:>11.1} {other:>11} {ratio:>7}",
            row.op, row.us, row.min, row.max
        );
    }
    println!("session record: {} bytes", chopar::record_size()?);
    for row in &rows {
        println!("{}", row.json());
    }
    Ok(())
}
