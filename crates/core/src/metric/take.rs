//! Which of the values that one run reports counts.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Values that a quantile looks at: the last ones. Half a MiB of them.
const WINDOW: usize = 65_536;

/// Which of the values that one run reports counts: its last, unless the run
/// measures the same thing again and again, as a benchmark of latencies does.
/// There the least value or a low quantile is the one that other programs
/// disturb least: they only ever add time (Chen and Revels, *Robust
/// benchmarking in noisy environments*, 2016). Written `last`, `first`, `min`,
/// `max`, `median`, `p10`, `p99.9`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Take {
    /// The last.
    #[default]
    Last,
    /// The first.
    First,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The quantile at so many thousandths, from 1 to 999, of the last 65,536
    /// values; between two values in proportion (type 7 of Hyndman and Fan,
    /// *Sample quantiles in statistical packages*, 1996, as `numpy`'s default).
    Quantile(u16),
}

/// Why a text is no [`Take`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is none of `last`, `first`, `min`, `max`, `median`, nor a quantile as `p10` or `p99.9`"
)]
pub struct BadTake(String);

impl FromStr for Take {
    type Err = BadTake;

    fn from_str(text: &str) -> Result<Take, BadTake> {
        let word = text.trim().to_ascii_lowercase();
        Ok(match word.as_str() {
            "last" => Take::Last,
            "first" => Take::First,
            "min" => Take::Min,
            "max" => Take::Max,
            "median" => Take::Quantile(500),
            word => {
                let thousandths = word.strip_prefix('p').and_then(thousandths);
                Take::Quantile(thousandths.ok_or_else(|| BadTake(text.to_owned()))?)
            }
        })
    }
}

/// Of a percentage between 0 and 100 with at most one decimal.
fn thousandths(percent: &str) -> Option<u16> {
    let (whole, decimal) = percent.split_once('.').unwrap_or((percent, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimal) || decimal.len() > 1 || whole.len() > 2 {
        return None;
    }
    let all = whole.parse::<u16>().ok()? * 10 + decimal.parse::<u16>().ok()?;
    (1..=999).contains(&all).then_some(all)
}

impl fmt::Display for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Take::Last => f.write_str("last"),
            Take::First => f.write_str("first"),
            Take::Min => f.write_str("min"),
            Take::Max => f.write_str("max"),
            Take::Quantile(500) => f.write_str("median"),
            Take::Quantile(n) if n % 10 == 0 => write!(f, "p{}", n / 10),
            Take::Quantile(n) => write!(f, "p{}.{}", n / 10, n % 10),
        }
    }
}

impl From<Take> for String {
    fn from(take: Take) -> String {
        take.to_string()
    }
}

impl TryFrom<String> for Take {
    type Error = BadTake;

    fn try_from(text: String) -> Result<Take, BadTake> {
        text.parse()
    }
}

/// What counts of the values so far, in constant memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    value: Option<f64>,
    /// For a quantile.
    window: VecDeque<f64>,
}

impl Taken {
    /// Takes in a finite value.
    pub(super) fn push(&mut self, take: Take, value: f64) {
        self.value = Some(match (take, self.value) {
            (Take::First, Some(first)) => first,
            (Take::Min, Some(least)) => least.min(value),
            (Take::Max, Some(greatest)) => greatest.max(value),
            _ => value,
        });
        if matches!(take, Take::Quantile(_)) {
            if self.window.len() == WINDOW {
                self.window.pop_front();
            }
            self.window.push_back(value);
        }
    }

    pub(super) fn is_some(&self) -> bool {
        self.value.is_some()
    }

    /// What counts.
    pub(super) fn get(&self, take: Take) -> Option<f64> {
        match take {
            Take::Quantile(thousandths) => {
                let mut sorted: Vec<f64> = self.window.iter().copied().collect();
                sorted.sort_unstable_by(f64::total_cmp);
                quantile(&sorted, f64::from(thousandths) / 1000.0)
            }
            _ => self.value,
        }
    }
}

fn quantile(sorted: &[f64], at: f64) -> Option<f64> {
    let place = at * (sorted.len().checked_sub(1)? as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 65,536")]
    let below = place as usize;
    let (low, high) = (*sorted.get(below)?, *sorted.get(below + 1).or(sorted.get(below))?);
    let share = place - below as f64;
    // Not by their difference, which could be infinite.
    Some(low * (1.0 - share) + high * share)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(take: &str, values: impl IntoIterator<Item = f64>) -> Option<f64> {
        let take = take.parse().unwrap();
        let mut taken = Taken::default();
        values.into_iter().for_each(|value| taken.push(take, value));
        taken.get(take)
    }

    #[test]
    fn each_word_takes_its_value() {
        let values = [3.0, 1.0, 4.0, 1.5, 9.0];
        for (take, expected) in
            [("last", 9.0), ("first", 3.0), ("min", 1.0), ("max", 9.0), ("median", 3.0)]
        {
            assert_eq!(taken(take, values), Some(expected), "{take}");
            assert_eq!(taken(take, []), None, "{take}");
        }
    }

    /// As `numpy.quantile([1, 2, 3, 4], q)` has them.
    #[test]
    fn a_quantile_lies_between_values_in_proportion() {
        let near = |take, expected: f64| {
            let value = taken(take, [4.0, 2.0, 3.0, 1.0]).unwrap();
            assert!((value - expected).abs() < 1e-12, "{take}: {value}");
        };
        near("median", 2.5);
        near("p10", 1.3);
        near("p99.9", 3.997);
        assert_eq!(taken("p1", [7.0]), Some(7.0));
    }

    #[test]
    fn a_quantile_is_of_the_last_65536_values() {
        let old = std::iter::repeat_n(1000.0, WINDOW);
        assert_eq!(taken("median", old.clone().chain(std::iter::repeat_n(1.0, WINDOW))), Some(1.0));
        assert_eq!(taken("min", old.chain([2.0])), Some(2.0));
    }

    #[test]
    fn what_is_no_quantile_is_refused() {
        for text in ["p0", "p100", "p", "p5.55", "p-1", "p1e1", "p+5", "mean", "", "10"] {
            assert!(text.parse::<Take>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_take_reads_back(n in 1_u16..1000) {
            for take in [Take::Quantile(n), Take::Last, Take::First, Take::Min, Take::Max] {
                prop_assert_eq!(take.to_string().parse(), Ok(take));
            }
        }

        #[test]
        fn what_counts_lies_among_the_values(n in 1_u16..1000, values in prop::collection::vec(-1e300_f64..1e300, 1..50)) {
            let mut all = Taken::default();
            for value in &values {
                all.push(Take::Quantile(n), *value);
            }
            let value = all.get(Take::Quantile(n)).unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // But for what rounding adds.
            let slack = 1e-12 * least.abs().max(most.abs());
            prop_assert!(least - slack <= value && value <= most + slack);
        }
    }
}
