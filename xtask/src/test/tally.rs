//! Counting tests over all runners by reading their closing lines.

use std::fmt;

/// Tests that have run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Adds what `line` says, if it is the closing line of a runner.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some((_, counts)) = line.split_once("test result: ") {
            // cargo test: "ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s"
            self.add(
                counts
                    .split_once(". ")
                    .map_or("", |(_, counts)| counts)
                    .split(';'),
            );
        } else if let Some((_, counts)) = line
            .split_once("Summary [")
            .and_then(|_| line.split_once(" run: "))
        {
            // nextest: "Summary [   0.003s] 3 tests run: 1 passed (1 slow), 2 failed, 0 skipped"
            self.add(counts.split(','));
        }
    }

    fn add<'a>(&mut self, counts: impl Iterator<Item = &'a str>) {
        for count in counts {
            let mut words = count.split_whitespace();
            let (Some(Ok(number)), Some(kind)) = (words.next().map(str::parse::<u64>), words.next()) else {
                continue;
            };
            match kind {
                "passed" => self.passed += number,
                // nextest counts "timed out" and "exec failed" apart from "failed".
                "failed" | "timed" | "exec" => self.failed += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> String {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally.to_string()
    }

    #[test]
    fn both_runners_are_summed() {
        let lines = [
            "running 5 tests",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "     Summary [   0.003s] 9 tests run: 4 passed (1 slow), 3 failed, 1 timed out, 1 exec failed, 0 skipped",
            "     Summary [   0.003s] 1 test run: 1 passed, 0 skipped",
        ];
        assert_eq!(tally(&lines), "11 passed, 7 failed");
    }

    #[test]
    fn other_lines_count_nothing() {
        let lines = [
            "a test run: 4 passed",
            "12 passed, 3 failed",
            "Summary [",
            "test result: nothing",
            "",
        ];
        assert_eq!(tally(&lines), "0 passed, 0 failed");
    }
}
