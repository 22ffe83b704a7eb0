//! Whether memory ran out: the kernel's counters, and what programs print.

use std::fs;
use std::path::{Path, PathBuf};

use regex::RegexSet;

use crate::limits::cgroup::value;
use crate::limits::hierarchy::{Kind, Own};

/// Lines by which a program says that it ran out of memory. Triton's
/// `OutOfResources: shared memory` and an exhausted `/dev/shm` are other things.
const SIGNATURES: &[&str] = &[
    r"^(.*[\s:.])?MemoryError\b",
    r"Unable to allocate .* for an array with shape",
    r"\[Errno 12\] Cannot allocate memory",
    r"std::bad_alloc",
    r"DefaultCPUAllocator: can't allocate memory",
    r"CUDA out of memory\. Tried to allocate",
    r"\btorch\.(cuda\.)?OutOfMemoryError",
    r"CUDA error: out of memory",
    r"CUDA ran out of memory outside PyTorch's allocator",
    r"CUBLAS_STATUS_ALLOC_FAILED",
    r"HIP out of memory",
    r"XPU out of memory",
    r"DataLoader worker \(pid(\(s\))? [\d, ]+\) is killed by signal: Killed",
    r"MPS backend out of memory",
    r"\[metal::malloc\] Attempting to allocate",
    r"RESOURCE_EXHAUSTED: Out of memory",
    r"OOM when allocating tensor with shape",
    r"CUDA_ERROR_OUT_OF_MEMORY",
    r"Out of memory allocating",
    r"\bOUT_OF_MEMORY\b",
    r"\boom[-_]kill event",
];

/// The last of `lines` that says that memory ran out, at most 400 characters.
pub(crate) fn signature(lines: &[String]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    // Cannot fail: the expressions are constant and tested. Compiled on the
    // spot, in a millisecond: once a trial, and only of one that failed.
    let signatures = RegexSet::new(SIGNATURES).ok()?;
    let line = lines.iter().rev().find(|line| signatures.is_match(line))?;
    Some(line.trim().chars().take(400).collect())
}

/// The kernel's counts of processes killed for memory, as they were.
pub(crate) struct Counters {
    /// Of our own control group: what it counts is in our own limits.
    group: Vec<(PathBuf, u64)>,
    /// Of the whole machine.
    machine: Option<u64>,
}

impl Counters {
    /// Reads them, `own` being our groups; those that do not exist are left out.
    pub(crate) fn now(own: &[Own]) -> Counters {
        let group = files(own)
            .into_iter()
            .filter_map(|path| Some((count(&path)?, path)))
            .map(|(count, path)| (path, count))
            .collect();
        Counters { group, machine: count(Path::new("/proc/vmstat")) }
    }

    /// What the kernel says of the time since `self`. The count of the whole
    /// machine is evidence only for a command that was killed, not by us.
    pub(crate) fn evidence(&self, was_killed: bool) -> Option<String> {
        let rise = |path: &Path, before: u64| {
            let kills = count(path)?.checked_sub(before).filter(|n| *n > 0)?;
            Some(killed(kills, path))
        };
        let machine = self.machine.filter(|_| was_killed);
        self.group
            .iter()
            .find_map(|(path, before)| rise(path, *before))
            .or_else(|| rise(Path::new("/proc/vmstat"), machine?))
    }
}

/// Where the counters of our own control groups lie.
fn files(own: &[Own]) -> Vec<PathBuf> {
    own.iter()
        .filter_map(|own| match own.kind {
            Kind::Unified => Some(own.folder.join("memory.events")),
            Kind::Memory => Some(own.folder.join("memory.oom_control")),
            Kind::Pids => None,
        })
        .collect()
}

/// The number behind `oom_kill` in a file of the kernel's.
fn count(path: &Path) -> Option<u64> {
    value(&fs::read_to_string(path).ok()?, "oom_kill")
}

/// The sentence for `kills` processes that `file` counts.
pub(crate) fn killed(kills: u64, file: &Path) -> String {
    let noun = if kills == 1 { "process" } else { "processes" };
    format!("the kernel killed {kills} {noun} for memory ({})", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> bool {
        signature(&[line.to_owned()]).is_some()
    }

    #[test]
    fn every_signature_is_a_regular_expression() {
        RegexSet::new(SIGNATURES).unwrap();
    }

    #[test]
    fn what_programs_print_when_memory_runs_out_is_known() {
        for line in [
            "MemoryError",
            "MemoryError: Unable to allocate 8.00 GiB",
            "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 74.5 GiB for an array with shape (100000, 100000) and data type float64",
            "OSError: [Errno 12] Cannot allocate memory",
            "terminate called after throwing an instance of 'std::bad_alloc'",
            "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 400000000000000 bytes.",
            "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.79 GiB total capacity)",
            "torch.OutOfMemoryError: CUDA out of memory.",
            "torch.cuda.OutOfMemoryError: ",
            "RuntimeError: CUDA error: out of memory",
            "CUDA ran out of memory outside PyTorch's allocator",
            "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "HIP out of memory. Tried to allocate 2.00 GiB",
            "XPU out of memory. Tried to allocate 2.00 GiB",
            "RuntimeError: DataLoader worker (pid 1234) is killed by signal: Killed. ",
            "RuntimeError: MPS backend out of memory (MPS allocated: 8.99 GB)",
            "[metal::malloc] Attempting to allocate 68719476736 bytes which is greater than the maximum allowed buffer size",
            "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 128 bytes.",
            "OOM when allocating tensor with shape[256,64,112,112]",
            "failed to allocate 2.2G: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
            "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,000,000 bytes (allocated so far: 0 bytes).",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=3.0",
            "slurmstepd: error: Detected 1 oom-kill event(s) in step 3.0 cgroup",
            "State: OUT_OF_MEMORY",
        ] {
            assert!(said(line), "{line}");
        }
    }

    #[test]
    fn what_only_sounds_like_it_is_not_out_of_memory() {
        for line in [
            "triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 180224, Hardware limit: 101376.",
            "triton.runtime.autotuner.OutOfResources: shared memory",
            "RuntimeError: DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory.",
            "val_bpb: 0.997",
            "peak_vram_mb: 45060.2",
            "def handle(error: SomeMemoryErrorish): ...",
        ] {
            assert!(!said(line), "{line}");
        }
    }

    #[test]
    fn the_last_match_wins() {
        let lines = ["MemoryError: first", "HIP out of memory", "exiting"].map(str::to_owned);
        assert_eq!(signature(&lines).as_deref(), Some("HIP out of memory"));
    }

    #[test]
    fn a_counter_that_did_not_move_is_no_evidence() {
        let counters = Counters { group: Vec::new(), machine: count(Path::new("/proc/vmstat")) };
        assert_eq!(counters.evidence(false), None);
        let counters = Counters { group: Vec::new(), machine: Some(u64::MAX) };
        assert_eq!(counters.evidence(true), None);
    }
}
