//! How busy the machine is, by how long proposals take and how many may be
//! written ahead: the table of `docs/performance.md`.
//!
//! `cargo run --release -p autoresearch-simulate --example pipeline`
#![expect(clippy::print_stdout, reason = "it prints its table")]

use autoresearch_simulate::{Busy, Pipeline};

fn main() {
    println!("| a proposal takes | refused | lookahead 0 | 1 | 2 |");
    println!("|---:|---:|---|---|---|");
    for (proposal, refused) in [(30.0, 0.1), (90.0, 0.1), (90.0, 0.4), (200.0, 0.1), (300.0, 0.1)] {
        let cells: Vec<String> = [0, 1, 2]
            .map(|lookahead| {
                let pipeline = Pipeline { run: 300.0, proposal, spread: 0.5, refused, lookahead };
                let Busy { an_hour, idle } = pipeline.play(10_000, 1);
                format!("{an_hour:.2} / {:.1}%", idle * 100.0)
            })
            .into();
        println!("| {proposal} s | {:.0}% | {} |", refused * 100.0, cells.join(" | "));
    }
}
