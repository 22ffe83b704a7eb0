//! What proposals cost.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn is_nothing(number: &f64) -> bool {
    *number == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn is_none(number: &u64) -> bool {
    *number == 0
}
