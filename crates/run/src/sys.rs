//! The system calls that have no safe wrapper, and what differs by system.
#![expect(unsafe_code, reason = "pre_exec, getrusage and close_range have no safe wrapper")]

use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

/// CPU time and memory of children that were waited for, with theirs.
pub(crate) struct Waited {
    /// User and system, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Largest resident set of any one process, in bytes.
    pub(crate) largest: u64,
}

/// What all children used that this process has waited for.
pub(crate) fn waited() -> Waited {
    // SAFETY: `rusage` is plain numbers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live `rusage`; on failure it stays zero.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Waited {
        cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        largest: u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
    }
}

/// Keeps every file that this process was born with to itself, standard ones
/// apart: an inherited one could carry held-out data into a trial, or hold a
/// pipe of the engine's open.
pub(crate) fn keep_files_to_self() {
    #[cfg(target_os = "linux")]
    // SAFETY: only sets the close-on-exec flag; no file is closed. On a kernel
    // before 5.11 it fails and nothing changes.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

/// Makes what becomes orphaned among the descendants a child of this process,
/// where the system can.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    // Cannot fail on Linux 3.4 and later.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Lets `command` start in a session of its own, so that neither the
/// terminal's signals reach it nor it the terminal, and die with this thread.
pub(crate) fn set_apart(command: &mut Command) {
    let parent = rustix::process::getpid();
    let prepare = move || -> io::Result<()> {
        rustix::process::setsid()?;
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // The parent may have died before the line above.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    };
    // SAFETY: between fork and exec only system calls are made; nothing is
    // allocated and no lock is taken.
    unsafe { command.pre_exec(prepare) };
}

/// Lets `command` start in control groups, entered by writing into `entrances`,
/// and with limits. The number of each group that cannot be entered goes into
/// `refused`, a byte each.
pub(crate) fn bound(
    command: &mut Command,
    limits: Vec<(Resource, Rlimit)>,
    entrances: Vec<OwnedFd>,
    refused: PipeWriter,
) {
    let prepare = move || -> io::Result<()> {
        for (number, entrance) in (0_u8..).zip(&entrances) {
            if rustix::io::write(entrance, b"0").is_err() {
                let _ = rustix::io::write(&refused, &[number]);
            }
        }
        for (resource, limit) in &limits {
            setrlimit(*resource, *limit)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; nothing is
    // allocated (a limit is two numbers) and no lock is taken.
    unsafe { command.pre_exec(prepare) };
}
