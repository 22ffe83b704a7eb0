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

    /// Whether it cost neither money nor tokens: time alone is not worth a line in
    /// the books.
    pub fn is_free(&self) -> bool {
        self.tokens() == 0 && self.dollars <= 0.0
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

    /// What one more proposal may cost, `each` at most, while others are being
    /// written that may still cost `others`; `None` where they may use up all that
    /// is left.
    pub fn one_more(
        &self,
        spent: &Spent,
        others: &[Allowance],
        each: &Allowance,
    ) -> Option<Allowance> {
        // What is less than anybody counts is the rounding of what was subtracted.
        const NOTHING: f64 = 1e-6;
        let left = others.iter().fold(self.less(spent), |left, other| {
            left.less(&Spent {
                dollars: other.dollars.unwrap_or_default(),
                output_tokens: other.tokens.unwrap_or_default(),
                seconds: other.seconds.unwrap_or_default(),
                ..Spent::default()
            })
        });
        let is_nothing = |left: Option<f64>| left.is_some_and(|left| left < NOTHING);
        let is_used_up =
            is_nothing(left.dollars) || is_nothing(left.seconds) || left.tokens == Some(0);
        (others.is_empty() || !is_used_up).then(|| left.and(each))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(amount: f64) -> Allowance {
        Allowance { dollars: Some(amount), ..Allowance::default() }
    }

    #[test]
    fn proposals_that_are_written_at_once_share_what_is_left() {
        let spent = Spent { dollars: 1.0, ..Spent::default() };
        let (session, no_limit) = (dollars(1.3), Allowance::default());
        let first = session.one_more(&spent, &[], &no_limit).unwrap();
        assert!((first.dollars.unwrap() - 0.3).abs() < 1e-9);
        assert_eq!(session.one_more(&spent, &[first], &no_limit), None);
        // Each of them may cost ten cents, which leaves room for three.
        let each = dollars(0.1);
        assert_eq!(
            session.one_more(&spent, &[each; 2], &each).map(|cap| cap.dollars < Some(0.11)),
            Some(true)
        );
        assert_eq!(session.one_more(&spent, &[each; 3], &each), None);
        assert_eq!(no_limit.one_more(&spent, &[each; 3], &each), Some(each));
        let tokens = Allowance { tokens: Some(9), ..no_limit };
        assert_eq!(tokens.one_more(&spent, &[tokens], &no_limit), None);
        // Whoever is asked alone gets the rest, however little.
        let rest = dollars(1.0).one_more(&spent, &[], &each).unwrap();
        assert_eq!(rest.dollars, Some(0.0));
    }
}
