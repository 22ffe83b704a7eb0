//! Sessions to report on, made up but plausible, the same each time.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up numbers are small and positive"
)]

use autoresearch_core::experiment::Verdict;
use autoresearch_core::judge::Rule;
use autoresearch_core::metric::Direction;
use autoresearch_core::trial::CrashKind;
use autoresearch_core::units::{Bytes, Timestamp};
use autoresearch_report::{History, Point, Session};

/// Uniform in 0..1, from a counter (`SplitMix64`).
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

const IDEAS: [&str; 12] = [
    "raise LEARNING_RATE from 0.003 to 0.006",
    "ReLU² activation in the MLP",
    "lower WEIGHT_DECAY from 0.1 to 0.05",
    "swap AdamW for Muon on the matrix parameters, AdamW for embeddings and norms",
    "deepen from 8 to 10 layers",
    "halve the batch size and double the number of steps",
    "value residual from the first attention layer to all of the later ones",
    "warm up over 5% of the steps instead of 10%",
    "clip gradients at 0.5",
    "widen the MLP ratio from 4 to 5 with <gated> GELU & bias off",
    "cosine schedule down to 10% of the peak",
    "window pattern SSSL",
];

/// A session as the engine would tell it: `keeps` of `count` experiments kept,
/// one in twelve crashed.
pub(crate) fn session(count: u64, keeps: u64, direction: Direction) -> History {
    let mut session = Session::new("val_bpb", direction);
    session.tag = Some("mar8".to_owned());
    session.branch = Some("autoresearch/mar8".to_owned());
    session.targets = vec!["train.py".to_owned()];
    session.command = Some("uv run train.py".to_owned());
    session.platform = Some("CUDA 12.8, 1 × H100 80 GB, Linux".to_owned());
    session.started = Some(Timestamp(1_772_964_600_000));
    session.ended = Some(Timestamp(1_772_964_600_000 + 310_000 * (count.cast_signed() + 1)));
    session.budget_seconds = Some(300.0);
    session.iterations_max = Some(count);
    session.stopped = Some("all experiments that were asked for have run".to_owned());

    let mut state = 7;
    let sign = if direction == Direction::Minimize { 1.0 } else { -1.0 };
    let mut incumbent = 0.9979;
    let mut points = vec![Point::new(0, Verdict::Keep, Some(incumbent), "baseline")];
    points[0].rule = Some(Rule::Baseline);
    let mut kept = 0;
    for number in 1..=count {
        let hypothesis = IDEAS[(uniform(&mut state) * 12.0) as usize % 12];
        // Early experiments win more often.
        let due = (keeps as f64 * (number as f64 / count as f64).powf(0.7)).ceil() as u64;
        let mut point = if uniform(&mut state) < 1.0 / 12.0 {
            let mut point = Point::new(number, Verdict::Crash, None, hypothesis);
            point.crash_kind =
                Some(if number % 3 == 0 { CrashKind::Timeout } else { CrashKind::Oom });
            point.reason = Some("CUDA out of memory. Tried to allocate 2.00 GiB".to_owned());
            point
        } else if kept < due.min(keeps) {
            kept += 1;
            let gain = 0.06 / keeps as f64 * (0.1 + uniform(&mut state).powi(2) * 2.0);
            incumbent -= sign * gain;
            let mut point = Point::new(number, Verdict::Keep, Some(incumbent), hypothesis);
            (point.gain, point.rule) = (Some(gain), Some(Rule::Better));
            point
        } else {
            let loss = 0.03 * uniform(&mut state).powi(2) + 0.0005;
            let mut point =
                Point::new(number, Verdict::Discard, Some(incumbent + sign * loss), hypothesis);
            (point.gain, point.rule) = (Some(-loss), Some(Rule::Worse));
            point
        };
        point.commit = Some(format!("{:040x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        point.memory = Some(Bytes((40 << 30) + number * (1 << 24)));
        point.at_seconds = Some(310.0 * (number + 1) as f64);
        point.wall_seconds = Some(301.0);
        points.push(point);
    }
    History { session, points }
}

/// Only the metric and rows, as a bare `results.tsv` tells them.
pub(crate) fn bare(rows: &[(Verdict, Option<f64>, &str)]) -> History {
    let points =
        (0..).zip(rows).map(|(n, (verdict, metric, what))| Point::new(n, *verdict, *metric, *what));
    History { session: Session::new("val_bpb", Direction::Minimize), points: points.collect() }
}

/// Every case that a plot has to look good for, by name.
#[allow(dead_code, reason = "each of the test binaries that include this file uses a part of it")]
pub(crate) fn gallery() -> Vec<(&'static str, History)> {
    use Verdict::{Crash, Discard, Keep};
    let mut outlier = session(40, 7, Direction::Minimize);
    for (i, value) in [(9, 1e30), (22, 2.5), (23, 7.0)] {
        outlier.points[i] = Point::new(i as u64, Discard, Some(value), "diverged");
    }
    let mut diverged_baseline = session(30, 8, Direction::Minimize);
    diverged_baseline.points[0].metric = Some(1e30);
    let crashed: Vec<_> = (0..12).map(|_| (Crash, None, "double the batch")).collect();
    let constant: Vec<_> =
        (0..15).map(|i| (if i == 0 { Keep } else { Discard }, Some(0.5), "no effect")).collect();
    let mut crashed_baseline = bare(&crashed);
    crashed_baseline.points[0].reason =
        Some("ModuleNotFoundError: No module named 'torch'".to_owned());
    let mut long = session(60, 9, Direction::Maximize);
    "a_metric_with_a_name_that_is_really_much_longer_than_anyone_needs"
        .clone_into(&mut long.session.metric);
    vec![
        ("empty", bare(&[])),
        ("one", bare(&[(Keep, Some(0.9979), "baseline")])),
        ("twelve", session(12, 3, Direction::Minimize)),
        ("hundred", session(100, 25, Direction::Minimize)),
        ("maximize", session(60, 9, Direction::Maximize)),
        ("outlier", outlier),
        ("diverged_baseline", diverged_baseline),
        ("crashed", crashed_baseline),
        ("constant", bare(&constant)),
        ("no_keep", session(25, 0, Direction::Minimize)),
        ("long_name", long),
        ("two_thousand", session(2000, 60, Direction::Minimize)),
        ("hundred_thousand", session(100_000, 300, Direction::Minimize)),
        ("many_keeps", session(100_000, 20_000, Direction::Minimize)),
    ]
}
