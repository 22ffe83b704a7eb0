//! A session as the report sees it: what was asked for, and what came of each
//! experiment, in order.

use crate::costs::Proposers;
use autoresearch_core::experiment::{Counts, Verdict};
use autoresearch_core::judge::{Noise, Rule};
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::Category;
use autoresearch_core::stopping::Tally;
use autoresearch_core::trial::CrashKind;
use autoresearch_core::trial::Protection;
use autoresearch_core::units::{Bytes, Timestamp};
use autoresearch_core::verification::Comparison;
use serde::{Deserialize, Serialize};

/// What was asked for, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its tag, such as `mar8`.
    pub tag: Option<String>,
    /// Its branch, such as `autoresearch/mar8`.
    pub branch: Option<String>,
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// The machine in words.
    pub platform: Option<String>,
    /// The files under experiment.
    pub targets: Vec<String>,
    /// The run command as typed.
    pub command: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When something last happened.
    pub ended: Option<Timestamp>,
    /// Time that one experiment has, in seconds.
    pub budget_seconds: Option<f64>,
    /// What a trial may use where that is not wall-clock time, as `1000 steps`.
    pub quota: Option<String>,
    /// How many experiments were asked for, the baseline apart; `None` is no
    /// limit.
    pub iterations_max: Option<u64>,
    /// Why it stopped, in words; `None` while it runs.
    pub stopped: Option<String>,
    /// How its last run was confined.
    #[serde(default)]
    pub protection: Option<Protection>,
    /// Experiments before which the environment had changed, with what changed
    /// (`torch 2.1 → 2.2`): results before and after do not compare.
    #[serde(default)]
    pub environment_changes: Vec<(u64, String)>,
    /// Baseline and best, measured again beside each other.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// Why they were not, in words that go on from "not measured again: ".
    #[serde(default)]
    pub not_compared: Option<String>,
    /// What early stopping did.
    #[serde(default)]
    pub stopped_early: Tally,
    /// What the metric's noise means; `None` where nobody knows.
    #[serde(default)]
    pub noise: Option<Noise>,
    /// Who proposed, and what came of it.
    #[serde(default)]
    pub proposers: Proposers,
}

impl Session {
    /// A session of which only the metric is known.
    pub fn new(metric: impl Into<String>, direction: Direction) -> Session {
        Session {
            tag: None,
            branch: None,
            metric: metric.into(),
            direction,
            platform: None,
            targets: Vec::new(),
            command: None,
            started: None,
            ended: None,
            budget_seconds: None,
            quota: None,
            iterations_max: None,
            stopped: None,
            protection: None,
            environment_changes: Vec::new(),
            comparison: None,
            not_compared: None,
            stopped_early: Tally::default(),
            noise: None,
            proposers: Vec::new(),
        }
    }
}

/// A settled experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its number; 0 is the baseline.
    pub number: u64,
    /// Its commit, whole or short.
    pub commit: Option<String>,
    /// The measured number; one that is not finite counts as absent.
    pub metric: Option<f64>,
    /// Highest memory.
    pub memory: Option<Bytes>,
    /// What became of it.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// What was tried, in one sentence.
    pub hypothesis: String,
    /// The grounds of the verdict in words.
    pub reason: Option<String>,
    /// What sort of change it was.
    pub category: Category,
    /// How much better than the incumbent, in units of the metric, positive
    /// when better. Worked out from the metrics when absent.
    pub gain: Option<f64>,
    /// How it failed.
    pub crash_kind: Option<CrashKind>,
    /// When it was settled, in seconds since the session began.
    pub at_seconds: Option<f64>,
    /// How long its trials took, in seconds.
    pub wall_seconds: Option<f64>,
    /// Lines of code of the targets with the change.
    pub code_lines: Option<u64>,
    /// What its proposer expected it to do to the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

impl Point {
    /// A point of which only the outcome is known, as a row of `results.tsv`
    /// tells it. The category is what the words of the hypothesis suggest.
    pub fn new(
        number: u64,
        verdict: Verdict,
        metric: Option<f64>,
        hypothesis: impl Into<String>,
    ) -> Point {
        let hypothesis = hypothesis.into();
        Point {
            number,
            commit: None,
            metric,
            memory: None,
            verdict,
            rule: None,
            category: Category::of(&hypothesis),
            hypothesis,
            reason: None,
            gain: None,
            crash_kind: None,
            at_seconds: None,
            wall_seconds: None,
            code_lines: None,
            expected: None,
        }
    }

    /// Whether it is the unmodified target.
    pub fn is_baseline(&self) -> bool {
        self.number == 0 || self.rule == Some(Rule::Baseline)
    }

