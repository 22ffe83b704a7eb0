//! What proposals cost.

use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::human_duration;

/// What a proposer used for a proposal, or several used together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// Seconds that it worked.
    #[serde(skip_serializing_if = "is_nothing")]
    pub seconds: f64,
    /// US dollars, as the proposer said or by configured prices; 0 where
    /// nobody knows.
    #[serde(skip_serializing_if = "is_nothing")]
    pub dollars: f64,
    /// Tokens read, those from a cache among them.
    #[serde(skip_serializing_if = "is_none")]
    pub input_tokens: u64,
    /// Tokens read from a cache.
    #[serde(skip_serializing_if = "is_none")]
    pub cached_tokens: u64,
    /// Tokens written.
    #[serde(skip_serializing_if = "is_none")]
    pub output_tokens: u64,
}

impl Spent {
    /// Tokens read and written.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Whether nothing was spent.
    pub fn is_zero(&self) -> bool {
        *self == Spent::default()
    }
}

impl Add for Spent {
    type Output = Spent;

    fn add(self, other: Spent) -> Spent {
        Spent {
            seconds: self.seconds + other.seconds,
            dollars: self.dollars + other.dollars,
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        *self = *self + other;
    }
}

impl Sum for Spent {
    fn sum<I: Iterator<Item = Spent>>(all: I) -> Spent {
        all.fold(Spent::default(), Spent::add)
    }
}

/// What proposals may cost; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Allowance {
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
    /// Tokens read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Seconds that proposers work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Allowance {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Allowance::default()
    }

    /// What is used up, in words: `$5.02 of $5.00`.
    pub fn exceeded(&self, spent: &Spent) -> Option<String> {
        if let Some(most) = self.dollars.filter(|most| spent.dollars >= *most) {
            return Some(format!("{} of {}", dollars(spent.dollars), dollars(most)));
        }
        if let Some(most) = self.tokens.filter(|most| spent.tokens() >= *most) {
            return Some(format!("{} of {most} tokens", spent.tokens()));
        }
        let time =
            |seconds: f64| human_duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        let most = self.seconds.filter(|most| spent.seconds >= *most)?;
        Some(format!("{} of {} of proposers' time", time(spent.seconds), time(most)))
    }

    /// What is left of it.
    #[must_use]
    pub fn less(&self, spent: &Spent) -> Allowance {
        Allowance {
            dollars: self.dollars.map(|most| (most - spent.dollars).max(0.0)),
            tokens: self.tokens.map(|most| most.saturating_sub(spent.tokens())),
            seconds: self.seconds.map(|most| (most - spent.seconds).max(0.0)),
        }
    }

    /// The narrower of both, limit by limit.
    #[must_use]
    pub fn and(&self, other: &Allowance) -> Allowance {
        let least = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Allowance {
            dollars: least(self.dollars, other.dollars),
            tokens: self.tokens.into_iter().chain(other.tokens).min(),
            seconds: least(self.seconds, other.seconds),
        }
    }
}

/// An amount, as `$1.25`; with four digits where it is small.
pub fn dollars(amount: f64) -> String {
    if amount < 0.1 { format!("${amount:.4}") } else { format!("${amount:.2}") }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn is_nothing(number: &f64) -> bool {
    *number == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn is_none(number: &u64) -> bool {
    *number == 0
}
