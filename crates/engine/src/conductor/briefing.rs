//! What the next proposer is told.

use autoresearch_core::session::Queued;
use autoresearch_propose::Brief;

use super::Conductor;
use crate::briefing::Known;

impl Conductor<'_> {
    /// A value of its own, which may go to another thread.
    pub(super) fn brief(&self, number: u64, queued: Option<&Queued>) -> Brief {
        let known = Known {
            config: &self.config,
            state: &self.state,
            targets: &self.targets,
            lasting: &self.lasting,
            memory: &self.memory,
            has_history: self.workplace.held_out.tracked.is_empty(),
        };
        known.brief(number, queued)
    }
}