    /// The metric, if it is a finite number and the experiment did not crash.
    pub fn value(&self) -> Option<f64> {
        self.metric.filter(|m| m.is_finite() && self.verdict != Verdict::Crash)
    }

    /// Whether it is too good to be true, so that a person should look at it
    /// before all else.
    pub fn is_suspect(&self) -> bool {
        self.rule == Some(Rule::Suspect)
    }

    /// Whether it was kept and is not the baseline.
    pub(crate) fn is_gain(&self) -> bool {
        self.verdict == Verdict::Keep && !self.is_baseline()
    }
}

/// A session with its settled experiments, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What was asked for.
    pub session: Session,
    /// What came of it; the baseline, where there is one, comes first.
    pub points: Vec<Point>,
}

/// The best that was kept; of equals the latest, which the branch is at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Number of the experiment; 0 is the baseline.
    pub number: u64,
    /// Its commit.
    pub commit: Option<String>,
    /// Its metric.
    pub metric: f64,
}

impl Best {
    /// Takes `point` in when it was kept and nothing kept is better.
    pub(crate) fn update(best: &mut Option<Best>, direction: Direction, point: &Point) {
        let Some(metric) = point.value().filter(|_| point.verdict == Verdict::Keep) else {
            return;
        };
        if best.as_ref().is_none_or(|b| !direction.is_better(b.metric, metric)) {
            *best = Some(Best { number: point.number, commit: point.commit.clone(), metric });
        }
    }
}

/// An experiment beside the incumbent that it was up against.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) point: &'a Point,
    /// Metric of the incumbent at that time.
    pub(crate) incumbent: Option<f64>,
    /// Positive when better; absent for a crash and for the baseline.
    pub(crate) gain: Option<f64>,
}

impl History {
    /// Metric of the baseline.
    pub fn baseline(&self) -> Option<f64> {
        self.points.iter().find(|p| p.is_baseline()).and_then(Point::value)
    }

    /// How many experiments ended how, the baseline apart.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.points.iter().filter(|p| !p.is_baseline()).for_each(|p| counts.add(p.verdict));
        counts
    }

    /// The best experiment, the baseline included.
    pub fn best(&self) -> Option<Best> {
        let mut best = None;
        self.points.iter().for_each(|p| Best::update(&mut best, self.session.direction, p));
        best
    }

    /// Every experiment but the baseline, with what it was up against.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.all_steps().filter(|s| !s.point.is_baseline())
    }

    /// The gain of each of the points, in their order.
    pub(crate) fn gains(&self) -> Vec<Option<f64>> {
        self.all_steps().map(|s| s.gain).collect()
    }

    fn all_steps(&self) -> impl Iterator<Item = Step<'_>> {
        let direction = self.session.direction;
        let mut incumbent: Option<f64> = None;
        self.points.iter().map(move |point| {
            let before = incumbent;
            if point.verdict == Verdict::Keep {
                incumbent = point.value().or(incumbent);
            }
            let worked_out = || Some(direction.gain(before?, point.value()?));
            let gain = match point.verdict {
                Verdict::Crash => None,
                Verdict::Keep | Verdict::Discard => {
                    point.gain.or_else(worked_out).filter(|g| g.is_finite())
                }
            };
            Step { point, incumbent: before, gain }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_that_is_not_recorded_is_worked_out_against_the_incumbent() {
        let history = History {
            session: Session::new("acc", Direction::Maximize),
            points: vec![
                Point::new(0, Verdict::Keep, Some(0.5), "baseline"),
                Point::new(1, Verdict::Keep, Some(0.75), "a"),
                Point::new(2, Verdict::Discard, Some(0.5), "b"),
                Point::new(3, Verdict::Crash, Some(0.0), "c"),
            ],
        };
        let gains: Vec<_> =
            history.steps().map(|s| (s.point.number, s.incumbent, s.gain)).collect();
        assert_eq!(
            gains,
            [(1, Some(0.5), Some(0.25)), (2, Some(0.75), Some(-0.25)), (3, Some(0.75), None)]
        );
        assert_eq!(history.counts(), Counts { keep: 1, discard: 1, crash: 1 });
    }

    #[test]
    fn of_equal_keeps_the_latest_is_the_best() {
        let mut best = None;
        for (number, metric) in [(1, 2.0), (2, 1.0), (3, 1.0), (4, f64::NAN), (5, 1.5)] {
            let point = Point::new(number, Verdict::Keep, Some(metric), "");
            Best::update(&mut best, Direction::Minimize, &point);
        }
        assert_eq!(best.map(|b| b.number), Some(3));
    }
}
