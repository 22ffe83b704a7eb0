//! Who is asked next, when several propose: Thompson sampling on what each has
//! gained for what it cost (Thompson, 1933; Russo et al., 2018, "A Tutorial on
//! Thompson Sampling").
//!
//! A proposer is taken for one that is kept with probability θ ~ Beta(1 + keeps,
//! 1 + failures), gains exponentially distributed amounts when it is, whose mean
//! has an inverse gamma posterior, and costs its mean so far. Before a proposer
//! has shown anything it is held to be like all of them together. From each
//! posterior one value is drawn, and the best gain for its cost is asked: whoever
//! is good is asked often, and who is unknown often enough to be known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF, Gamma};

use crate::random::Random;
use crate::spent::Spent;

/// What is known of every proposer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portfolio {
    tallies: BTreeMap<String, Tally>,
}

/// What one proposer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Experiments of it that are settled.
    pub experiments: u64,
    /// Those that were kept.
    pub keeps: u64,
    /// What its keeps brought in units of the metric, corrected for luck.
    pub gain: f64,
    /// Seconds that its experiments ran.
    pub run_seconds: f64,
    /// What its proposals cost, refused and failed ones among them.
    pub spent: Spent,
}

impl Tally {
    /// What it cost in dollars, if an hour of the machine costs `hour` of them.
    pub fn cost(&self, hour: f64) -> f64 {
        self.spent.dollars + (self.run_seconds + self.spent.seconds) / 3600.0 * hour
    }
}

impl Portfolio {
    pub(crate) fn pay(&mut self, proposer: &str, spent: Spent) {
        if !spent.is_zero() {
            self.of(proposer).spent += spent;
        }
    }

    pub(crate) fn settle(&mut self, proposer: &str, seconds: f64, gain: Option<f64>) {
        let tally = self.of(proposer);
        tally.experiments += 1;
        tally.run_seconds += seconds;
        if let Some(gain) = gain {
            tally.keeps += 1;
            tally.gain += gain;
        }
    }

    fn of(&mut self, proposer: &str) -> &mut Tally {
        self.tallies.entry(proposer.to_owned()).or_default()
    }

    /// Every proposer that did anything, by name.
    pub fn tallies(&self) -> impl Iterator<Item = (&str, &Tally)> {
        self.tallies.iter().map(|(name, tally)| (name.as_str(), tally))
    }

    /// All tallies, unless there is but one proposer and it costs nothing.
    pub fn worth_telling(&self) -> Vec<(String, Tally)> {
        let is_free = |tally: &Tally| {
            tally.spent.tokens() == 0 && tally.spent.dollars == 0.0 && tally.spent.seconds < 60.0
        };
        if self.tallies.len() < 2 && self.tallies.values().all(is_free) {
            return Vec::new();
        }
        self.tallies.iter().map(|(name, tally)| (name.clone(), *tally)).collect()
    }

    /// Whom of these to ask, as a place in the list; `hour` is what an hour of
    /// the machine costs in dollars, above zero. The same seed gives the same
    /// answer. `None` for an empty list.
    pub fn choose(&self, names: &[&str], hour: f64, seed: u64) -> Option<usize> {
        if names.len() < 2 {
            return (!names.is_empty()).then_some(0);
        }
        let tallies: Vec<Tally> =
            names.iter().map(|name| self.tallies.get(*name).copied().unwrap_or_default()).collect();
        let sum = |of: fn(&Tally) -> f64| tallies.iter().map(of).sum::<f64>();
        let settled: u64 = tallies.iter().map(|tally| tally.experiments).sum();
        let count = settled as f64;
        let cost: f64 = tallies.iter().map(|tally| tally.cost(hour)).sum();
        // What a proposal costs, and a keep brings, on the average of all.
        let usual_cost = if count > 0.0 && cost > 0.0 { cost / count } else { 1.0 };
        let keeps = sum(|tally| tally.keeps as f64);
        let usual_gain = if keeps > 0.0 { sum(|tally| tally.gain) / keeps } else { 1.0 };
        let mut random = Random::new(seed, settled);
        let worth = tallies.iter().map(|tally| {
            let (n, keeps) = (tally.experiments as f64, tally.keeps as f64);
            let chance = Beta::new(1.0 + keeps, 1.0 + (n - keeps).max(0.0))
                .map_or(0.5, |beta| beta.inverse_cdf(random.unit()));
            // Mean of the prior: the usual gain.
            let rate = Gamma::new(2.0 + keeps, usual_gain.max(f64::MIN_POSITIVE) + tally.gain);
            let draw = rate.map_or(1.0, |gamma| gamma.inverse_cdf(random.unit()));
            let cost = (usual_cost + tally.cost(hour)) / (1.0 + n);
            chance / draw.max(f64::MIN_POSITIVE) / cost.max(f64::MIN_POSITIVE)
        });
        let worth: Vec<f64> = worth.collect();
        (0..worth.len()).max_by(|a, b| worth[*a].total_cmp(&worth[*b]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(dollars: f64) -> Spent {
        Spent { dollars, ..Spent::default() }
    }

    /// How often the first of two is asked in 1,000 questions.
    fn share(portfolio: &Portfolio) -> usize {
        (0..1000).filter(|seed| portfolio.choose(&["a", "b"], 1.0, *seed) == Some(0)).count()
    }

    #[test]
    fn strangers_are_asked_alike() {
        let share = share(&Portfolio::default());
        assert!((440..560).contains(&share), "{share}");
    }

    #[test]
    fn who_gains_more_for_the_same_money_is_asked_more_often() {
        let mut portfolio = Portfolio::default();
        for _ in 0..20 {
            portfolio.pay("a", dollars(0.1));
            portfolio.pay("b", dollars(0.1));
            portfolio.settle("a", 10.0, None);
            portfolio.settle("b", 10.0, None);
        }
        for _ in 0..5 {
            portfolio.settle("a", 10.0, Some(0.2));
        }
        assert!(share(&portfolio) > 850, "{}", share(&portfolio));
    }

    #[test]
    fn who_asks_ten_times_the_money_for_the_same_gain_is_asked_less_often() {
        let mut portfolio = Portfolio::default();
        for n in 0..20 {
            portfolio.pay("a", dollars(1.0));
            portfolio.pay("b", dollars(0.1));
            let gain = (n % 4 == 0).then_some(0.2);
            portfolio.settle("a", 10.0, gain);
            portfolio.settle("b", 10.0, gain);
        }
        assert!(share(&portfolio) < 100, "{}", share(&portfolio));
    }

    #[test]
    fn who_failed_a_few_times_still_gets_a_turn() {
        let mut portfolio = Portfolio::default();
        for _ in 0..5 {
            portfolio.settle("a", 10.0, None);
            portfolio.settle("b", 10.0, Some(0.1));
        }
        assert!(share(&portfolio) > 10, "{}", share(&portfolio));
    }

    /// Strange histories must not stop a session.
    #[test]
    fn whatever_was_seen_somebody_is_chosen() {
        let mut portfolio = Portfolio::default();
        portfolio.settle("a", f64::INFINITY, Some(f64::NAN));
        portfolio.settle("b", 0.0, Some(0.0));
        for seed in 0..50 {
            assert!(portfolio.choose(&["a", "b", "c"], 0.0, seed).is_some());
        }
        assert_eq!(portfolio.choose(&[], 1.0, 0), None);
    }
}
