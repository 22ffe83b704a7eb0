//! The engine's side of a trial: it starts a supervisor, holds its life line
//! and hears what came of the job.

use std::ffi::OsString;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use autoresearch_core::curve::Point;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::contained::Contained;
use crate::limits::cgroup::remove_left;
use crate::limits::hierarchy::own_groups;
use crate::supervisor::{INTERRUPT, KILL, MOST_SAID, Outcome};
use crate::sweep::sweep_exactly;
use crate::talk::{Ends, ends_for};
use crate::{Job, MARKER, Program, Report, RunError, sys};

/// How long a dropped trial may take to end before its supervisor is killed.
const FAREWELL: Duration = Duration::from_secs(40);

/// Somewhere that jobs can run.
pub trait Executor: Send + Sync {
    /// Starts a job and returns at once.
    ///
    /// # Errors
    /// When no supervisor can be started. What is wrong with the job itself,
    /// [`Running::wait`] says.
    fn start(&self, job: &Job) -> Result<Box<dyn Running>, RunError>;
}

/// A job that was started. Dropping it kills every process of it.
pub trait Running: Send {
    /// Waits for the job to end, for `at_most` so long, or until something was
    /// heard; `None` if it still runs.
    ///
    /// # Errors
    /// When there is no report: see [`RunError`]. No process is left then
    /// either, [`RunError::Unkillable`] apart.
    fn wait(&mut self, at_most: Duration) -> Result<Option<Report>, RunError>;

    /// Takes the points of its learning curve that were heard of since the last
    /// time, while waiting; a few a second, and not all of them: the whole curve
    /// is in the report.
    fn points(&mut self) -> Vec<Point> {
        Vec::new()
    }

    /// Takes what it printed to its standard output since the last time, while
    /// waiting; nothing of a job that is not heard ([`Talk`](crate::Talk)). What
    /// is not taken keeps it waiting.
    fn heard(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Writes to the standard input of a job that is spoken with, without
    /// waiting for it to read. One that leaves 64 MiB unread is not spoken to
    /// any longer.
    fn say(&mut self, _text: &[u8]) {}

    /// Closes its standard input, once it has read what was said.
    fn fall_silent(&mut self) {}

    /// Asks it to end: TERM, and after its grace KILL. The report will say
    /// `Exit::Interrupted`, unless it ended by itself just before.
    fn interrupt(&mut self);

    /// As [`interrupt`](Running::interrupt), without the grace.
    fn kill(&mut self);
}

/// Runs jobs on this machine.
#[derive(Clone, Debug)]
pub struct Local {
    program: PathBuf,
    arguments: Vec<OsString>,
    leaving: Arc<Leaving>,
}

/// A supervisor that has said everything, until it is gone: closing what it
/// watched takes the kernel 10 ms, for which the next job needs not wait.
#[derive(Debug, Default)]
struct Leaving(Mutex<Option<JoinHandle<()>>>);

impl Leaving {
    /// Waits for the last one, and from now on, beside everything else, for `child`.
    fn see_off(&self, child: Option<Child>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.take() {
            let _ = last.join();
        }
        *last = child.map(|mut child| {
            std::thread::spawn(move || {
                let _ = child.wait();
            })
        });
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.see_off(None);
    }
}

impl Local {
    /// `program` with `arguments` must come to call [`supervise`](crate::supervise).
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Local {
        Local {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            leaving: Arc::default(),
        }
    }
}

impl Local {
    /// This very program under [`SUPERVISE`](crate::SUPERVISE).
    ///
    /// # Errors
    /// When the system does not say where the program is.
    pub fn this_program() -> Result<Local, RunError> {
        let program = Program::this()?;
        Ok(Local::new(&program.path, program.arguments(crate::SUPERVISE)))
    }
}

impl Executor for Local {
    fn start(&self, job: &Job) -> Result<Box<dyn Running>, RunError> {
        let failed = |error: io::Error| RunError::Spawn {
            program: self.program.clone(),
            why: error.to_string(),
        };
        let (talk, others) = ends_for(job.talk).map_err(failed)?;
        let mut order =
            serde_json::to_vec(job).map_err(|e| RunError::BadJob { why: e.to_string() })?;
        order.push(b'\n');
        let (said, say) = io::pipe().map_err(failed)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env(MARKER, &job.id)
            .stdin(Stdio::piped())
            .stdout(say.try_clone().map_err(failed)?)
            .stderr(say)
            // The terminal's signals are for the engine: it decides.
            .process_group(0);
        let handed_over = others.numbers();
        if !handed_over.is_empty() {
            command.args(handed_over.iter().map(ToString::to_string));
            sys::pass_on(&mut command, handed_over);
        }
        let mut child = command.spawn().map_err(failed)?;
        drop(others);
        let mut life = child.stdin.take();
        if let Some(life) = &mut life {
            // A supervisor that died is found out by `wait`.
            let _ = life.write_all(&order);
        }
        Ok(Box::new(Supervised {
            id: job.id.clone(),
            contained: Contained::of(job),
            child: Some(child),
            leaving: Arc::clone(&self.leaving),
            life,
            said,
            talk,
            text: Vec::new(),
            points: Vec::new(),
            outcome: None,
        }))
    }
}

struct Supervised {
    id: String,
    contained: Option<Contained>,
    /// Until it has ended or is left to `leaving`.
    child: Option<Child>,
    leaving: Arc<Leaving>,
    life: Option<ChildStdin>,
    said: PipeReader,
    talk: Ends,
    text: Vec<u8>,
    /// Heard, and not taken yet.
    points: Vec<Point>,
    outcome: Option<Outcome>,
}

impl Running for Supervised {
    fn wait(&mut self, at_most: Duration) -> Result<Option<Report>, RunError> {
        if self.outcome.is_none() && self.listen(at_most)? {
            self.outcome = Some(self.conclude());
        }
        match &self.outcome {
            Some(Outcome::Report(report)) => Ok(Some((**report).clone())),
            Some(Outcome::Error(error)) => Err(error.clone()),
            None => Ok(None),
        }
    }

