//! The processes below one another, from `/proc`: who they are, what memory
//! they hold, and how all of them end. Where there is no `/proc` (macOS) nobody
//! is found, and the process group is all that can be killed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::RunError;

/// How long killed processes may take to vanish. Freeing the memory of a GPU
/// takes seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// All processes below `root` that still run.
pub(crate) fn living_below(root: Pid) -> Vec<Pid> {
    let mut all = below(root);
    all.retain(|pid| is_alive(*pid));
    all
}

/// Direct children of `parent`, ended ones that were not waited for included.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    if !kernel_lists_children() {
        return children_by_parent().remove(&parent).unwrap_or_default();
    }
    let Ok(threads) = fs::read_dir(format!("/proc/{}/task", parent.as_raw_pid())) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(pid).collect::<Vec<_>>())
        .collect()
}

/// Ends every process that `find` shows, until it shows none that runs: stops
/// them first, each at the moment that it is seen, so that none can start
/// another behind our back. `pause` waits for a moment and reaps what is ours.
/// Returns how many there were.
///
/// # Errors
/// When some do not end in time.
pub(crate) fn end_all(
    mut find: impl FnMut(&mut dyn FnMut(Pid)),
    mut pause: impl FnMut(),
    patience: Duration,
) -> Result<u32, RunError> {
    let started = Instant::now();
    let mut ended = HashSet::new();
    loop {
        let mut stopped = HashSet::new();
        loop {
            let known = stopped.len();
            find(&mut |pid| {
                if !stopped.contains(&pid) {
                    // Fails for one that has ended since, or is another user's.
                    let _ = kill_process(pid, Signal::STOP);
                    if is_alive(pid) {
                        stopped.insert(pid);
                    }
                }
            });
            if stopped.len() == known || started.elapsed() > patience {
                break;
            }
        }
        if stopped.is_empty() {
            return Ok(u32::try_from(ended.len()).unwrap_or(u32::MAX));
        }
        if started.elapsed() > patience {
            let pids = stopped.into_iter().map(Pid::as_raw_pid).collect();
            return Err(RunError::Unkillable { pids });
        }
        for pid in &stopped {
            let _ = kill_process(*pid, Signal::KILL);
        }
        ended.extend(stopped);
        pause();
    }
}

/// What processes use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Bytes that they hold for themselves: anonymous and shared pages, without
    /// files that the system could drop. What several share counts for each.
    pub(crate) memory: u64,
    /// Threads of those that run.
    pub(crate) threads: u64,
}

/// What processes use, as quickly as it can be found out.
pub(crate) fn used(pids: &[Pid]) -> Used {
    pids.iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid())).ok())
        .map(|status| used_in(&status))
        .fold(Used::default(), |sum, one| Used {
            memory: sum.memory.saturating_add(one.memory),
            threads: sum.threads.saturating_add(one.threads),
        })
}

