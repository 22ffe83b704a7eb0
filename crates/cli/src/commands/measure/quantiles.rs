//! Quantiles of a sample.

/// The quantile `p`, from 0 to 1, of values in ascending order: linear between
/// the two nearest (type 7 of Hyndman and Fan 1996, "Sample quantiles in
/// statistical packages"; what R and `NumPy` give unless asked otherwise). `None`
/// of no values.
pub(super) fn quantile(ascending: &[f64], p: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let at = p.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let below = at.floor() as usize;
    let (low, high) = (ascending[below], ascending[(below + 1).min(last)]);
    Some(low + (high - low) * (at - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `numpy.quantile([1, 2, 4, 8, 16], p)` and R's `quantile(x, p, type = 7)`.
    #[test]
    fn quantiles_are_those_of_type_7() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (p, expected) in [
            (0.0, 1.0),
            (0.25, 2.0),
            (0.5, 4.0),
            (0.9, 12.8),
            (0.95, 14.4),
            (0.99, 15.68),
            (1.0, 16.0),
        ] {
            let found = quantile(&values, p).unwrap();
            assert!((found - expected).abs() < 1e-9, "{p}: {found}");
        }
        assert_eq!(quantile(&[3.0], 0.95), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
