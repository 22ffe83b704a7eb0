//! The supervisor's side: from a job to the process that will confine itself
//! and become the command, and what is heard of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use autoresearch_core::trial::Protection;
use rustix::fs::{MemfdFlags, memfd_create};

use super::bubblewrap::Bubblewrap;
use super::plan::{Plan, Raw, Said, TERM};
use super::room::{Private, adjust};
use super::view::View;
use crate::gate::keeper::Keeper;
use crate::gate::proxy::{self, Proxies};
use crate::gate::{Doors, Layout};
use crate::{CONFINE, Job, MARKER, Program, RunError, program, sys};

/// Devices that any program may use, without a sandbox.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
];

/// A confined command, about to start.
pub(crate) struct Confined {
    /// Whose standard files are still to be set.
    pub(crate) command: Command,
    pub(crate) control: Control,
    pub(crate) view: View,
    gate: Option<Outside>,
    /// Removed with it.
    _private: Option<Private>,
    /// What the new process inherits, kept open until it has.
    handed_over: Vec<std::os::fd::OwnedFd>,
}

impl Confined {
    /// Prepares a job's command, with the environment that it would have.
    ///
    /// # Errors
    /// When it cannot be confined as demanded, or what is needed cannot be made.
    pub(crate) fn prepare(
        job: &Job,
        mut environment: BTreeMap<OsString, OsString>,
    ) -> Result<Confined, RunError> {
        let wish = &job.confinement;
        let is_sandbox = wish.protection == Protection::Sandboxed;
        let refused = |why| RunError::Confine { protection: wish.protection, why };
        let bubblewrap = is_sandbox
            .then(|| Bubblewrap::find(std::env::var_os("PATH").as_deref()))
            .transpose()
            .map_err(refused)?;
        let private = wish
            .private
            .as_deref()
            .map(|path| Private::create(path, is_sandbox && wish.network))
            .transpose()?;
        let folder = private.as_ref().map(|private| private.0.as_path());

        let gate = (is_sandbox && !wish.network && !wish.hosts.is_empty())
            .then(|| Layout::of(&wish.hosts))
            .transpose()
            .map_err(|why| RunError::BadJob { why })?;
        let proxies = Proxies::of(&environment);
        let view = View::of(job, &environment);
        if gate.is_some() {
            // They are reached outside.
            for name in proxy::VARIABLES {
                environment.remove(OsStr::new(name));
            }
        }
        adjust(&mut environment, job, &view, folder);
        let doors = gate.as_ref().map(Layout::places).unwrap_or_default();
        let plan = plan_of(job, &view, folder, &environment, doors);
        let made = |error: io::Error| RunError::system("hand the job over", error);
        let paper =
            paper("plan", &serde_json::to_vec(&plan).map_err(|e| made(e.into()))?).map_err(made)?;
        let (ours, theirs) = UnixStream::pair().map_err(made)?;
        ours.set_nonblocking(true).map_err(made)?;

        let mut handed_over = vec![paper, theirs.into()];
        let mut names = None;
        let gate = gate
            .map(|layout| -> io::Result<Outside> {
                let (ours, theirs) = UnixStream::pair()?;
                handed_over.push(theirs.into());
                names = Some(self::paper("hosts", layout.names.as_bytes())?);
                Ok(Outside { layout, inner: ours.into(), proxies })
            })
            .transpose()
            .map_err(made)?;
        let numbers: Vec<String> = handed_over
            .iter()
            .map(|file: &std::os::fd::OwnedFd| file.as_raw_fd().to_string())
            .collect();
        // As it is now, even if another version has been installed since. An
        // interpreter has to know where it lies.
        let own = if let Some(program) = program::adopted() {
            program.clone()
        } else {
            let own = File::open("/proc/self/exe").map_err(made)?;
            let program = Program::at(format!("/proc/self/fd/{}", own.as_raw_fd()));
            handed_over.push(own.into());
            program
        };
        let mut command = match bubblewrap {
            Some(bubblewrap) => {
                let half = shared_memory(job);
                let mut command = Command::new(&bubblewrap.program);
                command
                    .args(bubblewrap.arguments(
                        &view,
                        folder,
                        wish.network,
                        half,
                        names.as_ref().map(AsRawFd::as_raw_fd),
                    ))
                    .arg(&own.path);
                command
            }
            None => Command::new(&own.path),
        };
        handed_over.extend(names);
        // Nothing that is set for the command has a say in how it is confined.
        command.args(own.arguments(CONFINE)).args(numbers).env_clear().env(MARKER, &job.id);
        sys::pass_on(&mut command, handed_over.iter().map(AsRawFd::as_raw_fd).collect());
        let control = Control { socket: ours, text: Vec::new(), is_sandbox };
        Ok(Confined { command, control, view, gate, _private: private, handed_over })
    }
}

