//! What changes usually do, and what an observed difference says of one.
//!
//! The prior of effects is a mixture: most changes do harm, some do nothing,
//! few help; sizes are exponential. An observed difference is an effect plus
//! normal noise, so that each part of the mixture has a closed form: the
//! exponentially modified Gaussian (Grushka 1972) and, given the difference, a
//! normal distribution cut off at zero.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::function::erf::erfc;

/// Share of changes that do harm.
const HARMFUL: f64 = 0.7;
/// Share of changes that do nothing.
const NEUTRAL: f64 = 0.2;
/// Share of changes that help.
const BENEFICIAL: f64 = 0.1;
/// Mean harm, in units of the mean benefit.
const HARM: f64 = 2.0;

/// What a difference says of the effect behind it; in units of the mean benefit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Posterior {
    /// Probability density of the difference.
    pub(super) density: f64,
    /// Probability that the change helps.
    pub(super) better: f64,
    /// Mean of the effect.
    pub(super) mean: f64,
    /// Variance of the effect.
    pub(super) variance: f64,
}

/// Of a `difference` whose standard error is `error` > 0, both in units of the
/// mean benefit.
pub(super) fn posterior(difference: f64, error: f64) -> Posterior {
    let benefit = exponential(difference, 1.0, error);
    let harm = exponential(-difference, HARM, error);
    let z = difference / error;
    let nothing = NEUTRAL * (-0.5 * z * z).exp() / (error * (2.0 * PI).sqrt());
    let density =
        (BENEFICIAL * benefit.density + HARMFUL * harm.density + nothing).max(f64::MIN_POSITIVE);
    let better = (BENEFICIAL * benefit.density / density).min(1.0);
    let worse = (HARMFUL * harm.density / density).min(1.0);
    let mean = better * benefit.mean - worse * harm.mean;
    let square = better * (benefit.variance + benefit.mean * benefit.mean)
        + worse * (harm.variance + harm.mean * harm.mean);
    Posterior { density, better, mean, variance: (square - mean * mean).max(0.0) }
}

/// Probability that the effect behind a `difference` lies above `-margin` ≤ 0.
pub(super) fn above(difference: f64, error: f64, margin: f64) -> f64 {
    let all = posterior(difference, error).density;
    let below = -difference - error * error / HARM;
    // Of harm, what lies beyond the margin.
    let tail = |from: f64| 0.5 * erfc((from - below) / error * FRAC_1_SQRT_2);
    let share = tail(margin) / tail(0.0).max(f64::MIN_POSITIVE);
    let harm = HARMFUL * exponential(-difference, HARM, error).density / all;
    (1.0 - harm * share).clamp(0.0, 1.0)
}

/// One side of the mixture.
struct Side {
    density: f64,
    mean: f64,
    variance: f64,
}

/// An exponential effect of mean `scale` seen at `x` with standard error `error`.
fn exponential(x: f64, scale: f64, error: f64) -> Side {
    // Given x, the effect is normal around `centre`, cut off below zero.
    let centre = x - error * error / scale;
    let z = -centre / error;
    if z < -8.0 {
        // Hardly anything is cut off.
        let density = (error * error / (2.0 * scale * scale) - x / scale).exp() / scale;
        return Side { density, mean: centre, variance: error * error };
    }
    let tail = 0.5 * erfcx(z * FRAC_1_SQRT_2);
    let hazard = 1.0 / ((2.0 * PI).sqrt() * tail);
    let y = x / error;
    Side {
        density: tail * (-0.5 * y * y).exp() / scale,
        mean: (centre + error * hazard).max(0.0),
        variance: (error * error * (1.0 + z * hazard - hazard * hazard)).max(0.0),
    }
}

/// The scaled complementary error function, exp(x²)·erfc(x); x > -6.
///
/// Where the product would overflow, the asymptotic series (Abramowitz & Stegun
/// 1964, 7.1.23), whose error is below 1e-12 there.
fn erfcx(x: f64) -> f64 {
    if x < 20.0 {
        return (x * x).exp() * erfc(x);
    }
    let square = x * x;
    (1.0 - 0.5 / square * (1.0 - 1.5 / square * (1.0 - 2.5 / square))) / (x * PI.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scaled_error_function_agrees_with_tabulated_values() {
        // Abramowitz & Stegun 1964, table 7.1 and 7.2.
        for (x, expected) in [
            (0.0, 1.0),
            (0.5, 0.615_690_344_2),
            (1.0, 0.427_583_576_2),
            (2.0, 0.255_395_676_3),
            (10.0, 0.056_140_992_74),
        ] {
            assert!((erfcx(x) - expected).abs() < 1e-9, "{x}: {}", erfcx(x));
        }
        assert!((erfcx(19.999_999) / erfcx(20.000_001) - 1.0).abs() < 1e-6);
    }

    /// The closed forms against the integral that they stand for.
    #[test]
    fn the_posterior_is_what_integration_says() {
        for (difference, error) in [(0.3, 0.5), (-1.0, 0.2), (2.5, 1.0), (0.0, 2.0), (6.0, 0.3)] {
            let step = 1e-3;
            let (mut mass, mut first, mut second, mut helps) = (0.0, 0.0, 0.0, 0.0);
            let normal = |effect: f64| {
                let z = (difference - effect) / error;
                (-0.5 * z * z).exp() / (error * (2.0 * PI).sqrt())
            };
            for i in -40_000_i32..40_000 {
                let effect = (f64::from(i) + 0.5) * step;
                let prior = if effect > 0.0 {
                    BENEFICIAL * (-effect).exp()
                } else {
                    HARMFUL / HARM * (effect / HARM).exp()
                };
                let weight = prior * normal(effect) * step;
                mass += weight;
                first += weight * effect;
                second += weight * effect * effect;
                helps += if effect > 0.0 { weight } else { 0.0 };
            }
            mass += NEUTRAL * normal(0.0);
            let found = posterior(difference, error);
            let near = |a: f64, b: f64| (a - b).abs() < 1e-4 * b.abs().max(1.0);
            assert!(near(found.density, mass), "{found:?} {mass}");
            assert!(near(found.better, helps / mass), "{found:?}");
            assert!(near(found.mean, first / mass), "{found:?}");
            let variance = second / mass - (first / mass).powi(2);
            assert!(near(found.variance, variance), "{found:?} {variance}");
        }
    }

    #[test]
    fn no_difference_and_no_error_gives_anything_but_numbers() {
        for difference in [-1e9, -30.0, -1e-9, 0.0, 1e-9, 30.0, 1e9] {
            for error in [1e-6, 1e-2, 1.0, 1e3] {
                let found = posterior(difference, error);
                assert!(found.density > 0.0 && found.mean.is_finite(), "{difference} {error}");
                assert!((0.0..=1.0).contains(&found.better), "{difference} {error}");
                assert!(found.variance.is_finite(), "{difference} {error}");
            }
        }
    }
}
