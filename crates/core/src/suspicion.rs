//! What is too good to be true: results that are run again before they are
//! kept, because a broken or gamed measurement looks like a great gain.
//!
//! A suspicion is no verdict. Thresholds are wide on purpose: a session that
//! finds real gains, also the mending of a broken baseline early on, must not
//! trip over them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metric::{Direction, significant};

/// A gain this many times the largest effect L so far is implausible. It also
/// lies this many median absolute deviations beyond the median m: half of the
/// effects lie between m and L (or, where m < 0, between -L and m), so that the
/// deviation is at most L - |m|.
const TIMES_THE_LARGEST: f64 = 10.0;

/// Effects without which nothing is known of what is plausible.
const EFFECTS: usize = 8;

/// A jump to a perfect score this many times the largest effect is suspect.
const JUMP: f64 = 3.0;

/// A count below this reaches 0 honestly: the last faults are mended.
const FEW: f64 = 20.0;

/// A run that takes less than this share of what its siblings take is short.
const SHARE: f64 = 0.2;

/// And it is shorter by this much, in seconds.
const SECONDS: f64 = 1.0;

/// Siblings without which nothing is known of how long a run takes.
const SIBLINGS: usize = 3;

/// Effects and durations that are remembered.
const REMEMBERED: usize = 256;

/// Why a result is not believed at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspicion {
    /// It is far better than anything that a change has brought.
    TooGood {
        /// How much better than the incumbent.
        gain: f64,
        /// The largest effect before, in either direction.
        largest: f64,
    },
    /// It is exactly the best value that there is, and it came in one jump.
    Perfect {
        /// The value.
        value: f64,
    },
    /// Its run was far shorter than those of its siblings.
    TooShort {
        /// Seconds that it took.
        seconds: f64,
        /// Median of its siblings' seconds, or the incumbent's if fewer.
        usual: f64,
    },
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Suspicion::TooGood { gain, largest } => write!(
                f,
                "better by {}, where no change before made a difference of more than {}",
                significant(*gain, 3),
                significant(*largest, 3)
            ),
            Suspicion::Perfect { value } => write!(f, "a perfect {value}, reached by a jump"),
            Suspicion::TooShort { seconds, usual } => write!(
                f,
                "it ran {} s, where others take {} s",
                significant(*seconds, 2),
                significant(*usual, 2)
            ),
        }
    }
}

/// What a session has seen so far. Bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Gains of earlier changes that neither crashed nor were suspect,
    /// positive when better; finite.
    effects: Vec<f64>,
    /// Wall-clock seconds of runs that ended well; finite.
    seconds: Vec<f64>,
    /// Of those, the seconds of the incumbent: a run as short as its own is
    /// none too short.
    incumbent_seconds: Option<f64>,
    /// Whether the metric of one commit differed between two seeds.
    varies: bool,
}

impl Seen {
    /// Takes in an experiment that nobody doubts: its gain over the incumbent
    /// (none for the baseline or a crash), and the seconds of its run if that
    /// ended well.
    pub fn believe(&mut self, gain: Option<f64>, seconds: Option<f64>, is_kept: bool) {
        push(&mut self.effects, gain);
        push(&mut self.seconds, seconds);
        if is_kept {
            self.incumbent_seconds = seconds;
        }
    }

    /// Takes in the seeds, metrics and seconds of the runs of one commit.
    pub fn compare(&mut self, runs: &[(u64, f64, f64)]) {
        self.varies |= runs
            .windows(2)
            .any(|pair| pair[0].0 != pair[1].0 && pair[0].1.to_bits() != pair[1].1.to_bits());
    }

    /// Whether the metric of some commit differed between two seeds.
    pub fn varies_with_the_seed(&self) -> bool {
        self.varies
    }
}

fn push(ring: &mut Vec<f64>, value: Option<f64>) {
    ring.extend(value.filter(|value| value.is_finite()));
    if ring.len() > REMEMBERED {
        ring.remove(0);
    }
}

/// Whether a candidate that would be kept is suspect, by the metric and the
/// wall-clock seconds of its run. `incumbent` are the finite values of the
/// incumbent's trials, at least one.
pub fn suspicion_of(
    metric: f64,
    seconds: f64,
    direction: Direction,
    incumbent: &[f64],
    seen: &Seen,
) -> Option<Suspicion> {
    let incumbent = incumbent.iter().sum::<f64>() / incumbent.len() as f64;
    let gain = direction.gain(incumbent, metric);
    too_good(gain, &seen.effects)
        .or_else(|| perfect(metric, direction, incumbent, gain, &seen.effects))
        .or_else(|| too_short(seconds, seen))
}

fn too_good(gain: f64, effects: &[f64]) -> Option<Suspicion> {
    // Changes of something that does not matter say nothing of what may be.
    let effects: Vec<f64> = effects.iter().copied().filter(|effect| *effect != 0.0).collect();
    if effects.len() < EFFECTS {
        return None;
    }
    let largest = largest(&effects);
    (gain > TIMES_THE_LARGEST * largest).then_some(Suspicion::TooGood { gain, largest })
}

/// Zero of a loss, the whole of a rate or a percentage. An incumbent that is
/// close to it, or such steps before it, make it plausible.
#[expect(clippy::float_cmp, reason = "a perfect score is exact")]
fn perfect(
    metric: f64,
    direction: Direction,
    incumbent: f64,
    gain: f64,
    effects: &[f64],
) -> Option<Suspicion> {
    let is_count = incumbent.fract() == 0.0;
    let is_far = match direction {
        Direction::Minimize => metric == 0.0 && !(is_count && incumbent < FEW),
        Direction::Maximize if metric == 1.0 => incumbent > 0.0 && incumbent <= 0.9,
        Direction::Maximize => metric == 100.0 && incumbent > 1.0 && incumbent <= 90.0,
    };
    (is_far && gain > JUMP * largest(effects)).then_some(Suspicion::Perfect { value: metric })
}

fn too_short(seconds: f64, seen: &Seen) -> Option<Suspicion> {
    if seen.seconds.len() < SIBLINGS {
        return None;
    }
    let usual = median(&seen.seconds)?.min(seen.incumbent_seconds.unwrap_or(f64::INFINITY));
    (seconds < SHARE * usual && usual - seconds >= SECONDS)
        .then_some(Suspicion::TooShort { seconds, usual })
}

fn largest(effects: &[f64]) -> f64 {
    effects.iter().fold(0.0, |largest, effect| largest.max(effect.abs()))
}

/// The lower of the two in the middle where there are two; `None` of nothing.
fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    let middle = values.len().checked_sub(1)? / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median)
}

#[cfg(test)]
mod tests;
