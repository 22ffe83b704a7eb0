//! What is possible at best, for one who knows the prior of effects, the noise
//! and the true value of the incumbent.

use autoresearch_core::judge::Boundary;

use crate::world::{Outcome, Session};

/// With the exact boundaries; without noise there are none, since one run tells
/// everything.
pub(crate) fn play(mut session: Session, boundary: Option<&Boundary>) -> Outcome {
    let mut incumbent = session.baseline();
    while session.may_run() {
        let candidate = session.change(&incumbent);
        let mut sum = 0.0;
        for runs in 1..=Boundary::RUNS {
            if !session.may_run() {
                break;
            }
            sum += session.run(&candidate);
            let difference = sum / runs as f64 - incumbent.value;
            let (drop, keep) =
                boundary.map_or((0.0, 0.0), |exact| (exact.drop(runs), exact.keep(runs)));
            if difference <= drop {
                break;
            }
            if difference >= keep {
                session.keep(&candidate);
                incumbent = candidate;
                break;
            }
        }
    }
    let outcome = session.outcome(0.0);
    Outcome { claimed: outcome.gain, ..outcome }
}
