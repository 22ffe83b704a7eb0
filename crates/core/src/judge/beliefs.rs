//! What a session knows of its metric: how noisy it is, how large changes are,
//! and where the incumbent stands. All values are oriented: higher is better.

use std::sync::OnceLock;

use super::boundary::{Boundary, LEVELS};
use super::effects::{above, posterior};
use super::mean;
use super::scale::{Cell, Scale, foreign, nu, nus};

/// How the incumbent's value is known, at worst, in units of σ: beyond, it is
/// measured again before anything is held against it.
const LOOSEST: f64 = 1.25;
/// Steps of that ratio, for which boundaries are computed.
const RATIOS: usize = 11;
/// Runs of a candidate after which even a difference that the prior does not
/// foresee is believed.
const BELIEVED: usize = 2;

/// What is asked of evidence before a change is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Demand {
    /// Cost of a false keep at ν = 1, in mean benefits.
    pub(super) fine: f64,
    /// How probable it must be that keeping is the best thing to do.
    pub(super) assurance: f64,
    /// Which of the tables of boundaries belongs to it.
    pub(super) table: usize,
}

/// Which boundaries hold at each ν and ratio; a few milliseconds each, computed
/// when first asked for.
static BOUNDARIES: [[[OnceLock<Boundary>; RATIOS]; nus()]; 3] =
    [const { [const { [const { OnceLock::new() }; RATIOS] }; nus()] }; 3];

fn boundary(demand: &Demand, index: usize, ratio: f64) -> &'static Boundary {
    let near = |place: &usize| ratio < (*place as f64 + 0.5) * LOOSEST / (RATIOS - 1) as f64;
    let place = (0..RATIOS).find(near).unwrap_or(RATIOS - 1);
    BOUNDARIES[demand.table][index][place].get_or_init(|| {
        let ratio = place as f64 * LOOSEST / (RATIOS - 1) as f64;
        // The noisier, the more of what looks good is luck.
        Boundary::at(nu(index), ratio, demand.fine * nu(index).powf(0.6))
    })
}

/// What a session knows of its metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beliefs {
    scale: Scale,
    incumbent: Standing,
    /// What every kept change was kept for.
    kept: Vec<Kept>,
}

/// Where the incumbent stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Standing {
    /// The estimate of its value.
    value: f64,
    /// How well it is known, in units of σ.
    ratio: f64,
    /// Its own runs and their mean.
    runs: u32,
    mean: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Kept {
    difference: f64,
    runs: f64,
    ratio: f64,
}

/// A candidate on the scales: what its runs so far say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weighing {
    /// Mean of its runs minus the estimate of the incumbent.
    pub(super) difference: f64,
    /// Standard error of the difference.
    pub(super) error: f64,
    /// Probability that the change helps.
    pub(super) better: f64,
    /// Expected effect, which corrects for luck.
    pub(super) gain: f64,
    /// Variance of the effect.
    pub(super) variance: f64,
    /// σ².
    pub(super) noise: f64,
    /// Probability that dropping is the best thing to do.
    pub(super) drop: f64,
    /// Probability that keeping is.
    pub(super) keep: f64,
}

impl Beliefs {
    /// The first incumbent, by its runs (at least one).
    pub fn open(&mut self, runs: &[f64]) {
        self.scale.replicates(squares(runs), degrees(runs));
        self.stand(mean(runs), 1.0 / (runs.len() as f64).sqrt(), runs);
    }

    /// The incumbent ran again.
    pub fn again(&mut self, value: f64) {
        let Standing { runs, mean, ratio, .. } = self.incumbent;
        let count = f64::from(runs);
        if runs > 0 {
            self.scale.replicates((value - mean).powi(2) * count / (count + 1.0), 1);
        }
        let share = ratio * ratio / (1.0 + ratio * ratio);
        self.incumbent.value += share * (value - self.incumbent.value);
        self.incumbent.ratio = share.sqrt();
        self.incumbent.mean += (value - mean) / (count + 1.0);
        self.incumbent.runs += 1;
    }

    /// A candidate was kept or dropped after these runs (at least one).
    pub fn settle(&mut self, runs: &[f64], is_kept: bool) {
        let Some(weighing) = self.weigh(runs, None) else { return };
        let count = runs.len() as f64;
        let ratio = self.incumbent.ratio;
        self.scale.replicates(squares(runs), degrees(runs));
        self.scale.difference(weighing.difference, count, ratio);
        // Given the effect, candidate and incumbent are jointly normal.
        let (own, other) = (1.0 / count, ratio * ratio);
        let share = other / (own + other);
        let common = share * own;
        let spread = weighing.variance / weighing.noise.max(f64::MIN_POSITIVE);
        if is_kept {
            self.kept.push(Kept { difference: weighing.difference, runs: count, ratio });
            let value =
                self.incumbent.value + share * weighing.difference + (1.0 - share) * weighing.gain;
            self.stand(value, (common + (1.0 - share).powi(2) * spread).sqrt(), runs);
        } else {
            self.incumbent.value += share * (weighing.difference - weighing.gain);
            self.incumbent.ratio = (common + share * share * spread).sqrt().min(ratio);
        }
    }

    fn stand(&mut self, value: f64, ratio: f64, runs: &[f64]) {
        self.incumbent = Standing {
            value,
            ratio: ratio.min(LOOSEST),
            runs: degrees(runs) + 1,
            mean: mean(runs),
        };
    }