fn used_in(status: &str) -> Used {
    let mut used = Used::default();
    let mut has_ended = false;
    for line in status.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name {
            "State" => has_ended = value.trim_start().starts_with(['Z', 'X']),
            "RssAnon" | "RssShmem" => used.memory = used.memory.saturating_add(bytes(value)),
            "Threads" => used.threads = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    if has_ended { Used::default() } else { used }
}

/// CPU seconds, user and system, that processes and those of their children
/// that they waited for have used.
pub(crate) fn cpu_seconds(pids: &[Pid]) -> f64 {
    let stats =
        pids.iter().filter_map(|pid| fs::read(format!("/proc/{}/stat", pid.as_raw_pid())).ok());
    let ticks: u64 = stats.filter_map(|stat| ticks_in(&String::from_utf8_lossy(&stat))).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// `utime`, `stime`, `cutime` and `cstime`, fields 14 to 17 of `proc(5)`.
fn ticks_in(stat: &str) -> Option<u64> {
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    // The first behind the name is field 3.
    let ticks = fields.skip(11).take(4).map(|field| field.parse::<u64>().unwrap_or(0));
    Some(ticks.fold(0, u64::saturating_add))
}

/// As [`Used::memory`], with what several processes share in equal parts: the
/// sum is exact. Takes 30 ms for a gigabyte.
pub(crate) fn exact_memory(pids: &[Pid]) -> u64 {
    pids.iter()
        .map(|pid| {
            let proc = format!("/proc/{}", pid.as_raw_pid());
            // A program may refuse: then the other count is all there is.
            fs::read_to_string(format!("{proc}/smaps_rollup"))
                .ok()
                .and_then(|text| proportional(&text))
                .unwrap_or_else(|| used(&[*pid]).memory)
        })
        .fold(0, u64::saturating_add)
}

fn proportional(rollup: &str) -> Option<u64> {
    let value = |name: &str| rollup.lines().find_map(|line| line.strip_prefix(name)).map(bytes);
    // The parts are known since Linux 5.4.
    match (value("Pss_Anon:"), value("Pss_Shmem:")) {
        (Some(anonymous), Some(shared)) => Some(anonymous.saturating_add(shared)),
        _ => value("Pss:"),
    }
}

/// Of a value in `/proc`, as `   120 kB`; 0 if it is none.
fn bytes(value: &str) -> u64 {
    let kib = value.trim().strip_suffix("kB").and_then(|value| value.trim().parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

/// Every process that `/proc` shows.
pub(crate) fn everybody() -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| pid(entry.file_name().to_str()?)).collect()
}

/// All processes below `root`, ended ones included.
pub(crate) fn below(root: Pid) -> Vec<Pid> {
    let mut all = Vec::new();
    visit_below(root, &mut |pid| all.push(pid));
    all
}

/// Shows all processes below `root` to `visit`, ended ones included, each before
/// its children are looked for.
pub(crate) fn visit_below(root: Pid, visit: &mut dyn FnMut(Pid)) {
    let mut families = if kernel_lists_children() { HashMap::new() } else { children_by_parent() };
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let found = if kernel_lists_children() {
            children(parent)
        } else {
            families.remove(&parent).unwrap_or_default()
        };
        for pid in &found {
            visit(*pid);
        }
        parents.extend(found);
    }
}

/// Whether the kernel has `CONFIG_PROC_CHILDREN`, as distributions' kernels do.
fn kernel_lists_children() -> bool {
    static LISTS: OnceLock<bool> = OnceLock::new();
    *LISTS.get_or_init(|| Path::new("/proc/thread-self/children").exists())
}

/// Slow where many processes run: reads the parent of each.
fn children_by_parent() -> HashMap<Pid, Vec<Pid>> {
    let mut families: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for pid in everybody() {
        if let Some((_, Some(parent))) = state_and_parent(pid) {
            families.entry(parent).or_default().push(pid);
        }
    }
    families
}

fn is_alive(pid: Pid) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// Whether `/proc` shows a process that has ended, and that nobody has waited for.
pub(crate) fn has_ended(pid: Pid) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| matches!(state, 'Z' | 'X'))
}

fn state_and_parent(of: Pid) -> Option<(char, Option<Pid>)> {
    let stat = fs::read(format!("/proc/{}/stat", of.as_raw_pid())).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name before it is in parentheses and may hold any.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next().and_then(pid)))
}

fn pid(text: &str) -> Option<Pid> {
    text.parse().ok().filter(|raw| *raw > 0).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn anonymous_and_shared_memory_count_and_files_do_not() {
        let status = "Name:\tx\nState:\tS (sleeping)\nRssAnon:\t     100 kB\nRssFile:\t 9000 kB\nRssShmem:\t   20 kB\nThreads:\t3\n";
        assert_eq!(used_in(status), Used { memory: 120 * 1024, threads: 3 });
        assert_eq!(used_in(&status.replace("S (s", "Z (z")), Used::default());
        assert_eq!(used_in("RssAnon: rubbish\nThreads:\n"), Used::default());
    }

    #[test]
    fn cpu_time_is_read_behind_a_name_that_holds_anything() {
        // As Linux 6.18 says it, but for the name.
        let stat = "101 (a) b (c)) S 1 101 101 34817 101 4194304 500 7 0 0 12 3 40 5 20 0 1 0";
        assert_eq!(ticks_in(stat), Some(60));
        assert_eq!(ticks_in("101 (a) S 1"), Some(0));
        assert_eq!(ticks_in("rubbish"), None);
    }

    #[test]
    fn what_processes_share_counts_in_parts() {
        let rollup = "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:     9000 kB\nPss:     5000 kB\nPss_Dirty:   1 kB\nPss_Anon:    3000 kB\nPss_File:    1000 kB\nPss_Shmem:   1000 kB\n";
        assert_eq!(proportional(rollup), Some(4000 * 1024));
        assert_eq!(proportional("Rss: 9 kB\nPss:  5 kB\n"), Some(5 * 1024));
        assert_eq!(proportional(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn children_are_found_the_quick_way_and_the_slow_way() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let own = rustix::process::getpid();
        assert!(children(own).contains(&pid));
        assert!(children_by_parent()[&own].contains(&pid));
        assert!(living_below(own).contains(&pid));
        let ended = end_all(
            |visit| visit(pid),
            || {
                child.try_wait().unwrap();
            },
            PATIENCE,
        );
        assert_eq!(ended, Ok(1));
        assert!(!living_below(own).contains(&pid));
    }
}
