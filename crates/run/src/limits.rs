//! What holds a trial to [`Limits`](crate::Limits): control groups of its own
//! where the machine lets us make them, else a look at its processes again and
//! again. The limits on single processes that need neither are set as well.
//!
//! Whoever finds that a limit was reached says which; ending the trial is the
//! supervisor's.

pub(crate) mod cgroup;
mod disk;
pub(crate) mod hierarchy;
#[cfg(windows)]
pub(crate) mod windows;

use std::fmt;
use std::fs;
use std::io::{self, PipeReader, Read as _};
use std::process::Command;
use std::time::{Duration, Instant};

use autoresearch_core::trial::Exit;
use autoresearch_core::units::Bytes;
use rustix::process::{Pid, Resource, Rlimit, getpid, getrlimit};

use crate::limits::cgroup::{Group, Kills};
use crate::limits::disk::Disk;
use crate::limits::hierarchy::Own;
use crate::{Job, Limits, RunError, sys, tree};

/// More open files than that serve no trial, and some programs walk through all
/// that they may have.
const MOST_FILES: u64 = 65_536;
/// How often processes are looked at where nobody else counts, at the least:
/// memory fills at gigabytes a second.
const RAREST_POLL: Duration = Duration::from_millis(50);
/// Where that takes more than this part of one core: less often, down to
const POLLING_SHARE: u32 = 20;
/// this.
const RAREST_LONG_POLL: Duration = Duration::from_secs(1);
/// How much longer than the last exact count of memory takes the next one is
/// put off, while less exact ones show nothing new.
const EXACT_SHARE: u32 = 20;

/// A limit that was reached, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    Memory(Bytes),
    Processes(u64),
    Output(Bytes),
    Disk(Bytes),
    /// Nearly full, by whomever; with what is left.
    FullDisk(Bytes),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::Memory(most) => {
                write!(f, "it needed more than its {} (run.memory)", size(*most))
            }
            Breach::Processes(1) => f.write_str("it had more than 1 process"),
            Breach::Processes(most) => write!(f, "it had more than {most} processes"),
            Breach::Output(most) => write!(f, "it printed more than {}", size(*most)),
            Breach::Disk(most) => write!(f, "it filled more than {} of disk", size(*most)),
            Breach::FullDisk(left) => write!(f, "the disk is nearly full ({left} left)"),
        }
    }
}

/// As people write it: `2GiB`, where that is exact.
fn size(bytes: Bytes) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes.0 > 0 && bytes.0.trailing_zeros() >= *shift) {
        Some((unit, shift)) => format!("{}{unit}", bytes.0 >> shift),
        None => bytes.to_string(),
    }
}

/// What a trial uses at one instant.
pub(crate) struct Look {
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// A limit that was reached.
    pub(crate) breach: Option<Breach>,
}

/// The limits of one trial at work, from before its start to after its end.
pub(crate) struct Bounds {
    limits: Limits,
    group: Group,
    /// The numbers of the parts of the group that the command could not enter.
    refused: Option<PipeReader>,
    disk: Option<Disk>,
    exact: Option<Exact>,
    /// The limit that was reached before forks were stopped, which looks like
    /// one, too.
    reached: Option<Breach>,
}

/// The last exact count of memory.
struct Exact {
    /// What the quick count said then.
    quick: u64,
    /// How far below the limit it was.
    room: u64,
    next: Instant,
}

impl Bounds {
    /// Makes the trial's control groups, `own` being ours, and looks at its disks.
    pub(crate) fn new(job: &Job, own: &[Own]) -> Bounds {
        let confinement = &job.confinement;
        let folders = || {
            let writable = confinement.writable.iter().chain(&confinement.private);
            writable.chain([&job.directory]).filter_map(|folder| folder.canonicalize().ok())
        };
        Bounds {
            limits: job.limits,
            group: Group::make(own, &job.limits, std::process::id()),
            refused: None,
            disk: job.limits.disk.map(|limit| Disk::new(limit, folders())),
            exact: None,
            reached: None,
        }
    }

    /// Lets `command` start within the limits.
    ///
    /// # Errors
    /// When there are too many open files.
    pub(crate) fn bind(&mut self, command: &mut Command) -> Result<(), RunError> {
        let mut bind = || {
            let (refused, refuse) = io::pipe()?;
            rustix::io::ioctl_fionbio(&refused, true)?;
            sys::bound(command, self.rlimits(), self.group.entrances()?, refuse);
            Ok(refused)
        };
        let refused = bind().map_err(|e: io::Error| RunError::system("limit the command", e))?;
        self.refused = Some(refused);
        Ok(())
    }

    fn rlimits(&self) -> Vec<(Resource, Rlimit)> {
        let lowered = |resource, most: u64| {
            let now = getrlimit(resource);
            let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
            (resource, Rlimit { current: lower(now.current), maximum: lower(now.maximum) })
        };
        let mut limits = vec![lowered(Resource::Nofile, MOST_FILES), lowered(Resource::Core, 0)];
        if let Some(most) = self.limits.disk {
            limits.push(lowered(Resource::Fsize, most));
        }
        // Counts all that this user runs: no limit of the trial's, but a net
        // for the machine, since thousands can be made between two looks. It
        // does not hold root.
        if let (Some(most), false, Some(now)) =
            (self.limits.processes, self.group.has_pids(), threads_of_the_machine())
        {
            limits.push(lowered(Resource::Nproc, now.saturating_add(most.saturating_mul(2))));
        }
        limits
    }

