//! Search without a model: what to try next, from what was tried.
//!
//! Pure and without memory: everything is worked out from the observations
//! and a seed, so that a resumed session goes on as if it had never stopped.
//! What was measured is in `docs/search.md`.
//!
//! The first eight suggestions alternate between a probe of ten knobs at once
//! (a Latin hypercube: a poor default is left quickly) and a new value for one
//! knob. Then a Gaussian process of everything seen ranks several hundred
//! changes by their log expected improvement: single edits and small bundles
//! around the incumbent and the settings believed best, mixtures of good
//! settings, and fresh draws. From the winner every edit that the model does
//! not care for is taken back, so that a suggestion is as small as its promise
//! allows.

mod domain;
mod gp;
mod improvement;
mod moves;
mod outcome;

use domain::same;

pub use domain::Domain;

use std::collections::BTreeSet;

use crate::proposal::Settings;
use crate::random::Random;
use gp::{Memory, Points, Process};
use improvement::log_expected_improvement;
use moves::{Slot, View};

/// One thing in the target that can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Knob {
    /// Its key in [`Settings`].
    pub name: String,
    /// What it may be set to.
    pub domain: Domain,
}

/// Everything in the target that can be set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// The knobs, in the order of the target.
    pub knobs: Vec<Knob>,
}

/// One experiment that a search learns from. Repeated measurements of the same
/// settings are several observations.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// What every knob was set to; one that is missing counts as the
    /// incumbent's.
    pub settings: Settings,
    /// The metric, oriented so that higher is better. `None`, or what is not
    /// finite, is a crash. For an experiment that is still running, give the
    /// incumbent's outcome: nothing too like it is then suggested (the
    /// constant liar of Ginsbourger, Le Riche and Carraro 2010).
    pub outcome: Option<f64>,
}

/// What to try next.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The incumbent's settings with the change made.
    pub settings: Settings,
    /// Names of the knobs that differ from the incumbent, in the order of the
    /// space; never empty.
    pub changed: Vec<String>,
}

/// Suggestions before the model is asked.
const OPENING: usize = 8;

/// Observations that the model knows at most: half of them the best, half the
/// latest. Bounds the cost of a suggestion.
const POINTS: usize = 80;

/// Observations that the model's parameters are fitted to at most; fewer
/// beyond ten knobs, down to half, for each knob is a length scale to fit.
const FITTED: usize = 50;

/// Log expected improvement that a smaller change may cost.
const SMALLER: f64 = 0.05;

/// What to try next, given what was tried, the baseline first and the latest
/// last. `tried` says whether settings have been had already, or are refused
/// for any other reason; neither they nor the incumbent are suggested. The same
/// arguments give the same answer, in every release of whatever libraries.
///
/// `None` when the space is exhausted: for spaces of up to 50,000 settings that
/// is exact, beyond them it means that several hundred promising ones and
/// 50,000 others had all been tried.
pub fn suggest(
    space: &Space,
    incumbent: &Settings,
    observations: &[Observation],
    tried: &dyn Fn(&Settings) -> bool,
    seed: u64,
) -> Option<Suggestion> {
    let view = View::new(space, incumbent);
    if view.is_fixed() {
        return None;
    }
    let mut random = Random::new(seed, observations.len() as u64);
    let promising = if observations.len() <= OPENING {
        opening(&view, observations, seed, &mut random)
    } else {
        Belief::of(&view, observations)
            .map_or_else(Vec::new, |belief| belief.ranked(&view, observations, &mut random))
    };
    let start = random.bits();
    promising.into_iter().chain(view.all(start)).find_map(|slots| {
        let suggestion = view.suggestion(&slots);
        (!suggestion.changed.is_empty() && !tried(&suggestion.settings)).then_some(suggestion)
    })
}

/// Number of the observation whose settings are believed to be the best: by
/// the model of everything seen, never the luckiest draw. `None` when all
/// crashed, or nothing can be set.
pub fn believed_best(
    space: &Space,
    incumbent: &Settings,
    observations: &[Observation],
) -> Option<usize> {
    let belief = Belief::of(&View::new(space, incumbent), observations)?;
    belief.order.first().map(|(_, i)| belief.known[*i])
}

/// Changes to open with, the wanted one first: single edits near the incumbent,
/// one knob after the other, and one probe of all knobs. Where the default is
/// poor the probe beats it; every other change is a probe then, while they pay.
fn opening(
    view: &View,
    observations: &[Observation],
    seed: u64,
    random: &mut Random,
) -> Vec<Vec<Slot>> {
    let number = observations.len();
    let is_probe = number == 2 || (number.is_multiple_of(2) && a_probe_paid(observations));
    let first = if is_probe {
        let row = (number / 2 - 1) % (OPENING / 2);
        view.stratum(row, OPENING / 2, &mut Random::new(seed, u64::MAX))
    } else {
        view.near_single(number.saturating_sub(1), random)
    };
    std::iter::once(first).chain((0..32).map(|_| view.fresh_single(random))).collect()
}

/// Whether the latest probe, an experiment that shares few settings with any
/// before it, beat them all.
fn a_probe_paid(observations: &[Observation]) -> bool {
    let outcome = |o: &Observation| o.outcome.unwrap_or(f64::NEG_INFINITY);
    let differ = |a: &Observation, b: &Observation| {
        let pairs =
            a.settings.iter().filter_map(|(name, value)| Some((value, b.settings.get(name)?)));
        pairs.filter(|(a, b)| !same(a, b)).count() > a.settings.len().min(6) / 2
    };
    let is_probe = |n: &usize| observations[..*n].iter().all(|old| differ(&observations[*n], old));
    (1..observations.len()).rev().find(is_probe).is_some_and(|last| {
        observations[..last].iter().all(|old| outcome(&observations[last]) > outcome(old))
    })
}

