//! A Gaussian process: what is believed about the outcome of settings never
//! tried, from those that were.
//!
//! Rasmussen and Williams, *Gaussian Processes for Machine Learning* (2006):
//! algorithm 2.1 for the posterior, equation 5.9 for the gradient of the
//! marginal likelihood. The kernel is a Matérn 5/2 with one length scale per
//! knob (eq. 4.17), mixed with the mean of one-dimensional ones over the same
//! length scales: additive structure (Duvenaud, Nickisch and Rasmussen 2011)
//! is what few experiments over many knobs can teach.

use std::collections::BTreeMap;

/// Points in the unit cube; a choice is the number of its option.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    /// Which coordinates are choices.
    pub choice: Vec<bool>,
    /// Row after row.
    pub rows: Vec<Vec<f64>>,
}

impl Points {
    /// Squared distance of two points along one coordinate.
    fn gap(&self, dimension: usize, a: f64, b: f64) -> f64 {
        if self.choice[dimension] {
            f64::from(u8::from((a - b).abs() > 0.25))
        } else {
            (a - b) * (a - b)
        }
    }
}

/// Variance of the unknown constant mean, in units of the signal's.
const MEAN_VARIANCE: f64 = 1.0;

/// What is fitted, all as natural logarithms but `mix`.
#[derive(Clone, Debug)]
struct Parameters {
    /// Length scale of each coordinate.
    lengths: Vec<f64>,
    /// Variance of the signal.
    signal: f64,
    /// Variance of the noise.
    noise: f64,
    /// Logit of the share of additive structure.
    mix: f64,
}

/// Centre and spread of the normal prior of one parameter.
#[derive(Clone, Copy)]
struct Prior(f64, f64);

impl Parameters {
    fn from_vector(all: &[f64]) -> Parameters {
        let d = all.len() - 3;
        Parameters {
            lengths: all[..d].to_vec(),
            signal: all[d],
            noise: all[d + 1],
            mix: all[d + 2],
        }
    }

    fn priors(choice: &[bool]) -> Vec<Prior> {
        // Length scales grow with the root of the dimension, or else all
        // points are far from one another (Hvarfner, Hellsten, Nardi 2024).
        let centre = (0.7 * (choice.len() as f64 / 3.0).max(1.0).sqrt()).ln();
        let mut all: Vec<Prior> =
            choice.iter().map(|c| Prior(if *c { centre + 0.7 } else { centre }, 0.9)).collect();
        all.extend([Prior(0.0, 1.0), Prior(0.05_f64.ln(), 1.5), Prior(0.0, 1.5)]);
        all
    }
}

/// Matérn 5/2 and minus its derivative by half the squared distance.
fn matern(squared: f64) -> (f64, f64) {
    let root = (5.0 * squared).sqrt();
    let fall = (-root).exp();
    ((1.0 + root + root * root / 3.0) * fall, 5.0 / 3.0 * (1.0 + root) * fall)
}

/// A fitted process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    points: Points,
    inverse_squares: Vec<f64>,
    signal: f64,
    mix: f64,
    factor: Factor,
    weights: Vec<f64>,
}

/// What is known of single coordinates: hundreds of candidates share a few
/// places along each.
#[derive(Default)]
pub(super) struct Memory(BTreeMap<(usize, u64), Vec<(f64, f64)>>);

impl Process {
    /// The process of maximal posterior probability for these outcomes (best
    /// centred, and of unit spread). Its parameters are fitted to `fit_on`
    /// (indices), the posterior then knows all points. `None` without points.
    pub(super) fn fit(points: &Points, outcomes: &[f64], fit_on: &[usize]) -> Option<Process> {
        if points.rows.is_empty() || points.choice.is_empty() {
            return None;
        }
        let subset = Points {
            choice: points.choice.clone(),
            rows: fit_on.iter().map(|i| points.rows[*i].clone()).collect(),
        };
        let targets: Vec<f64> = fit_on.iter().map(|i| outcomes[*i]).collect();
        let parameters = most_probable(&subset, &targets);
        Process::with(points, outcomes, &parameters)
    }

    fn with(points: &Points, outcomes: &[f64], parameters: &Parameters) -> Option<Process> {
        let mut process = Process {
            points: points.clone(),
            inverse_squares: parameters.lengths.iter().map(|l| (-2.0 * l).exp()).collect(),
            signal: parameters.signal.exp(),
            mix: logistic(parameters.mix),
            factor: Factor { n: 0, lower: Vec::new() },
            weights: Vec::new(),
        };
        let n = points.rows.len();
        let mut lower = Vec::with_capacity(n * (n + 1) / 2);
        for i in 0..n {
            for j in 0..i {
                lower.push(process.covariance(&points.rows[i], &points.rows[j]));
            }
            lower.push(process.variance() + parameters.noise.exp());
        }
        process.factor = Factor::of(n, lower)?;
        process.weights = process.factor.solve(outcomes);
        Some(process)
    }

