//! How loud a recording is over its time: levels that are taken while it lasts, and the bars that are drawn of them.

/// How often a level is taken, in milliseconds: as often as the eye follows.
pub(crate) const LEVEL_EVERY_MS: u32 = 50;
/// The longest recording, in milliseconds: a quarter of an hour.
pub(crate) const LONGEST_MS: u32 = 15 * 60 * 1_000;
/// Bars that are made of a recording: as many as its line has room for.
pub(crate) const BARS: usize = 64;
/// Heights of a bar above none. More of them would say more of a voice than a drawing needs.
const HEIGHTS: u32 = 15;
/// The level, of 128, below which a recording counts as silent as a whole: it is not drawn louder than it is.
const QUIET: u32 = 12;
/// What a silent sample is.
const MIDDLE: u8 = 128;
/// Width and height of a bar with the gap beside it, in units of the drawing.
const BAR: usize = 4;
/// Half the height of the drawing, in its units.
const HALF: u32 = 12;

/// The loudest of samples of one byte each, 0 to 128.
pub(crate) fn level(samples: &[u8]) -> u8 {
    let loudness = samples.iter().map(|sample| sample.abs_diff(MIDDLE));
    loudness.max().unwrap_or(0)
}

/// The levels of a recording so far.
#[derive(Default)]
pub(crate) struct Levels(Vec<u8>);

impl Levels {
    /// Notes a level at a moment. Where the browser was late it stands for the time since the one before, too.
    pub(crate) fn note(&mut self, at_ms: u32, level: u8) {
        let reached = (at_ms.min(LONGEST_MS) / LEVEL_EVERY_MS) as usize + 1;
        if reached > self.0.len() {
            self.0.resize(reached, level);
        } else if let Some(last) = self.0.last_mut() {
            *last = level.max(*last);
        }
    }

    /// The last of them as bars, at most [`BARS`]. A voice seldom reaches a third of what a microphone can say.
    pub(crate) fn latest(&self) -> Vec<u8> {
        let latest = &self.0[self.0.len().saturating_sub(BARS)..];
        latest.iter().map(|level| level.saturating_mul(3)).collect()
    }

    /// At most [`BARS`] bars of all of them, one byte each, at least one: each as high as the loudest moment it stands for, next to the
    /// loudest of all.
    pub(crate) fn bars(&self) -> Vec<u8> {
        let all = self.0.as_slice();
        let count = all.len().clamp(1, BARS);
        let loudest = all.iter().copied().max().map_or(QUIET, u32::from).max(QUIET);
        let bar = |at: usize| {
            let part = &all[at * all.len() / count..(at + 1) * all.len() / count];
            let level = part.iter().copied().max().map_or(0, u32::from);
            let height = (level * HEIGHTS + loudest / 2) / loudest;
            (height * (u32::from(u8::MAX) / HEIGHTS)) as u8
        };
        (0..count).map(bar).collect()
    }
}

/// The bars as the lines of an SVG path, beginning at its left side. A bar of nothing is a dot.
pub(crate) fn bars_path(bars: &[u8]) -> String {
    let mut path = String::with_capacity(bars.len() * 12);
    for (at, bar) in bars.iter().enumerate() {
        let half = u32::from(*bar) * (HALF - 2) / u32::from(u8::MAX) + 1;
        let line = [
            "M",
            &(at * BAR + BAR / 2).to_string(),
            " ",
            &(HALF - half).to_string(),
            "v",
            &(2 * half).to_string(),
        ];
        path.push_str(&line.concat());
    }
    path
}

/// The view box of a drawing with room for so many bars.
pub(crate) fn bars_box(bars: usize) -> String {
    [
        "0 0 ",
        &(bars.max(1) * BAR).to_string(),
        " ",
        &(2 * HALF).to_string(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(levels: impl IntoIterator<Item = u8>) -> Levels {
        let mut all = Levels::default();
        for (at, level) in levels.into_iter().enumerate() {
            all.note(at as u32 * LEVEL_EVERY_MS, level);
        }
        all
    }

    #[test]
    fn a_level_is_the_loudest_sample_either_way() {
        assert_eq!(level(&[]), 0);
        assert_eq!(level(&[128; 9]), 0);
        assert_eq!(level(&[128, 100, 130]), 28);
        assert_eq!(level(&[0]), 128);
        assert_eq!(level(&[255]), 127);
    }

    /// P-380.
    #[test]
    fn bars_are_few_coarse_and_next_to_the_loudest() {
        // Quiet, then loud, for three minutes.
        let bars = noted((0..3_600).map(|at| if at < 1_800 { 20 } else { 60 })).bars();
        assert_eq!(bars.len(), BARS);
        assert_eq!((bars[0], bars[63]), (85, 255));
        for bar in &bars {
            assert_eq!(bar % 17, 0, "one of sixteen heights");
        }
        // A short one has a bar for each level.
        assert_eq!(noted([64, 0, 32]).bars(), [255, 0, 136]);
        // Silence stays low, and something is drawn even of nothing.
        assert!(noted([1; 100]).bars().iter().all(|bar| *bar <= 34));
        assert_eq!(Levels::default().bars(), [0]);
    }

    /// P-380.
    #[test]
    fn levels_are_bounded_and_keep_their_place_in_time() {
        let mut levels = Levels::default();
        levels.note(0, 5);
        // A tab in the background is asked once a second.
        levels.note(1_000, 50);
        assert_eq!(levels.0.len(), 21);
        assert_eq!(levels.bars().first(), Some(&34));
        assert_eq!(levels.bars().last(), Some(&255));
        levels.note(1_010, 80);
        assert_eq!((levels.0.len(), levels.0.last()), (21, Some(&80)));
        levels.note(u32::MAX, 1);
        assert_eq!(levels.0.len(), (LONGEST_MS / LEVEL_EVERY_MS) as usize + 1);
        assert_eq!(levels.bars().len(), BARS);
        assert_eq!(levels.latest().len(), BARS);
    }

    #[test]
    fn bars_are_drawn_from_the_left_within_their_box() {
        assert_eq!(bars_path(&[]), "");
        assert_eq!(bars_path(&[0, 255]), "M2 11v2M6 1v22");
        assert_eq!(bars_box(64), "0 0 256 24");
        assert_eq!(bars_box(0), "0 0 4 24");
    }
}
