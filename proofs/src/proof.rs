//! What a proof is: a name, what it looks at, and how much of it there must be.

use anyhow::{Context, Result, ensure};

/// How much is looked at where there is no end to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Seconds for all together.
    Bounded,
    /// The sizes that the project's documents name: minutes.
    Full,
}

/// How many cases of each kind were looked at, in order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<(&'static str, usize)>);

impl Counts {
    /// One more of a kind.
    pub(crate) fn add(&mut self, kind: &'static str) {
        self.add_many(kind, 1);
    }

    /// More of a kind.
    pub(crate) fn add_many(&mut self, kind: &'static str, more: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += more,
            None => self.0.push((kind, more)),
        }
    }

    /// Kinds with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.0.iter().copied()
    }

    /// A set that was lost, filtered away or cut short must not pass for one that held.
    fn reach(&self, least: &[(&str, usize)]) -> Result<()> {
        for &(kind, least) in least {
            let count = self
                .iter()
                .find(|(known, _)| *known == kind)
                .map_or(0, |(_, n)| n);
            ensure!(count >= least, "only {count} {kind} of {least}");
        }
        Ok(())
    }
}

impl core::fmt::Display for Counts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (at, (kind, count)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {kind}")?;
        }
        Ok(())
    }
}

/// One proof.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// `primitive/source`.
    pub name: &'static str,
    /// What it must have looked at, whatever its size.
    pub(crate) least: &'static [(&'static str, usize)],
    pub(crate) run: fn(Size) -> Result<Counts>,
}

impl Proof {
    /// Runs it.
    ///
    /// # Errors
    /// The first case that does not hold, or a count that fell.
    pub fn check(&self, size: Size) -> Result<Counts> {
        judge(self.name, self.least, (self.run)(size))
    }
}

/// Adds the proof's name to what went wrong, a fallen count included.
pub(crate) fn judge(name: &'static str, least: &[(&str, usize)], outcome: Result<Counts>) -> Result<Counts> {
    outcome
        .and_then(|counts| counts.reach(least).map(|()| counts))
        .context(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(_: Size) -> Result<Counts> {
        let mut counts = Counts::default();
        counts.add("valid");
        counts.add("invalid");
        counts.add("valid");
        Ok(counts)
    }

    fn proof(least: &'static [(&'static str, usize)]) -> Proof {
        Proof {
            name: "x",
            least,
            run: three,
        }
    }

    #[test]
    fn a_count_that_fell_is_a_failure() {
        let counts = proof(&[("valid", 2), ("invalid", 1)])
            .check(Size::Bounded)
            .unwrap();
        assert_eq!(counts.to_string(), "2 valid, 1 invalid");
        for least in [&[("valid", 3)][..], &[("refused", 1)]] {
            let error = proof(least).check(Size::Bounded).unwrap_err();
            assert_eq!(error.to_string(), "x");
        }
    }
}
