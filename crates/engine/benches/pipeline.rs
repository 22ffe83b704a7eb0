//! How busy the machine is while an agent takes its time: an agent that thinks
//! for 90 s beside runs of 300 s, both twenty times faster here, one after the
//! other and with the next proposal written during the run.
//!
//! `cargo bench -p autoresearch --bench pipeline`: about six minutes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench: what it cannot do is a failure"
)]

use std::fs;
use std::path::Path;

use autoresearch::core::experiment::Experiment;
use autoresearch::{Direction, Silent, Stop, SystemExperiment};

/// Times faster than life.
const SCALE: f64 = 20.0;
const RUN_SECONDS: f64 = 300.0;
const AGENT_SECONDS: f64 = 90.0;
const EXPERIMENTS: u64 = 12;

/// Every third change is kept, so that drafts meet a new incumbent.
const AGENT: &str = r#"n=$(head -c 24 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
sleep "$1"
sed -i "s/^loss_$((n % 4))=.*/loss_$((n % 4))=$((n % 3 == 0 ? 100 - n : 100 + n))/" train.sh
echo "HYPOTHESIS: proposal $n"
"#;

const TRAIN: &str = "loss_0=100
# ----------
loss_1=100
# ----------
loss_2=100
# ----------
loss_3=100
# ----------
sleep \"$1\"
echo loss: $((loss_0 + loss_1 + loss_2 + loss_3))
";

fn main() {
    if let Some(code) = autoresearch::supervise_if_asked() {
        std::process::exit(code);
    }
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| proposals written | experiments an hour | machine idle |");
    println!("|---|---:|---:|");
    let sequential = measured("one after the other", 0);
    let ahead = measured("during the run", 1);
    println!(
        "\nAt {RUN_SECONDS} s a run and {AGENT_SECONDS} s a proposal; {:.2} times as many experiments.",
        ahead / sequential
    );
}

/// Experiments in an hour of life.
fn measured(name: &str, lookahead: u64) -> f64 {
    let place = tempfile::tempdir().unwrap();
    let experiments = session(place.path(), lookahead);
    let runs: Vec<(f64, f64)> = experiments
        .iter()
        .filter(|experiment| !experiment.is_baseline())
        .map(|experiment| {
            let busy: f64 = experiment.trials.iter().map(|t| t.usage.wall_seconds).sum();
            (experiment.settled_at.unwrap().0 as f64 / 1000.0, busy)
        })
        .collect();
    // From the end of the first to the end of the last.
    let took = runs[runs.len() - 1].0 - runs[0].0;
    let busy: f64 = runs[1..].iter().map(|(_, busy)| busy).sum();
    let an_hour = (runs.len() - 1) as f64 / (took * SCALE) * 3600.0;
    println!("| {name} | {an_hour:.2} | {:.2}% |", (1.0 - busy / took) * 100.0);
    an_hour
}

fn session(place: &Path, lookahead: u64) -> Vec<Experiment> {
    fs::write(place.join("train.sh"), TRAIN).unwrap();
    fs::write(place.join("agent.sh"), AGENT).unwrap();
    autoresearch::repo::create(place, "start").unwrap();
    let seconds = |life: f64| format!("{}", life / SCALE);
    let agent = format!("sh agent.sh {}", seconds(AGENT_SECONDS));
    SystemExperiment::new(place, "train.sh")
        .command(["sh", "train.sh", &seconds(RUN_SECONDS)])
        .metric("loss", Direction::Minimize)
        .set("propose.proposer", "command")
        .set("propose.command", &agent)
        .set("propose.lookahead", &lookahead.to_string())
        .set("judge.mode", "greedy")
        .set("judge.early_stop", "off")
        .set("judge.verify", "0")
        .set("iterations", &EXPERIMENTS.to_string())
        .run_session(&mut Silent, &Stop::default())
        .unwrap()
        .results()
}
