//! What a session can find: how large a gain must be to be seen through the
//! noise, by what is known of both now.

use serde::{Deserialize, Serialize};

use super::{Beliefs, Evidence, Mode, Rule, Step, step};
use crate::metric::Direction;

/// Gains that are tried, in units of σ: from 2^-3 to 2^7, half an octave apart.
const OCTAVES: std::ops::RangeInclusive<i32> = -6..=14;
/// Halvings between two of them, to a tenth of a percent.
const HALVINGS: usize = 9;

/// What noise means to a session.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Noise {
    /// It is not reckoned with: any gain in one run is kept ([`Mode::Greedy`]).
    Ignored,
    /// Runs of the same candidate never differed: every difference counts.
    Unseen,
    /// They differ.
    Seen(Outlook),
}

/// What can be seen through the noise, and what the keeps so far come to. Values
/// in units of the metric, gains positive when better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// Standard deviation between runs of one candidate.
    pub sigma: f64,
    /// Degrees of freedom that it rests on; 0 where no run was repeated and only
    /// the differences of candidates tell of it.
    pub degrees: u32,
    /// The least difference that is kept after one run; `None` if none is.
    pub in_one: Option<f64>,
    /// The least mean difference that is kept after four runs; `None` if none is.
    pub in_four: Option<f64>,
    /// Changes that were kept.
    pub keeps: u32,
    /// What they are expected to bring together, corrected for luck.
    pub gain: f64,
    /// How many of them are expected not to help.
    pub false_keeps: f64,
}

impl Noise {
    /// By what is known now; `None` before anything tells of it.
    pub fn of(mode: Mode, beliefs: &Beliefs) -> Option<Noise> {
        if mode == Mode::Greedy {
            return Some(Noise::Ignored);
        }
        if beliefs.is_deterministic() {
            return Some(Noise::Unseen);
        }
        let (sigma, degrees) = beliefs.noise().filter(|(sigma, _)| sigma.is_finite())?;
        let claims = beliefs.claims();
        let outlook = Outlook {
            sigma,
            degrees,
            in_one: smallest_gain(mode, beliefs, 1),
            in_four: smallest_gain(mode, beliefs, 4),
            keeps: claims.keeps,
            gain: claims.gain,
            false_keeps: claims.false_keeps,
        };
        (claims.gain.is_finite() && claims.false_keeps.is_finite()).then_some(Noise::Seen(outlook))
    }
}

