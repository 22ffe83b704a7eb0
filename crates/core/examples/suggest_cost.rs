//! What one suggestion costs by the length of the history and the number of knobs:
//! `cargo run --release -p autoresearch-core --example suggest_cost`.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::{Duration, Instant};

use autoresearch_core::proposal::{Settings, Value};
use autoresearch_core::space::{Domain, Knob, Observation, Space, suggest};

fn main() {
    let domain = |i: usize| match i % 3 {
        0 => Domain::Float { low: 1e-5, high: 1e-1, log: true },
        1 => Domain::Int { low: 8, high: 512, log: true, multiple_of: 8 },
        _ => Domain::Choice { options: (0..4).map(Value::Int).collect() },
    };
    println!("| knobs | observations | fastest ms | median ms |\n|---|---|---|---|");
    for (knobs, n) in [
        (10, 10),
        (10, 25),
        (10, 50),
        (10, 100),
        (10, 1_000),
        (10, 10_000),
        (10, 100_000),
        (30, 50),
        (30, 1_000),
    ] {
        let knob = |i| Knob { name: format!("knob{i}"), domain: domain(i) };
        let space = Space { knobs: (0..knobs).map(knob).collect() };
        let seen: Vec<Observation> = (0..n).map(|i| observation(&space, i)).collect();
        let mut times: Vec<Duration> = (0..25)
            .map(|seed| {
                let started = Instant::now();
                let next = suggest(&space, &seen[n / 2].settings, &seen, &|_| false, seed);
                assert!(next.is_some());
                started.elapsed()
            })
            .collect();
        times.sort_unstable();
        let milliseconds = |i: usize| times[i].as_secs_f64() * 1e3;
        println!("| {knobs} | {n} | {:.1} | {:.1} |", milliseconds(0), milliseconds(12));
    }
}

/// Any settings, with an outcome that the first and the last knob decide.
fn observation(space: &Space, number: usize) -> Observation {
    let pick = |k: usize| (number + 1).wrapping_mul(2_654_435_761 + 40_503 * k) >> 7;
    let settings: Settings = space
        .knobs
        .iter()
        .enumerate()
        .filter_map(|(k, knob)| {
            let values = knob.domain.values();
            Some((knob.name.clone(), values.get(pick(k) % values.len())?.clone()))
        })
        .collect();
    let share = |k: usize| (pick(k) % 97) as f64 / 97.0;
    Observation { settings, outcome: Some(-(share(0) - 0.3).abs() - share(9)) }
}
