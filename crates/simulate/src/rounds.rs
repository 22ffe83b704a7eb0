//! Several candidates at once: a round of changes of the same incumbent, each
//! judged, and what becomes of the winners.

use crate::world::{Outcome, Session, Version};

/// Candidates that run at once, and what becomes of the winners among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Candidates of a round, at least 1.
    pub count: u64,
    /// Which winners land.
    pub landing: Landing,
}

/// Which winners of a round land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Landing {
    /// Only the one that measured best.
    Best,
    /// All together: their stack is judged like a candidate, and lands as a
    /// whole; if it fails, the one that measured best lands. A stack of one has
    /// been judged already.
    Stack,
}

impl Landing {
    /// Both.
    pub const ALL: [Landing; 2] = [Landing::Best, Landing::Stack];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Landing::Best => "best of a round",
            Landing::Stack => "winners stacked",
        }
    }
}

impl Default for Slots {
    fn default() -> Slots {
        Slots { count: 1, landing: Landing::Best }
    }
}

/// Candidates that run at once, and what the session has seen before them.
pub(crate) struct Round<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) candidates: &'a [Version],
    pub(crate) incumbent: &'a Version,
    /// Runs of the baseline.
    pub(crate) baseline: &'a [f64],
    /// What the incumbent is taken for.
    pub(crate) best: f64,
    /// What every incumbent was taken for, the baseline's value first.
    pub(crate) kept: &'a [f64],
}

/// A rule for rounds: runs candidates, and says what each is taken for if it is
/// to be kept.
pub(crate) trait Judge {
    fn judge(&mut self, round: &mut Round<'_>) -> Vec<Option<f64>>;
}

/// Plays a session in rounds, after so many runs of the baseline.
pub(crate) fn rounds(
    mut session: Session,
    slots: Slots,
    baselines: u32,
    mut judge: impl Judge,
) -> Outcome {
    let mut incumbent = session.baseline();
    let baseline: Vec<f64> =
        (0..baselines).map_while(|_| session.may_run().then(|| session.run(&incumbent))).collect();
    let start = mean(&baseline);
    let mut kept = vec![start];
    let mut best = start;
    while session.may_run() {
        let candidates: Vec<Version> =
            (0..slots.count).map(|_| session.change(&incumbent)).collect();
        let mut round = Round {
            session: &mut session,
            candidates: &candidates,
            incumbent: &incumbent,
            baseline: &baseline,
            best,
            kept: &kept,
        };
        let values = judge.judge(&mut round);
        let winners: Vec<(f64, &Version)> = values
            .into_iter()
            .zip(&candidates)
            .filter_map(|(value, candidate)| Some((value?, candidate)))
            .collect();
        let Some(&(mut value, first)) = winners.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
            continue;
        };
        let mut landed = *first;
        let mut changes = vec![*first];
        if slots.landing == Landing::Stack && winners.len() > 1 && round.session.may_run() {
            let all: Vec<Version> = winners.iter().map(|(_, version)| **version).collect();
            let stack = round.session.stack(&incumbent, &all);
            let mut alone = Round { candidates: &[stack], ..round };
            if let [Some(stacked)] = judge.judge(&mut alone)[..] {
                (value, landed, changes) = (stacked, stack, all);
            }
        }
        for change in &changes {
            session.keep(change);
        }
        (best, incumbent) = (value, landed);
        kept.push(best);
    }
    session.outcome(best - start)
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
