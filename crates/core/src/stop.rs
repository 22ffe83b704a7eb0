//! Rules that end a session: `val_bpb <= 0.9`, `improvement >= 10%`, `no keep in
//! 20`. Whoever asks [`StopRule::holds`] does so after every settled experiment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::metric::Direction;
use crate::sign::{self, Sign};

/// A condition under which a session has reached its end. Written as text, in
/// configuration and in events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum StopRule {
    /// `val_bpb <= 0.9`: the best metric reached a value.
    Metric {
        /// The metric's name.
        name: String,
        /// How the best value compares with `value`.
        sign: Sign,
        /// Finite.
        value: f64,
    },
    /// `improvement >= 10%` or `improvement >= 0.05`: the best metric is better
    /// than the baseline by so much.
    Improvement {
        /// More than `by`, not just as much.
        is_strict: bool,
        /// How much better.
        by: Improvement,
    },
    /// `no keep in 20`: so many experiments were settled since the last keep.
    NoKeep {
        /// At least 1.
        experiments: u64,
    },
}

/// How much better than the baseline; finite and above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Improvement {
    /// In the metric's own unit.
    Absolute(f64),
    /// In percent of the baseline's absolute value; never reached from a baseline
    /// of 0.
    Percent(f64),
}

/// Where a session stands, as far as stop rules ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Which way is better.
    pub direction: Direction,
    /// The metric of the unmodified target, once measured.
    pub baseline: Option<f64>,
    /// The metric of the incumbent, once there is one.
    pub best: Option<f64>,
    /// Experiments settled since the last keep.
    pub since_keep: u64,
}

/// A text that is no stop rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// It has none of the three forms.
    #[error(
        "'{text}' is no stop rule: write one as 'val_bpb <= 0.9', 'improvement >= 10%' or 'no keep in 20'"
    )]
    Form {
        /// The rule.
        text: String,
    },
    /// What stands on the right is no finite number.
    #[error("'{value}' in stop rule '{text}' is no number: write one as 0.9 or 1e-3")]
    Number {
        /// The rule.
        text: String,
        /// What stands in the number's place.
        value: String,
    },
    /// A metric is compared with a percentage.
    #[error(
        "stop rule '{text}' compares a metric with a percentage: write the number as the run prints it, without '%'"
    )]
    Percent {
        /// The rule.
        text: String,
    },
    /// An improvement is bounded from above.
    #[error("stop rule '{text}' would hold from the start: write 'improvement >= {value}'")]
    Worsening {
        /// The rule.
        text: String,
        /// Its right side.
        value: String,
    },
    /// An improvement or a number of experiments that is not above 0.
    #[error("stop rule '{text}' would hold from the start: give a number above 0")]
    NotPositive {
        /// The rule.
        text: String,
    },
    /// The metric is another one.
    #[error(
        "stop rule '{text}' asks for the metric '{name}', but this session's is '{metric}': write '{metric}' or 'improvement'"
    )]
    UnknownMetric {
        /// The rule.
        text: String,
        /// The name in the rule.
        name: String,
        /// The name that exists.
        metric: String,
    },
}

impl StopRule {
    /// Reads a rule of a session whose metric is `metric`. A metric that is itself
    /// called `improvement` cannot be asked for.
    ///
    /// # Errors
    /// A text of no known form, a rule that would hold from the start, a metric
    /// other than `metric`.
    pub fn parse(text: &str, metric: &str) -> Result<StopRule, BadRule> {
        let rule: StopRule = text.parse()?;
        match &rule {
            StopRule::Metric { name, .. } if name != metric.trim() => Err(BadRule::UnknownMetric {
                text: text.trim().to_owned(),
                name: name.clone(),
                metric: metric.trim().to_owned(),
            }),
            _ => Ok(rule),
        }
    }

    /// Whether it can never hold from this baseline: any share of 0 is nothing.
    pub fn never_holds(&self, baseline: f64) -> bool {
        let is_share = matches!(self, StopRule::Improvement { by: Improvement::Percent(_), .. });
        is_share && baseline == 0.0
    }

    /// Whether the session should end. A rule about values that are not known yet
    /// does not hold.
    pub fn holds(&self, progress: &Progress) -> bool {
        match self {
            StopRule::Metric { sign, value, .. } => {
                progress.best.is_some_and(|best| sign.holds(best, *value))
            }
            StopRule::Improvement { is_strict, by } => {
                let (Some(baseline), Some(best)) = (progress.baseline, progress.best) else {
                    return false;
                };
                let gain = progress.direction.gain(baseline, best);
                let wanted = match by {
                    Improvement::Absolute(by) => *by,
                    Improvement::Percent(_) if baseline == 0.0 => return false,
                    Improvement::Percent(percent) => percent / 100.0 * baseline.abs(),
                };
                // From 1.0 to 0.9 is 10 %, though not in binary.
                let rounding = 4.0 * f64::EPSILON * baseline.abs().max(best.abs());
                if *is_strict {
                    gain > wanted + rounding
                } else {
                    gain >= wanted - rounding && gain > 0.0
                }
            }
            StopRule::NoKeep { experiments } => progress.since_keep >= *experiments,
        }
    }
}

