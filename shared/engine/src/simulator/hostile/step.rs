//! One line of a scenario, and how scenarios are played.

use std::fmt::Write as _;
use std::ops::Range;
use std::rc::Rc;

use super::stage::Stage;

/// One line of a scenario: its words, and what happens.
#[derive(Clone)]
pub struct Step {
    words: String,
    does: Rc<Does>,
}

/// What a step does; an error says what was found where something else was expected.
type Does = dyn Fn(&mut Stage) -> Result<(), String>;

/// Names the seed to be played alone.
const REPLAY: &str = "CHOPAR_SEED";
/// Set for many more seeds.
const FULL: &str = "CHOPAR_FULL";

impl Step {
    /// A step that always succeeds.
    pub(super) fn new(words: String, does: impl Fn(&mut Stage) + 'static) -> Self {
        Self::checked(words, move |stage| {
            does(stage);
            Ok(())
        })
    }

    /// A step that may find that something does not hold, and says what it found instead.
    pub(super) fn checked(words: String, does: impl Fn(&mut Stage) -> Result<(), String> + 'static) -> Self {
        Self {
            words,
            does: Rc::new(does),
        }
    }

    /// Takes the step.
    pub(super) fn take(&self, stage: &mut Stage) -> Result<(), String> {
        (self.does)(stage)
    }

    /// Its words.
    pub(super) fn words(&self) -> &str {
        &self.words
    }
}

/// Lets so many milliseconds pass.
pub fn wait(ms: u64) -> Step {
    Step::new(format!("{} s pass", ms / 1_000), move |stage| stage.pass(ms))
}

/// Hours in milliseconds.
pub const fn hours(hours: u64) -> u64 {
    hours * 3_600_000
}

/// Days in milliseconds.
pub const fn days(days: u64) -> u64 {
    hours(24 * days)
}

/// The seeds to be played: `ordinary` many, `full` many where the whole is wanted, or the one that is to be played again.
pub fn seeds(first: u64, ordinary: u64, full: u64) -> Range<u64> {
    if let Some(seed) = std::env::var(REPLAY).ok().and_then(|seed| seed.parse().ok()) {
        return seed..seed + 1;
    }
    let count = if std::env::var_os(FULL).is_some() {
        full
    } else {
        ordinary
    };
    first..first + count
}

/// Plays a scenario under a few seeds (they decide delays, keys and what is drawn by lot), and checks the promises after it.
///
/// # Panics
/// Where a step or a promise does not hold: with the play up to there and the seed.
#[track_caller]
pub fn scenario(steps: &[Step]) {
    for seed in seeds(1, 2, 25) {
        play(seed, steps);
    }
}

/// Plays a scenario under one seed.
///
/// # Panics
/// As [`scenario`].
#[track_caller]
pub fn play(seed: u64, steps: &[Step]) -> Stage {
    let mut stage = Stage::new(seed);
    for (number, step) in steps.iter().enumerate() {
        if let Err(found) = step.take(&mut stage) {
            fail(seed, steps.iter().take(number + 1), &found);
        }
    }
    if let Err(found) = stage.promises() {
        fail(seed, steps, &found);
    }
    stage
}

/// Prints the play and the seed.
#[track_caller]
pub(super) fn fail<'a>(seed: u64, steps: impl IntoIterator<Item = &'a Step>, found: &str) -> ! {
    let mut text = format!("seed {seed}: {found}\n");
    for (number, step) in steps.into_iter().enumerate() {
        let _ = writeln!(text, "{:>4}  {}", number + 1, step.words());
    }
    panic!("{text}again: {REPLAY}={seed} cargo test -p chopar-engine --test hostile <this test>");
}
