//! Search without a model: what to try next, from what was tried.
//!
//! Pure and without memory: everything is worked out from the observations
//! and a seed, so that a resumed session goes on as if it had never stopped.

mod domain;
mod gp;
mod improvement;
mod outcome;
mod random;
mod moves;

pub use domain::Domain;

use crate::proposal::{Settings, Value};
use domain::same;
use gp::{Points, Process};
use improvement::log_expected_improvement;
use moves::{Axis, Slot, View};
use random::Random;

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

#[doc(hidden)]
pub static TUNE: std::sync::OnceLock<Vec<f64>> = std::sync::OnceLock::new();
fn tune(i: usize, default: f64) -> f64 {
    TUNE.get().and_then(|t| t.get(i)).copied().filter(|v| v.is_finite()).unwrap_or(default)
}

/// Points that the model is conditioned on at most.
const POINTS: usize = 100;

/// What to try next, given what was tried. `tried` says whether settings have
/// been had already, or are refused for any other reason; neither they nor the
/// incumbent are suggested. `None` when the space is exhausted.
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
    let ranked = ranked(&view, observations, &mut random);
    let fresh = |slots: &[Slot]| {
        let suggestion = view.suggestion(slots);
        (!suggestion.changed.is_empty() && !tried(&suggestion.settings)).then_some(suggestion)
    };
    ranked.iter().find_map(|slots| fresh(slots)).or_else(|| view.enumerate(&mut random).find_map(|s| fresh(&s)))
}

fn ranked(view: &View, observations: &[Observation], random: &mut Random) -> Vec<Vec<Slot>> {
    let rows: Vec<Vec<f64>> = observations.iter().map(|o| view.point(&o.settings)).collect();
    let outcomes: Vec<Option<f64>> = observations.iter().map(|o| o.outcome.filter(|v| v.is_finite())).collect();
    let n = observations.len();
    let wide_probes = tune(0, 4.0) as usize;
    let singles = tune(1, 4.0) as usize;
    if n < 1 + wide_probes + singles {
        let wide = if wide_probes == 0 { false } else if singles == 0 { true } else { n % 2 == 0 };
        let mut all = Vec::new();
        for i in 0..64 {
            if wide {
                let share = tune(2, 1.0);
                all.push(view.wide(random, share));
            } else {
                all.push(view.fresh_single((n / 2) * 7 + i, random));
            }
        }
        return all;
    }
    let keep = kept(&outcomes);
    let points = Points {
        choice: view.axes.iter().map(|a| a.choice).collect(),
        rows: keep.iter().map(|i| rows[*i].clone()).collect(),
    };
    let kept_outcomes: Vec<Option<f64>> = keep.iter().map(|i| outcomes[*i]).collect();
    let targets = outcome::standardised(&kept_outcomes);
    let fit_on: Vec<usize> = (0..keep.len()).collect();
    let Some(process) = Process::fit(&points, &targets, &fit_on) else { return Vec::new() };

    let mut order: Vec<(f64, usize)> = points
        .rows
        .iter()
        .enumerate()
        .filter(|(i, _)| kept_outcomes[*i].is_some())
        .map(|(i, row)| (process.mean(row), i))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = order.first().map_or(0.0, |o| o.0);
    let elite: Vec<Vec<Slot>> =
        order.iter().take(8).map(|(_, i)| view.slots(&observations[keep[*i]].settings)).collect();
    let candidates = view.candidates(&elite, random);
    let crashes: Vec<bool> = kept_outcomes.iter().map(Option::is_none).collect();
    let any = crashes.iter().any(|c| *c);
    let single_bonus = tune(3, 0.0);
    let mut scored: Vec<(f64, Vec<Slot>)> = candidates
        .into_iter()
        .map(|slots| {
            let at = view.coordinates(&slots);
            let (mean, deviation) = process.posterior(&at);
            let mut score = log_expected_improvement(mean, deviation, best);
            if any {
                let (mut ok, mut all) = (1.0, 1.2);
                for (row, crash) in points.rows.iter().zip(&crashes) {
                    let k = process.likeness(row, &at);
                    all += k;
                    if !crash {
                        ok += k;
                    }
                }
                score += f64::ln(ok / all);
            }
            if view.edits(&slots) == 1 {
                score += single_bonus;
            }
            (score, slots)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|s| s.1).collect()
}

fn kept(outcomes: &[Option<f64>]) -> Vec<usize> {
    let n = outcomes.len();
    if n <= POINTS {
        return (0..n).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| {
        let value = |i: usize| outcomes[i].unwrap_or(f64::NEG_INFINITY);
        value(*b).total_cmp(&value(*a)).then(b.cmp(a))
    });
    let mut keep: Vec<usize> = order[..POINTS / 2].to_vec();
    let recent: Vec<usize> = (0..n).rev().filter(|i| !keep.contains(i)).take(POINTS - POINTS / 2).collect();
    keep.extend(recent);
    keep.sort_unstable();
    keep
}
