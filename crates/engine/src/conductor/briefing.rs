//! What the next proposer is told.

use autoresearch_core::session::Queued;
use autoresearch_propose::{Brief, Remembered};

use super::Office;
use crate::briefing::Known;

impl Office<'_> {
    /// What this proposer is told; a value of its own, which goes to its thread.
    pub(super) fn brief(&self, number: u64, queued: Option<&Queued>, proposer: &str) -> Brief {
        let recalled = match self.remembering.borrow_mut().as_mut() {
            Some(remembering) => remembering.recall(&self.state, queued),
            None => Remembered::default(),
        };
        let known = Known {
            config: &self.config,
            state: &self.state,
            targets: &self.targets,
            lasting: &self.lasting,
            memory: &self.memory,
            places: &self.places,
            proposer: Some(proposer),
            recalled,
        };
        known.brief(number, queued)
    }
}
