//! Early stopping on real learning curves: replays sessions whose variants come
//! in random order, under several rules, and prints what each saves and loses.
//!
//!     cargo run --release -p autoresearch-core --example early [sessions] [from] [to]
//!
//! `from` and `to` choose among the variants, from 1, so that a rule can be
//! looked at on curves that it was not chosen on. The curves are made by
//! `benches/early/record.py`.
#![expect(clippy::print_stdout, reason = "an example prints its table")]

use std::path::Path;

use autoresearch_core::curve::{Curve, Point};
use autoresearch_core::metric::Direction;
use autoresearch_core::stopping::Precedents;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    runs: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    /// Seconds, step, value.
    points: Vec<(f64, u64, f64)>,
    /// Another series at the same times.
    second: Option<Vec<f64>>,
    #[serde(rename = "final")]
    metric: f64,
    /// Where the run goes on after the last point.
    seconds: Option<f64>,
}

struct Run {
    curve: Curve,
    metric: f64,
    seconds: f64,
}

/// Curves of a target, the baseline's first. What is judged by is higher when
/// better; a series that is not the metric finds out its own direction.
struct Target {
    name: &'static str,
    runs: Vec<Run>,
    direction: Direction,
    series: Option<Direction>,
}

/// What is read of a file: the metric, and the series.
enum Look {
    Loss,
    Accuracy,
    AccuracyByLoss,
    Other,
}

fn load(name: &'static str, file: &str, look: &Look, from: usize, to: usize) -> Target {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/early/curves").join(file);
    let text = std::fs::read_to_string(&path).expect("the curves are in the repository");
    let file: File = serde_json::from_str(&text).expect("the curves are as record.py writes them");
    let chosen = |n: usize| n == 0 || (from..=to).contains(&n);
    let runs = file.runs.into_iter().enumerate().filter(|(n, _)| chosen(*n)).map(|(_, run)| {
        let second = run.second.unwrap_or_default();
        let value =
            |i: usize, value| if matches!(look, Look::Accuracy) { second[i] } else { value };
        let points = run.points.iter().enumerate();
        let curve = points
            .map(|(i, (seconds, _, v))| Point { seconds: *seconds, value: value(i, *v) })
            .collect::<Vec<_>>();
        let metric = match look {
            Look::Accuracy | Look::AccuracyByLoss => *second.last().expect("has points"),
            Look::Loss | Look::Other => run.metric,
        };
        let seconds = run.seconds.unwrap_or(curve.last().expect("has points").seconds);
        Run { curve: Curve::from(curve), metric, seconds }
    });
    let direction = match look {
        Look::Loss => Direction::Minimize,
        _ => Direction::Maximize,
    };
    let series = match look {
        Look::Loss | Look::Accuracy => Some(direction),
        Look::AccuracyByLoss | Look::Other => None,
    };
    Target { name, runs: runs.collect(), direction, series }
}

/// What a rule sees: all that was finished, the first of it the baseline.
struct Session<'a> {
    target: &'a Target,
    finished: Vec<usize>,
    /// Beside each, the incumbent of its time.
    against: Vec<usize>,
    incumbent: usize,
    precedents: Precedents,
}

impl Session<'_> {
    fn way(&self) -> Direction {
        let baseline = &self.target.runs[0].curve;
        self.target.series.or_else(|| baseline.way()).expect("it learns")
    }

    /// Oriented so that higher is better.
    fn at(&self, run: usize, seconds: f64) -> f64 {
        let curve = &self.target.runs[run].curve;
        let value = curve.at(seconds).unwrap_or(curve.points()[0].value);
        self.way().gain(0.0, value)
    }

    fn best(&self, run: usize, seconds: f64) -> f64 {
        let times = self.target.runs[run].curve.points().iter().map(|point| point.seconds);
        let so_far = times.take_while(|time| *time <= seconds).map(|time| self.at(run, time));
        so_far.fold(f64::NEG_INFINITY, f64::max)
    }

    fn average(&self, run: usize, seconds: f64) -> f64 {
        (1..=12).map(|i| self.at(run, seconds * f64::from(i) / 12.0)).sum::<f64>() / 12.0
    }

    fn share(&self, seconds: f64) -> f64 {
        seconds / self.target.runs[0].curve.last().expect("has points").seconds
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    low.midpoint(high)
}

