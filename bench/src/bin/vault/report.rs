//! Table, goals, lines of JSON.

use anyhow::Result;
use chopar_bench::quantile;
use serde_json::json;

/// Samples of one figure, in milliseconds.
pub(crate) struct Figure {
    name: &'static str,
    samples: Vec<f64>,
    goal: Option<(Share, f64)>,
}

/// Of which samples a goal speaks.
#[derive(Clone, Copy)]
enum Share {
    Median,
    P95,
}

/// Everything measured on a profile.
pub(crate) struct Report {
    messages: usize,
    figures: Vec<(Figure, f64, f64)>,
    memory: Vec<(&'static str, u64)>,
    rows: u64,
}

impl Figure {
    pub(crate) const fn new(name: &'static str, samples: Vec<f64>) -> Self {
        Self {
            name,
            samples,
            goal: None,
        }
    }

    pub(crate) const fn at_most(mut self, ms: f64) -> Self {
        self.goal = Some((Share::Median, ms));
        self
    }

    pub(crate) const fn p95_at_most(mut self, ms: f64) -> Self {
        self.goal = Some((Share::P95, ms));
        self
    }

    /// Whether the goal is met, and what it says; `None` where there is none.
    fn judged(&self, median: f64, p95: f64) -> Option<(bool, String)> {
        let (share, bound) = self.goal?;
        let (value, what) = match share {
            Share::Median => (median, "median"),
            Share::P95 => (p95, "p95"),
        };
        Some((value <= bound, format!("{what} at most {bound}")))
    }
}

impl Report {
    pub(crate) const fn new(messages: usize) -> Self {
        Self {
            messages,
            figures: Vec::new(),
            memory: Vec::new(),
            rows: 0,
        }
    }

    /// Notes a figure and says it at once: a long run that is stopped has said something.
    pub(crate) fn add(&mut self, figure: Figure) -> Result<()> {
        let (median, p95) = (quantile(&figure.samples, 0.5)?, quantile(&figure.samples, 0.95)?);
        println!("{}", line(&figure, median, p95));
        self.figures.push((figure, median, p95));
        Ok(())
    }

    /// Notes what the browser's pages and workers take, in bytes.
    pub(crate) fn memory(&mut self, when: &'static str, bytes: u64) {
        self.memory.push((when, bytes));
    }

    /// Notes how many lines stood on the page at most.
    pub(crate) const fn rows(&mut self, rows: u64) {
        self.rows = rows;
    }

    pub(crate) fn show(&self) {
        println!(
            "{:<14} {:>6} {:>12} {:>12}  goal",
            "figure", "n", "median ms", "p95 ms"
        );
        for (figure, median, p95) in &self.figures {
            println!("{}", line(figure, *median, *p95));
        }
        for (when, bytes) in &self.memory {
            println!("memory {when}: {:.0} MiB", mib(*bytes));
        }
        println!("lines on the page while scrolling: {} at most", self.rows);
        for (figure, median, p95) in &self.figures {
            let reached = figure.judged(*median, *p95).map(|(reached, _)| reached);
            println!(
                "{}",
                json!({
                    "bench": "vault", "messages": self.messages, "figure": figure.name, "n": figure.samples.len(),
                    "median_ms": median, "p95_ms": p95, "reached": reached,
                })
            );
        }
        for (when, bytes) in &self.memory {
            println!(
                "{}",
                json!({ "bench": "vault", "messages": self.messages, "memory": when, "mib": mib(*bytes) })
            );
        }
    }
}

fn line(figure: &Figure, median: f64, p95: f64) -> String {
    let goal = match figure.judged(median, p95) {
        Some((true, goal)) => format!("{goal}: reached"),
        Some((false, goal)) => format!("{goal}: missed"),
        None => String::new(),
    };
    format!(
        "{:<14} {:>6} {median:>12.1} {p95:>12.1}  {goal}",
        figure.name,
        figure.samples.len()
    )
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_for_the_median_or_for_the_95th_percentile() {
        let mut report = Report::new(1);
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        report
            .add(Figure::new("median", samples.clone()).at_most(100.0))
            .unwrap();
        report
            .add(Figure::new("p95", samples).p95_at_most(100.0))
            .unwrap();
        let judged = |at: usize| {
            let (figure, median, p95) = &report.figures[at];
            assert_eq!((*median, *p95), (100.0, 190.0));
            figure.judged(*median, *p95).unwrap()
        };
        assert_eq!(judged(0), (true, "median at most 100".to_owned()));
        assert_eq!(judged(1), (false, "p95 at most 100".to_owned()));
        assert!(report.add(Figure::new("nothing", Vec::new())).is_err());
    }
}