/// Reads a rule about any metric; [`StopRule::parse`] also checks its name.
impl FromStr for StopRule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<StopRule, BadRule> {
        let text = text.trim();
        let bad_form = || BadRule::Form { text: text.to_owned() };
        let Some((name, sign, value)) = sign::split(text) else {
            let words: Vec<_> = text.split_whitespace().collect();
            let ["no", "keep", "in", count] = words[..] else {
                return Err(bad_form());
            };
            let not_a_number =
                |_| BadRule::Number { text: text.to_owned(), value: count.to_owned() };
            return match count.parse().map_err(not_a_number)? {
                0 => Err(BadRule::NotPositive { text: text.to_owned() }),
                experiments => Ok(StopRule::NoKeep { experiments }),
            };
        };
        // No best value is met exactly, and almost any other differs from it.
        if matches!(sign, Sign::Equal | Sign::Unequal) {
            return Err(bad_form());
        }
        let (digits, is_percent) = match value.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (value, false),
        };
        let number =
            digits.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| {
                BadRule::Number { text: text.to_owned(), value: value.to_owned() }
            })?;
        if name != "improvement" {
            return if is_percent {
                Err(BadRule::Percent { text: text.to_owned() })
            } else {
                Ok(StopRule::Metric { name: name.to_owned(), sign, value: number })
            };
        }
        if number <= 0.0 {
            return Err(BadRule::NotPositive { text: text.to_owned() });
        }
        let is_strict = match sign {
            Sign::Greater => true,
            Sign::AtLeast => false,
            _ => {
                return Err(BadRule::Worsening { text: text.to_owned(), value: value.to_owned() });
            }
        };
        let by =
            if is_percent { Improvement::Percent(number) } else { Improvement::Absolute(number) };
        Ok(StopRule::Improvement { is_strict, by })
    }
}

impl TryFrom<String> for StopRule {
    type Error = BadRule;

    fn try_from(text: String) -> Result<StopRule, BadRule> {
        text.parse()
    }
}

impl From<StopRule> for String {
    fn from(rule: StopRule) -> String {
        rule.to_string()
    }
}

impl fmt::Display for StopRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopRule::Metric { name, sign, value } => {
                write!(f, "{name} {sign} {value}")
            }
            StopRule::Improvement { is_strict, by } => {
                let sign = if *is_strict { Sign::Greater } else { Sign::AtLeast };
                write!(f, "improvement {sign} {by}")
            }
            StopRule::NoKeep { experiments } => write!(f, "no keep in {experiments}"),
        }
    }
}

