//! Hermetic places for tests of the real binary: a repository in a temporary
//! folder, an environment that holds nothing of the user's, a look at every
//! byte of the checkout and at every process that was started there.
//!
//! Helpers of tests panic where a test would: what they cannot do is a failure.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a helper that cannot do its work is a failed test"
)]

mod place;
mod processes;
mod program;
mod server;
mod snapshot;

pub use place::Place;
pub use processes::{Process, kill, processes_of};
pub use program::{Ended, Running};
pub use server::{Request, Response, Server};
pub use snapshot::Snapshot;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Far more than anything takes; a test that reaches it has failed.
pub const BOUND: Duration = Duration::from_mins(2);

/// Asks again until there is an answer. Panics with `what` when there is none
/// within [`BOUND`].
pub fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(started.elapsed() < BOUND, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Makes a named pipe, whose readers wait for ever.
pub fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
