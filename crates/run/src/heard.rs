//! What the process that confines a command has said of it, and what a
//! supervisor concludes.

use std::io;

use autoresearch_core::trial::{Exit, Protection};

use crate::launch::why_not;
use crate::sandbox::bubblewrap::remedy_for;
use crate::sandbox::plan::Said;
use crate::sandbox::start::Confined;
use crate::{Job, RunError};

/// A confined command, as far as it is known.
pub(crate) struct Heard {
    pub(crate) confined: Confined,
    is_open: bool,
    has_started: bool,
    end: Option<Said>,
}

impl Heard {
    pub(crate) fn new(confined: Confined) -> Heard {
        let mut heard = Heard { confined, is_open: true, has_started: false, end: None };
        heard.listen();
        heard
    }

    /// Whether more may be said.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn has_started(&self) -> bool {
        self.has_started
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Takes what was said since, without waiting.
    pub(crate) fn listen(&mut self) {
        let (said, is_open) = self.confined.control.hear();
        self.is_open = is_open;
        for said in said {
            match said {
                Said::Started => self.has_started = true,
                // The first word stands.
                end => self.end = self.end.take().or(Some(end)),
            }
        }
    }

    /// How the command ended by itself; `natural` is how the process did that
    /// we started. `said` are its last words.
    ///
    /// # Errors
    /// When it was never confined.
    pub(crate) fn exit(&self, job: &Job, natural: Exit, said: &str) -> Result<Exit, RunError> {
        let protection = job.confinement.protection;
        match &self.end {
            Some(Said::Exited { code }) => Ok(Exit::Code(*code)),
            Some(Said::Killed { signal }) => Ok(Exit::Signal(*signal)),
            Some(Said::NotStarted { errno }) => {
                let error = io::Error::from_raw_os_error(*errno);
                let hidden = self.hidden_from_it(job);
                Ok(Exit::NotStarted(hidden.unwrap_or_else(|| why_not(job, &error))))
            }
            Some(Said::NotConfined { why }) => {
                Err(RunError::Confine { protection, why: why.clone() })
            }
            Some(Said::Started) | None if self.has_started => Ok(match natural {
                // As bubblewrap tells of a first process that was killed.
                Exit::Code(code) if self.confined.control.is_sandbox() && code > 128 => {
                    Exit::Signal(code - 128)
                }
                natural => natural,
            }),
            Some(Said::Started) | None => {
                let why = if protection == Protection::Sandboxed {
                    remedy_for(said)
                } else {
                    format!("the process that confines it ended ({natural:?}) and said `{said}`")
                };
                Err(RunError::Confine { protection, why })
            }
        }
    }

    /// What is there, but not for the command.
    fn hidden_from_it(&self, job: &Job) -> Option<String> {
        let program = job.command.first()?;
        let directory = job.directory.canonicalize().ok()?;
        let view = &self.confined.view;
        if !view.is_seen(&directory) {
            return Some(format!(
                "its directory `{}` is not there for a confined run: name it in `run.readable`",
                directory.display()
            ));
        }
        let path = program.contains('/').then(|| directory.join(program).canonicalize().ok())??;
        (!view.is_seen(&path)).then(|| {
            format!(
                "`{program}` is not there for a confined run: name `{}` in `run.readable`",
                path.parent().unwrap_or(&path).display()
            )
        })
    }
}
