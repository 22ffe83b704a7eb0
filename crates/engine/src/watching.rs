//! A running trial, watched by its learning curve.

use autoresearch_core::curve::{Curve, Point};
use autoresearch_core::session::Watch;
use autoresearch_core::stopping::Hopeless;
use autoresearch_core::trial::{Exit, Trial};

/// Hears a run's points as they come, and says when it is hopeless.
pub(crate) struct Watcher {
    watch: Watch,
    curve: Curve,
    hopeless: Option<Hopeless>,
}

impl Watcher {
    pub(crate) fn new(watch: Watch) -> Watcher {
        Watcher { watch, curve: Curve::default(), hopeless: None }
    }

    /// Takes in new points; whether the run is to be ended now.
    pub(crate) fn hear(&mut self, points: Vec<Point>) -> bool {
        if points.is_empty() || self.hopeless.is_some() {
            return false;
        }
        for point in points {
            self.curve.push(point);
        }
        self.hopeless = self.watch.hopeless(&self.curve);
        self.hopeless.is_some() && !self.watch.is_spared()
    }

    /// Says in the finished trial what was seen.
    pub(crate) fn tell(self, trial: &mut Trial) {
        // An interruption that was not ours says nothing about the candidate.
        if trial.exit == Exit::Interrupted && self.hopeless.is_some() && !self.watch.is_spared() {
            trial.exit = Exit::Hopeless;
        }
        trial.hopeless = self.hopeless.filter(|_| !trial.is_interrupted());
    }
}
