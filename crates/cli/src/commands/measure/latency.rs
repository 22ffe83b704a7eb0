//! `autoresearch measure latency`: how long a request or a command takes.

use serde_json::{Map, Value};

use super::args::AimArgs;
use super::drive::{Shots, Until};
use super::quantiles::quantile;
use super::{ms, shoot};
use crate::args::Global;
use crate::exit::Exit;
use crate::output;

/// Rounds unless given.
const ROUNDS: u64 = 100;

pub(super) fn run(global: &Global, args: &AimArgs) -> anyhow::Result<Exit> {
    let (names, shots) = shoot(global, args, Until::Rounds(ROUNDS), None)?;
    let mut rows = Vec::new();
    if names.len() > 1 {
        for (at, name) in names.iter().enumerate() {
            let numbers = numbers(&shots, Some(at));
            rows.extend(
                numbers.into_iter().map(|(number, value)| (format!("{name}.{number}"), value)),
            );
        }
    }
    // Last, so that they are the newest of what is read.
    rows.extend(numbers(&shots, None).into_iter().map(|(name, value)| (name.to_owned(), value)));
    rows.push(("errors".to_owned(), shots.errors() as f64));
    print(global, rows)
}

/// Of one aim, or of all together.
fn numbers(shots: &Shots, aim: Option<usize>) -> Vec<(&'static str, f64)> {
    let mut times: Vec<f64> = shots.times(aim).map(|done| ms(done.took)).collect();
    times.sort_by(f64::total_cmp);
    let mut numbers = Vec::new();
    for (name, p) in
        [("min_ms", 0.0), ("median_ms", 0.5), ("p90_ms", 0.9), ("p95_ms", 0.95), ("p99_ms", 0.99)]
    {
        numbers.extend(quantile(&times, p).map(|value| (name, value)));
    }
    if !times.is_empty() {
        numbers.push(("mean_ms", times.iter().sum::<f64>() / times.len() as f64));
    }
    numbers.push(("requests", times.len() as f64));
    numbers
}

/// Prints lines `METRIC name=value`, or one object.
///
/// # Errors
/// When stdout is closed.
pub(super) fn print(global: &Global, rows: Vec<(String, f64)>) -> anyhow::Result<Exit> {
    if global.json {
        let object: Map<String, Value> =
            rows.into_iter().map(|(name, value)| (name, value.into())).collect();
        output::json(&object)?;
    } else {
        for (name, value) in rows {
            // Nanoseconds of milliseconds, and whole numbers as they are.
            let digits = if value.fract() == 0.0 { 0 } else { 6 };
            output::line(&format!("METRIC {name}={value:.digits$}"))?;
        }
    }
    Ok(Exit::Success)
}
