//! Counting tests over all runners by reading their closing lines.

use std::fmt;

/// Tests that have run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

/// Who runs tests, and so how the closing line looks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    /// `cargo test`, and the proofs in a browser, which close as it does.
    Cargo,
    /// `cargo nextest`. It repeats what a failed test wrote, the closing line of that one test among it.
    Nextest,
}

impl Tally {
    /// Adds what `line` says, if it is the closing line of this runner.
    pub(crate) fn read(&mut self, runner: Runner, line: &str) {
        match runner {
            // "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s"
            Runner::Cargo => {
                let counts = line.split_once("test result: ");
                let counts = counts.and_then(|(_, result)| result.split_once(". "));
                self.add(counts.map_or("", |(_, counts)| counts).split(';'));
            }
            // "Summary [   0.003s] 3 tests run: 1 passed (1 slow), 2 failed, 0 skipped"
            Runner::Nextest => {
                let summary = line.trim_start().strip_prefix("Summary [");
                let counts = summary.and_then(|summary| summary.split_once(" run: "));
                self.add(counts.map_or("", |(_, counts)| counts).split(','));
            }
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

    const CARGO: [&str; 3] = [
        "running 5 tests",
        "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
        "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
    ];
    const NEXTEST: [&str; 2] = [
        "     Summary [   0.003s] 9 tests run: 4 passed (1 slow), 3 failed, 1 timed out, 1 exec failed, 0 skipped",
        "     Summary [   0.003s] 1 test run: 1 passed, 0 skipped",
    ];

    fn read(tally: &mut Tally, runner: Runner, lines: &[&str]) -> String {
        lines.iter().for_each(|line| tally.read(runner, line));
        tally.to_string()
    }

    #[test]
    fn both_runners_are_summed() {
        let mut tally = Tally::default();
        assert_eq!(read(&mut tally, Runner::Cargo, &CARGO), "6 passed, 2 failed");
        assert_eq!(read(&mut tally, Runner::Nextest, &NEXTEST), "11 passed, 7 failed");
    }

    /// As it looks: the output of the failed test, its own closing line in it, and the summary that counts it.
    #[test]
    fn a_test_that_failed_counts_once() {
        let lines = [
            "        FAIL [   0.004s] (1/2) chopar-wire frame::tests::one",
            "  stdout ───",
            "    running 1 test",
            "    test frame::tests::one ... FAILED",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 41 filtered out; finished in 0.00s",
            "        PASS [   0.004s] (2/2) chopar-wire frame::tests::other",
            "     Summary [   0.009s] 2 tests run: 1 passed, 1 failed, 40 skipped",
            "        FAIL [   0.004s] (1/2) chopar-wire frame::tests::one",
            "error: test run failed",
        ];
        assert_eq!(
            read(&mut Tally::default(), Runner::Nextest, &lines),
            "1 passed, 1 failed"
        );
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
        let mut tally = Tally::default();
        read(&mut tally, Runner::Cargo, &lines);
        read(&mut tally, Runner::Cargo, &NEXTEST);
        read(&mut tally, Runner::Nextest, &CARGO);
        assert_eq!(read(&mut tally, Runner::Nextest, &lines), "0 passed, 0 failed");
    }
}
