//! From values to pixels: a range that a diverged run does not squash, ticks at
//! round numbers, labels with as many digits as the step between them needs.

use autoresearch_core::metric::significant;

use crate::numbers::grouped;

/// Values beyond are drawn as if they were here, so that differences of two
/// values are finite.
const HUGE: f64 = 1e300;

/// What an axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Range {
    /// Where `value` lies: 0 at `low`, 1 at `high`.
    pub(crate) fn share(self, value: f64) -> f64 {
        (value.clamp(-HUGE, HUGE) - self.low) / (self.high - self.low)
    }

    /// Whether `value` is shown where it is.
    pub(crate) fn has(self, value: f64) -> bool {
        (0.0..=1.0).contains(&self.share(value))
    }

    fn padded(self, share: f64) -> Range {
        let span = self.high - self.low;
        let pad = if span > 0.0 && span.is_normal() {
            span * share
        } else {
            // A constant metric still needs a scale.
            (self.low.abs() * 0.01).max(f64::MIN_POSITIVE * 1e10).max(if self.low == 0.0 {
                1.0
            } else {
                0.0
            })
        };
        Range { low: self.low - pad, high: self.high + pad }
    }
}

/// The range for values of which lower is better: the kept ones fill at least a
/// fifth of it, as many of the others as possible are inside, and what lies far
/// outside of everything else is not. `None` without any value.
///
/// The fences are Tukey's (quartile plus 1.5 interquartile ranges).
pub(crate) fn robust_range(kept: &[f64], others: &[f64]) -> Option<Range> {
    let clamp = |v: &f64| v.clamp(-HUGE, HUGE);
    let kept: Vec<f64> = kept.iter().map(clamp).collect();
    let mut all: Vec<f64> = others.iter().map(clamp).chain(kept.iter().copied()).collect();
    all.sort_by(f64::total_cmp);
    let (lowest, highest) = (*all.first()?, *all.last()?);
    let at = |share: f64| all[(share * (all.len() - 1) as f64).round() as usize];
    let spread = match at(0.75) - at(0.25) {
        quartiles if quartiles > 0.0 => quartiles,
        _ => at(0.9) - at(0.1),
    };
    let (low_fence, high_fence) = (at(0.25) - 1.5 * spread, at(0.75) + 1.5 * spread);

    let mut low = lowest.max(low_fence.min(at(0.25)));
    let mut high = highest.min(high_fence.max(at(0.75)));
    if !kept.is_empty() {
        let best = kept.iter().copied().fold(f64::INFINITY, f64::min);
        // Kept values count, also beyond the fence, unless they are absurd: a
        // baseline that diverged.
        let far = at(0.75) + 20.0 * spread.max(at(0.75) - best);
        let worst =
            kept.iter().copied().filter(|v| all.len() < 3 || *v <= far).fold(best, f64::max);
        let core = worst - best;
        low = low.min(best);
        high = high.max(worst);
        if core > 0.0 {
            let enough = worst + (1.2 * core).max((at(0.6) - worst).min(3.5 * core));
            high = high.min(enough);
            low = low.max(best - 1.2 * core);
        }
    }
    Some(Range { low, high }.padded(0.06))
}

/// Round positions along an axis, with their labels.
pub(crate) fn ticks(range: Range, about: usize) -> Vec<(f64, String)> {
    let step = round_step((range.high - range.low) / about.max(1) as f64);
    let (first, last) = ((range.low / step).ceil(), (range.high / step).floor());
    // Steps below the resolution of the values give no ticks.
    if !step.is_normal() || !(last - first).is_finite() || last - first > 50.0 || first.abs() > 1e15
    {
        return Vec::new();
    }
    let positions: Vec<f64> =
        (0..=(last - first) as u32).map(|i| (first + f64::from(i)) * step).collect();
    let largest = positions.iter().fold(0.0_f64, |m, p| m.max(p.abs()));
    let exponent = step.log10().floor() as i32;
    // A step of 2.5 needs one digit more than its magnitude says.
    let extra = i32::from((step / 10_f64.powi(exponent) * 10.0).round() % 10.0 != 0.0);
    let label = |position: f64| {
        let position = if position.abs() < step / 2.0 { 0.0 } else { position };
        if largest > 0.0 && !(1e-3..1e6).contains(&largest) {
            let digits = largest.log10().floor() as i32 - exponent + 1 + extra;
            significant(position, digits.clamp(1, 17) as usize)
        } else {
            let decimals = (extra - exponent).clamp(0, 17) as usize;
            format!("{position:.decimals$}")
        }
    };
    positions.into_iter().map(|p| (p, label(p))).collect()
}

/// Ticks at whole numbers.
pub(crate) fn whole_ticks(range: Range, about: usize) -> Vec<(f64, String)> {
    let step = round_step((range.high - range.low) / about.max(1) as f64).max(1.0).round();
    let first = (range.low / step).ceil().max(0.0);
    let count = ((range.high / step).floor() - first).clamp(0.0, 50.0) as u32;
    (0..=count)
        .map(|i| (first + f64::from(i)) * step)
        .filter(|p| *p <= range.high)
        .map(|p| (p, grouped(p as u64)))
        .collect()
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn round_step(at_least: f64) -> f64 {
    if at_least.is_nan() || at_least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(at_least.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|f| f * power >= at_least * 0.999_999)
        .unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64) -> String {
        ticks(Range { low, high }, 5).into_iter().map(|(_, l)| l).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_and_have_the_digits_they_need() {
        assert_eq!(labels(0.97, 1.01), "0.97 0.98 0.99 1.00 1.01");
        assert_eq!(labels(-0.3, 0.9), "-0.25 0.00 0.25 0.50 0.75");
        assert_eq!(labels(0.0, 100.0), "0 20 40 60 80 100");
        assert_eq!(labels(1e-7, 5e-7), "1e-7 2e-7 3e-7 4e-7 5e-7");
        let whole: Vec<_> =
            whole_ticks(Range { low: 0.0, high: 3.0 }, 10).into_iter().map(|t| t.1).collect();
        assert_eq!(whole, ["0", "1", "2", "3"]);
    }

    #[test]
    fn a_diverged_run_does_not_squash_the_rest() {
        let others: Vec<f64> = (0..50).map(|i| 1.0 + f64::from(i) / 500.0).chain([1e30]).collect();
        let range = robust_range(&[1.0, 0.98, 0.97], &others).unwrap();
        assert!(range.high < 1.2 && range.low < 0.97, "{range:?}");
        let range = robust_range(&[1e30, 1.0, 0.9, 0.8], &others).unwrap();
        assert!(range.high < 2.0, "{range:?}");
    }

    #[test]
    fn a_constant_metric_has_a_range() {
        for value in [0.0, 1.0, -5.0, 1e300, 1e-300] {
            let range = robust_range(&[value], &[value]).unwrap();
            assert!(range.low < value && value < range.high, "{value} {range:?}");
        }
    }

    proptest! {
        #[test]
        fn any_values_have_a_finite_range(kept in prop::collection::vec(prop::num::f64::NORMAL, 0..9), others in prop::collection::vec(prop::num::f64::NORMAL, 1..9)) {
            let range = robust_range(&kept, &others).unwrap();
            prop_assert!(range.low.is_finite() && range.high.is_finite() && range.low < range.high, "{range:?}");
            if let Some(best) = kept.iter().copied().reduce(f64::min) {
                let share = range.share(best);
                prop_assert!((0.0..=1.0).contains(&share), "{share} {range:?}");
            }
            prop_assert!(ticks(range, 6).len() < 60);
        }
    }
}
