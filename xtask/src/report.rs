//! Steps with their names, times and outcomes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What became of a step.
enum Outcome {
    Done,
    Failed(String),
    Skipped(String),
}

/// The steps of one task, in order.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<(&'static str, Duration, Outcome)>,
}

impl Report {
    /// Runs one step and notes its time. A failure is shown and remembered, so that later steps can still tell what they know.
    pub(crate) fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("\n== {name}");
        let begun = Instant::now();
        let result = work();
        let (value, outcome) = match result {
            Ok(value) => (Some(value), Outcome::Done),
            Err(error) => {
                println!("   failed: {error:#}");
                (None, Outcome::Failed(format!("{error:#}")))
            }
        };
        self.steps.push((name, begun.elapsed(), outcome));
        value
    }

    /// Notes that a step did not run, and why.
    pub(crate) fn skip(&mut self, name: &'static str, why: &str) {
        println!("\n== {name}\n   skipped: {why}");
        self.steps
            .push((name, Duration::ZERO, Outcome::Skipped(why.to_owned())));
    }

    /// The table of all steps.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<16} {:>9}  result\n", "step", "time");
        for (name, time, outcome) in &self.steps {
            let result = match outcome {
                Outcome::Done => "done".to_owned(),
                Outcome::Failed(why) => format!("FAILED: {}", why.lines().next().unwrap_or_default()),
                Outcome::Skipped(why) => format!("skipped: {why}"),
            };
            table += &format!("{name:<16} {:>9}  {result}\n", in_words(*time));
        }
        let whole = self.steps.iter().map(|(_, time, _)| *time).sum();
        table + &format!("{:<16} {:>9}\n", "together", in_words(whole))
    }

    /// What failed, each with its whole text.
    pub(crate) fn failures(&self) -> String {
        let failed = self.steps.iter().filter_map(|(name, _, outcome)| match outcome {
            Outcome::Failed(why) => Some(format!("{name}: {why}\n")),
            Outcome::Done | Outcome::Skipped(_) => None,
        });
        failed.collect()
    }

    /// An error if any step failed.
    pub(crate) fn verdict(&self) -> Result<()> {
        let failed: Vec<_> = self
            .steps
            .iter()
            .filter(|(_, _, outcome)| matches!(outcome, Outcome::Failed(_)))
            .collect();
        if !failed.is_empty() {
            bail!(
                "failed: {}",
                failed
                    .iter()
                    .map(|(name, ..)| *name)
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        Ok(())
    }
}

/// A duration as a person reads it.
pub(crate) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=59 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} m {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_whole_and_later_steps_still_run() {
        let mut report = Report::default();
        assert_eq!(report.step("first", || Ok(1)), Some(1));
        assert!(report.verdict().is_ok());
        assert_eq!(
            report.step("second", || -> Result<u8> { bail!("it broke\nbadly") }),
            None
        );
        report.skip("third", "needs the second");
        assert_eq!(report.step("fourth", || Ok(4)), Some(4));
        assert_eq!(report.verdict().unwrap_err().to_string(), "failed: second");
        let table = report.table();
        assert!(
            table.contains("FAILED: it broke\n") && table.contains("skipped: needs the second"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 6);
        assert_eq!(report.failures(), "second: it broke\nbadly\n");
    }

    #[test]
    fn times_read_naturally() {
        assert_eq!(in_words(Duration::from_millis(1340)), "1.3 s");
        assert_eq!(in_words(Duration::from_secs(125)), "2 m 05 s");
    }
}