    /// Where the command is not after all, it is not counted. It has started or
    /// failed to, so all that it says here is said.
    fn forget_refused(&mut self) {
        if let Some(mut refused) = self.refused.take() {
            let mut numbers = [0; 16];
            let n = refused.read(&mut numbers).unwrap_or(0);
            self.group.forget(&numbers[..n]);
        }
    }

    /// How long may pass between two looks, the last of which took `cost`.
    pub(crate) fn rarest_look(&self, cost: Duration) -> Option<Duration> {
        let polls = (self.limits.memory.is_some() && !self.group.has_memory())
            || (self.limits.processes.is_some() && !self.group.has_pids());
        polls.then(|| (cost * POLLING_SHARE).clamp(RAREST_POLL, RAREST_LONG_POLL))
    }

    /// What is used now, and whether it is too much.
    pub(crate) fn look(&mut self) -> Look {
        self.forget_refused();
        let counted = self.group.memory();
        let mut used = tree::Used::default();
        let mut pids = Vec::new();
        if counted.is_none() || (self.limits.processes.is_some() && !self.group.has_pids()) {
            pids = tree::below(getpid());
            used = tree::used(&pids);
        }
        let breach = self
            .breach_in_group()
            .or_else(|| {
                let most = self.limits.processes.filter(|_| !self.group.has_pids())?;
                (used.threads > most).then_some(Breach::Processes(most))
            })
            .or_else(|| {
                let most = self.limits.memory.filter(|_| !self.group.has_memory())?;
                self.is_over(most, used.memory, &pids).then_some(Breach::Memory(Bytes(most)))
            })
            .or_else(|| self.disk.as_mut()?.look());
        Look { memory: counted.unwrap_or(used.memory), breach }
    }

    /// The quick count has a page that processes share once for each of them: an
    /// exact one, which is slow, decides.
    fn is_over(&mut self, most: u64, quick: u64, pids: &[Pid]) -> bool {
        let now = Instant::now();
        let is_known = |last: &Exact| now < last.next && quick - last.quick.min(quick) <= last.room;
        if quick <= most || self.exact.as_ref().is_some_and(is_known) {
            return false;
        }
        let exact = tree::exact_memory(pids);
        let next = now + now.elapsed() * EXACT_SHARE;
        self.exact = Some(Exact { quick, room: most.saturating_sub(exact), next });
        exact > most
    }

    /// CPU seconds that the trial has used.
    pub(crate) fn cpu_seconds(&mut self) -> f64 {
        self.forget_refused();
        self.group.cpu_seconds().unwrap_or_else(|| {
            sys::waited().cpu_seconds + tree::cpu_seconds(&tree::below(getpid()))
        })
    }

    fn breach_in_group(&self) -> Option<Breach> {
        let by_own_limit = self.group.kills().is_some_and(|kills| kills.by_own_limit);
        if let Some(most) = self.limits.memory.filter(|_| by_own_limit) {
            return Some(Breach::Memory(Bytes(most)));
        }
        let most = self.limits.processes?;
        self.group.has_refused_processes().then_some(Breach::Processes(most))
    }

    /// Whether so many bytes of output are too many.
    pub(crate) fn breach_of_output(&self, printed: u64) -> Option<Breach> {
        let most = self.limits.output?;
        (printed > most).then_some(Breach::Output(Bytes(most)))
    }

    /// Makes it easy to kill everybody, where that is possible.
    pub(crate) fn stop_forks(&mut self) {
        self.forget_refused();
        self.reached = self.breach_in_group();
        self.group.stop_forks();
    }

    /// A limit that was reached before the command ended by itself, and that
    /// nobody has looked at since; to be asked after [`Bounds::stop_forks`].
    pub(crate) fn breach_at_end(&mut self, exit: &Exit) -> Option<Breach> {
        self.reached.take().or_else(|| {
            let most = self.limits.disk?;
            // Of a single file; a shell says it its own way.
            let signals = [Exit::Signal(libc::SIGXFSZ), Exit::Code(128 + libc::SIGXFSZ)];
            signals.contains(exit).then_some(Breach::Disk(Bytes(most)))
        })
    }

    /// What the kernel killed for memory in the trial's own group.
    pub(crate) fn kills(&self) -> Option<Kills> {
        self.group.kills()
    }
}

/// Threads that there are on the whole machine.
fn threads_of_the_machine() -> Option<u64> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_as_people_write_it() {
        let said = |breach: Breach| breach.to_string();
        assert_eq!(
            said(Breach::Memory(Bytes(2 << 30))),
            "it needed more than its 2GiB (run.memory)"
        );
        assert_eq!(said(Breach::Output(Bytes(1 << 30))), "it printed more than 1GiB");
        assert_eq!(said(Breach::Disk(Bytes(64 << 30))), "it filled more than 64GiB of disk");
        assert_eq!(said(Breach::Processes(100)), "it had more than 100 processes");
        assert_eq!(said(Breach::Disk(Bytes(1_500_000))), "it filled more than 1.4 MiB of disk");
        assert_eq!(
            said(Breach::FullDisk(Bytes(5 << 19))),
            "the disk is nearly full (2.5 MiB left)"
        );
        assert_eq!(size(Bytes(0)), "0 B");
    }

    #[test]
    fn the_kernel_says_how_many_threads_there_are() {
        assert!(threads_of_the_machine().is_some_and(|n| n > 1));
    }
}