    fn points(&mut self) -> Vec<Point> {
        std::mem::take(&mut self.points)
    }

    fn heard(&mut self) -> Vec<u8> {
        self.talk.take()
    }

    fn say(&mut self, text: &[u8]) {
        self.talk.say(text);
    }

    fn fall_silent(&mut self) {
        self.talk.fall_silent();
    }

    fn interrupt(&mut self) {
        self.tell(INTERRUPT);
    }

    fn kill(&mut self) {
        self.tell(KILL);
    }
}

impl Supervised {
    fn tell(&mut self, what: u8) {
        if let Some(life) = &mut self.life {
            // One that has ended needs not be told.
            let _ = life.write_all(&[what]);
        }
    }

    /// Hears the supervisor out; whether it has ended within `at_most`, and
    /// before the job was heard.
    fn listen(&mut self, at_most: Duration) -> Result<bool, RunError> {
        let listen = |error: io::Error| RunError::system("listen to the supervisor", error);
        let started = Instant::now();
        loop {
            let left = at_most.saturating_sub(started.elapsed());
            // Rounded up by what poll rounds down.
            let timeout = Timespec::try_from(left).ok();
            let mut fds = vec![PollFd::new(&self.said, PollFlags::IN)];
            fds.extend(self.talk.awaited().into_iter().flatten());
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) if started.elapsed() >= at_most => return Ok(false),
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(listen(error.into())),
            }
            let is_said = !fds[0].revents().is_empty();
            if self.talk.attend() && !is_said {
                return Ok(false);
            }
            if !is_said {
                continue;
            }
            let mut piece = [0; 16 * 1024];
            match self.said.read(&mut piece) {
                Ok(0) => return Ok(true),
                Ok(n) if self.text.len() < MOST_SAID => {
                    self.text.extend_from_slice(&piece[..n]);
                    if !piece[..n].contains(&b'\n') {
                        continue;
                    }
                    // Its last word; its end may take a while yet.
                    if self.said_outcome().is_some() {
                        return Ok(true);
                    }
                    self.hear_points();
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(listen(error)),
            }
        }
    }

    /// Takes the points out of what was said, so that it does not grow by them.
    fn hear_points(&mut self) {
        let mut rest = Vec::new();
        for line in self.text.split_inclusive(|byte| *byte == b'\n') {
            let point = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
            match point {
                Some(point) => self.points.push(point),
                None => rest.extend_from_slice(line),
            }
        }
        self.text = rest;
    }

    /// The outcome, once it was said to its end.
    fn said_outcome(&self) -> Option<Outcome> {
        let line = self.text.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
        serde_json::from_slice(line).ok()
    }

    /// What came of the job, now that the supervisor has closed its mouth.
    fn conclude(&mut self) -> Outcome {
        // Said before the outcome was.
        self.talk.attend_to_end();
        let child = self.child.take();
        if let Some(outcome) = self.said_outcome() {
            self.leaving.see_off(child);
            return outcome;
        }
        let text = String::from_utf8_lossy(&self.text);
        let pid = child.as_ref().map(Child::id);
        let status = child.map(|mut child| child.wait());
        let swept = sweep_exactly(&self.id).and_then(|swept| {
            self.contained.as_ref().map_or(Ok(()), |contained| contained.end().map(drop))?;
            Ok(swept)
        });
        if let Some(pid) = pid {
            remove_left(&own_groups(), pid);
        }
        match swept {
            Ok(swept) => {
                let how = how_it_ended(status, text.trim());
                Outcome::Error(RunError::SupervisorDied { how, swept })
            }
            Err(error) => Outcome::Error(error),
        }
    }
}

fn how_it_ended(status: Option<io::Result<ExitStatus>>, said: &str) -> String {
    let how = match status.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())) {
        Ok(status) => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (_, Some(code)) => format!("ended with exit {code}"),
            _ => "ended".to_owned(),
        },
        Err(error) => format!("is gone ({error})"),
    };
    if said.is_empty() {
        how
    } else {
        format!("{how}, saying `{}`", said.chars().take(1000).collect::<String>())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if self.outcome.is_some() {
            return;
        }
        // The end of its life line makes the supervisor kill everything.
        self.life = None;
        self.talk = Ends::default();
        if !self.listen(FAREWELL).unwrap_or(false) {
            let _ = self.child.as_mut().map(Child::kill);
        }
        // Finds whatever a dead supervisor left.
        let _ = self.conclude();
    }
}