/// The least difference from the incumbent that is kept after so many `runs`, at
/// least one, which vary as runs here do; up to 128 σ, `None` if none is kept.
///
/// In one run what is kept ends again where the prior foresees no such gain: a
/// candidate beyond runs twice. The least is what is looked for.
pub fn smallest_gain(mode: Mode, beliefs: &Beliefs, runs: usize) -> Option<f64> {
    let (sigma, _) = beliefs.noise().filter(|_| !beliefs.is_deterministic())?;
    let is_kept = |gain: f64| is_kept(mode, beliefs, runs, gain, sigma);
    let size = |octave: i32| sigma * (0.5 * f64::from(octave)).exp2();
    let octave = OCTAVES.into_iter().find(|octave| is_kept(size(*octave)))?;
    let (mut low, mut high) = (size(octave - 1), size(octave));
    if octave == *OCTAVES.start() {
        low = 0.0;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if is_kept(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high.is_finite().then_some(high)
}

/// Whether a candidate with this mean difference, and as many lines as the
/// incumbent, is kept after so many runs with a standard deviation of `sigma`.
fn is_kept(mode: Mode, beliefs: &Beliefs, runs: usize, gain: f64, sigma: f64) -> bool {
    let mean = beliefs.incumbent().0 + gain;
    let pairs = runs / 2;
    let spread = match pairs {
        0 => 0.0,
        pairs => sigma * ((runs - 1) as f64 / (2 * pairs) as f64).sqrt(),
    };
    let candidate: Vec<f64> = (0..runs)
        .map(|run| match run {
            run if run >= 2 * pairs => mean,
            run if run % 2 == 0 => mean - spread,
            _ => mean + spread,
        })
        .collect();
    let evidence = Evidence {
        direction: Direction::Maximize,
        candidate: &candidate,
        incumbent: &[beliefs.incumbent().0],
        candidate_lines: 0,
        incumbent_lines: 0,
    };
    matches!(step(mode, &evidence, beliefs, 0), Step::Ruling(ruling) if ruling.rule == Rule::Better)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Losses around -1 at a noise of `sigma`, and a baseline that ran again.
    fn beliefs(sigma: f64) -> Beliefs {
        let mut beliefs = Beliefs::default();
        beliefs.open(&[0.4 * sigma, -0.5 * sigma]);
        for loss in [-2.3, -0.4, -1.1, -4.0, 0.3, -0.9, -3.2, -0.1, -1.6, -2.8, -0.5, -5.1] {
            beliefs.settle(&[loss], false);
        }
        for value in [0.9, -1.2, 0.2, -0.6, 1.1] {
            beliefs.again(value * sigma);
        }
        beliefs
    }

    fn seen(noise: Option<Noise>) -> Outlook {
        match noise {
            Some(Noise::Seen(outlook)) => outlook,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn four_runs_see_smaller_gains_than_one_and_less_noise_smaller_ones_yet() {
        let sizes = |sigma: f64| {
            let outlook = seen(Noise::of(Mode::Standard, &beliefs(sigma)));
            (outlook.in_one.unwrap(), outlook.in_four.unwrap())
        };
        let (one, four) = sizes(1.0);
        assert!(four < 0.8 * one && four > 0.0, "{four} {one}");
        let (quieter, quieter_in_four) = sizes(0.25);
        assert!(quieter < 0.5 * one && quieter_in_four < 0.5 * four, "{quieter} {quieter_in_four}");
    }

    /// What is said is what the judge does.
    #[test]
    fn what_lies_above_is_kept_and_what_lies_below_is_not() {
        let beliefs = beliefs(1.0);
        for (mode, runs) in [(Mode::Bold, 1), (Mode::Standard, 1), (Mode::Standard, 4)] {
            let least = smallest_gain(mode, &beliefs, runs).unwrap();
            let (sigma, _) = beliefs.noise().unwrap();
            assert!(is_kept(mode, &beliefs, runs, 1.01 * least, sigma), "{mode:?} {runs}");
            assert!(!is_kept(mode, &beliefs, runs, 0.99 * least, sigma), "{mode:?} {runs}");
        }
    }

    #[test]
    fn the_more_is_asked_the_less_is_seen() {
        let beliefs = beliefs(1.0);
        let sizes = [Mode::Bold, Mode::Standard, Mode::Strict]
            .map(|mode| smallest_gain(mode, &beliefs, 4).unwrap());
        assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
    }

    /// After the baseline's two runs alone there is something to tell.
    #[test]
    fn two_runs_of_the_baseline_tell_of_the_noise() {
        let mut beliefs = Beliefs::default();
        assert_eq!(Noise::of(Mode::Standard, &beliefs), None);
        beliefs.open(&[1.0, 1.3]);
        let outlook = seen(Noise::of(Mode::Standard, &beliefs));
        assert_eq!((outlook.degrees, outlook.keeps), (1, 0));
        assert!(outlook.in_four.is_some(), "{outlook:?}");
    }

    #[test]
    fn without_noise_every_difference_counts_and_greed_does_not_ask() {
        let mut beliefs = Beliefs::default();
        beliefs.open(&[1.0, 1.0]);
        beliefs.settle(&[0.5], false);
        assert_eq!(Noise::of(Mode::Standard, &beliefs), Some(Noise::Unseen));
        assert_eq!(Noise::of(Mode::Greedy, &beliefs), Some(Noise::Ignored));
        assert_eq!(smallest_gain(Mode::Standard, &beliefs, 1), None);
    }

    #[test]
    fn keeps_are_counted_and_their_luck_taken_off() {
        let mut beliefs = beliefs(1.0);
        beliefs.settle(&[3.0, 3.4], true);
        let outlook = seen(Noise::of(Mode::Standard, &beliefs));
        assert_eq!(outlook.keeps, 1);
        assert!(outlook.gain > 0.0 && outlook.gain < 3.2, "{outlook:?}");
        assert!(outlook.false_keeps > 0.0 && outlook.false_keeps < 0.5, "{outlook:?}");
        let json = serde_json::to_value(Noise::Seen(outlook)).unwrap();
        assert_eq!(json["kind"], "seen");
        assert_eq!(serde_json::from_value::<Noise>(json).unwrap(), Noise::Seen(outlook));
    }
}