impl fmt::Display for Improvement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Improvement::Absolute(by) => write!(f, "{by}"),
            Improvement::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn progress(direction: Direction, baseline: f64, best: f64) -> Progress {
        Progress { direction, baseline: Some(baseline), best: Some(best), since_keep: 0 }
    }

    #[track_caller]
    fn holds(rule: &str, progress: Progress) -> bool {
        StopRule::parse(rule, "val_bpb").unwrap().holds(&progress)
    }

    #[test]
    fn a_metric_rule_compares_the_best_value() {
        let at = |best| progress(Direction::Minimize, 1.0, best);
        assert!(holds("val_bpb <= 0.9", at(0.9)) && !holds("val_bpb<0.9", at(0.9)));
        assert!(holds("val_bpb >= 0.9", at(0.9)) && !holds("val_bpb > 9e-1", at(0.9)));
        assert!(!holds("val_bpb <= 0.9", at(f64::NAN)));
        assert!(!holds("val_bpb <= 0.9", Progress { best: None, ..at(0.0) }));
    }

    #[test]
    fn an_improvement_is_oriented_and_ten_percent_is_ten_percent() {
        for (direction, baseline, best) in [
            (Direction::Minimize, 1.0, 0.9),
            (Direction::Maximize, 0.5, 0.55),
            (Direction::Minimize, -1.0, -1.1),
            (Direction::Maximize, -1.0, -0.9),
        ] {
            let forth = progress(direction, baseline, best);
            let back = progress(direction, best, baseline);
            assert!(holds("improvement >= 10%", forth), "{forth:?}");
            assert!(!holds("improvement > 10%", forth), "{forth:?}");
            assert!(!holds("improvement >= 10.01 %", forth), "{forth:?}");
            assert!(holds("improvement >= 0.05", forth), "{forth:?}");
            assert!(!holds("improvement >= 0.000001%", back), "{forth:?}");
        }
    }

    #[test]
    fn an_improvement_needs_a_baseline_and_in_percent_one_that_is_not_zero() {
        let from_zero = progress(Direction::Maximize, 0.0, 5.0);
        assert!(!holds("improvement >= 1%", from_zero) && holds("improvement >= 5", from_zero));
        assert!(!holds("improvement >= 5", Progress { baseline: None, ..from_zero }));
        assert!(!holds("improvement >= 1e-300", progress(Direction::Maximize, 1.0, 1.0)));
    }

    #[test]
    fn a_drought_counts_settled_experiments() {
        let mut progress = progress(Direction::Minimize, 1.0, 1.0);
        progress.since_keep = 19;
        assert!(!holds("no keep in 20", progress));
        progress.since_keep = 20;
        assert!(holds(" no  keep in 20 ", progress));
    }

    #[test]
    fn names_may_have_spaces_and_signs() {
        for (text, name) in [("Test accuracy >= 97.3", "Test accuracy"), ("p<0.05 < 3", "p<0.05")] {
            assert_eq!(StopRule::parse(text, name).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bad_rule_says_what_to_write() {
        let error = |text| StopRule::parse(text, "val_bpb").unwrap_err().to_string();
        for (text, hint) in [
            ("", "write one as"),
            ("val_bpb = 0.9", "write one as"),
            ("val_bpb == 0.9", "write one as"),
            ("val_bpb != 0.9", "write one as"),
            ("<= 0.9", "write one as"),
            ("val_bpb <=", "write one as"),
            ("no keep in", "write one as"),
            ("no keep in many", "'many'"),
            ("no keep in -1", "'-1'"),
            ("no keep in 0", "above 0"),
            ("val_bpb <= low", "'low'"),
            ("val_bpb <= nan", "'nan'"),
            ("val_bpb <= 1e999", "'1e999'"),
            ("val_bpb <= 90%", "without '%'"),
            ("improvement <= 10%", "write 'improvement >= 10%'"),
            ("improvement >= 0", "above 0"),
            ("improvement >= -5%", "above 0"),
            ("val_bpp <= 0.9", "this session's is 'val_bpb'"),
        ] {
            assert!(error(text).contains(hint), "{text}: {}", error(text));
        }
    }

    fn any_rule() -> impl Strategy<Value = StopRule> {
        let finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
        let positive = finite.clone().prop_map(|value| value.abs().max(f64::MIN_POSITIVE));
        let sign =
            proptest::sample::select(vec![Sign::Less, Sign::AtMost, Sign::Greater, Sign::AtLeast]);
        prop_oneof![
            ("[a-z][a-z_/@. <>=-]{0,12}[a-z]", sign, finite)
                .prop_filter("not the word", |(name, ..)| name != "improvement")
                .prop_map(|(name, sign, value)| StopRule::Metric { name, sign, value }),
            (any::<bool>(), any::<bool>(), positive).prop_map(|(is_strict, is_percent, by)| {
                StopRule::Improvement {
                    is_strict,
                    by: if is_percent {
                        Improvement::Percent(by)
                    } else {
                        Improvement::Absolute(by)
                    },
                }
            }),
            (1..=u64::MAX).prop_map(|experiments| StopRule::NoKeep { experiments }),
        ]
    }

    proptest! {
        #[test]
        fn a_printed_rule_reads_back(rule in any_rule()) {
            prop_assert_eq!(rule.to_string().parse::<StopRule>(), Ok(rule.clone()));
            let json = serde_json::to_string(&rule).unwrap();
            prop_assert_eq!(serde_json::from_str::<StopRule>(&json).unwrap(), rule);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}", signs in "[<>=% 0-9a-z.é-]{0,20}") {
            let _ = StopRule::parse(&text, "a");
            let _ = StopRule::parse(&signs, "a");
        }

        #[test]
        fn turning_the_direction_round_changes_nothing(baseline in -1e6..1e6, best in -1e6..1e6, percent in 0.1..200.0) {
            let rule = StopRule::Improvement { is_strict: false, by: Improvement::Percent(percent) };
            prop_assert_eq!(
                rule.holds(&progress(Direction::Minimize, baseline, best)),
                rule.holds(&progress(Direction::Maximize, -baseline, -best))
            );
        }
    }
}
