//! A comparison that somebody asked for: an experiment and the best in turn.

use autoresearch_core::session::{Action, Purpose, StopReason};

use super::Conductor;
use crate::bench::Order;
use crate::error::EngineError;
use crate::stop::Urgency;

/// Runs in a row that fail before it is given up.
const FAILURES: u32 = 3;

impl Conductor<'_> {
    /// Runs the experiment and the best under `more` seeds each, then rests as
    /// the session had rested. What was begun and not finished counts.
    pub(crate) fn compare(
        &mut self,
        against: u64,
        more: usize,
        rested: Option<StopReason>,
    ) -> Result<(), EngineError> {
        let rounds = self.office.state.rounds(against) + more;
        let mut failures = 0;
        while self.office.stop.urgency() == Urgency::None && failures < FAILURES {
            let Some((number, seed)) = self.office.state.next_run(against, rounds) else { break };
            let experiment =
                self.office.journal.experiment(number)?.ok_or(EngineError::NoExperiment(number))?;
            let commit = experiment.commit.as_ref().ok_or(EngineError::NoCommit(number))?;
            // The state does not know how often one ran that was never kept.
            let ran = experiment.reruns.last().map_or(0, |rerun| rerun.number);
            let ran = ran.max(experiment.trials.len() as u64).max(self.office.state.trials(number));
            let order = Order { number, trial: ran + 1, seed, commit };
            let is_measured = self.run_again(&order, Purpose::Verification)?;
            failures = if is_measured { 0 } else { failures + 1 };
        }
        let meant = match self.office.state.next() {
            Some(Action::Stop(reason)) => Some(reason),
            _ => None,
        };
        self.office.rest(rested.or(meant).unwrap_or(StopReason::Requested)).map(drop)
    }
}
