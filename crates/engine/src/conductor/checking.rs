//! The checks of what would be kept.

use std::time::Instant;

use autoresearch_core::experiment::Check;
use autoresearch_core::session::Event;
use autoresearch_report::Stage;

use super::running::heed;
use super::{Conductor, activity};
use crate::error::EngineError;
use crate::news::News;

impl Conductor<'_> {
    pub(super) fn check(&mut self, number: u64) -> Result<(), EngineError> {
        self.intend(Event::Checking { number })?;
        let Some((commit, hypothesis)) =
            self.state.current().and_then(|e| Some((e.commit.clone()?, e.hypothesis.clone())))
        else {
            return Ok(());
        };
        let limit = self.config.checks.timeout;
        let mut activity = activity(number, Stage::Checking, limit, Some(hypothesis));
        let began = Instant::now();
        let (observer, journal, stop) = (&mut *self.observer, &self.journal, &self.stop);
        let progress = &self.progress;
        let outcome = self.bench.check(number, &commit, stop, &mut || {
            activity.elapsed = began.elapsed();
            observer.tell(&News::Working { activity: &activity, progress });
            heed(journal, stop);
        })?;
        let is_over = matches!(outcome, Check::Passed | Check::Failed(_));
        self.note(Event::Checked { number, outcome });
        if is_over { Ok(()) } else { self.flush() }
    }
}