    fn variance(&self) -> f64 {
        self.signal * (1.0 + MEAN_VARIANCE)
    }

    fn covariance(&self, a: &[f64], b: &[f64]) -> f64 {
        let mut sum = 0.0;
        let mut parts = 0.0;
        for (d, scale) in self.inverse_squares.iter().enumerate() {
            let squared = self.points.gap(d, a[d], b[d]) * scale;
            sum += squared;
            parts += if squared > 0.0 { matern(squared).0 } else { 1.0 };
        }
        self.mixed(sum, parts)
    }

    /// Covariance from the scaled squared distance of two points, and the sum
    /// of their one-dimensional Matérns.
    fn mixed(&self, sum: f64, parts: f64) -> f64 {
        let additive = parts / self.inverse_squares.len() as f64;
        self.signal * (MEAN_VARIANCE + self.mix * additive + (1.0 - self.mix) * matern(sum).0)
    }

    /// Mean and standard deviation of the outcome, without noise, at a point.
    pub(super) fn posterior(&self, at: &[f64], memory: &mut Memory) -> (f64, f64) {
        let n = self.points.rows.len();
        let (mut sums, mut parts) = (vec![0.0; n], vec![0.0; n]);
        for (d, place) in at.iter().enumerate() {
            let known = memory.0.entry((d, place.to_bits())).or_insert_with(|| {
                let one = |row: &Vec<f64>| {
                    let squared = self.points.gap(d, row[d], *place) * self.inverse_squares[d];
                    (squared, if squared > 0.0 { matern(squared).0 } else { 1.0 })
                };
                self.points.rows.iter().map(one).collect()
            });
            for ((sum, part), (squared, value)) in sums.iter_mut().zip(&mut parts).zip(known.iter())
            {
                *sum += squared;
                *part += value;
            }
        }
        let cross: Vec<f64> =
            sums.iter().zip(&parts).map(|(sum, part)| self.mixed(*sum, *part)).collect();
        let halfway = self.factor.forward(&cross);
        (dot(&cross, &self.weights), (self.variance() - dot(&halfway, &halfway)).max(1e-12).sqrt())
    }

    /// Mean alone: a fraction of the cost.
    pub(super) fn mean(&self, at: &[f64]) -> f64 {
        self.points
            .rows
            .iter()
            .zip(&self.weights)
            .map(|(row, w)| w * self.covariance(row, at))
            .sum()
    }

