//! The runs of the final comparison: baseline and best in turn, under seeds of
//! their own, until there are enough.

use super::again::Running;
use super::event::Plan;
use super::state::{Action, State};
use crate::trial::{Purpose, Trial};

/// From the session's seed to those of verifications: far from any that a
/// verdict is based on, and small enough for every generator that takes a seed.
const APART: u64 = 100_000;

/// Rounds after which a metric that never varied is taken to have no noise.
const SAME: usize = 3;

/// Runs of each side that a session ends with: as many as asked for, and all
/// together no more than it took experiments. Fewer than two of a side would
/// give no interval, and are left out.
pub fn verification_runs(asked_for: u64, experiments: u64) -> usize {
    let runs = asked_for.min(experiments / 2);
    let least = asked_for.min(2);
    if runs < least { 0 } else { usize::try_from(runs).unwrap_or(usize::MAX) }
}

/// The runs of verifications, as far as the next one follows from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Verifications {
    /// Those since the incumbent is the incumbent that came to their end.
    runs: Vec<Run>,
    /// Seeds that were used, also for earlier incumbents.
    seeds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    number: u64,
    seed: u64,
    value: Option<f64>,
}

impl Verifications {
    /// Another incumbent is compared beside runs of its own.
    pub(super) fn begin_anew(&mut self) {
        self.runs.clear();
    }

    pub(super) fn start(&mut self, running: &Running, first_seed: u64) {
        if running.purpose == Purpose::Verification && running.seed == self.fresh(first_seed) {
            self.seeds += 1;
        }
    }

    /// One that was stopped or lost says nothing, and its turn comes again.
    pub(super) fn end(&mut self, running: &Running, trial: &Trial) {
        let Running { number, seed, purpose, .. } = *running;
        if purpose == Purpose::Verification && !trial.is_interrupted() {
            self.runs.push(Run { number, seed, value: trial.metric });
        }
    }

    /// Seeds under which both ran.
    pub(super) fn rounds(&self, a: u64, b: u64) -> usize {
        self.of(a).filter(|run| self.has(b, run.seed)).count()
    }

    /// Which of two runs next and under what seed, for them to have so many
    /// rounds; `None` when they have. Who begins a round alternates (ABBA), so
    /// that a drift of the machine favours nobody.
    pub(super) fn turn(
        &self,
        a: u64,
        b: u64,
        rounds: usize,
        first_seed: u64,
    ) -> Option<(u64, u64)> {
        let open = |run: &&Run| !self.has(if run.number == a { b } else { a }, run.seed);
        let last = self.runs.iter().rfind(|run| run.number == a || run.number == b);
        if let Some(run) = last.filter(open) {
            return Some((if run.number == a { b } else { a }, run.seed));
        }
        let done = self.rounds(a, b);
        let number = if done.is_multiple_of(2) { a } else { b };
        (done < rounds).then(|| (number, self.fresh(first_seed)))
    }

    /// Whether each of the two measured the same under every seed.
    pub(super) fn is_without_noise(&self, a: u64, b: u64) -> bool {
        let is_constant = |number: u64| {
            let mut values = self.of(number).map(|run| run.value.map(f64::to_bits));
            values.next().flatten().is_some_and(|first| values.all(|value| value == Some(first)))
        };
        self.rounds(a, b) >= SAME && is_constant(a) && is_constant(b)
    }

    /// Whether a seed ran on one side already.
    pub(super) fn is_open(&self, seed: u64) -> bool {
        self.runs.iter().any(|run| run.seed == seed)
    }

    fn fresh(&self, first_seed: u64) -> u64 {
        first_seed.wrapping_add(APART).wrapping_add(self.seeds)
    }

    fn of(&self, number: u64) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.number == number)
    }

    fn has(&self, number: u64, seed: u64) -> bool {
        self.of(number).any(|run| run.seed == seed)
    }
}

impl State {
    /// The next run of the comparison that the session ends with; `None` when
    /// the incumbent has been compared, is the baseline, fails again and again,
    /// or when the session's time does not suffice.
    pub(super) fn verification(&self, plan: &Plan) -> Option<Action> {
        let best = self.incumbent.as_ref().filter(|incumbent| incumbent.number > 0)?;
        if self.verifications.is_without_noise(0, best.number) {
            return None;
        }
        let rounds = verification_runs(plan.verify, self.counts.total());
        let (number, seed) = self.next_run(0, rounds)?;
        let has_time = |most: f64| {
            // A round that is begun needs one run more, a new one two.
            let is_open = self.verifications.is_open(seed);
            let runs = if is_open { 1.0 } else { 2.0 };
            self.active_ms as f64 / 1000.0 + runs * best.seconds() <= most
        };
        plan.stop_after_seconds.is_none_or(has_time).then_some(())?;
        self.again(number, seed, Purpose::Verification)
    }

    /// Time to leave for the comparison at the end: what it takes, and a tenth
    /// of the session's time at most. It does not change while it is used.
    pub(super) fn reserve(&self, plan: &Plan, most: f64) -> f64 {
        let runs = 2.0 * verification_runs(plan.verify, self.counts.total()) as f64;
        let best = self.incumbent.as_ref().filter(|incumbent| incumbent.number > 0);
        best.map_or(0.0, |best| (runs * best.seconds()).min(most / 10.0))
    }

    /// Which of an experiment and the incumbent runs next to be compared, and
    /// under what seed, so that so many seeds have run on both sides; `None` when
    /// they have, or when nothing was kept.
    pub fn next_run(&self, against: u64, rounds: usize) -> Option<(u64, u64)> {
        let (plan, best) = (self.plan.as_ref()?, self.incumbent.as_ref()?);
        let is_other = best.number != against;
        is_other.then(|| self.verifications.turn(against, best.number, rounds, plan.seed)).flatten()
    }

    /// Seeds under which an experiment and the incumbent were compared.
    pub fn rounds(&self, against: u64) -> usize {
        let best = self.incumbent.as_ref();
        best.map_or(0, |best| self.verifications.rounds(against, best.number))
    }
}