impl Confined {
    /// Closes what is the new process's alone, now that it runs.
    pub(crate) fn let_go(&mut self) {
        self.command = Command::new("");
        self.handed_over.clear();
    }

    /// Lets it reach its hosts. No process may be started by this one any more.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(crate) fn keep_gate(&mut self) -> Result<Option<Keeper>, RunError> {
        self.gate
            .take()
            .map(|Outside { layout, inner, proxies }| Keeper::start(layout, inner, proxies))
            .transpose()
            .map_err(|error| RunError::system("start a thread", error))
    }
}

/// The outer side of a gate, before anybody keeps it.
struct Outside {
    layout: Layout,
    inner: OwnedFd,
    proxies: Proxies,
}

/// A file in memory to be handed over.
fn paper(name: &str, text: &[u8]) -> io::Result<OwnedFd> {
    let mut paper = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    paper.write_all(text)?;
    paper.rewind()?;
    Ok(paper.into())
}

/// Half of what the job may use, or of what the machine has.
fn shared_memory(job: &Job) -> u64 {
    let machine = || {
        let info = rustix::system::sysinfo();
        info.totalram.saturating_mul(u64::from(info.mem_unit))
    };
    job.limits.memory.unwrap_or_else(machine) / 2
}

fn plan_of(
    job: &Job,
    view: &View,
    private: Option<&Path>,
    environment: &BTreeMap<OsString, OsString>,
    doors: Doors,
) -> Plan {
    let protection = job.confinement.protection;
    let mut writable: Vec<Raw> = view.writable.iter().map(Raw::from).collect();
    let mut readable = Vec::new();
    if protection == Protection::Sandboxed {
        writable.extend(["/tmp", "/var/tmp", "/dev", "/proc"].map(Raw::from));
        writable.extend(view.home.iter().filter(|_| view.has_own_home).map(Raw::from));
    } else {
        writable.extend(private.map(|private| private.join("tmp").into()));
        writable.extend(DEVICES.iter().map(Raw::from));
        writable.extend(super::bubblewrap::devices().into_iter().map(Raw::from));
        readable.extend(view.readable_but_hidden().into_iter().map(Raw::from));
        readable.extend(["/proc", "/dev"].map(Raw::from));
    }
    Plan {
        protection,
        command: job.command.iter().map(Raw::from).collect(),
        directory: Raw::from(&job.directory),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        readable,
        writable,
        network: job.confinement.network,
        doors,
    }
}

/// The line to the process that confines.
pub(crate) struct Control {
    socket: UnixStream,
    text: Vec<u8>,
    is_sandbox: bool,
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Control {
    /// Whether there is a first process between us and the command.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.is_sandbox
    }

    /// Asks the command's group to end.
    pub(crate) fn send_term(&mut self) {
        // Fails if it has ended since.
        let _ = self.socket.write_all(&[TERM]);
    }

    /// What was said since, without waiting; and whether more may come.
    pub(crate) fn hear(&mut self) -> (Vec<Said>, bool) {
        let mut piece = [0; 4096];
        let is_open = loop {
            match self.socket.read(&mut piece) {
                Ok(0) => break false,
                Ok(n) => self.text.extend_from_slice(&piece[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        let whole = self.text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.text.drain(..whole).collect();
        let said = lines.split(|byte| *byte == b'\n');
        (said.filter_map(|line| serde_json::from_slice(line).ok()).collect(), is_open)
    }
}
