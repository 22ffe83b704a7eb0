//! Control groups of the trial's own, where the machine lets us make them: the
//! kernel then counts memory and processes, and nobody in them gets around it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::Limits;
use crate::limits::hierarchy::{Kind, Own};

/// The names of our groups; the supervisor's process id follows.
const PREFIX: &str = "autoresearch-";

/// One group in each hierarchy that has a controller for us. Dropping it
/// removes them, if they are empty.
#[derive(Debug, Default)]
pub(crate) struct Group {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    kind: Kind,
    folder: PathBuf,
    has_memory: bool,
    has_pids: bool,
}

/// What the kernel says of memory that ran out within the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kills {
    /// Processes that it killed.
    pub(crate) count: u64,
    /// Whether it was our limit that was reached, not one around us.
    pub(crate) by_own_limit: bool,
    /// Where it says so.
    pub(crate) file: PathBuf,
}

impl Group {
    /// Makes what can be made below or beside the groups that `own` names, and
    /// sets the limits. Groups whose supervisor is gone are removed.
    pub(crate) fn make(own: &[Own], limits: &Limits, pid: u32) -> Group {
        let name = format!("{PREFIX}{pid}");
        Group { parts: own.iter().filter_map(|own| Part::make(own, limits, &name)).collect() }
    }

    /// The files by which a process of one thread that writes `0` enters; one
    /// for each part.
    pub(crate) fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        // A thread that moves itself needs not wait for a lock that stops all
        // processes from forking, which takes 10 ms and more to get.
        let entrance = |part: &Part| match part.kind {
            Kind::Unified => "cgroup.procs",
            Kind::Memory | Kind::Pids => "tasks",
        };
        self.parts
            .iter()
            .map(|part| open(&part.folder.join(entrance(part))).map(OwnedFd::from))
            .collect()
    }

    /// Gives up the parts that could not be entered.
    pub(crate) fn forget(&mut self, refused: &[u8]) {
        let mut number = 0..;
        self.parts.retain(|_| number.next().is_some_and(|number| !refused.contains(&number)));
    }

    /// Whether the kernel counts memory for us.
    pub(crate) fn has_memory(&self) -> bool {
        self.parts.iter().any(|part| part.has_memory)
    }

    /// Whether the kernel counts processes for us.
    pub(crate) fn has_pids(&self) -> bool {
        self.parts.iter().any(|part| part.has_pids)
    }

    /// Bytes of anonymous and shared memory now. The kernel's own peak would
    /// count every file that was read, up to the limit: the system keeps those
    /// in memory for as long as there is room.
    pub(crate) fn memory(&self) -> Option<u64> {
        let part = self.parts.iter().find(|part| part.has_memory)?;
        let stat = fs::read_to_string(part.folder.join("memory.stat")).ok()?;
        Some(used(&stat, part.kind))
    }

    /// CPU seconds, user and system, of all that were ever in the group; known
    /// in version 2 only, where no controller is needed for it.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        let part = self.parts.iter().find(|part| part.kind == Kind::Unified)?;
        let stat = fs::read_to_string(part.folder.join("cpu.stat")).ok()?;
        Some(value(&stat, "usage_usec")? as f64 / 1e6)
    }

    /// What was killed for memory; none if nothing was.
    pub(crate) fn kills(&self) -> Option<Kills> {
        let part = self.parts.iter().find(|part| part.has_memory)?;
        let file = part.folder.join(match part.kind {
            Kind::Unified => "memory.events",
            Kind::Memory | Kind::Pids => "memory.oom_control",
        });
        let text = fs::read_to_string(&file).ok()?;
        let count = value(&text, "oom_kill").filter(|n| *n > 0)?;
        let by_own_limit = match part.kind {
            Kind::Unified => value(&text, "oom").is_some_and(|n| n > 0),
            // Not `failcnt`: there are kernels that leave it at 0.
            Kind::Memory | Kind::Pids => {
                let number = |name| number(&part.folder.join(name));
                let most = number("memory.limit_in_bytes").unwrap_or(u64::MAX);
                let peaks = ["memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes"];
                // Each core keeps some pages in hand.
                peaks.into_iter().filter_map(number).any(|peak| peak >= most - most / 16)
            }
        };
        Some(Kills { count, by_own_limit, file })
    }

    /// Whether a process could not be made for the limit.
    pub(crate) fn has_refused_processes(&self) -> bool {
        self.parts
            .iter()
            .filter(|part| part.has_pids)
            .filter_map(|part| fs::read_to_string(part.folder.join("pids.events")).ok())
            .any(|text| value(&text, "max").is_some_and(|n| n > 0))
    }

    /// From now on no process can be made, so that all of them can be killed
    /// however fast they were at it.
    pub(crate) fn stop_forks(&self) {
        for part in self.parts.iter().filter(|part| part.has_pids) {
            // If it fails, the sweep takes longer.
            let _ = set(&part.folder.join("pids.max"), "0");
        }
    }
}

