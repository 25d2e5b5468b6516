//! Table, goals, lines of JSON.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::options::Store;

/// What a figure is to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Shown beside the others.
    None,
}

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

/// A figure of one run.
pub(crate) struct Row {
    pub(crate) store: Store,
    pub(crate) tls: bool,
    pub(crate) figure: String,
    /// Under which it was measured; empty where there is only one.
    pub(crate) load: String,
    pub(crate) value: f64,
    pub(crate) goal: Goal,
}

impl Report {
    /// Notes a figure and says it at once: a long run that is stopped has said something.
    pub(crate) fn add(&mut self, row: Row) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    pub(crate) fn show(&self) {
        println!("{:<28} {:>8} {:>6} {:>12}  goal", "figure", "", "", "value");
        for row in &self.rows {
            println!("{}", row.line());
        }
        for row in &self.rows {
            println!(
                "{}",
                json!({
                    "bench": "relay", "store": row.store.name(), "tls": row.tls, "figure": row.figure,
                    "value": row.value, "load": row.load, "reached": row.reached(),
                })
            );
        }
    }
}

impl Row {
    fn reached(&self) -> Option<bool> {
        match self.goal {
            Goal::AtLeast(bound) => Some(self.value >= bound),
            Goal::AtMost(bound) => Some(self.value <= bound),
            Goal::None => None,
        }
    }

    fn line(&self) -> String {
        let transport = if self.tls { "TLS" } else { "plain" };
        let goal = match (self.goal, self.reached()) {
            (Goal::AtLeast(bound), Some(reached)) => format!("at least {bound}: {}", word(reached)),
            (Goal::AtMost(bound), Some(reached)) => format!("at most {bound}: {}", word(reached)),
            _ => String::new(),
        };
        let load = if self.load.is_empty() {
            String::new()
        } else {
            format!(" (at {})", self.load)
        };
        let store = self.store.name();
        format!(
            "{:<28} {store:>8} {transport:>6} {:>12.2}  {goal}{load}",
            self.figure, self.value
        )
    }
}

const fn word(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}

/// The value below which a share of the samples lies.
pub(crate) fn quantile(samples: &[f64], share: f64) -> Result<f64> {
    ensure!(!samples.is_empty(), "nothing was measured");
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() - 1) as f64 * share).round() as usize;
    Ok(sorted[at])
}
