//! Which CPUs there are, which of them a trial is held to, and holding it.

use std::fs;

use crate::RunError;

/// The CPUs that this process may use, by number; none where the system does
/// not tell (other than Linux).
pub fn allowed() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    if let Ok(set) = rustix::thread::sched_getaffinity(None) {
        return (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect();
    }
    Vec::new()
}

/// Why a trial cannot have as many CPUs as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{threads} threads a run need as many CPUs, and there are {there}")]
pub struct NotEnough {
    /// Threads of one trial.
    pub threads: usize,
    /// CPUs that there are for it.
    pub there: usize,
}

/// The CPUs of `threads` threads of trials in a slot, counted from 0. Slots
/// share none. Whole cores come first: their second threads are given out when
/// no core is left, since two threads of a core slow one another down. None are
/// chosen where the system does not tell which there are.
///
/// # Errors
/// When there are not as many.
pub fn of_slot(slot: usize, threads: usize) -> Result<Vec<usize>, NotEnough> {
    let allowed = allowed();
    if allowed.is_empty() {
        return Ok(Vec::new());
    }
    let siblings = |cpu: usize| {
        let file = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        fs::read_to_string(file).map(|text| listed(&text)).unwrap_or_default()
    };
    share(&cores_first(&allowed, siblings), slot, threads)
}

fn share(cpus: &[usize], slot: usize, threads: usize) -> Result<Vec<usize>, NotEnough> {
    let from = slot.saturating_mul(threads);
    let mine = cpus.get(from..from.saturating_add(threads));
    mine.map(<[usize]>::to_vec).ok_or(NotEnough { threads, there: cpus.len().saturating_sub(from) })
}

/// The first thread of every core, then the second of every core, and so on.
fn cores_first(allowed: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    // Which thread of its core a CPU is, among those that may be used.
    let rank = |cpu: usize| {
        siblings(cpu).iter().filter(|other| **other < cpu && allowed.contains(other)).count()
    };
    let mut ranked: Vec<(usize, usize)> = allowed.iter().map(|cpu| (rank(*cpu), *cpu)).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, cpu)| cpu).collect()
}

/// The numbers in a list of the kernel's, as `0-3,8`.
fn listed(text: &str) -> Vec<usize> {
    /// No machine has more; a range of rubbish could.
    const MOST: usize = 1 << 16;
    text.trim()
        .split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let last: usize = last.trim().parse().ok()?;
            Some(first.trim().parse().ok()?..=last.min(MOST))
        })
        .flatten()
        .collect()
}

/// Does something that starts processes, which are held to these CPUs; this
/// process is again where it was, afterwards. It must have a single thread.
///
/// # Errors
/// When the CPUs cannot be used, as one that was switched off since.
pub(crate) fn held_to<T>(cpus: &[usize], start: impl FnOnce() -> T) -> Result<T, RunError> {
    #[cfg(target_os = "linux")]
    if !cpus.is_empty() {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let failed = |error: rustix::io::Errno| RunError::BadJob {
            why: format!(
                "it is to be held to the CPUs {cpus:?}: {error}; see `nproc` for what there is, and `run.threads`"
            ),
        };
        let before = sched_getaffinity(None).map_err(failed)?;
        let mut wanted = CpuSet::new();
        cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| wanted.set(*cpu));
        sched_setaffinity(None, &wanted).map_err(failed)?;
        let started = start();
        // What it was before is still allowed, or something else is by now.
        let _ = sched_setaffinity(None, &before);
        return Ok(started);
    }
    let _ = cpus;
    Ok(start())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Four cores of two threads, numbered as Intel's on Linux.
    fn intel(cpu: usize) -> Vec<usize> {
        vec![cpu % 4, cpu % 4 + 4]
    }

    /// The same, numbered as on many AMD and virtual machines.
    fn pairs(cpu: usize) -> Vec<usize> {
        vec![cpu / 2 * 2, cpu / 2 * 2 + 1]
    }

    #[test]
    fn a_slot_gets_cores_of_its_own_before_it_shares_one() {
        let all: Vec<usize> = (0..8).collect();
        let cpus = cores_first(&all, intel);
        assert_eq!(share(&cpus, 0, 4), Ok(vec![0, 1, 2, 3]));
        assert_eq!(share(&cpus, 1, 2), Ok(vec![2, 3]));
        assert_eq!(share(&cpus, 2, 2), Ok(vec![4, 5]));
        let cpus = cores_first(&all, pairs);
        assert_eq!(share(&cpus, 0, 4), Ok(vec![0, 2, 4, 6]));
        assert_eq!(share(&cpus, 1, 4), Ok(vec![1, 3, 5, 7]));
        // A part of the machine; and one that tells nothing of its cores.
        assert_eq!(cores_first(&[1, 2, 3], pairs), [1, 2, 3]);
        assert_eq!(cores_first(&[5, 2], |_| Vec::new()), [2, 5]);
    }

    #[test]
    fn more_threads_than_cpus_are_refused() {
        let error = share(&[0, 1], 0, 3).unwrap_err();
        assert_eq!(error.to_string(), "3 threads a run need as many CPUs, and there are 2");
        assert_eq!(share(&[0, 1, 2], 1, 2), Err(NotEnough { threads: 2, there: 1 }));
        assert_eq!(share(&[0], usize::MAX, 2), Err(NotEnough { threads: 2, there: 0 }));
    }

    #[test]
    fn a_list_of_the_kernels_is_read() {
        assert_eq!(listed("0-2,8\n"), [0, 1, 2, 8]);
        assert_eq!(listed("3"), [3]);
        assert_eq!(listed(""), Vec::<usize>::new());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_a_cpu_for_one_thread() {
        let cpus = of_slot(0, 1).unwrap();
        assert!(cpus.len() == 1 && allowed().contains(&cpus[0]));
        assert!(of_slot(0, allowed().len() + 1).is_err());
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(text in "[0-9,\\- x]{0,30}") {
            let _ = listed(&text);
        }
    }
}
