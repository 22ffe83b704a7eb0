//! Outcomes on a scale that a model can learn from: diverged runs and crashes
//! are bad news, not the only news.

/// Outcomes brought to unit spread around their median, where a crash, or what
/// is no number, counts as the worst. Beyond 1.5 spreads below the median only
/// the logarithm counts, so that one diverged run does not flatten all others.
pub(super) fn standardised(outcomes: &[Option<f64>]) -> Vec<f64> {
    let mut sorted: Vec<f64> =
        outcomes.iter().flatten().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(worst) = sorted.first().copied() else {
        return vec![0.0; outcomes.len()];
    };
    let median = quantile(&sorted, 0.5);
    // The spread of the better half, for that is where the search is going;
    // of the whole when the better half is all one value.
    let spread = [
        quantile(&sorted, 0.84) - median,
        quantile(&sorted, 1.0) - median,
        median - quantile(&sorted, 0.16),
    ]
    .into_iter()
    .find(|s| s.is_finite() && *s > 0.0)
    .unwrap_or(1.0);
    let squashed = |value: f64| {
        // Divided first: the difference of two huge numbers overflows.
        let z = (value / spread - median / spread).clamp(-1e12, 1e12);
        if z < -1.5 { -1.5 - (-0.5 - z).ln() } else { z }
    };
    outcomes.iter().map(|o| squashed(o.filter(|v| v.is_finite()).unwrap_or(worst))).collect()
}

/// Linear interpolation between order statistics of a sorted, non-empty slice.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the length"
    )]
    let below = at.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    let within = at - below as f64;
    if within > 0.0 { low + (high - low) * within } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_run_leaves_the_others_apart() {
        let z = standardised(&[Some(1.0), Some(1.1), Some(1.2), Some(-1e30), None, Some(f64::NAN)]);
        assert!(z.iter().all(|v| v.is_finite()), "{z:?}");
        assert!(z[2] - z[0] > 0.5 && z[3] < z[0] && z[3] > -40.0, "{z:?}");
        assert!((z[3] - z[4]).abs() < 1e-12 && (z[3] - z[5]).abs() < 1e-12);
    }

    #[test]
    fn extremes_and_ties_do_not_break_it() {
        for outcomes in [
            vec![],
            vec![None, None],
            vec![Some(5.0); 4],
            vec![Some(f64::MAX), Some(f64::MIN), Some(0.0)],
            vec![Some(1e-320), Some(0.0), Some(2e-320)],
        ] {
            let z = standardised(&outcomes);
            assert!(
                z.len() == outcomes.len() && z.iter().all(|v| v.is_finite()),
                "{outcomes:?} {z:?}"
            );
        }
    }
}