impl Part {
    fn make(own: &Own, limits: &Limits, name: &str) -> Option<Part> {
        for parent in own.folder.ancestors() {
            if !parent.starts_with(&own.mount) {
                return None;
            }
            let folder = parent.join(name);
            // One of the same name is an earlier process's with our id.
            let _ = fs::remove_dir(&folder);
            if fs::create_dir(&folder).is_ok() {
                match Part::prepare(own.kind, folder.clone(), limits) {
                    Some(part) => {
                        remove_abandoned(parent, name);
                        return Some(part);
                    }
                    None => _ = fs::remove_dir(&folder),
                }
            }
            // In version 1 a group can do what its parent can. In version 2 a
            // group with processes has no controllers for its children, but its
            // parent has.
            if own.kind != Kind::Unified || !can_be_left(parent, limits) {
                return None;
            }
        }
        None
    }

    /// Sets the limits; none if there is no controller that we need.
    fn prepare(kind: Kind, folder: PathBuf, limits: &Limits) -> Option<Part> {
        let has_memory =
            kind.memory_limit().is_some_and(|file| hold(&folder.join(file), limits.memory));
        let has_pids = kind != Kind::Memory && hold(&folder.join("pids.max"), limits.processes);
        if !has_memory && !has_pids {
            return None;
        }
        if let (true, Some(bytes)) = (has_memory, limits.memory) {
            // What is swapped out is needed all the same. All of them end with
            // the first: what is left of a trial is worth nothing. Not every
            // kernel has these.
            let _ = match kind {
                Kind::Unified => set(&folder.join("memory.swap.max"), "0")
                    .and(set(&folder.join("memory.oom.group"), "1")),
                Kind::Memory | Kind::Pids => {
                    set(&folder.join("memory.memsw.limit_in_bytes"), &bytes.to_string())
                }
            };
        }
        Some(Part { kind, folder, has_memory, has_pids })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Refused while somebody is in it: then a later supervisor does it.
        let _ = remove(&self.folder);
    }
}

/// Sets a limit where the file for it exists; whether it holds.
fn hold(file: &Path, limit: Option<u64>) -> bool {
    match limit {
        Some(limit) => set(file, &limit.to_string()).is_ok(),
        None => file.exists(),
    }
}

/// Whether a trial outside of this group is held no less than in it.
fn can_be_left(group: &Path, limits: &Limits) -> bool {
    let read = |name: &str| fs::read_to_string(group.join(name)).unwrap_or_default();
    is_held_as_much(&read("memory.max"), limits.memory)
        && is_held_as_much(&read("memory.high"), limits.memory)
        && is_held_as_much(&read("pids.max"), limits.processes)
        && matches!(read("cpu.max").split_whitespace().next(), None | Some("max"))
        && read("cpuset.cpus").trim().is_empty()
}

fn is_held_as_much(theirs: &str, ours: Option<u64>) -> bool {
    match theirs.trim() {
        "" | "max" => true,
        theirs => theirs.parse().is_ok_and(|theirs: u64| ours.is_some_and(|ours| ours <= theirs)),
    }
}

/// Removes the groups that a supervisor left beside or above `own`; empty ones.
pub(crate) fn remove_left(own: &[Own], pid: u32) {
    for own in own {
        let parents = own.folder.ancestors().take_while(|parent| parent.starts_with(&own.mount));
        for parent in parents {
            let _ = remove(&parent.join(format!("{PREFIX}{pid}")));
        }
    }
}

/// Removes the empty groups of supervisors that are gone.
fn remove_abandoned(parent: &Path, own: &str) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if let Some(pid) = pid.and_then(|pid| pid.parse::<u32>().ok())
            && name != *own
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            let _ = remove(&entry.path());
        }
    }
}

/// Removes a group with those that the trial made in it.
fn remove(group: &Path) -> io::Result<()> {
    if fs::remove_dir(group).is_ok() {
        return Ok(());
    }
    for entry in fs::read_dir(group)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}

/// Anonymous and shared bytes in a `memory.stat`.
fn used(stat: &str, kind: Kind) -> u64 {
    let names = match kind {
        Kind::Unified => ["anon", "shmem"],
        Kind::Memory | Kind::Pids => ["total_rss", "total_shmem"],
    };
    names.iter().filter_map(|name| value(stat, name)).fold(0, u64::saturating_add)
}