type Rule = fn(&Session<'_>, usize, &Curve, f64) -> bool;

/// The best so far is worse than the median of averages so far. Source: Golovin
/// et al., *Google Vizier*, KDD 2017.
fn vizier(session: &Session<'_>, run: usize, _: &Curve, now: f64) -> bool {
    let others = session.finished.iter().map(|other| session.average(*other, now)).collect();
    session.finished.len() >= 5 && session.best(run, now) < median(others)
}

/// The best so far is worse than the median at this step. Source: `MedianPruner` of
/// Optuna 4, five start-up trials.
fn optuna(session: &Session<'_>, run: usize, _: &Curve, now: f64) -> bool {
    let others = session.finished.iter().map(|other| session.at(*other, now)).collect();
    session.finished.len() >= 5 && session.best(run, now) < median(others)
}

/// Not in the best third when it passes a quarter and a half. Source: Li et al.,
/// *A System for Massively Parallel Hyperparameter Tuning*, 2020.
fn asha(session: &Session<'_>, run: usize, so_far: &Curve, now: f64) -> bool {
    let before =
        so_far.points().iter().rev().nth(1).map_or(0.0, |point| session.share(point.seconds));
    let passes = [0.25, 0.5].iter().any(|rung| before < *rung && session.share(now) >= *rung);
    let mine = session.at(run, now);
    let ahead = session.finished.iter().filter(|other| session.at(**other, now) > mine).count();
    passes && session.finished.len() >= 2 && ahead >= (session.finished.len() + 1).div_ceil(3)
}

/// Worse than the incumbent by so many spreads of its own curve, which are the
/// standard deviation of its last steps.
fn spreads<const K: u8>(session: &Session<'_>, run: usize, _: &Curve, now: f64) -> bool {
    let points = session.target.runs[session.incumbent].curve.points();
    let values: Vec<f64> = points.iter().filter(|p| p.seconds <= now).map(|p| p.value).collect();
    let steps: Vec<f64> = values.windows(2).rev().take(5).map(|pair| pair[1] - pair[0]).collect();
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let variance = steps.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / steps.len() as f64;
    let behind = session.at(session.incumbent, now) - session.at(run, now);
    steps.len() > 1 && behind > f64::from(K) * variance.sqrt()
}

/// Further behind the incumbent than 1.5 times what any run caught up on its own.
fn caught_up(session: &Session<'_>, run: usize, _: &Curve, now: f64) -> bool {
    let runs = &session.target.runs;
    let mut most = None;
    for (one, other) in session.finished.iter().zip(&session.against) {
        if session.target.direction.is_better(runs[*one].metric, runs[*other].metric) {
            let behind = session.at(*other, now) - session.at(*one, now);
            most = Some(behind.max(most.unwrap_or(0.0)));
        }
    }
    let behind = session.at(session.incumbent, now) - session.at(run, now);
    most.is_some_and(|most| behind > 1.5 * most)
}

fn ours(session: &Session<'_>, _: usize, so_far: &Curve, _: f64) -> bool {
    let Target { direction, series, .. } = session.target;
    session.precedents.hopeless(*direction, *series, so_far).is_some()
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).expect("fits")
    }
}

/// What a session saved and lost, as shares, and its false stops.
struct Outcome {
    saved: f64,
    lost: Option<f64>,
    mistaken: f64,
}

