//! Batches, their median, and how a result is written.

use std::hint::black_box;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Batches of one operation: odd, so that the median is one of them.
pub(crate) const BATCHES: usize = 31;

/// Where this program runs.
const PLACE: &str = if cfg!(target_arch = "wasm32") {
    "chromium"
} else {
    "native"
};

/// One operation of one peer; times in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) peer: String,
    #[serde(rename = "where")]
    place: String,
    pub(crate) op: String,
    /// Median.
    pub(crate) us: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Messages that came out, where some may be lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<usize>,
}

impl Row {
    /// The median of single times.
    pub(crate) fn of(peer: &str, place: &str, op: &str, mut took: Vec<f64>) -> Self {
        took.sort_unstable_by(f64::total_cmp);
        // Hundredths: no clock here is finer.
        let us = |at: usize| took.get(at).map_or(f64::NAN, |us| (us * 100.0).round() / 100.0);
        Self {
            peer: peer.to_owned(),
            place: place.to_owned(),
            op: op.to_owned(),
            us: us(took.len() / 2),
            min: us(0),
            max: us(took.len().saturating_sub(1)),
            opened: None,
        }
    }

    pub(crate) fn with_opened(mut self, opened: usize) -> Self {
        self.opened = Some(opened);
        self
    }

    /// How many messages came out, where that is counted.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) const fn opened(&self) -> Option<usize> {
        self.opened
    }
}

/// The operations of one peer.
pub(crate) struct Bench {
    pub(crate) peer: &'static str,
}

impl Bench {
    /// Prepares and times `times` repetitions in each batch; the preparation is not timed.
    pub(crate) fn batches<S, R>(
        &self,
        op: &'static str,
        times: usize,
        mut prepare: impl FnMut() -> Result<S>,
        mut act: impl FnMut(&mut S, usize) -> Result<R>,
    ) -> Result<Row> {
        let mut took = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            let mut state = prepare()?;
            let begun = now();
            for n in 0..times {
                black_box(act(&mut state, n)?);
            }
            took.push((now() - begun) / f64::from(u32::try_from(times)?));
        }
        Ok(self.row(op, took))
    }

    /// The median of single times in microseconds.
    pub(crate) fn row(&self, op: &'static str, took: Vec<f64>) -> Row {
        Row::of(self.peer, PLACE, op, took)
    }
}

/// Microseconds since some moment.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64() * 1e6
}

/// Microseconds since the worker began; Chromium gives them in steps of five to a page that is isolated.
#[cfg(target_arch = "wasm32")]
pub(crate) fn now() -> f64 {
    use wasm_bindgen::JsCast;
    let worker: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    worker.performance().map_or(f64::NAN, |clock| clock.now() * 1e3)
}

/// Positions 0 to `count` with every `block` of them the other way round.
pub(crate) fn reversed_in_blocks(count: usize, block: usize) -> Vec<usize> {
    let all: Vec<_> = (0..count).collect();
    all.chunks(block)
        .flat_map(|block| block.iter().rev().copied())
        .collect()
}
