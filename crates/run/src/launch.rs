//! The command's start, and what a person can do when it does not.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use autoresearch_core::trial::Protection;
use rustix::process::Pid;

use crate::gate::keeper::Keeper;
use crate::limits::Bounds;
use crate::sandbox::environment::environment_of;
use crate::sandbox::room::move_in;
use crate::sandbox::start::Confined;
use crate::{Job, MARKER, RunError, Talk, cpus, sys};

/// What a pipe holds if the system lets us: a chatty command waits less.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;

/// A command that was started, or the reason why it was not.
pub(crate) enum Launched {
    Running(Box<Running>),
    Failed(String),
}

/// What was started: the command, or the process that will confine it.
pub(crate) struct Running {
    pub(crate) child: Pid,
    /// Both streams, or standard error where the other is apart.
    pub(crate) output: PipeReader,
    pub(crate) apart: Option<PipeReader>,
    pub(crate) confined: Option<Confined>,
    pub(crate) gate: Option<Keeper>,
}

/// Starts a job's command in a session of its own, with one pipe for all that
/// it prints, or two where its standard output is apart. `said` is its standard
/// input, if it is spoken with. If it is to be confined, whether it runs is heard later.
///
/// # Errors
/// When it is not the job's fault.
pub(crate) fn launch(
    job: &Job,
    said: Option<OwnedFd>,
    bounds: &mut Bounds,
) -> Result<Launched, RunError> {
    let pipe = |error: io::Error| RunError::system("open a pipe for the output", error);
    let Some((program, arguments)) = job.command.split_first() else {
        return Ok(Launched::Failed("the command is empty; name a program".to_owned()));
    };
    if job.command.iter().any(|word| word.contains('\0')) {
        return Ok(Launched::Failed("the command has a nul character; leave it out".to_owned()));
    }
    let stdin = match (said, job.stdin.as_deref().map(open_input).transpose()) {
        (Some(said), _) => Stdio::from(said),
        (None, Ok(file)) => file.map_or_else(Stdio::null, Stdio::from),
        (None, Err(why)) => return Ok(Launched::Failed(why)),
    };
    let (output, end) = output_pipe().map_err(pipe)?;
    let (apart, stdout) = match job.talk {
        Talk::None => (None, end.try_clone().map_err(pipe)?),
        Talk::Hear | Talk::Converse => {
            let (apart, stdout) = output_pipe().map_err(pipe)?;
            (Some(apart), stdout)
        }
    };

    let wish = &job.confinement;
    let mut environment = environment_of(std::env::vars_os(), wish.keep_secrets, &job.environment);
    environment.insert(MARKER.into(), (&job.id).into());
    let mut bare;
    let mut confined = match wish.protection {
        Protection::Unprotected => None,
        _ => Some(Confined::prepare(job, environment.clone())?),
    };
    let command = if let Some(confined) = &mut confined {
        &mut confined.command
    } else {
        move_in(&mut environment, job);
        bare = Command::new(program);
        bare.args(arguments).current_dir(&job.directory).env_clear().envs(environment);
        &mut bare
    };
    command.stdin(stdin).stdout(stdout).stderr(end);
    sys::set_apart(command);
    bounds.bind(command)?;
    Ok(match cpus::held_to(&job.cpus, || command.spawn())? {
        // Dropping the handle neither waits nor kills.
        Ok(child) => {
            let child = Pid::from_child(&child);
            // It has its end of the output now; ours would keep it open.
            let mut gate = None;
            if let Some(confined) = &mut confined {
                confined.let_go();
                gate = confined.keep_gate()?;
            }
            Launched::Running(Box::new(Running { child, output, apart, confined, gate }))
        }
        Err(error) if confined.is_some() => {
            return Err(RunError::system("start the process that confines the command", error));
        }
        Err(error) => Launched::Failed(why_not(job, &error)),
    })
}

/// A pipe whose reader does not wait.
fn output_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (output, end) = io::pipe()?;
    rustix::io::ioctl_fionbio(&output, true)?;
    #[cfg(target_os = "linux")]
    // Only a matter of speed; refused when this user has many.
    let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE);
    Ok((output, end))
}

fn open_input(path: &Path) -> Result<File, String> {
    let failed = |why: &str| format!("its input `{}` cannot be read: {why}", path.display());
    let metadata = path.metadata().map_err(|error| failed(&error.to_string()))?;
    if metadata.file_type().is_fifo() {
        // Opening it would wait for somebody who writes.
        return Err(failed("it is a named pipe; give a file"));
    }
    File::open(path).map_err(|error| failed(&error.to_string()))
}

/// `exec` says "not found" of the program, its interpreter and the directory
/// alike: look which.
pub(crate) fn why_not(job: &Job, error: &io::Error) -> String {
    let program = job.command.first().map(String::as_str).unwrap_or_default();
    let directory = &job.directory;
    if !directory.is_dir() {
        return format!("its directory `{}` does not exist", directory.display());
    }
    let path = directory.join(program);
    match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => {
            let hint = if path.exists() {
                format!("write it as `./{program}`")
            } else {
                "install it, or write its path".to_owned()
            };
            format!("`{program}` was not found on PATH; {hint}")
        }
        io::ErrorKind::NotFound if path.exists() => {
            format!(
                "the interpreter in the first line of `{program}` was not found; install it, or correct the line (it may end in CRLF)"
            )
        }
        io::ErrorKind::NotFound => {
            format!("`{program}` was not found in `{}`", directory.display())
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "`{program}` is no program that may be run; `chmod +x` it, or name its interpreter first"
            )
        }
        _ => format!("`{program}`: {error}"),
    }
}
