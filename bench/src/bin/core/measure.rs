//! Batches, their median, and how a result is written.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

/// Batches of one operation: odd, so that the median is one of them.
pub(crate) const BATCHES: usize = 31;

/// One operation of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) peer: &'static str,
    pub(crate) op: &'static str,
    /// Median, in microseconds.
    pub(crate) us: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Messages that came out, where some may be lost.
    opened: Option<usize>,
}

impl Row {
    pub(crate) fn json(&self) -> Value {
        let rounded = |us: f64| (us * 100.0).round() / 100.0;
        let mut line = json!({
            "peer": self.peer, "where": "native", "op": self.op,
            "us": rounded(self.us), "min": rounded(self.min), "max": rounded(self.max),
        });
        if let Some(opened) = self.opened {
            line["opened"] = opened.into();
        }
        line
    }

    pub(crate) fn with_opened(mut self, opened: usize) -> Self {
        self.opened = Some(opened);
        self
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
            let begun = Instant::now();
            for n in 0..times {
                black_box(act(&mut state, n)?);
            }
            took.push(begun.elapsed() / u32::try_from(times)?);
        }
        Ok(self.row(op, took))
    }

    /// The median of single times.
    pub(crate) fn row(&self, op: &'static str, mut took: Vec<Duration>) -> Row {
        took.sort_unstable();
        let us = |at: usize| took.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6);
        Row {
            peer: self.peer,
            op,
            us: us(took.len() / 2),
            min: us(0),
            max: us(took.len().saturating_sub(1)),
            opened: None,
        }
    }
}

/// Positions 0 to `count` with every `block` of them the other way round.
pub(crate) fn reversed_in_blocks(count: usize, block: usize) -> Vec<usize> {
    let all: Vec<_> = (0..count).collect();
    all.chunks(block)
        .flat_map(|block| block.iter().rev().copied())
        .collect()
}
