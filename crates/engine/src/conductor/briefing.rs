//! What the next proposer is told.

use autoresearch_core::session::Queued;
use autoresearch_propose::Brief;

use super::Office;
use crate::briefing::Known;

impl Office<'_> {
    /// What this proposer is told; a value of its own, which goes to its thread.
    pub(super) fn brief(&self, number: u64, queued: Option<&Queued>, proposer: &str) -> Brief {
        let known = Known {
            config: &self.config,
            state: &self.state,
            targets: &self.targets,
            lasting: &self.lasting,
            memory: &self.memory,
            places: &self.places,
            proposer: Some(proposer),
        };
        known.brief(number, queued)
    }
}
