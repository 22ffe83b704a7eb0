//! Where to stop: the exact boundaries of a race, by dynamic programming.
//!
//! A candidate's difference D from the incumbent is known after its n-th run
//! with variance σ²(1/n + r²), where rσ is how well the incumbent is known. A
//! run costs what the session gains on average in one run (renewal reward;
//! Puterman 1994, section 11.4), a keep brings its expected effect less a fine
//! for being false. From the last level backwards (Bellman 1957; for clinical
//! trials Berry & Ho 1988) each D is dropped, kept, or run again.

use super::effects::{Posterior, posterior};

/// Runs of one candidate at most.
pub(super) const LEVELS: usize = 8;

/// Points of the grid of differences.
const POINTS: usize = 200;

/// Halvings of the interval that the session's rate lies in.
const HALVINGS: usize = 16;

/// Below `drop` a candidate is dropped, from `keep` on it is kept, in between it
/// is run again; by runs of the candidate, in units of the mean benefit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boundary {
    pub(super) drop: [f64; LEVELS],
    pub(super) keep: [f64; LEVELS],
}

impl Boundary {
    /// Runs of one candidate at most.
    pub const RUNS: usize = LEVELS;

    /// Up to this difference a candidate is dropped after so many `runs`, from 1
    /// to [`Self::RUNS`]; in mean benefits.
    pub fn drop(&self, runs: usize) -> f64 {
        self.drop[runs - 1]
    }

    /// From this difference on it is kept.
    pub fn keep(&self, runs: usize) -> f64 {
        if runs == LEVELS { self.drop[LEVELS - 1] } else { self.keep[runs - 1] }
    }

    /// At the noise `nu` (σ over the mean benefit), with an incumbent known to
    /// `ratio`·σ; a false keep costs `fine` mean benefits.
    pub fn at(nu: f64, ratio: f64, fine: f64) -> Boundary {
        let levels = Levels::new(nu, ratio);
        let (mut low, mut high) = (0.0, 0.2);
        for _ in 0..HALVINGS {
            let rate = 0.5 * (low + high);
            if levels.solve(rate, fine).0 > 0.0 {
                low = rate;
            } else {
                high = rate;
            }
        }
        levels.solve(0.5 * (low + high), fine).1
    }
}

/// What can be seen after each run, and how one leads to the next.
struct Levels {
    step: f64,
    points: Vec<f64>,
    /// By level and point.
    posteriors: Vec<Vec<Posterior>>,
    /// By level but the last and point: the first point that the next run may
    /// lead to, and the probabilities from there on.
    next: Vec<Vec<(usize, Vec<f64>)>>,
}

impl Levels {
    fn new(nu: f64, ratio: f64) -> Levels {
        let variance = |runs: usize| nu * nu * (1.0 / runs as f64 + ratio * ratio);
        let widest = variance(1).sqrt();
        let (least, most) = (-1.0 - 3.0 * widest, 4.0 + 3.0 * widest);
        let step = (most - least) / (POINTS - 1) as f64;
        let points: Vec<f64> = (0..POINTS).map(|i| least + step * i as f64).collect();
        let posteriors: Vec<Vec<Posterior>> = (1..=LEVELS)
            .map(|runs| points.iter().map(|&d| posterior(d, variance(runs).sqrt())).collect())
            .collect();
        let next = (1..LEVELS)
            .map(|runs| {
                // The sooner difference is the later one plus what the next run
                // takes away from its variance.
                let spread = (variance(runs) - variance(runs + 1)).sqrt();
                let reach = 4.5 * spread + step;
                (0..POINTS)
                    .map(|i| {
                        let from = points.partition_point(|point| *point < points[i] - reach);
                        let to = points.partition_point(|point| *point <= points[i] + reach) - 1;
                        let weight = |j: usize| {
                            let z = (points[i] - points[j]) / spread;
                            (-0.5 * z * z).exp() * posteriors[runs][j].density
                        };
                        let weights: Vec<f64> = (from..=to).map(weight).collect();
                        let total = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
                        (from, weights.iter().map(|w| w / total).collect())
                    })
                    .collect()
            })
            .collect();
        Levels { step, points, posteriors, next }
    }

    /// What a candidate is worth beyond the cost of its runs when a run costs
    /// `rate`, and where to stop then.
    fn solve(&self, rate: f64, fine: f64) -> (f64, Boundary) {
        let mut boundary =
            Boundary { drop: [f64::NEG_INFINITY; LEVELS], keep: [f64::INFINITY; LEVELS] };
        let mut later: Vec<f64> = Vec::new();
        for level in (0..LEVELS).rev() {
            let mut now = vec![0.0; POINTS];
            for i in 0..POINTS {
                let here = &self.posteriors[level][i];
                let kept = here.mean - fine * (1.0 - here.better);
                let again = self.next.get(level).map_or(f64::NEG_INFINITY, |next| {
                    let (from, weights) = &next[i];
                    weights.iter().zip(&later[*from..]).map(|(w, v)| w * v).sum::<f64>() - rate
                });
                now[i] = kept.max(again).max(0.0);
                if now[i] <= 0.0 {
                    boundary.drop[level] = self.points[i] + 0.5 * self.step;
                }
                if kept < again || kept <= 0.0 {
                    boundary.keep[level] = self.points[i] + 0.5 * self.step;
                }
            }
            later = now;
        }
        // Rounding to the grid must not let more runs turn a keep into a drop.
        for level in 1..LEVELS {
            boundary.keep[level] = boundary.keep[level].min(boundary.keep[level - 1]);
            boundary.drop[level] = boundary.drop[level].min(boundary.keep[level]);
        }
        let first = &self.posteriors[0];
        let worth: f64 = later.iter().zip(first).map(|(v, p)| v * p.density * self.step).sum();
        (worth - rate, boundary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_runs_the_less_it_takes_to_be_kept_and_dropped_apart() {
        for nu in [0.1, 0.5, 1.0, 4.0] {
            for ratio in [0.0, 0.5, 1.0] {
                let boundary = Boundary::at(nu, ratio, 0.5);
                for level in 0..LEVELS {
                    assert!(boundary.drop[level] <= boundary.keep[level], "{nu} {ratio} {level}");
                }
                assert!(boundary.keep.windows(2).all(|pair| pair[1] <= pair[0]), "{nu} {ratio}");
                // At the end the two meet: nothing is left open.
                let last = LEVELS - 1;
                assert!(boundary.keep[last] - boundary.drop[last] < 0.2 * nu, "{boundary:?}");
            }
        }
    }

    /// At little noise one run decides nearly everything; at much, hardly any.
    #[test]
    fn noise_asks_for_more_runs() {
        let width = |nu: f64| {
            let boundary = Boundary::at(nu, 0.0, 0.5);
            (boundary.keep[0] - boundary.drop[0]) / nu
        };
        assert!(width(0.1) < width(0.5) && width(0.5) < width(1.0) && width(1.0) < width(2.0));
    }

    #[test]
    fn a_higher_fine_keeps_less() {
        let keep = |fine: f64| Boundary::at(0.5, 0.25, fine).keep[1];
        assert!(keep(0.1) < keep(0.5) && keep(0.5) < keep(1.0));
    }
}
