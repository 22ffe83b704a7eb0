//! A question to a program that must answer soon.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// More of an answer is not read.
const MOST: u64 = 4 << 20;

/// Why a program gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It is not there.
    #[error("`{0}` was not found; install it, or put it on the PATH")]
    Missing(String),
    /// It cannot be started.
    #[error("`{program}` cannot be run: {why}")]
    NotRun {
        /// The program.
        program: String,
        /// What the system said.
        why: String,
    },
    /// It took too long, and was ended.
    #[error("`{program}` did not answer within {} s; try it by hand", limit.as_secs())]
    TooLong {
        /// The program.
        program: String,
        /// How long it had.
        limit: Duration,
    },
    /// It ended with a failure.
    #[error("`{program}` failed: {said}")]
    Failed {
        /// The program.
        program: String,
        /// The last line that it said.
        said: String,
    },
}

/// What a program prints on standard output until it ends. It gets no input,
/// and `limit` so long; after that its whole process group is killed.
///
/// # Errors
/// When it cannot be run, fails or takes too long.
pub fn ask(command: &mut Command, limit: Duration) -> Result<String, AskError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => AskError::Missing(program.clone()),
        _ => AskError::NotRun { program: program.clone(), why: error.to_string() },
    })?;
    let (send, answers) = channel();
    let listen = |is_error: bool, pipe: Option<Box<dyn std::io::Read + Send>>| {
        let send = send.clone();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(pipe) = pipe {
                let _ = pipe.take(MOST).read_to_end(&mut text);
            }
            // Nobody listens any more after the limit.
            let _ = send.send((is_error, String::from_utf8_lossy(&text).into_owned()));
        });
    };
    listen(false, child.stdout.take().map(|pipe| Box::new(pipe) as _));
    listen(true, child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let deadline = Instant::now() + limit;
    let (mut said, mut complained) = (String::new(), String::new());
    for _ in 0..2 {
        match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((false, text)) => said = text,
            Ok((true, text)) => complained = text,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
                let _ = child.wait();
                return Err(AskError::TooLong { program, limit });
            }
        }
    }
    // Both pipes are closed: what is left of it is its end, but for a program
    // that closes them and stays.
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(said),
            Ok(Some(status)) => {
                // Some tools complain on standard output.
                let last = |text: &str| {
                    let mut lines = text.lines().map(str::trim);
                    lines.rfind(|line| !line.is_empty()).map(str::to_owned)
                };
                let said = last(&complained).or_else(|| last(&said));
                let said = said.unwrap_or_else(|| status.to_string());
                return Err(AskError::Failed { program, said });
            }
            Ok(None) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(None) | Err(_) => {
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
                let _ = child.wait();
                return Err(AskError::TooLong { program, limit });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<String, AskError> {
        ask(Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn an_answer_is_what_was_printed() {
        assert_eq!(sh("echo yes; echo no >&2", Duration::from_mins(1)).unwrap(), "yes\n");
    }

    #[test]
    fn a_program_that_does_not_answer_is_ended_with_its_children() {
        let limit = Duration::from_millis(50);
        let error = sh("sleep 1000 & sleep 1000", limit).unwrap_err();
        assert_eq!(error, AskError::TooLong { program: "sh".to_owned(), limit });
    }

    #[test]
    fn a_failure_has_its_last_words() {
        let error = sh("echo one >&2; echo two >&2; exit 3", Duration::from_mins(1)).unwrap_err();
        assert_eq!(error, AskError::Failed { program: "sh".to_owned(), said: "two".to_owned() });
        let missing = ask(&mut Command::new("no-such-program-at-all"), Duration::from_mins(1));
        assert_eq!(missing, Err(AskError::Missing("no-such-program-at-all".to_owned())));
    }
}
