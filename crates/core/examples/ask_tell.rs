//! The embedded proposer over pipes, for benches in other languages: one JSON
//! object a line on stdin, one a line on stdout.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::io::BufRead;

use autoresearch_core::proposal::{Settings, Value};
use autoresearch_core::space::{Domain, Knob, Observation, Space, believed_best, suggest};
use serde::Deserialize;

#[derive(Deserialize)]
struct Told {
    settings: Settings,
    outcome: Option<f64>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Range {
    Float {
        low: f64,
        high: f64,
        #[serde(default)]
        log: bool,
    },
    Int {
        low: i64,
        high: i64,
        #[serde(default)]
        log: bool,
    },
    Choice {
        options: Vec<Value>,
    },
}

#[derive(Deserialize)]
struct Setting {
    name: String,
    #[serde(flatten)]
    range: Range,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// A new search: its knobs and seed.
    Space { knobs: Vec<Setting>, seed: u64 },
    /// One experiment's result; answered with nothing.
    Tell(Told),
    /// What to try next, from this incumbent; answered with settings or null.
    Ask { incumbent: Settings },
    /// Which of the first so many experiments is believed to be best; answered
    /// with its number, from 0, or null.
    Best { first: usize },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut space = Space::default();
    let mut seed = 0;
    let mut observations: Vec<Observation> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Request::Space { knobs, seed: given } => {
                observations.clear();
                seed = given;
                space.knobs = knobs
                    .into_iter()
                    .map(|k| Knob {
                        name: k.name,
                        domain: match k.range {
                            Range::Float { low, high, log } => Domain::Float { low, high, log },
                            Range::Int { low, high, log } => {
                                Domain::Int { low, high, log, multiple_of: 1 }
                            }
                            Range::Choice { options } => Domain::Choice { options },
                        },
                    })
                    .collect();
            }
            Request::Tell(Told { settings, outcome }) => {
                observations.push(Observation { settings, outcome });
            }
            Request::Ask { incumbent } => {
                let tried = |s: &Settings| observations.iter().any(|o| o.settings == *s);
                let next = suggest(&space, &incumbent, &observations, &tried, seed);
                println!("{}", serde_json::to_string(&next.map(|s| s.settings))?);
            }
            Request::Best { first } => {
                let known = &observations[..first.min(observations.len())];
                let best = believed_best(&space, &Settings::new(), known);
                println!("{}", serde_json::to_string(&best)?);
            }
        }
    }
    Ok(())
}
