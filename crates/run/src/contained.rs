//! Carries out the words by which a container is asked to end and ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::container::Wrapper;
use crate::job::Container;
use crate::{Job, MARKER, RunError, tree};

/// How long a tool may fail to answer whether a container is there.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two looks at a tool that works.
const LOOK: Duration = Duration::from_millis(2);
/// Between two attempts to end a container.
const PAUSE: Duration = Duration::from_millis(50);

/// A job's container, and what its tool has to be called with.
#[derive(Clone, Debug)]
pub(crate) struct Contained {
    container: Container,
    id: String,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
}

/// What was found of a container.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Containers that were there.
    pub(crate) found: u32,
    /// Evidence that memory ran out in one.
    pub(crate) out_of_memory: Option<String>,
}

/// Ends and removes every container that was started for trials of a session
/// with the words of a wrapper; returns how many there were. Call it after
/// [`sweep`](crate::sweep): a client that lives could still start one.
/// `environment` and `directory` are what the tool is called with.
///
/// # Errors
/// [`RunError::ContainerLeft`] when some are left, or the tool does not say.
pub fn sweep_containers(
    wrapper: &Wrapper,
    session: &str,
    environment: &BTreeMap<String, String>,
    directory: &Path,
) -> Result<u32, RunError> {
    let Some(container) = wrapper.leftovers(session) else { return Ok(0) };
    let leftovers = Contained {
        container,
        id: format!("{session}/sweep"),
        environment: environment.clone(),
        directory: directory.to_owned(),
    };
    leftovers.end().map(|left| left.found)
}

impl Contained {
    pub(crate) fn of(job: &Job) -> Option<Contained> {
        Some(Contained {
            container: job.container.clone()?,
            id: job.id.clone(),
            environment: job.environment.clone(),
            directory: job.directory.clone(),
        })
    }

    /// Begins to ask the program inside to end; the process that asks. It fails
    /// while there is no container yet.
    pub(crate) fn ask(&self) -> Option<Pid> {
        self.start(&self.container.ask, &[], Stdio::null).ok().map(|child| Pid::from_child(&child))
    }

    /// Ends and removes it, if it is there.
    pub(crate) fn end(&self) -> Result<Left, RunError> {
        let started = Instant::now();
        let mut left = Left::default();
        let mut why = "it is still there".to_owned();
        loop {
            match self.hear(&self.container.find, &[]) {
                Ok(said) => {
                    let ids: Vec<&str> = said.split_whitespace().collect();
                    if ids.is_empty() {
                        return Ok(left);
                    }
                    if left.found == 0 {
                        left.found = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                        left.out_of_memory = self.out_of_memory(&ids);
                    }
                    for words in &self.container.end {
                        // One that has ended cannot be killed: looking again
                        // tells whether it is gone.
                        if let Err(error) = self.hear(words, &ids) {
                            why = error;
                        }
                    }
                }
                Err(error) if started.elapsed() > ANSWER => return Err(self.left(error)),
                Err(error) => why = error,
            }
            if started.elapsed() > tree::PATIENCE {
                return Err(self.left(why));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn out_of_memory(&self, ids: &[&str]) -> Option<String> {
        let said = self.hear(&self.container.out_of_memory, ids).ok()?;
        said.lines()
            .any(|line| line.trim() == "true")
            .then(|| format!("the container `{}` was killed for memory", self.container.name))
    }

    fn left(&self, why: String) -> RunError {
        RunError::ContainerLeft {
            name: self.container.name.clone(),
            find: self.container.find.join(" "),
            why,
        }
    }

    fn start(&self, words: &[String], more: &[&str], output: fn() -> Stdio) -> io::Result<Child> {
        let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(more)
            .envs(&self.environment)
            .env(MARKER, &self.id)
            .stdin(Stdio::null())
            .stderr(output())
            .stdout(output())
            .process_group(0);
        if self.directory.is_dir() {
            command.current_dir(&self.directory);
        }
        command.spawn()
    }

    /// What a command prints; why it failed if it did.
    fn hear(&self, words: &[String], more: &[&str]) -> Result<String, String> {
        let shown = words.join(" ");
        let failed = |why: String| format!("`{shown}` {why}");
        let cannot = |error: io::Error| failed(format!("cannot be run: {error}"));
        let mut child = self.start(words, more, Stdio::piped).map_err(cannot)?;
        let started = Instant::now();
        let status = loop {
            match child.try_wait().map_err(cannot)? {
                Some(status) => break status,
                None if started.elapsed() > ANSWER => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(failed("does not answer".to_owned()));
                }
                None => std::thread::sleep(LOOK),
            }
        };
        // A helper that the tool left behind could hold them open.
        let text = |pipe: Option<OwnedFd>| -> io::Result<String> {
            let mut bytes = Vec::new();
            if let Some(pipe) = pipe {
                rustix::io::ioctl_fionbio(&pipe, true)?;
                match File::from(pipe).read_to_end(&mut bytes) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        if status.success() {
            return text(child.stdout.take().map(OwnedFd::from)).map_err(cannot);
        }
        let said = text(child.stderr.take().map(OwnedFd::from)).unwrap_or_default();
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
        Err(failed(format!("failed ({status}): {}", last.trim())))
    }
}
