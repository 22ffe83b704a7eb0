//! Expected improvement, on a logarithmic scale.

use std::f64::consts::{PI, SQRT_2};

/// Natural logarithm of the expected improvement over `best` of a normal
/// belief, after Ament and others, "Unexpected Improvements to Expected
/// Improvement" (Neural Information Processing Systems 2023): finite and ordered
/// where the plain form is 0 in floating point.
pub(super) fn log_expected_improvement(mean: f64, deviation: f64, best: f64) -> f64 {
    let z = (mean - best) / deviation;
    deviation.ln() + log_h(z)
}

/// `ln(density(z) + z * distribution(z))` of the standard normal.
fn log_h(z: f64) -> f64 {
    let log_density = -0.5 * z * z - 0.5 * (2.0 * PI).ln();
    if z > -6.0 {
        (log_density.exp() + z * 0.5 * erfc(-z / SQRT_2)).max(f64::MIN_POSITIVE).ln()
    } else {
        // The asymptotic series of Mills' ratio.
        let s = 1.0 / (z * z);
        log_density + (s * (1.0 - s * (3.0 - s * (15.0 - 105.0 * s)))).ln()
    }
}

/// Complementary error function, relative error below 1.2e-7 (Press et al.,
/// *Numerical Recipes*, section 6.2).
fn erfc(x: f64) -> f64 {
    const C: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.5 * z);
    let series = C.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let tail = t * (series - z * z).exp();
    if x < 0.0 { 2.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // From scipy: log(norm.pdf(z) + z * norm.cdf(z)) with 50 digits.
        for (z, expected) in
            [(0.0, -0.918_938_533), (1.0, 0.080_026_213), (-3.0, -7.869_713_8), (-10.0, -55.553_1)]
        {
            assert!((log_h(z) - expected).abs() < 1e-3, "{z}: {} for {expected}", log_h(z));
        }
    }

    #[test]
    fn it_rises_everywhere() {
        let values: Vec<f64> = (-400..80).map(|i| log_h(f64::from(i) / 10.0)).collect();
        assert!(values.is_sorted_by(|a, b| a < b));
        assert!(values.iter().all(|v| v.is_finite()));
    }
}
