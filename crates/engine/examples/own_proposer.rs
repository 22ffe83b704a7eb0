//! A proposer, a metric and an observer of one's own: the pool of a small system
//! is tuned by somebody who tries one worker more, then one less, with the
//! metric computed here, from a file that each run leaves.
//!
//! `cargo run -p autoresearch --example own_proposer`

#![expect(clippy::print_stdout, reason = "an example prints what came of it")]

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

use autoresearch::core::proposal::{Category, Edit, FileEdit, Proposal};
use autoresearch::propose::{Brief, Desk, ProposeError, Proposer};
use autoresearch::{Direction, News, Observer, Stop, SystemExperiment};

/// Tries the neighbours of the incumbent, nearest first.
struct Neighbours;

impl Proposer for Neighbours {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let target = &brief.targets[0];
        let workers = target.text.trim().trim_start_matches("workers = ").parse::<i64>();
        let workers = workers.map_err(|error| ProposeError::Failed(error.to_string()))?;
        for step in [1, -1, 2, -2] {
            let next = workers + step;
            let edit = FileEdit {
                path: target.path.clone(),
                content: Some(format!("workers = {next}\n").into_bytes()),
            };
            if next > 0 && desk.tried(std::slice::from_ref(&edit)).is_none() {
                return Ok(Proposal {
                    hypothesis: format!("{next} workers instead of {workers}"),
                    category: Category::Other,
                    edit: Edit::Files(vec![edit]),
                    settings: None,
                    expected: None,
                });
            }
        }
        Err(ProposeError::Exhausted("all neighbours were tried".to_owned()))
    }
}

/// Says what came of each experiment.
struct Printer;

impl Observer for Printer {
    fn tell(&mut self, news: &News<'_>) {
        if let News::Settled { experiment, .. } = news {
            let metric =
                experiment.metric().map_or("-".to_owned(), |metric| format!("{metric:.2}"));
            println!("#{} {metric} {}", experiment.number, experiment.hypothesis);
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Trials run under a supervisor, and the supervisor is this program.
    if let Some(code) = autoresearch::supervise_if_asked() {
        return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
    }
    let place = tempfile::tempdir()?;
    repository(place.path())?;

    let outcome = SystemExperiment::new(place.path(), "pool.conf")
        .command(["sh", "serve.sh"])
        .metric("latency_ms", Direction::Minimize)
        // The whole of a finished run: its folder, its output, what it used.
        .metric_fn(|trial| {
            let text = std::fs::read_to_string(trial.folder.join("latency.txt"))?;
            Ok(text.trim().parse::<f64>()?)
        })
        .proposer(Neighbours)
        .set("iterations", "8")
        .set("judge.verify", "0")
        .run_session(&mut Printer, &Stop::default())?;
    println!("{:?} -> {:?}: {}", outcome.baseline(), outcome.best(), outcome.reason());
    Ok(ExitCode::SUCCESS)
}

/// A system whose latency has a minimum at four workers.
fn repository(folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::write(folder.join("pool.conf"), "workers = 2\n")?;
    let serve = "awk '{ print 100 / $3 + 6 * $3 }' pool.conf > latency.txt";
    std::fs::write(folder.join("serve.sh"), serve)?;
    let git = |words: &[&str]| Command::new("git").current_dir(folder).args(words).output();
    git(&["init", "--quiet"])?;
    git(&["add", "."])?;
    let me = ["-c", "user.name=Me", "-c", "user.email=me@example.org"];
    git(&[&me[..], &["commit", "--quiet", "--message", "A system"]].concat())?;
    Ok(())
}
