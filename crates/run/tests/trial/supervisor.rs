//! For the tests: the hidden subcommand, and an engine that can be killed.

use std::process::ExitCode;
use std::time::Duration;

use autoresearch_run::{ATTACK, CONFINE, Executor as _, Job, Local, attack, confine, supervise};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("supervise") => ExitCode::from(u8::try_from(supervise()).unwrap_or(u8::MAX)),
        Some(CONFINE) => ExitCode::from(u8::try_from(confine()).unwrap_or(u8::MAX)),
        Some(ATTACK) => ExitCode::from(u8::try_from(attack::attack()).unwrap_or(u8::MAX)),
        Some("engine") => engine(&arguments.next().unwrap_or_default()),
        _ => ExitCode::FAILURE,
    }
}

/// Starts the job in a file and waits for it.
fn engine(job: &str) -> ExitCode {
    let started =
        std::fs::read(job).ok().zip(std::env::current_exe().ok()).and_then(|(job, exe)| {
            let job: Job = serde_json::from_slice(&job).ok()?;
            Local::new(exe, ["supervise"]).start(&job).ok()
        });
    match started.map(|mut running| running.wait(Duration::MAX)) {
        Some(Ok(_)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
