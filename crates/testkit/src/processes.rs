//! Who runs, by a variable in the environment that everybody inherits.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use rustix::process::{Pid, Signal, kill_process};

/// A process that runs; zombies do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Program and arguments, separated by blanks.
    pub command: String,
}

/// All processes with `name=value` in their environment, but for this one.
/// Needs `/proc`.
pub fn processes_of(name: &str, value: &OsStr) -> Vec<Process> {
    let mark = [name.as_bytes(), b"=", value.as_bytes()].concat();
    let own = std::process::id();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let is_marked = environment.split(|byte| *byte == 0).any(|variable| variable == mark);
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned();
            (is_marked && pid != own).then_some(Process { pid, command })
        })
        .collect()
}

/// `kill -9`; whoever is gone already needs none.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
