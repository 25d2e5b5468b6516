//! What several benchmarks do with their samples.

use anyhow::{Context, Result};

/// The value below which this share of the samples lies (nearest rank).
///
/// # Errors
/// Where nothing was measured.
pub fn quantile(samples: &[f64], share: f64) -> Result<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.max(1) - 1)
        .copied()
        .context("nothing was measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantile(&samples, 0.5).unwrap(), 100.0);
        assert_eq!(quantile(&samples, 0.99).unwrap(), 198.0);
        assert_eq!(quantile(&[7.0], 0.99).unwrap(), 7.0);
        assert!(quantile(&[], 0.5).is_err());
    }
}