fn replay(target: &Target, rule: Rule, seed: u64) -> Outcome {
    let mut dice = Dice(seed);
    let mut order: Vec<usize> = (1..target.runs.len()).collect();
    (1..order.len()).rev().for_each(|i| order.swap(i, dice.below(i + 1)));
    let runs = &target.runs;
    let mut session = Session {
        target,
        finished: vec![0],
        against: vec![0],
        incumbent: 0,
        precedents: Precedents::default(),
    };
    session.precedents.finish(&runs[0].curve, runs[0].metric);
    session.precedents.crown([&runs[0].curve], runs[0].seconds);
    let (mut used, mut total, mut mistaken, mut best) = (0.0, 0.0, 0.0, 0);
    let is_better =
        |one: usize, other: usize| target.direction.is_better(runs[one].metric, runs[other].metric);
    for run in order {
        let Run { curve, metric, seconds } = &runs[run];
        total += seconds;
        best = if is_better(run, best) { run } else { best };
        let mut so_far = Curve::default();
        let stopped = curve.points().iter().find(|point| {
            so_far.push(**point);
            point.seconds < *seconds && rule(&session, run, &so_far, point.seconds)
        });
        if let Some(point) = stopped {
            used += point.seconds;
            mistaken += f64::from(u8::from(is_better(run, session.incumbent)));
            continue;
        }
        used += seconds;
        session.finished.push(run);
        session.against.push(session.incumbent);
        session.precedents.finish(curve, *metric);
        if is_better(run, session.incumbent) {
            session.incumbent = run;
            session.precedents.crown([curve], *seconds);
        }
    }
    let gain = |run: usize| target.direction.gain(runs[0].metric, runs[run].metric);
    let lost = (gain(best) > 0.0).then(|| 1.0 - gain(session.incumbent) / gain(best));
    Outcome { saved: 1.0 - used / total, lost, mistaken }
}

fn cell(target: &Target, rule: Rule, sessions: u64) -> String {
    let outcomes: Vec<Outcome> =
        (0..sessions).map(|seed| replay(target, rule, seed * 7919 + 1)).collect();
    let losses: Vec<f64> = outcomes.iter().filter_map(|outcome| outcome.lost).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let lost = mean(&losses);
    let spread: Vec<f64> = losses.iter().map(|loss| (loss - lost).powi(2)).collect();
    let error = (mean(&spread) / losses.len().max(1) as f64).sqrt();
    let saved = mean(&outcomes.iter().map(|outcome| outcome.saved).collect::<Vec<_>>());
    let mistaken = mean(&outcomes.iter().map(|outcome| outcome.mistaken).collect::<Vec<_>>());
    format!("{:.0}% / {:.1} ± {:.1}% / {mistaken:.2}", 100.0 * saved, 100.0 * lost, 100.0 * error)
}

fn main() {
    let argument = |n, or: u64| {
        std::env::args().nth(n).map_or(or, |text| text.parse().expect("give whole numbers"))
    };
    let (sessions, from, to) = (argument(1, 200), argument(2, 1), argument(3, 1000));
    let number = |n| usize::try_from(n).expect("fits");
    let load = |name, file, look| load(name, file, &look, number(from), number(to));
    let targets = [
        load("characters", "char-lm.json", Look::Loss),
        load("digits, loss", "digits.json", Look::Loss),
        load("digits, accuracy", "digits.json", Look::Accuracy),
        load("digits, accuracy by the loss", "digits.json", Look::AccuracyByLoss),
        load("RBM, accuracy by likelihood", "rbm.json", Look::Other),
    ];
    let rules: [(&str, Rule); 7] = [
        ("Vizier's median of running averages", vizier),
        ("Optuna's median at the step", optuna),
        ("ASHA, thirds, rungs at 25% and 50%", asha),
        ("worse than the incumbent by 3 of its spreads", spreads::<3>),
        ("by 10", spreads::<10>),
        ("further behind than 1.5 times what any run ever caught up", caught_up),
        ("`safe`: no precedent, in value and by pace", ours),
    ];
    print!("| rule |");
    for target in &targets {
        print!(" {} ({}) |", target.name, target.runs.len() - 1);
    }
    println!("\n|---|{}", "---|".repeat(targets.len()));
    for (name, rule) in rules {
        print!("| {name} |");
        for target in &targets {
            print!(" {} |", cell(target, rule, sessions));
        }
        println!();
    }
}