/// What is believed after the observations.
struct Belief {
    process: Process,
    points: Points,
    /// Numbers of the observations that the points are.
    known: Vec<usize>,
    crashed: Vec<bool>,
    /// Points that did not crash, with their believed outcome, best first.
    order: Vec<(f64, usize)>,
}

impl Belief {
    fn of(view: &View, observations: &[Observation]) -> Option<Belief> {
        let outcome = |i: usize| observations[i].outcome.filter(|v| v.is_finite());
        let known = telling(observations.len(), POINTS, &outcome);
        let points = Points {
            choice: view.choices(),
            rows: known.iter().map(|i| view.point(&observations[*i].settings)).collect(),
        };
        let outcomes: Vec<Option<f64>> = known.iter().map(|i| outcome(*i)).collect();
        let targets = outcome::standardised(&outcomes);
        let fitted = (FITTED * 10 / points.choice.len().max(10)).max(FITTED / 2);
        let process =
            Process::fit(&points, &targets, &telling(known.len(), fitted, &|i| outcomes[i]))?;
        let crashed: Vec<bool> = outcomes.iter().map(Option::is_none).collect();
        let mut order: Vec<(f64, usize)> = (0..known.len())
            .filter(|i| !crashed[*i])
            .map(|i| (process.mean(&points.rows[i]), i))
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        Some(Belief { process, points, known, crashed, order })
    }

    /// Changes, the most promising first.
    fn ranked(
        &self,
        view: &View,
        observations: &[Observation],
        random: &mut Random,
    ) -> Vec<Vec<Slot>> {
        let elite: Vec<Vec<Slot>> = self
            .order
            .iter()
            .take(8)
            .map(|(_, i)| view.slots(&observations[self.known[*i]].settings))
            .collect();
        let mut memory = Memory::default();
        let mut seen = BTreeSet::new();
        let mut scored: Vec<(f64, Vec<Slot>)> = Vec::new();
        let mut consider = |all: Vec<Vec<Slot>>, scored: &mut Vec<(f64, Vec<Slot>)>| {
            for slots in all {
                if seen.insert(slots.clone()) {
                    scored.push((self.promise(view, &slots, &mut memory), slots));
                }
            }
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        };
        consider(view.candidates(&elite, random), &mut scored);
        for _ in 0..3 {
            let tops: Vec<Vec<Slot>> = scored.iter().take(4).map(|s| s.1.clone()).collect();
            consider(view.neighbours(&tops, 60, random), &mut scored);
        }
        let smaller =
            scored.first().map(|(promise, slots)| self.reduced(view, *promise, slots, &mut memory));
        smaller.into_iter().chain(scored.into_iter().map(|s| s.1)).collect()
    }

    /// Log of the improvement to expect, times the chance of not crashing.
    fn promise(&self, view: &View, slots: &[Slot], memory: &mut Memory) -> f64 {
        let at = view.coordinates(slots);
        let (mean, deviation) = self.process.posterior(&at, memory);
        let best = self.order.first().map_or(0.0, |o| o.0);
        log_expected_improvement(mean, deviation, best) + self.survival(&at).ln()
    }

    /// Chance that a run does not crash: the share of survivors among its
    /// like, after five sixths of a survivor's doubt (a kernel estimate,
    /// Nadaraya 1964).
    fn survival(&self, at: &[f64]) -> f64 {
        if !self.crashed.contains(&true) {
            return 1.0;
        }
        let (mut survived, mut all) = (1.0, 1.2);
        for (row, crashed) in self.points.rows.iter().zip(&self.crashed) {
            let alike = self.process.likeness(row, at);
            all += alike;
            survived += if *crashed { 0.0 } else { alike };
        }
        survived / all
    }

    /// The change without the edits that hardly add to its promise.
    fn reduced(&self, view: &View, promise: f64, slots: &[Slot], memory: &mut Memory) -> Vec<Slot> {
        let mut slots = slots.to_vec();
        loop {
            let edits: Vec<usize> = (0..slots.len()).filter(|k| slots[*k] != Slot::Keep).collect();
            if edits.len() < 2 {
                return slots;
            }
            let mut without = |k: usize| {
                let mut fewer = slots.clone();
                fewer[k] = Slot::Keep;
                (self.promise(view, &fewer, memory), fewer)
            };
            let best = edits.into_iter().map(&mut without).max_by(|a, b| a.0.total_cmp(&b.0));
            match best {
                Some((left, fewer)) if left >= promise - SMALLER => slots = fewer,
                _ => return slots,
            }
        }
    }
}

/// Which of `n` observations tell most, ascending: half of them the best, half
/// the latest.
fn telling(n: usize, most: usize, outcome: &dyn Fn(usize) -> Option<f64>) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    let latest = n - most / 2;
    let mut earlier: Vec<(f64, usize)> =
        (0..latest).map(|i| (outcome(i).unwrap_or(f64::NEG_INFINITY), i)).collect();
    let better = most - most / 2;
    earlier.select_nth_unstable_by(better - 1, |a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    let mut chosen: Vec<usize> = earlier[..better].iter().map(|e| e.1).chain(latest..n).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests;
