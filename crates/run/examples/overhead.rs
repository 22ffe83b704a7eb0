//! What a supervised command costs over a bare one, in every way to be confined
//! that this machine offers, taken in turns.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use autoresearch_core::trial::Protection;
use autoresearch_run::protection::offered;
use autoresearch_run::{
    CONFINE, Confinement, Executor as _, Job, Limits, Local, LogLimit, SUPERVISE, Talk, confine,
    supervise,
};

const ROUNDS: usize = 200;
/// Longer than the supervisor before it takes to be gone, as any real run is.
const PAUSE: [&str; 2] = ["sleep", "0.05"];

#[expect(clippy::print_stdout, reason = "a bench tells a person")]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some(SUPERVISE) => return Ok(ExitCode::from(u8::try_from(supervise())?)),
        Some(CONFINE) => return Ok(ExitCode::from(u8::try_from(confine())?)),
        _ => {}
    }
    let folder = tempfile::tempdir()?;
    let worktree = folder.path().join("worktree");
    std::fs::create_dir_all(worktree.join("evaluation/data"))?;
    for file in ["evaluation/eval.py", "tokenizer.json", "uv.lock", "pyproject.toml", ".git"] {
        std::fs::write(worktree.join(file), "")?;
    }
    let job = |protection| Job {
        id: "overhead/".into(),
        command: PAUSE.map(Into::into).into(),
        directory: worktree.clone(),
        environment: BTreeMap::new(),
        stdin: None,
        talk: Talk::None,
        deadline_seconds: 60.0,
        grace_seconds: 1.0,
        quota: None,
        allowance_seconds: 0.0,
        cpus: Vec::new(),
        take: autoresearch_core::metric::Take::Last,
        log: folder.path().join("log"),
        log_limit: LogLimit::default(),
        limits: Limits::default(),
        confinement: Confinement {
            protection,
            writable: vec![worktree.clone()],
            protected: ["evaluation", "tokenizer.json", "uv.lock", "pyproject.toml"]
                .map(|name| worktree.join(name))
                .into(),
            hidden: vec![worktree.join(".git")],
            private: Some(folder.path().join("private")),
            ..Confinement::default()
        },
        container: None,
        source: Some(autoresearch_core::metric::Source::Printed { name: "loss".into() }),
        series: None,
        wanted: Vec::new(),
        result: folder.path().join("result.json"),
    };
    let local = Local::new(std::env::current_exe()?, ["__supervise"]);
    let start = Instant::now();
    let offer = offered(&local, folder.path());
    println!("what is offered: {:?} in {:.2?}", offer, start.elapsed());
    let mut ways = vec![Protection::Unprotected, Protection::Restricted, Protection::Sandboxed];
    ways.retain(|way| offer.has(*way).is_ok());
    let mut bare = Vec::new();
    let mut supervised = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        Command::new(PAUSE[0]).arg(PAUSE[1]).status()?;
        bare.push(start.elapsed());
        for (way, times) in ways.iter().zip(&mut supervised) {
            let start = Instant::now();
            local.start(&job(*way))?.wait(Duration::MAX)?;
            times.push(start.elapsed());
        }
    }
    let bare = median(bare);
    println!("bare {bare:.2?}");
    for (way, times) in ways.iter().zip(supervised) {
        let time = median(times);
        println!("{way} {time:.2?}: {:.2?} more", time.saturating_sub(bare));
    }
    Ok(ExitCode::SUCCESS)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
