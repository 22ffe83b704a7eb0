//! The rules of other tools.

use crate::rounds::{Judge, Round, mean};
use crate::world::{Session, Version};

/// One run of each, as far as there are any left.
fn once(round: &mut Round<'_>) -> Vec<Option<f64>> {
    several(round, 1)
}

/// The mean of so many runs of each; nothing when they are used up before.
fn several(round: &mut Round<'_>, runs: u32) -> Vec<Option<f64>> {
    let Round { session, candidates, .. } = round;
    let mut measure = |candidate: &Version| {
        let results: Option<Vec<f64>> =
            (0..runs).map(|_| session.may_run().then(|| session.run(candidate))).collect();
        results.map(|results| mean(&results))
    };
    candidates.iter().map(&mut measure).collect()
}

fn above(results: Vec<Option<f64>>, bar: f64) -> Vec<Option<f64>> {
    results.into_iter().map(|result| result.filter(|value| *value > bar)).collect()
}

pub(crate) struct Greedy;

impl Judge for Greedy {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        above(once(round), round.best)
    }
}

pub(crate) struct Deviations(pub(crate) f64);

impl Judge for Deviations {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        let bar = round.best + self.0 * deviation(round.baseline);
        above(once(round), bar)
    }
}

/// Source: `computeConfidence` of pi-autoresearch (2026): the distance from the
/// baseline over the median absolute deviation of all results.
pub(crate) struct Score {
    deviations: f64,
    results: Vec<f64>,
}

impl Score {
    pub(crate) fn new(deviations: f64) -> Score {
        Score { deviations, results: Vec::new() }
    }
}

impl Judge for Score {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        let found = once(round);
        self.results.extend(found.iter().flatten());
        let all: Vec<f64> = round.baseline.iter().chain(&self.results).copied().collect();
        let bar = mean(round.baseline) + self.deviations * deviation_of_medians(&all);
        above(found, bar.max(round.best))
    }
}

/// Source: `estimate_noise_floor` and `compute_verdict` of autojudge 1.0.1.
/// Before there are three kept results it asks for 0.3% of the metric, which is
/// nothing here.
pub(crate) struct Steps {
    deviations: f64,
}

impl Steps {
    const WINDOW: usize = 5;

    pub(crate) fn new(deviations: f64) -> Steps {
        Steps { deviations }
    }
}

impl Judge for Steps {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        let recent = &round.kept[round.kept.len().saturating_sub(Steps::WINDOW)..];
        let steps: Vec<f64> = recent.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let floor = if steps.len() < 2 { 0.0 } else { deviation(&steps) };
        above(once(round), round.best + self.deviations * floor)
    }
}

pub(crate) struct Repeat(pub(crate) u32);

impl Judge for Repeat {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        above(several(round, self.0), round.best)
    }
}

pub(crate) struct Confirm;

impl Judge for Confirm {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        let first = above(once(round), round.best);
        let mut again = |(value, candidate): (Option<f64>, &Version)| {
            let may_run = round.session.may_run();
            let second = value.filter(|_| may_run).map(|_| round.session.run(candidate));
            Some(f64::midpoint(value?, second?))
        };
        let both = first.into_iter().zip(round.candidates).map(&mut again).collect();
        above(both, round.best)
    }
}

/// The less often measured of candidate and incumbent runs next; the incumbent's
/// runs serve all candidates, and begin anew with every incumbent, since those
/// that made it one were lucky. σ is estimated from all runs so far.
pub(crate) struct Sprt {
    gain: f64,
    variance: Pooled,
    /// Of how many incumbents there were, the last one's runs.
    incumbent: (usize, Vec<f64>),
}

impl Sprt {
    /// ln(0.95 / 0.05), the bound of both sides.
    const BOUND: f64 = 2.944_438_979_166_44;
    /// σ² where runs never differed.
    const LEAST: f64 = 1e-12;

    pub(crate) fn new(gain: f64) -> Sprt {
        Sprt { gain, variance: Pooled::default(), incumbent: (0, Vec::new()) }
    }

    /// The gain, if that is what the test says.
    fn test(&mut self, session: &mut Session, incumbent: &Version, of: &Version) -> Option<f64> {
        let variance = self.variance.value().max(Sprt::LEAST);
        let gain = self.gain * variance.sqrt();
        let theirs = &mut self.incumbent.1;
        let mut ours = Vec::new();
        let found = loop {
            if !session.may_run() {
                return None;
            }
            if ours.len() <= theirs.len() {
                ours.push(session.run(of));
            } else {
                theirs.push(session.run(incumbent));
            }
            if theirs.is_empty() {
                continue;
            }
            let difference = mean(&ours) - mean(theirs);
            let error = variance * (1.0 / ours.len() as f64 + 1.0 / theirs.len() as f64);
            let ratio = gain * (difference - 0.5 * gain) / error;
            if ratio.abs() >= Sprt::BOUND {
                break (ratio > 0.0).then_some(difference);
            }
        };
        self.variance.add(&ours);
        found
    }
}

impl Judge for Sprt {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>> {
        if self.incumbent.0 != round.kept.len() {
            self.variance.add(&self.incumbent.1);
            let baseline = if self.incumbent.0 == 0 { round.baseline } else { &[] };
            self.variance.add(baseline);
            self.incumbent = (round.kept.len(), baseline.to_vec());
        }
        let Round { incumbent, best, candidates, .. } = *round;
        let mut test = |of: &Version| Some(best + self.test(round.session, incumbent, of)?);
        candidates.iter().map(&mut test).collect()
    }
}

/// Squared deviations of several groups from their means.
#[derive(Default)]
struct Pooled {
    squares: f64,
    degrees: f64,
}

impl Pooled {
    fn of(values: &[f64]) -> Pooled {
        let mut pooled = Pooled::default();
        pooled.add(values);
        pooled
    }

    fn add(&mut self, values: &[f64]) {
        if values.len() > 1 {
            let mean = mean(values);
            self.squares += values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            self.degrees += values.len() as f64 - 1.0;
        }
    }

    fn value(&self) -> f64 {
        if self.degrees > 0.0 { self.squares / self.degrees } else { 0.0 }
    }
}

fn deviation(values: &[f64]) -> f64 {
    Pooled::of(values).value().sqrt()
}

/// Median absolute deviation from the median.
fn deviation_of_medians(values: &[f64]) -> f64 {
    let centre = median(values.to_vec());
    median(values.iter().map(|value| (value - centre).abs()).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
