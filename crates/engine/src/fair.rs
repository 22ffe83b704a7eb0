//! What makes the runs of a session comparable: the CPUs that they are held to,
//! what libraries are told of them, and what was seen of the machine meanwhile.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use autoresearch_config::Config;
use autoresearch_core::budget::Quota;
use autoresearch_core::conditions::GpuConditions;
use autoresearch_core::platform::Device;
use autoresearch_core::trial::{Crash, CrashKind};
use autoresearch_core::units::human_duration;
use autoresearch_run::{cpus, platform};

use crate::error::EngineError;
use crate::wrap;

/// The one slot that there is.
const SLOT: usize = 0;

/// Variables by which libraries learn how many threads to start: `OpenMP` (and
/// with it `torch`), MKL, `OpenBLAS`, BLIS, `numexpr`, Apple's Accelerate,
/// `rayon`, `polars`, `numba`, `tensorflow`, Julia and Go.
const THREADS: [&str; 12] = [
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "JULIA_NUM_THREADS",
    "GOMAXPROCS",
];

/// Looks at GPUs: the first, and the longest time between two.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const RAREST_LOOK: Duration = Duration::from_mins(1);

/// Checks that runs can be held and counted as the configuration demands.
pub(crate) fn check(config: &Config) -> Result<(), EngineError> {
    if matches!(config.budget.quota(), Some(Quota::Cpu(_))) {
        if wrap::is_container(config) {
            return Err(EngineError::UncountedCpu("in a container (`run.wrap`)"));
        }
        if !cfg!(target_os = "linux") {
            return Err(EngineError::UncountedCpu("on this system, only on Linux"));
        }
    }
    cpus(config).map(drop)
}

/// The CPUs that runs are held to; none are all.
pub(crate) fn cpus(config: &Config) -> Result<Vec<usize>, EngineError> {
    let Some(threads) = config.run.threads else { return Ok(Vec::new()) };
    Ok(cpus::of_slot(SLOT, usize::try_from(threads).unwrap_or(usize::MAX))?)
}

/// What a run is told of its CPUs and of its budget. `run.env` goes on top.
pub(crate) fn variables(config: &Config) -> BTreeMap<String, String> {
    let threads = config.run.threads.iter().flat_map(|threads| {
        THREADS.into_iter().map(move |name| (name.to_owned(), threads.to_string()))
    });
    let quota = config.budget.quota().map(|quota| match quota {
        Quota::Cpu(cpu) => {
            ("AUTORESEARCH_BUDGET_CPU_SECONDS".to_owned(), cpu.as_secs_f64().to_string())
        }
        Quota::Steps { steps, .. } => ("AUTORESEARCH_BUDGET_STEPS".to_owned(), steps.to_string()),
    });
    threads.chain(quota).collect()
}

/// What becomes of a run that had not used its quota after `limit`.
pub(crate) fn hung(quota: &Quota, limit: Duration) -> Crash {
    let reason = format!(
        "still running after {}, before it had used its {quota}; raise `wall` in `budget` if it does not hang",
        human_duration(limit)
    );
    Crash { kind: CrashKind::Timeout, reason }
}

/// Looks at the GPUs while a run goes on, from a thread of its own, since the
/// driver may take seconds to answer. Does nothing where there are none.
pub(crate) struct GpuWatch {
    looks: Arc<Mutex<Vec<Vec<GpuConditions>>>>,
    /// Its end is the watch's.
    _until: Option<Sender<()>>,
}

impl GpuWatch {
    pub(crate) fn begin() -> GpuWatch {
        let looks = Arc::default();
        if platform::machine().device != Device::Cuda {
            return GpuWatch { looks, _until: None };
        }
        let (until, ended) = channel::<()>();
        let seen = Arc::clone(&looks);
        std::thread::spawn(move || {
            let mut pause = FIRST_LOOK;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let now = platform::gpus_now();
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(now);
                pause = (pause * 2).min(RAREST_LOOK);
            }
        });
        GpuWatch { looks, _until: Some(until) }
    }

    /// What was seen, without waiting for an answer that has not come.
    pub(crate) fn end(self) -> Vec<GpuConditions> {
        together(&self.looks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The mean of the frequencies, and everything that ever slowed it down, of each
/// GPU.
fn together(looks: &[Vec<GpuConditions>]) -> Vec<GpuConditions> {
    let count = looks.iter().map(Vec::len).max().unwrap_or(0);
    let of = |n: usize| {
        let all: Vec<&GpuConditions> = looks.iter().filter_map(|look| look.get(n)).collect();
        let known: Vec<f64> = all.iter().filter_map(|gpu| gpu.mhz).collect();
        let mut throttled: Vec<String> =
            all.iter().flat_map(|gpu| gpu.throttled.iter().cloned()).collect();
        throttled.sort();
        throttled.dedup();
        let mhz = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        GpuConditions { mhz, throttled }
    };
    (0..count).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(mhz: Option<f64>, throttled: &[&str]) -> GpuConditions {
        GpuConditions { mhz, throttled: throttled.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn looks_at_gpus_become_one() {
        let looks = [
            vec![gpu(Some(1980.0), &[]), gpu(None, &[])],
            vec![],
            vec![gpu(Some(1380.0), &["thermal slowdown"]), gpu(None, &[])],
            vec![gpu(None, &["power cap"])],
        ];
        let expected = vec![gpu(Some(1680.0), &["power cap", "thermal slowdown"]), gpu(None, &[])];
        assert_eq!(together(&looks), expected);
        assert_eq!(together(&[]), []);
    }
}