    /// How alike two points are, between 0 and 1, as far as the outcome goes.
    pub(super) fn likeness(&self, a: &[f64], b: &[f64]) -> f64 {
        let sum: f64 = self
            .inverse_squares
            .iter()
            .enumerate()
            .map(|(d, scale)| self.points.gap(d, a[d], b[d]) * scale)
            .sum();
        matern(sum).0
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Scalar product, in four sums that the processor can do at once.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for i in 0..4 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Steps of the ascent to the most probable parameters.
const STEPS: usize = 25;

/// Maximises likelihood times prior by resilient propagation (Riedmiller and
/// Braun 1993): only signs of gradients count, so that no scale needs tuning.
fn most_probable(points: &Points, outcomes: &[f64]) -> Parameters {
    let priors = Parameters::priors(&points.choice);
    let gaps = gaps(points);
    let mut at: Vec<f64> = priors.iter().map(|p| p.0).collect();
    let mut best = (f64::INFINITY, at.clone());
    let mut steps = vec![0.3; at.len()];
    let mut before = vec![0.0; at.len()];
    for _ in 0..STEPS {
        let Some((loss, gradient)) = loss(points, &gaps, outcomes, &at, &priors) else {
            break;
        };
        if loss < best.0 {
            best = (loss, at.clone());
        }
        for i in 0..at.len() {
            let agreement = gradient[i] * before[i];
            if agreement > 0.0 {
                steps[i] = f64::min(steps[i] * 1.3, 1.0);
            } else if agreement < 0.0 {
                steps[i] = f64::max(steps[i] * 0.5, 1e-3);
            }
            before[i] = if agreement < 0.0 { 0.0 } else { gradient[i] };
            if before[i] != 0.0 {
                at[i] -= steps[i] * before[i].signum();
            }
            at[i] = at[i].clamp(priors[i].0 - 5.0 * priors[i].1, priors[i].0 + 5.0 * priors[i].1);
        }
    }
    Parameters::from_vector(&best.1)
}

/// Squared distances of all pairs below the diagonal, coordinate by
/// coordinate.
fn gaps(points: &Points) -> Vec<f64> {
    let mut all = Vec::new();
    for (i, a) in points.rows.iter().enumerate() {
        for b in &points.rows[..i] {
            all.extend((0..a.len()).map(|d| points.gap(d, a[d], b[d])));
        }
    }
    all
}

/// Negative log of likelihood times prior, and its gradient. `None` when the
/// covariance is not positive definite.
fn loss(
    points: &Points,
    gaps: &[f64],
    outcomes: &[f64],
    at: &[f64],
    priors: &[Prior],
) -> Option<(f64, Vec<f64>)> {
    let n = points.rows.len();
    let d = points.choice.len();
    let p = Parameters::from_vector(at);
    let (signal, noise, mix) = (p.signal.exp(), p.noise.exp(), logistic(p.mix));
    let inverse_squares: Vec<f64> = p.lengths.iter().map(|l| (-2.0 * l).exp()).collect();
    let share = mix / d as f64;

    // Covariances, and what each pair adds to the derivative of each
    // parameter but the noise.
    let pairs = n * n.saturating_sub(1) / 2;
    let mut slopes = vec![0.0; pairs * d];
    let mut additives = Vec::with_capacity(pairs);
    let mut products = Vec::with_capacity(pairs);
    let mut lower = Vec::with_capacity(pairs + n);
    let mut pair = 0;
    for i in 0..n {
        for _ in 0..i {
            let row = &gaps[pair * d..(pair + 1) * d];
            let slope = &mut slopes[pair * d..(pair + 1) * d];
            let mut sum = 0.0;
            let mut additive = 0.0;
            for k in 0..d {
                let squared = row[k] * inverse_squares[k];
                if squared > 0.0 {
                    let (value, fall) = matern(squared);
                    additive += value;
                    slope[k] = share * fall * squared;
                    sum += squared;
                } else {
                    additive += 1.0;
                }
            }
            additive /= d as f64;
            let (product, fall) = matern(sum);
            for k in 0..d {
                slope[k] += (1.0 - mix) * fall * row[k] * inverse_squares[k];
            }
            additives.push(additive);
            products.push(product);
            lower.push(signal * (MEAN_VARIANCE + mix * additive + (1.0 - mix) * product));
            pair += 1;
        }
        lower.push(signal * (1.0 + MEAN_VARIANCE) + noise);
    }
    let factor = Factor::of(n, lower)?;
    let weights = factor.solve(outcomes);
    let inverse = factor.inverse();

    let mut value = 0.5 * dot(outcomes, &weights) + factor.half_log_determinant();
    let mut gradient = vec![0.0; at.len()];
    let mut pair = 0;
    let mut entry = 0;
    for i in 0..n {
        for j in 0..i {
            // Half the trace, twice for symmetry.
            let pull = inverse[entry] - weights[i] * weights[j];
            let slope = &slopes[pair * d..(pair + 1) * d];
            for k in 0..d {
                gradient[k] += pull * signal * slope[k];
            }
            let (additive, product) = (additives[pair], products[pair]);
            gradient[d] += pull * signal * (MEAN_VARIANCE + mix * additive + (1.0 - mix) * product);
            gradient[d + 2] += pull * signal * mix * (1.0 - mix) * (additive - product);
            pair += 1;
            entry += 1;
        }
        let pull = 0.5 * (inverse[entry] - weights[i] * weights[i]);
        gradient[d] += pull * signal * (1.0 + MEAN_VARIANCE);
        gradient[d + 1] += pull * noise;
        entry += 1;
    }
    for (k, Prior(centre, spread)) in priors.iter().enumerate() {
        let z = (at[k] - centre) / spread;
        value += 0.5 * z * z;
        gradient[k] += z / spread;
    }
    value.is_finite().then_some((value, gradient))
}

/// A Cholesky factor: the lower triangle, row after row.
#[derive(Clone, Debug)]
struct Factor {
    n: usize,
    lower: Vec<f64>,
}

/// Where row `i` of a packed lower triangle starts.
fn row(i: usize) -> usize {
    i * (i + 1) / 2
}

impl Factor {
    /// Of a symmetric matrix given by its packed lower triangle (Golub and Van
    /// Loan, algorithm 4.2.1, by rows). `None` unless positive definite.
    fn of(n: usize, mut a: Vec<f64>) -> Option<Factor> {
        for i in 0..n {
            let (above, current) = a.split_at_mut(row(i));
            for j in 0..=i {
                let upper = if j < i { &above[row(j)..row(j) + j] } else { &[] };
                if j < i {
                    let sum = current[j] - dot(&current[..j], upper);
                    current[j] = sum / above[row(j) + j];
                } else {
                    let left = current[i] - dot(&current[..i], &current[..i]);
                    if left.is_nan() || left <= 1e-12 {
                        return None;
                    }
                    current[i] = left.sqrt();
                }
            }
        }
        Some(Factor { n, lower: a })
    }

    /// Solves `L x = b`.
    fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = Vec::with_capacity(self.n);
        for (i, target) in b.iter().enumerate() {
            let line = &self.lower[row(i)..row(i) + i];
            x.push((target - dot(line, &x)) / self.lower[row(i) + i]);
        }
        x
    }

    /// Solves `L L' x = b`.
    fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = self.forward(b);
        for i in (0..self.n).rev() {
            let value = x[i] / self.lower[row(i) + i];
            x[i] = value;
            for (left, l) in x[..i].iter_mut().zip(&self.lower[row(i)..row(i) + i]) {
                *left -= l * value;
            }
        }
        x
    }

