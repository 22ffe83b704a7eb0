//! How large noise and effects are here, learned as a session goes on.
//!
//! Nothing is known in advance: σ, the standard deviation between runs of one
//! candidate, and ν, σ over the mean benefit, are points of a grid, each with
//! its likelihood. Runs of the same candidate tell of σ, the differences of
//! candidates from incumbents tell of both (empirical Bayes; Efron 2010).

use std::f64::consts::SQRT_2;

use super::effects::posterior;

/// Values of σ on the grid, half an octave apart.
const SIGMAS: usize = 56;
/// Of those, how many lie below the first difference that was seen.
const BELOW: usize = 42;
/// Values of ν on the grid, half an octave apart.
const NUS: usize = 24;
/// The index of ν = 1.
const UNIT: usize = 18;
/// Share of gains that the prior of effects does not foresee.
const FOREIGN_GAIN: f64 = 0.01;
/// And of losses: what goes wrong may go wrong by any amount.
const FOREIGN_LOSS: f64 = 0.05;
/// Cells whose likelihood is e^-12 of the best are left out of sums.
const NEGLIGIBLE: f64 = -12.0;
/// And beyond this a cell does not learn from differences.
const HOPELESS: f64 = -30.0;
/// No observation rules anything out for ever.
const LEAST: f64 = -1e9;

/// The likelihood of every σ and ν.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scale {
    /// Natural logarithm of the least σ of the grid; unknown before the first
    /// two values that differ.
    origin: Option<f64>,
    /// Logarithms, the greatest is 0; empty before `origin` is known.
    cells: Vec<f64>,
    /// Squared deviations of runs from the mean of their candidate, summed.
    squares: f64,
    /// Their degrees of freedom.
    degrees: u32,
}

/// One point of the grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Standard deviation between runs.
    pub(super) sigma: f64,
    /// Index of ν.
    pub(super) nu: usize,
    /// Mean benefit.
    pub(super) unit: f64,
    /// Likelihood, the greatest is 1.
    pub(super) weight: f64,
}

/// ν of an index.
pub(super) fn nu(index: usize) -> f64 {
    ((index as f64 - UNIT as f64) * 0.5).exp2()
}

/// How many there are.
pub(super) const fn nus() -> usize {
    NUS
}

impl Scale {
    /// Squared deviations from a mean that was estimated from the same runs.
    pub(super) fn replicates(&mut self, squares: f64, degrees: u32) {
        if degrees == 0 || !squares.is_finite() {
            return;
        }
        self.squares += squares;
        self.degrees += degrees;
        let degrees = f64::from(degrees);
        self.anchor((squares / degrees).sqrt());
        // Whatever seemed hopeless may be what replicates speak for.
        self.update(f64::NEG_INFINITY, |cell| {
            -degrees * cell.sigma.ln() - squares / (2.0 * cell.sigma * cell.sigma)
        });
    }

    /// A difference from the incumbent, the mean of `runs`; the incumbent was
    /// known to `ratio`·σ.
    pub(super) fn difference(&mut self, difference: f64, runs: f64, ratio: f64) {
        self.anchor(difference.abs());
        self.update(HOPELESS, |cell| {
            let error = cell.sigma * (1.0 / runs + ratio * ratio).sqrt();
            let expected = posterior(difference / cell.unit, error / cell.unit).density / cell.unit;
            (expected + foreign(difference, error)).ln()
        });
    }

    /// Degrees of freedom that replicates have brought.
    pub(super) fn degrees(&self) -> u32 {
        self.degrees
    }

    /// Whether runs of the same candidate never differed, though there were some.
    pub(super) fn is_still(&self) -> bool {
        self.degrees > 0 && self.squares == 0.0
    }

    /// Whether nothing ever differed from anything.
    pub(super) fn is_unknown(&self) -> bool {
        self.origin.is_none()
    }

    /// The points of the grid that are not negligible.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell> {
        let origin = self.origin.unwrap_or_default();
        self.cells.iter().enumerate().filter(|(_, l)| **l > NEGLIGIBLE).map(move |(place, l)| {
            let mut cell = cell_at(origin, place);
            cell.weight = l.exp();
            cell
        })
    }

    /// Median of σ's distribution; `None` before anything differed.
    pub(super) fn sigma(&self) -> Option<f64> {
        // Cells come by σ, all ν of one together.
        let mut weights: Vec<(f64, f64)> = Vec::new();
        for cell in self.cells() {
            match weights.last_mut().filter(|(sigma, _)| cell.sigma <= *sigma) {
                Some((_, weight)) => *weight += cell.weight,
                None => weights.push((cell.sigma, cell.weight)),
            }
        }
        let half = weights.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
        let mut below = 0.0;
        weights.iter().find_map(|(sigma, weight)| {
            below += weight;
            (below >= half).then_some(*sigma)
        })
    }

    fn anchor(&mut self, difference: f64) {
        if self.origin.is_none() && difference > 0.0 && difference.is_finite() {
            self.origin = Some(difference.ln() - BELOW as f64 * SQRT_2.ln());
            self.cells = vec![0.0; SIGMAS * NUS];
        }
    }

    /// Adds the log-likelihood of an observation to every cell down to `least`.
    /// Those below stay as far behind the best as they were.
    fn update(&mut self, least: f64, log_likelihood: impl Fn(&Cell) -> f64) {
        let Some(origin) = self.origin else { return };
        let updated: Vec<Option<f64>> = (self.cells.iter().enumerate())
            .map(|(place, sum)| {
                (*sum >= least).then(|| sum + log_likelihood(&cell_at(origin, place)).max(LEAST))
            })
            .collect();
        let best = updated.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        for (sum, new) in self.cells.iter_mut().zip(updated) {
            *sum = new.map_or(*sum, |new| new - best);
        }
    }
}

fn cell_at(origin: f64, place: usize) -> Cell {
    let sigma = (origin + (place / NUS) as f64 * SQRT_2.ln()).exp();
    let index = place % NUS;
    Cell { sigma, nu: index, unit: sigma / nu(index), weight: 1.0 }
}

/// Density of differences that the prior does not foresee: about the same at
/// every order of magnitude.
pub(super) fn foreign(difference: f64, error: f64) -> f64 {
    let share = if difference > 0.0 { FOREIGN_GAIN } else { FOREIGN_LOSS };
    share / (40.0 * (difference.abs() + error))
}
