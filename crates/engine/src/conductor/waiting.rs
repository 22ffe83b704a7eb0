//! A session with the queue alone waits for people, and for agents that drive
//! it from outside, rather than end when nothing is queued.

use std::time::{Duration, Instant};

use autoresearch_core::session::Action;
use autoresearch_core::units::human_duration;

use super::Office;
use crate::error::EngineError;
use crate::news::News;
use crate::stop::Urgency;

/// How often the inbox is read: one indexed query of an empty table.
const LOOK: Duration = Duration::from_millis(50);

impl Office<'_> {
    /// Waits until something can be done: a hypothesis came, or somebody asked
    /// for a stop. `false` when nobody waits here, or nothing came in time.
    pub(super) fn wait_for_hypothesis(&mut self) -> Result<bool, EngineError> {
        let longest = self.waits;
        if longest.is_zero() {
            return Ok(false);
        }
        // Whoever waits for a verdict reads it in the journal.
        self.flush()?;
        let plan = self.state.plan();
        let of_session =
            plan.and_then(|plan| plan.stop_after_seconds).map_or(Duration::MAX, |all| {
                Duration::try_from_secs_f64(all)
                    .unwrap_or_default()
                    .saturating_sub(self.state.active())
            });
        let longest = longest.min(of_session);
        let what = format!("waits for a hypothesis, at most {}", human_duration(longest));
        self.observer.tell(&News::Note(what));
        let began = Instant::now();
        while began.elapsed() < longest {
            self.read_inbox()?;
            let has_nothing =
                matches!(self.state.next(), Some(Action::Propose { queued: None, .. }));
            if !has_nothing || self.stop.urgency() > Urgency::None {
                return Ok(true);
            }
            std::thread::sleep(LOOK);
        }
        Ok(false)
    }
}