/// The number behind a name in a file of the kernel's.
pub(crate) fn value(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// As [`fs::write`], but never makes a file.
fn set(path: &Path, text: &str) -> io::Result<()> {
    open(path)?.write_all(text.as_bytes())
}

fn open(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cached_files_are_no_memory_of_the_trial() {
        // Version 1 as Linux 6.18 says it, shortened; version 2 as documented.
        let first = "cache 900\nrss 1\nrss_huge 0\nshmem 2\ntotal_cache 52428800\n\
            total_rss 10485760\ntotal_rss_huge 8388608\ntotal_shmem 4096\ntotal_swap 0\n";
        assert_eq!(used(first, Kind::Memory), 10_485_760 + 4096);
        let second = "anon 10485760\nfile 52428800\nkernel 307200\nshmem 8192\n\
            file_mapped 4096\nanon_thp 2097152\n";
        assert_eq!(used(second, Kind::Unified), 10_485_760 + 8192);
    }

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let events = "low 0\nhigh 0\nmax 41\noom 1\noom_kill 3\noom_group_kill 1\n";
        assert_eq!(value(events, "oom"), Some(1));
        assert_eq!(value(events, "oom_kill"), Some(3));
        assert_eq!(value(events, "oom_ki"), None);
        let control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
        assert_eq!(value(control, "oom_kill"), Some(2));
    }

    fn group_with(files: &[(&str, &str)], kind: Kind) -> (tempfile::TempDir, Group) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let part =
            Part { kind, folder: folder.path().to_owned(), has_memory: true, has_pids: true };
        (folder, Group { parts: vec![part] })
    }

    #[test]
    fn our_limit_is_told_from_one_around_us() {
        // What the kernel writes in version 2 when the limit above was reached.
        let above = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\noom_group_kill 0\n";
        let ours = "low 0\nhigh 0\nmax 41\noom 1\noom_kill 3\noom_group_kill 1\n";
        let none = "low 0\nhigh 0\nmax 41\noom 0\noom_kill 0\noom_group_kill 0\n";
        let said = |events| {
            let (_folder, group) = group_with(&[("memory.events", events)], Kind::Unified);
            group.kills().map(|kills| (kills.count, kills.by_own_limit))
        };
        assert_eq!(said(above), Some((1, false)));
        assert_eq!(said(ours), Some((3, true)));
        assert_eq!(said(none), None);

        let control = ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        let said = |files: &[_]| {
            let (_folder, group) = group_with(files, Kind::Memory);
            group.kills().map(|kills| (kills.count, kills.by_own_limit))
        };
        let limit = ("memory.limit_in_bytes", "67108864\n");
        let peak = |peak| ("memory.max_usage_in_bytes", peak);
        assert_eq!(said(&[control, limit, peak("41943040\n")]), Some((2, false)));
        assert_eq!(said(&[control, limit, peak("67108864\n")]), Some((2, true)));
        assert_eq!(said(&[control]), Some((2, false)));
    }

    /// As Linux 6.18 says it in version 2.
    #[test]
    fn the_group_knows_the_cpu_time_of_all_that_were_in_it() {
        let stat = "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnice_usec 0\n";
        let (_folder, group) = group_with(&[("cpu.stat", stat)], Kind::Unified);
        assert_eq!(group.cpu_seconds(), Some(1.234_567));
        let (_folder, group) = group_with(&[("cpu.stat", stat)], Kind::Memory);
        assert_eq!(group.cpu_seconds(), None);
    }

    #[test]
    fn a_fork_that_was_refused_is_seen() {
        let refused = |events| {
            let (_folder, group) = group_with(&[("pids.events", events)], Kind::Unified);
            group.has_refused_processes()
        };
        assert!(!refused("max 0\n"));
        assert!(refused("max 17\n"));
    }

    /// As systemd lays it out, in version 2: a service with processes, in a
    /// slice that has controllers for its children.
    #[test]
    fn a_group_is_left_only_for_limits_that_are_no_wider() {
        let limits = Limits { memory: Some(2 << 30), processes: Some(100), ..Limits::default() };
        let left = |files: &[(&str, &str)]| {
            let (folder, _group) = group_with(files, Kind::Unified);
            can_be_left(folder.path(), &limits)
        };
        assert!(left(&[]));
        assert!(left(&[
            ("memory.max", "max\n"),
            ("pids.max", "4915\n"),
            ("cpu.max", "max 100000\n")
        ]));
        assert!(!left(&[("memory.max", "1073741824\n")]));
        assert!(!left(&[("pids.max", "99\n")]));
        assert!(!left(&[("cpu.max", "50000 100000\n")]));
        assert!(!left(&[("cpuset.cpus", "0-3\n")]));
    }

    #[test]
    fn a_part_that_was_refused_is_given_up() {
        let mut group = Group::default();
        for name in ["/no/a", "/no/b", "/no/c"] {
            group.parts.push(Part {
                kind: Kind::Pids,
                folder: name.into(),
                has_memory: false,
                has_pids: name == "/no/b",
            });
        }
        group.forget(&[1]);
        assert_eq!((group.parts.len(), group.has_pids()), (2, false));
    }

    proptest! {
        #[test]
        fn no_text_of_the_kernels_makes_it_panic(text in "[a-z_ 0-9\n-]{0,200}") {
            let _ = (used(&text, Kind::Unified), used(&text, Kind::Memory), value(&text, "oom"));
        }
    }
}
