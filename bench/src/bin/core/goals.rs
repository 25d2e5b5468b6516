//! The table, what is to be reached, and the lines of JSON.

use crate::measure::Row;
use crate::vodozemac::PEER;

/// What the sum of some operations is to stay under.
pub(crate) struct Goal {
    /// Operations whose medians are summed.
    ops: &'static [&'static str],
    at_most: Bound,
}

enum Bound {
    /// Microseconds.
    Us(f64),
    /// A share of what the peer takes in the same run.
    OfPeer(f64),
}

const fn goal(ops: &'static [&'static str], us: f64) -> Goal {
    Goal {
        ops,
        at_most: Bound::Us(us),
    }
}

/// Natively: in order at most 0.4 × vodozemac although headers are encrypted; the other bounds are well under what libsignal takes
/// natively on such a machine with its post-quantum parts.
pub(crate) const NATIVE: &[Goal] = &[
    Goal {
        ops: &["encrypt_1k", "decrypt_1k"],
        at_most: Bound::OfPeer(0.4),
    },
    goal(&["ping_pong_1k"], 250.0),
    goal(&["ping_pong_kem_1k"], 450.0),
    goal(&["session_outbound"], 700.0),
    goal(&["session_inbound"], 700.0),
    // 200 MB a second, which no line of theirs brings.
    goal(&["file_seal_1m"], 5_000.0),
    goal(&["file_open_1m"], 5_000.0),
];

/// In Chromium: under what olm's wasm takes there without any post-quantum part.
pub(crate) const CHROMIUM: &[Goal] = &[
    goal(&["encrypt_1k", "decrypt_1k"], 120.0),
    goal(&["ping_pong_1k"], 800.0),
    goal(&["ping_pong_kem_1k"], 1500.0),
    goal(&["session_outbound"], 3000.0),
    goal(&["session_inbound"], 3000.0),
    // 50 MB a second together with what carries them.
    goal(&["file_seal_1m"], 20_000.0),
    goal(&["file_open_1m"], 20_000.0),
];

/// Messages of a run out of order, all of which are to come out.
const OUT_OF_ORDER: [(&str, usize); 3] = [
    ("ooo_1000_block32", 1000),
    ("ooo_1000_reversed", 1000),
    ("ooo_100_reversed", 100),
];
/// Ten times the skip is to cost about ten times as much; this is what "about" means.
const LINEAR: f64 = 13.0;

/// What the peer has nothing to compare with, and why.
const WITHOUT_COUNTERPART: [(&str, &str); 6] = [
    ("ping_pong_kem_1k", "it has no post-quantum part"),
    ("skip_100", "it keeps 40 keys of a chain"),
    ("skip_1000", "it keeps 40 keys of a chain"),
    ("file_seal_1m", "files are the business of who uses it"),
    ("file_open_1m", "files are the business of who uses it"),
    (
        "safety_number",
        "its short string is an exchange of fresh keys between two who are connected, not a number of their identities",
    ),
];

/// Prints table, goals and lines.
pub(crate) fn show(ours: &[Row], theirs: &[Row], goals: &[Goal]) {
    println!(
        "{:<22} {:>11} {:>11} {:>11} {:>11} {:>7}",
        "operation", "chopar µs", "min", "max", "vodozemac", "ratio"
    );
    for row in ours {
        let (other, ratio) = match us(theirs, &row.op) {
            Some(other) => (format!("{other:.1}"), format!("{:.2}", row.us / other)),
            None => ("–".to_owned(), "–".to_owned()),
        };
        println!(
            "{:<22} {:>11.1} {:>11.1} {:>11.1} {other:>11} {ratio:>7}",
            row.op, row.us, row.min, row.max
        );
    }
    for (op, why) in WITHOUT_COUNTERPART {
        if ours.iter().any(|row| row.op == op) && us(theirs, op).is_none() {
            println!("{op}: {PEER} has no counterpart: {why}");
        }
    }
    for line in judged(ours, theirs, goals) {
        println!("{line}");
    }
    for row in ours.iter().chain(theirs) {
        match serde_json::to_string(row) {
            Ok(line) => println!("{line}"),
            Err(error) => println!("{}: {error}", row.op),
        }
    }
}

/// One line for each goal: what was reached, what was to be, whether it was.
fn judged(ours: &[Row], theirs: &[Row], goals: &[Goal]) -> Vec<String> {
    let met = |is: bool| if is { "met" } else { "NOT MET" };
    let mut lines = Vec::new();
    for Goal { ops, at_most } in goals {
        let name = ops.join(" + ");
        let (Some(sum), Some(bound)) = (sum(ours, ops), bound(theirs, ops, at_most)) else {
            lines.push(format!("goal: {name}: not measured"));
            continue;
        };
        lines.push(format!(
            "goal: {name}: {sum:.1} of {bound:.1} µs: {}",
            met(sum <= bound)
        ));
    }
    for (op, all) in OUT_OF_ORDER {
        let opened = ours.iter().find(|row| row.op == op).and_then(Row::opened);
        lines.push(format!(
            "goal: {op}: {} of {all} opened: {}",
            opened.unwrap_or(0),
            met(opened == Some(all))
        ));
    }
    if let (Some(less), Some(more)) = (us(ours, "skip_100"), us(ours, "skip_1000")) {
        let times = more / less;
        lines.push(format!(
            "goal: ten times the skip costs {times:.1} times: {}",
            met(times <= LINEAR)
        ));
    }
    lines
}

fn bound(theirs: &[Row], ops: &[&str], bound: &Bound) -> Option<f64> {
    match bound {
        Bound::Us(us) => Some(*us),
        Bound::OfPeer(share) => Some(share * sum(theirs, ops)?),
    }
}

fn sum(rows: &[Row], ops: &[&str]) -> Option<f64> {
    ops.iter().map(|op| us(rows, op)).sum()
}

fn us(rows: &[Row], op: &str) -> Option<f64> {
    rows.iter().find(|row| row.op == op).map(|row| row.us)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(op: &str, us: f64) -> Row {
        Row::of("x", "native", op, vec![us])
    }

    #[test]
    fn a_goal_is_met_or_missed_by_the_sum_of_its_operations() {
        let ours = [
            row("encrypt_1k", 5.0),
            row("decrypt_1k", 6.0),
            row("ping_pong_1k", 251.0),
        ];
        let theirs = [row("encrypt_1k", 10.0), row("decrypt_1k", 20.0)];
        let lines = judged(&ours, &theirs, NATIVE);
        assert_eq!(lines[0], "goal: encrypt_1k + decrypt_1k: 11.0 of 12.0 µs: met");
        assert_eq!(lines[1], "goal: ping_pong_1k: 251.0 of 250.0 µs: NOT MET");
        assert_eq!(lines[2], "goal: ping_pong_kem_1k: not measured");
        assert!(lines.contains(&"goal: ooo_1000_block32: 0 of 1000 opened: NOT MET".to_owned()));
    }

    #[test]
    fn messages_that_came_out_are_counted() {
        let ours = [
            row("ooo_1000_reversed", 1.0).with_opened(1000),
            row("skip_100", 1.0),
            row("skip_1000", 20.0),
        ];
        let lines = judged(&ours, &[], CHROMIUM);
        assert!(lines.contains(&"goal: ooo_1000_reversed: 1000 of 1000 opened: met".to_owned()));
        assert!(lines.contains(&"goal: ten times the skip costs 20.0 times: NOT MET".to_owned()));
    }
}
