//! Whether a trial has used its budget of CPU time or of steps.

use std::time::Duration;

use autoresearch_core::budget::Quota;
use autoresearch_core::trial::Exit;

use crate::{Job, RunError};

/// CPU time is not looked at more often than that.
const SOONEST_LOOK: Duration = Duration::from_millis(10);

/// A trial's quota, until it is reached and after.
#[derive(Debug)]
pub(crate) struct QuotaWatch {
    quota: Option<Quota>,
    allowance: Duration,
    /// CPUs that the trial can use at the same time.
    cpus: u32,
    is_reached: bool,
}

impl QuotaWatch {
    /// Of a job; one without a quota never reaches it.
    ///
    /// # Errors
    /// When the allowance is negative or not a number.
    pub(crate) fn of(job: &Job) -> Result<QuotaWatch, RunError> {
        let cpus = match job.cpus.len() {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        Ok(QuotaWatch {
            quota: job.quota.clone(),
            allowance: job.allowance()?,
            cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
            is_reached: false,
        })
    }

    /// How the trial ended if it is ended at its deadline now.
    pub(crate) fn exit(&self) -> Exit {
        match &self.quota {
            Some(quota) if self.is_reached => Exit::Budget(quota.to_string()),
            _ => Exit::Deadline,
        }
    }

    /// The time that is left to a trial which has just reached its quota of
    /// steps; said once.
    pub(crate) fn is_reached_by(&mut self, done: Option<u64>) -> Option<Duration> {
        let reached = matches!((&self.quota, done), (Some(Quota::Steps { steps, .. }), Some(done)) if done >= *steps);
        self.reach(reached)
    }

    /// Whether CPU time has to be looked at.
    pub(crate) fn counts_cpu(&self) -> bool {
        matches!(self.quota, Some(Quota::Cpu(_))) && !self.is_reached
    }

    /// As [`QuotaWatch::is_reached_by`], of CPU time.
    pub(crate) fn is_reached_by_cpu(&mut self, seconds: f64) -> Option<Duration> {
        let reached =
            matches!(&self.quota, Some(Quota::Cpu(most)) if seconds >= most.as_secs_f64());
        self.reach(reached)
    }

    /// When to look at CPU time again: it cannot be used up sooner.
    pub(crate) fn next_look(&self, seconds: f64) -> Duration {
        let Some(Quota::Cpu(most)) = &self.quota else { return Duration::MAX };
        let used = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        (most.saturating_sub(used) / self.cpus).max(SOONEST_LOOK)
    }

    fn reach(&mut self, reached: bool) -> Option<Duration> {
        let is_new = reached && !self.is_reached;
        self.is_reached |= reached;
        is_new.then_some(self.allowance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(quota: Option<Quota>) -> QuotaWatch {
        QuotaWatch { quota, allowance: Duration::from_secs(7), cpus: 4, is_reached: false }
    }

    #[test]
    fn a_quota_is_reached_once_and_named() {
        let quota = Quota::Steps { steps: 10, pattern: "(x)".into() };
        let mut steps = watch(Some(quota));
        assert_eq!((steps.is_reached_by(None), steps.is_reached_by(Some(9))), (None, None));
        assert_eq!(steps.exit(), Exit::Deadline);
        assert_eq!(steps.is_reached_by_cpu(1e9), None);
        assert_eq!(steps.is_reached_by(Some(12)), Some(Duration::from_secs(7)));
        assert_eq!(steps.is_reached_by(Some(13)), None);
        assert_eq!(steps.exit(), Exit::Budget("10 steps".into()));
        assert_eq!(watch(None).is_reached_by(Some(u64::MAX)), None);
    }

    #[test]
    fn cpu_time_is_looked_at_as_late_as_it_can_be() {
        let mut cpu = watch(Some(Quota::Cpu(Duration::from_secs(8))));
        assert_eq!(cpu.next_look(0.0), Duration::from_secs(2));
        assert_eq!(cpu.next_look(7.999), SOONEST_LOOK);
        assert_eq!(cpu.is_reached_by_cpu(7.999), None);
        assert!(cpu.is_reached_by_cpu(8.0).is_some());
        assert!(!cpu.counts_cpu());
    }
}
