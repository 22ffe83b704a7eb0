//! Rules of other tools, and what is possible at best, beside ours.

use autoresearch_core::judge::{Boundary, Mode};

use crate::ours;
use crate::world::{Outcome, Session, Version};

/// How changes are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// One run; any improvement on the best run so far is kept (Karpathy's
    /// `autoresearch` and most others).
    Greedy,
    /// Three runs of the baseline; an improvement by so many of their standard
    /// deviations is kept.
    Deviations(f64),
    /// What is better than the best is kept once it is better than the baseline
    /// by so many median absolute deviations of all results: pi-autoresearch's
    /// confidence score used as a rule.
    Score(f64),
    /// Every change runs so often; a better mean is kept.
    Repeat(u32),
    /// One run; what looks better runs once more, and is kept when the mean of
    /// both is better.
    Confirm,
    /// A sequential probability ratio test (Wald 1945) between no gain and one
    /// of a standard deviation, candidate and incumbent in turns, with the bounds
    /// of fishtest (error rates of 5%).
    Sprt,
    /// Our state machine in this mode.
    Ours(Mode),
    /// The best rule there is for one who knows the prior, the noise and the
    /// incumbent's true value; a false keep costs so many typical gains.
    Best(f64),
}

impl Rule {
    /// As tables name it.
    pub fn name(self) -> String {
        match self {
            Rule::Greedy => "greedy (Karpathy and most others)".into(),
            Rule::Deviations(k) => format!("{k} standard deviations of three baselines"),
            Rule::Score(k) => format!("{k} MAD (pi-autoresearch's score as a rule)"),
            Rule::Repeat(n) => format!("always {n} runs"),
            Rule::Confirm => "one re-run of every apparent winner".into(),
            Rule::Sprt => "SPRT with fishtest's bounds".into(),
            Rule::Ours(mode) => format!("**ours, {}**", mode.name()),
            Rule::Best(0.0) => "best possible, for gain alone".into(),
            Rule::Best(fine) => format!("best possible, a false keep costs {fine} gains"),
        }
    }

    /// Plays a session to its end.
    pub fn play(self, session: Session) -> Outcome {
        match self {
            Rule::Greedy => threshold(session, 1, |known| known.best),
            Rule::Deviations(k) => {
                threshold(session, 3, |known| known.best + k * deviation(known.baseline))
            }
            Rule::Score(k) => threshold(session, 1, |known| {
                known.best.max(mean(known.baseline) + k * mad(known.results))
            }),
            Rule::Repeat(runs) => repeat(session, runs),
            Rule::Confirm => confirm(session),
            Rule::Sprt => sprt(session),
            Rule::Ours(mode) => ours::play(session, mode),
            Rule::Best(fine) => best(session, fine),
        }
    }
}

/// What a threshold may depend on.
struct Known<'a> {
    /// Runs of the baseline.
    baseline: &'a [f64],
    /// All results, the candidate's included.
    results: &'a [f64],
    /// The incumbent's.
    best: f64,
}

/// One run each; kept when above the `bar`.
fn threshold(mut session: Session, baselines: u32, bar: impl Fn(&Known<'_>) -> f64) -> Outcome {
    let mut incumbent = session.baseline();
    let baseline: Vec<f64> = (0..baselines).map(|_| session.run(&incumbent)).collect();
    let start = mean(&baseline);
    let mut best = start;
    let mut results = baseline.clone();
    while session.may_run() {
        let candidate = session.change(&incumbent);
        let result = session.run(&candidate);
        results.push(result);
        if result > bar(&Known { baseline: &baseline, results: &results, best }) {
            session.keep(&candidate);
            (best, incumbent) = (result, candidate);
        }
    }
    session.outcome(best - start)
}

fn repeat(mut session: Session, runs: u32) -> Outcome {
    let mut incumbent = session.baseline();
    let start = several(&mut session, &incumbent, runs);
    let mut best = start;
    while session.may_run() {
        let candidate = session.change(&incumbent);
        let result = several(&mut session, &candidate, runs);
        if session.may_run() && result > best {
            session.keep(&candidate);
            (best, incumbent) = (result, candidate);
        }
    }
    session.outcome(best - start)
}

fn several(session: &mut Session, version: &Version, runs: u32) -> f64 {
    let results: Vec<f64> =
        (0..runs).map_while(|_| session.may_run().then(|| session.run(version))).collect();
    mean(&results)
}

fn confirm(mut session: Session) -> Outcome {
    let mut incumbent = session.baseline();
    let start = session.run(&incumbent);
    let mut best = start;
    while session.may_run() {
        let candidate = session.change(&incumbent);
        let first = session.run(&candidate);
        if first <= best || !session.may_run() {
            continue;
        }
        let both = f64::midpoint(first, session.run(&candidate));
        if both > best {
            session.keep(&candidate);
            (best, incumbent) = (both, candidate);
        }
    }
    session.outcome(best - start)
}

/// ln(0.95 / 0.05), the bound of both sides.
const SPRT_BOUND: f64 = 2.944_438_979_166_44;

fn sprt(mut session: Session) -> Outcome {
    let mut incumbent = session.baseline();
    // σ is estimated from three runs of the baseline, then from all pairs.
    let baseline: Vec<f64> = (0..3).map(|_| session.run(&incumbent)).collect();
    let mut variance = Pooled::default();
    variance.add(&baseline);
    let mut claimed = 0.0;
    while session.may_run() {
        let candidate = session.change(&incumbent);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let kept = loop {
            if !session.may_run() {
                break false;
            }
            ours.push(session.run(&candidate));
            if !session.may_run() {
                break false;
            }
            theirs.push(session.run(&incumbent));
            let pairs = ours.len() as f64;
            // The difference of a pair has twice the variance of a run.
            let noise = 2.0 * variance.value().max(1e-12);
            let difference = mean(&ours) - mean(&theirs);
            let gain = variance.value().max(1e-12).sqrt();
            let ratio = pairs * gain * (difference - 0.5 * gain) / noise;
            if ratio.abs() >= SPRT_BOUND {
                break ratio > 0.0;
            }
        };
        variance.add(&ours);
        variance.add(&theirs);
        if kept {
            claimed += mean(&ours) - mean(&theirs);
            session.keep(&candidate);
            incumbent = candidate;
        }
    }
    session.outcome(claimed)
}

#[derive(Default)]
struct Pooled {
    squares: f64,
    degrees: f64,
}

impl Pooled {
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

fn best(mut session: Session, fine: f64) -> Outcome {
    let boundary = Boundary::at(session.noise(), 0.0, fine);
    let mut incumbent = session.baseline();
    while session.may_run() {
        let candidate = session.change(&incumbent);
        let mut sum = 0.0;
        for runs in 1..=Boundary::RUNS {
            if !session.may_run() {
                break;
            }
            sum += session.run(&candidate);
            let difference = sum / runs as f64 - incumbent.value;
            if difference <= boundary.drop(runs) {
                break;
            }
            if difference >= boundary.keep(runs) {
                session.keep(&candidate);
                incumbent = candidate;
                break;
            }
        }
    }
    let outcome = session.outcome(0.0);
    Outcome { claimed: outcome.gain, ..outcome }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mut pooled = Pooled::default();
    pooled.add(values);
    pooled.value().sqrt()
}

/// Median absolute deviation from the median.
fn mad(values: &[f64]) -> f64 {
    let centre = median(values.to_vec());
    median(values.iter().map(|value| (value - centre).abs()).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
