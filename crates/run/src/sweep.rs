//! After a crash: whatever a trial left behind is found by the marker in its
//! environment.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};

use crate::{MARKER, RunError, tree};

/// How often a process that seems to be starting a program is looked at, a
/// millisecond apart.
const EXEC_LOOKS: u32 = 100;

/// Kills every process of this user whose environment has [`MARKER`] with a
/// value that starts with `id_prefix`, and everything below it, supervisors
/// included; returns how many there were. End the prefix with a separator:
/// `s1-4` is also the start of `s1-42`.
///
/// All of them are stopped before the first is killed, so that what a
/// supervisor adopted is found below it even with a cleared environment. On a
/// system without `/proc` (macOS) it finds nothing.
///
/// # Errors
/// [`RunError::Unkillable`] when some survive.
pub fn sweep(id_prefix: &str) -> Result<u32, RunError> {
    sweep_where(|id| id.starts_with(id_prefix.as_bytes()))
}

/// As [`sweep`], for the trial with exactly this id.
pub(crate) fn sweep_exactly(id: &str) -> Result<u32, RunError> {
    sweep_where(|other| other == id.as_bytes())
}

/// Whether a process of this id runs here; one that has ended and that nobody has
/// waited for does not.
pub fn is_running(pid: u32) -> bool {
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    test_kill_process(process) != Err(Errno::SRCH) && !tree::has_ended(process)
}

/// As [`sweep`], for trials of which an id says that its owner is gone.
pub(crate) fn sweep_orphans(is_orphan: impl Fn(&str) -> bool) -> Result<u32, RunError> {
    sweep_where(|id| std::str::from_utf8(id).is_ok_and(&is_orphan))
}

fn sweep_where(is_wanted: impl Fn(&[u8]) -> bool) -> Result<u32, RunError> {
    let own = getpid();
    let find = |visit: &mut dyn FnMut(Pid)| {
        let mut show = |pid| {
            if pid != own {
                visit(pid);
            }
        };
        let mut found = tree::everybody();
        found.retain(|pid| *pid != own && marker_of(*pid).is_some_and(|id| is_wanted(&id)));
        for pid in &found {
            show(*pid);
        }
        for pid in found {
            tree::visit_below(pid, &mut show);
        }
    };
    tree::end_all(find, || std::thread::sleep(Duration::from_millis(1)), tree::PATIENCE)
}

/// The value of the marker in a process's environment. Another user's, and one
/// that has ended, shows none.
fn marker_of(pid: Pid) -> Option<Vec<u8>> {
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_pid()));
    let mut environment = fs::read(proc.join("environ")).ok()?;
    // In the midst of `exec` a process shows neither environment nor arguments,
    // but its program, which kernel threads and zombies do not have. Moments
    // later it shows them; one that was started without either never does.
    for _ in 0..EXEC_LOOKS {
        if !environment.is_empty() || fs::read_link(proc.join("exe")).is_err() {
            break;
        }
        let is_between = fs::read(proc.join("cmdline")).is_ok_and(|line| line.is_empty());
        if is_between {
            std::thread::sleep(Duration::from_millis(1));
        }
        environment = fs::read(proc.join("environ")).ok()?;
        if !is_between {
            break;
        }
    }
    environment.split(|byte| *byte == 0).find_map(|variable| {
        let value = variable.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"=")?;
        Some(value.to_vec())
    })
}
