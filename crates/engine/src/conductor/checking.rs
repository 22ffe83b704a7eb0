//! The checks of what would be kept.

use autoresearch_core::experiment::Check;
use autoresearch_core::session::Event;
use autoresearch_report::Stage;

use super::aside::Aside;
use super::{Conductor, activity};
use crate::error::EngineError;

impl Conductor<'_> {
    pub(super) fn check(&mut self, number: u64) -> Result<(), EngineError> {
        self.office.intend(Event::Checking { number })?;
        let Some((commit, hypothesis)) = self
            .office
            .state
            .current()
            .and_then(|e| Some((e.commit.clone()?, e.hypothesis.clone())))
        else {
            return Ok(());
        };
        let limit = self.office.config.checks.timeout;
        let activity = activity(number, Stage::Checking, limit, Some(hypothesis));
        let Conductor { bench, office, .. } = self;
        let stop = office.stop.clone();
        let mut aside = Aside::new(office, activity);
        let outcome = bench.check(number, &commit, &stop, &mut || aside.tick())?;
        aside.end()?;
        let is_over = matches!(outcome, Check::Passed | Check::Failed(_));
        self.office.note(Event::Checked { number, outcome });
        if is_over { Ok(()) } else { self.office.flush() }
    }
}
