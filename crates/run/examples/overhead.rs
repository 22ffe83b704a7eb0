//! What a supervised `true` costs over a bare one, taken in turns.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use autoresearch_run::{Confinement, Executor as _, Job, Limits, Local, LogLimit, supervise};

const ROUNDS: usize = 300;

#[expect(clippy::print_stdout, reason = "a bench tells a person")]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("__supervise") {
        return Ok(ExitCode::from(u8::try_from(supervise())?));
    }
    let folder = tempfile::tempdir()?;
    let job = Job {
        id: "overhead/".into(),
        command: vec!["true".into()],
        directory: folder.path().into(),
        environment: BTreeMap::new(),
        stdin: None,
        deadline_seconds: 60.0,
        grace_seconds: 1.0,
        log: folder.path().join("log"),
        log_limit: LogLimit::default(),
        limits: Limits {
            memory: Some(8 << 30),
            processes: Some(1000),
            output: Some(1 << 30),
            disk: Some(64 << 30),
        },
        confinement: Confinement::default(),
        source: Some(autoresearch_core::metric::Source::Printed { name: "loss".into() }),
        result: folder.path().join("result.json"),
    };
    let local = Local::new(std::env::current_exe()?, ["__supervise"]);
    let (mut bare, mut supervised) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        Command::new("true").status()?;
        bare.push(start.elapsed());
        let start = Instant::now();
        local.start(&job)?.wait(Duration::MAX)?;
        supervised.push(start.elapsed());
    }
    let (bare, supervised) = (median(bare), median(supervised));
    println!(
        "bare {bare:.2?}, supervised {supervised:.2?}: {:.2?} more",
        supervised.saturating_sub(bare)
    );
    Ok(ExitCode::SUCCESS)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