    /// What a candidate's runs (at least one) say of it; with a demand, what
    /// that makes of them. `None` while nothing ever differed.
    pub(super) fn weigh(&self, runs: &[f64], demand: Option<&Demand>) -> Option<Weighing> {
        let mut scale = self.scale.clone();
        scale.replicates(squares(runs), degrees(runs));
        let difference = mean(runs) - self.incumbent.value;
        if scale.is_unknown() {
            scale.difference(difference, 1.0, self.incumbent.ratio);
        }
        if scale.is_unknown() {
            return None;
        }
        let Standing { ratio, .. } = self.incumbent;
        let width = (1.0 / runs.len() as f64 + ratio * ratio).sqrt();
        let level = runs.len().min(LEVELS) - 1;
        let mut sums = Sums::default();
        for cell in scale.cells() {
            let Cell { sigma, unit, .. } = cell;
            let (d, error) = (difference / unit, sigma * width / unit);
            let effect = posterior(d, error);
            let unforeseen = if runs.len() < BELIEVED { foreign(d, error) } else { 0.0 };
            let weight = cell.weight * effect.density / unit;
            let open = cell.weight * unforeseen / unit;
            sums.total += weight;
            sums.open += open;
            sums.better += weight * effect.better;
            sums.gain += weight * effect.mean * unit;
            sums.square += weight * (effect.variance + effect.mean * effect.mean) * unit * unit;
            sums.noise += weight * sigma.ln();
            if let Some(demand) = demand {
                let boundary = boundary(demand, cell.nu, ratio);
                if d <= boundary.drop[level] {
                    sums.drop += weight;
                } else if d >= boundary.keep[level] || level + 1 == LEVELS {
                    sums.keep += weight;
                }
            }
        }
        let total = sums.total.max(f64::MIN_POSITIVE);
        let gain = sums.gain / total;
        // The median rather than the mean, which the unlikeliest cells rule.
        let noise = (2.0 * sums.noise / total).exp();
        Some(Weighing {
            difference,
            error: noise.sqrt() * width,
            better: sums.better / total,
            gain,
            variance: (sums.square / total - gain * gain).max(0.0),
            noise,
            // A difference beyond what is foreseen is run again, if it is a gain.
            drop: sums.drop / total,
            keep: sums.keep / (total + sums.open),
        })
    }

    /// Probability that the effect of a candidate that was weighed so after
    /// `runs` lies above `bound` ≤ 0.
    pub(super) fn above(&self, weighing: &Weighing, runs: usize, bound: f64) -> f64 {
        let ratio = self.incumbent.ratio;
        let width = (1.0 / runs as f64 + ratio * ratio).sqrt();
        let (mut total, mut sum) = (0.0, 0.0);
        for cell in self.scale.cells() {
            let (d, error) = (weighing.difference / cell.unit, cell.sigma * width / cell.unit);
            let weight = cell.weight * posterior(d, error).density / cell.unit;
            total += weight;
            sum += weight * above(d, error, -bound / cell.unit);
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }

    /// The least difference that a change was kept for.
    pub(super) fn least_kept(&self) -> Option<f64> {
        self.kept.iter().map(|kept| kept.difference).filter(|d| *d > 0.0).reduce(f64::min)
    }

    /// Whether a further run of the incumbent tells more than one of the
    /// candidate that has had `runs`.
    pub(super) fn incumbent_is_less_known(&self, runs: usize) -> bool {
        let own = 1.0 / runs as f64;
        let other = self.incumbent.ratio * self.incumbent.ratio;
        let by_own = own - 1.0 / (runs as f64 + 1.0);
        let by_other = other - other / (1.0 + other);
        by_other > by_own
    }

    /// Whether runs of one candidate never differ, as far as that was tried.
    pub fn is_deterministic(&self) -> bool {
        self.scale.is_still()
    }

    /// Whether any candidate ran twice.
    pub(super) fn has_replicates(&self) -> bool {
        self.scale.degrees() > 0
    }

    /// Standard deviation between runs of one candidate, and the degrees of
    /// freedom that it rests on; `None` before anything differed.
    pub fn noise(&self) -> Option<(f64, u32)> {
        Some((self.scale.sigma()?, self.scale.degrees()))
    }

    /// The estimate of the incumbent's value, oriented, and its standard error
    /// in units of the noise.
    pub fn incumbent(&self) -> (f64, f64) {
        (self.incumbent.value, self.incumbent.ratio)
    }

    /// What the kept changes come to, by all that is known now.
    pub fn claims(&self) -> Claims {
        let keeps = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        let mut claims = Claims { keeps, ..Claims::default() };
        let mut total = 0.0;
        for cell in self.scale.cells() {
            total += cell.weight;
            for Kept { difference, runs, ratio } in &self.kept {
                let error = cell.sigma * (1.0 / runs + ratio * ratio).sqrt();
                let effect = posterior(difference / cell.unit, error / cell.unit);
                claims.gain += cell.weight * effect.mean * cell.unit;
                claims.false_keeps += cell.weight * (1.0 - effect.better);
            }
        }
        if total > 0.0 {
            claims.gain /= total;
            claims.false_keeps /= total;
        }
        claims
    }
}

/// What all kept changes of a session come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Claims {
    /// How many they are.
    pub keeps: u32,
    /// What they are expected to bring together, corrected for luck.
    pub gain: f64,
    /// How many of them are expected not to help.
    pub false_keeps: f64,
}

#[derive(Default)]
struct Sums {
    total: f64,
    open: f64,
    better: f64,
    gain: f64,
    square: f64,
    noise: f64,
    drop: f64,
    keep: f64,
}

/// Degrees of freedom of deviations from the mean.
fn degrees(values: &[f64]) -> u32 {
    u32::try_from(values.len().saturating_sub(1)).unwrap_or(u32::MAX - 1)
}

/// Squared deviations from the mean, summed.
fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}