    /// The packed lower triangle of the inverse of `L L'`.
    fn inverse(&self) -> Vec<f64> {
        // Rows of the inverse of L, then its cross products.
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        for i in 0..n {
            let (above, current) = inverse.split_at_mut(i * n);
            let current = &mut current[..n];
            for k in 0..i {
                let l = self.lower[row(i) + k];
                for (c, a) in current[..=k].iter_mut().zip(&above[k * n..=k * n + k]) {
                    *c -= l * a;
                }
            }
            let diagonal = 1.0 / self.lower[row(i) + i];
            for c in &mut current[..i] {
                *c *= diagonal;
            }
            current[i] = diagonal;
        }
        let mut result = vec![0.0; row(n)];
        for k in 0..n {
            let line = &inverse[k * n..=k * n + k];
            for i in 0..=k {
                let factor = line[i];
                for (r, l) in result[row(i)..=row(i) + i].iter_mut().zip(line) {
                    *r += factor * l;
                }
            }
        }
        result
    }

    fn half_log_determinant(&self) -> f64 {
        (0..self.n).map(|i| self.lower[row(i) + i].ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn some_points(n: usize) -> (Points, Vec<f64>) {
        let mut random = Random::new(1, 1);
        let row = |random: &mut Random| vec![random.unit(), random.unit(), random.below(3) as f64];
        let rows: Vec<Vec<f64>> = (0..n).map(|_| row(&mut random)).collect();
        let outcomes =
            rows.iter().map(|r| (5.0 * r[0]).sin() + 0.1 * r[2] + 0.05 * random.normal()).collect();
        (Points { choice: vec![false, false, true], rows }, outcomes)
    }

    #[test]
    fn a_factor_solves_and_inverts() {
        // The inverse of [[4, 2], [2, 3]] is [[3, -2], [-2, 4]] / 8.
        let factor = Factor::of(2, vec![4.0, 2.0, 3.0]).unwrap();
        for (found, expected) in factor.inverse().iter().zip([0.375, -0.25, 0.5]) {
            assert!((found - expected).abs() < 1e-12);
        }
        let x = factor.solve(&[8.0, 8.0]);
        assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
        assert!((factor.half_log_determinant() - 0.5 * 8.0_f64.ln()).abs() < 1e-12);
        assert!(Factor::of(2, vec![1.0, 2.0, 1.0]).is_none());
        assert!(Factor::of(1, vec![f64::NAN]).is_none());
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (points, outcomes) = some_points(9);
        let priors = Parameters::priors(&points.choice);
        let gaps = gaps(&points);
        let at = [-0.7, 0.2, 0.4, 0.3, -2.0, 0.6];
        let value = |at: &[f64]| loss(&points, &gaps, &outcomes, at, &priors).unwrap();
        let (_, gradient) = value(&at);
        for k in 0..at.len() {
            let (mut up, mut down) = (at, at);
            up[k] += 1e-5;
            down[k] -= 1e-5;
            let slope = (value(&up).0 - value(&down).0) / 2e-5;
            assert!(
                (slope - gradient[k]).abs() < 1e-5 * (1.0 + slope.abs()),
                "{k}: {slope} {}",
                gradient[k]
            );
        }
    }

    #[test]
    fn the_posterior_knows_what_it_saw_and_doubts_the_rest() {
        let (points, outcomes) = some_points(40);
        let all: Vec<usize> = (0..40).collect();
        let process = Process::fit(&points, &outcomes, &all).unwrap();
        let mut memory = Memory::default();
        for (row, outcome) in points.rows.iter().zip(&outcomes) {
            let (mean, deviation) = process.posterior(row, &mut memory);
            assert!(
                (mean - outcome).abs() < 0.2 && deviation < 0.2,
                "{mean} {deviation} {outcome}"
            );
            assert!((mean - process.mean(row)).abs() < 1e-9);
        }
        let (_, near) = process.posterior(&[0.5, 0.5, 1.0], &mut memory);
        let (_, unseen) = process.posterior(&[0.5, 0.5, 7.0], &mut memory);
        assert!(unseen > near);
        // What decides has a short length scale.
        assert!(process.inverse_squares[0] > process.inverse_squares[1]);
    }
}
