//! Whether a run that is still going is hopeless, by its learning curve: a
//! pure function of that curve, the incumbent's own, and those of the runs that
//! were finished.
//!
//! A good change often starts slowly, so that being behind proves nothing: the
//! rules that stop whatever is below the median, or below its own incumbent by
//! some margin, throw the winners away. Here a run is stopped when no precedent
//! speaks for it. Every pair of finished runs is one: at this time the one was
//! behind the other by so much, and ended no worse. The run is hopeless when it
//! is further behind the incumbent than any of them was, twice over: in what it
//! has reached, and in where its pace takes it.
//!
//! **Risk.** Nothing is assumed about the curves but that the runs of a session
//! are alike, in any order. Then the run that was further behind than all
//! others and still caught up is as likely to be any of the n + 1, so that at
//! one look, by one of the two measures, at most one run in n + 1 is a false
//! stop (the rank argument of conformal prediction: Vovk, Gammerman and Shafer,
//! *Algorithmic Learning in a Random World*, 2005). Both measures must agree,
//! and [`LEAST`] runs are waited for. What really happens is measured: one run
//! in twenty that would be stopped is finished all the same.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use crate::curve::Curve;
use crate::metric::{Direction, significant};

/// Finished runs without which nothing is known of what can be caught up.
pub const LEAST: usize = 12;

/// Finished runs that are remembered.
const REMEMBERED: usize = 128;

/// Of the incumbent's own runs, those that are remembered.
const INCUMBENTS: usize = 8;

/// Share of the incumbent's time before which nobody is judged.
const EARLIEST: f64 = 0.08;

/// Share of the time so far over which the pace is taken.
const WINDOW: f64 = 1.0 / 3.0;

/// How much of a pace lasts: learning slows down, to half on the whole way.
const LASTING: f64 = 0.5;

/// Of what the incumbent has gained by a time: being behind by less is not being
/// behind.
const NOTHING: f64 = 0.01;

/// Whether runs are ended before their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyStop {
    /// Never.
    #[default]
    Off,
    /// Those that no precedent speaks for.
    Safe,
}

/// A run to its end.
#[derive(Clone, Debug, PartialEq)]
struct Finished {
    curve: Curve,
    /// Higher is better.
    metric: f64,
}

/// What a session has seen of learning. Bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Precedents {
    runs: VecDeque<Finished>,
    /// Of the incumbent's own runs.
    incumbent: Vec<Curve>,
    /// How long its first run took, in wall-clock seconds.
    usual_seconds: f64,
}

/// Why a run is given up. Differences are in units of the series, positive when
/// behind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hopeless {
    /// Seconds that it had run.
    pub seconds: f64,
    /// Seconds that the incumbent's run took.
    pub usual_seconds: f64,
    /// How far it was behind the incumbent at that time.
    pub behind: f64,
    /// The most that any run was behind another at that time, and caught up.
    pub caught_up: f64,
    /// How far its pace would leave it behind at the end.
    pub heading: f64,
    /// The most by which the pace of any run at that time would have left it
    /// behind another, that caught up.
    pub headed: f64,
    /// Finished runs that say so.
    pub runs: usize,
}

impl Hopeless {
    /// The share of the incumbent's time, in percent.
    fn percent(&self) -> f64 {
        100.0 * self.seconds / self.usual_seconds.max(self.seconds)
    }
}

impl fmt::Display for Hopeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |value| significant(value, 3);
        write!(
            f,
            "after {:.0}% of its time: {} behind the incumbent at that time, {} at the end by its pace; none of {} runs ever caught up more than {} and {}",
            self.percent(),
            short(self.behind),
            short(self.heading),
            self.runs,
            short(self.caught_up),
            short(self.headed),
        )
    }
}

/// Where a curve is at a time, and where its pace takes it.
#[derive(Clone, Copy)]
struct Standing {
    /// How far it has moved since its first point, either way.
    moved: f64,
    now: f64,
    end: f64,
}

impl Standing {
    /// Higher is better. Before its first point a curve is taken to be level.
    fn of(curve: &Curve, way: Direction, seconds: f64, end: f64) -> Option<Standing> {
        let first = curve.points().first()?.value;
        let at = |seconds| way.gain(0.0, curve.at(seconds).unwrap_or(first));
        let (now, window) = (at(seconds), seconds * WINDOW);
        let pace = (now - at(seconds - window)) / window;
        let end = now + pace * (end - seconds).max(0.0) * LASTING;
        (now.is_finite() && end.is_finite()).then_some(Standing {
            moved: (now - way.gain(0.0, first)).abs(),
            now,
            end,
        })
    }
}

impl Precedents {
    /// Takes in a run to its end: its curve, and its metric, finite.
    pub fn finish(&mut self, curve: &Curve, metric: f64) {
        if curve.points().len() > 1 && metric.is_finite() {
            if self.runs.len() == REMEMBERED {
                self.runs.pop_front();
            }
            self.runs.push_back(Finished { curve: curve.thinned(), metric });
        }
    }

    /// Takes in the new incumbent: the curves of its own runs, and the seconds
    /// that its first took. Without curves nobody is stopped.
    pub fn crown<'a>(&mut self, curves: impl IntoIterator<Item = &'a Curve>, usual_seconds: f64) {
        self.incumbent.clear();
        curves.into_iter().for_each(|curve| self.attend(curve));
        self.usual_seconds = usual_seconds;
    }

    /// Takes in the curve of another run of the incumbent.
    pub fn attend(&mut self, curve: &Curve) {
        if curve.points().len() > 1 && self.incumbent.len() < INCUMBENTS {
            self.incumbent.push(curve.thinned());
        }
    }

    /// Whether the run with this curve so far is hopeless. `direction` is the
    /// metric's, `series` that of the series, if it is known: else it is the way
    /// that the incumbent's curve went.
    pub fn hopeless(
        &self,
        direction: Direction,
        series: Option<Direction>,
        curve: &Curve,
    ) -> Option<Hopeless> {
        let seconds = curve.last()?.seconds;
        let first = self.incumbent.first()?;
        let (way, end) = (series.or_else(|| first.way())?, first.last()?.seconds);
        if self.runs.len() < LEAST || seconds < EARLIEST * end || seconds >= end {
            return None;
        }
        let mine = Standing::of(curve, way, seconds, end)?;
        let mut behind = f64::INFINITY;
        let mut heading = f64::INFINITY;
        let mut moved = f64::INFINITY;
        for own in &self.incumbent {
            // Its own runs differ: the worst of them is enough.
            let own = Standing::of(own, way, seconds, end)?;
            behind = behind.min(own.now - mine.now);
            heading = heading.min(own.end - mine.end);
            moved = moved.min(own.moved);
        }
        let mut runs: Vec<(f64, Standing)> = self
            .runs
            .iter()
            .filter_map(|run| {
                let standing = Standing::of(&run.curve, way, seconds, end)?;
                Some((direction.gain(0.0, run.metric), standing))
            })
            .collect();
        if runs.len() < LEAST {
            return None;
        }
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let caught_up = most_caught_up(runs.iter().map(|(metric, s)| (*metric, s.now)));
        let headed = most_caught_up(runs.iter().map(|(metric, s)| (*metric, s.end)));
        // A curve that does not move says nothing.
        let is_behind = moved > 0.0 && behind > NOTHING * moved;
        let is_hopeless = is_behind && behind > caught_up && heading > headed;
        (is_hopeless && behind.is_finite() && heading.is_finite()).then_some(Hopeless {
            seconds,
            usual_seconds: self.usual_seconds,
            behind,
            caught_up,
            heading,
            headed,
            runs: runs.len(),
        })
    }
}

/// The largest lead of one over another that ended no worse; 0 if there was
/// none. Takes pairs of metric and standing, by metric, the worst first.
fn most_caught_up(runs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let mut most = 0.0_f64;
    let mut lead = f64::NEG_INFINITY;
    let mut ahead = runs.clone().peekable();
    for (metric, standing) in runs {
        // Of all that ended no better than this one, itself among them.
        while let Some((_, other)) = ahead.next_if(|(other, _)| *other <= metric) {
            lead = lead.max(other);
        }
        most = most.max(lead - standing);
    }
    most
}

/// What early stopping did in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Runs that were stopped.
    pub stopped: u64,
    /// Seconds that they would have run on, had they taken as long as the
    /// incumbent of their time.
    pub saved_seconds: f64,
    /// Hopeless runs that were finished all the same, to see what comes of them.
    pub checked: u64,
    /// Of those, the ones that were kept: false stops.
    pub mistaken: u64,
}

impl Tally {
    /// The highest share of false stops, from 0 to 1, that goes with what was
    /// seen, at 95% confidence.
    ///
    /// Source: Clopper and Pearson, *Biometrika* 26 (1934), one-sided; without
    /// any false stop among n checked that is 1 - 0.05^(1/n), about 3/n.
    pub fn most_mistaken(&self) -> f64 {
        let (n, most) = (self.checked, self.mistaken.min(self.checked));
        if most == n {
            return 1.0;
        }
        let share = Beta::new((most + 1) as f64, (n - most) as f64);
        share.map_or(1.0, |share| share.inverse_cdf(0.95))
    }
}

/// Whether experiment `number` is finished even when it is hopeless: one in
/// twenty, always the same ones of a session.
pub fn is_spared(seed: u64, number: u64) -> bool {
    // Source: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    let mut z = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).is_multiple_of(20)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "two ways to the same numbers")]
mod tests;
