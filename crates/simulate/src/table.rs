//! Many sessions, and what they come to.

use std::ops::Range;

use crate::rounds::Slots;
use crate::rules::{Prepared, Rule};
use crate::world::{Outcome, Session, World};

/// What one rule comes to at one noise, over many sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// True gain over what an omniscient judge would have gained.
    pub gain: f64,
    /// Standard error of `gain` over sessions.
    pub gain_error: f64,
    /// Share of kept changes that truly help; NaN when nothing was kept.
    pub precision: f64,
    /// Standard error of `precision` (a ratio of sums over sessions; Cochran
    /// 1977, section 6.4).
    pub precision_error: f64,
    /// What the rule claims beyond what is true, in typical gains a session.
    pub excess: f64,
    /// The same as a share of the true gain.
    pub excess_share: f64,
    /// Kept changes a session.
    pub kept: f64,
}

/// The sessions of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The world.
    pub world: World,
    /// Runs of a session, all in all.
    pub runs: u64,
    /// How many sessions.
    pub sessions: u64,
    /// The first session's seed; every session has one of its own, the same for
    /// every rule.
    pub seed: u64,
    /// Candidates that run at once.
    pub slots: Slots,
}

impl Setting {
    /// Plays all sessions of one rule at the noise `nu`.
    pub fn cell(&self, rule: Rule, nu: f64) -> Cell {
        let rule = rule.prepared(nu);
        let mut sums = Sums::default();
        for part in self.parts() {
            let mut of_part = Sums::default();
            for number in part {
                of_part.add(&self.play(&rule, nu, number));
            }
            sums.join(&of_part);
        }
        sums.cell()
    }

    /// Plays one of the sessions.
    pub(crate) fn play(&self, rule: &Prepared, nu: f64, number: u64) -> Outcome {
        let seed = self.seed.wrapping_add(number.wrapping_mul(0x9E37_79B9)) ^ nu.to_bits();
        rule.play(Session::new(self.world, nu, self.runs, seed), self.slots)
    }

    /// The sessions in at most 64 parts. Sums are made by part, so that it does
    /// not matter which thread plays which.
    pub(crate) fn parts(&self) -> Vec<Range<u64>> {
        let size = self.sessions.div_ceil(64).max(1);
        let count = self.sessions.div_ceil(size);
        (0..count).map(|part| part * size..((part + 1) * size).min(self.sessions)).collect()
    }
}

/// Sums over sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    sessions: f64,
    share: f64,
    share_squares: f64,
    claimed: f64,
    gain: f64,
    kept: f64,
    helpful: f64,
    kept_squares: f64,
    helpful_squares: f64,
    products: f64,
}

impl Sums {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let share = outcome.gain / outcome.reachable;
        let (kept, helpful) = (outcome.kept as f64, outcome.helpful as f64);
        self.join(&Sums {
            sessions: 1.0,
            share,
            share_squares: share * share,
            claimed: outcome.claimed,
            gain: outcome.gain,
            kept,
            helpful,
            kept_squares: kept * kept,
            helpful_squares: helpful * helpful,
            products: kept * helpful,
        });
    }

    pub(crate) fn join(&mut self, other: &Sums) {
        self.sessions += other.sessions;
        self.share += other.share;
        self.share_squares += other.share_squares;
        self.claimed += other.claimed;
        self.gain += other.gain;
        self.kept += other.kept;
        self.helpful += other.helpful;
        self.kept_squares += other.kept_squares;
        self.helpful_squares += other.helpful_squares;
        self.products += other.products;
    }

    pub(crate) fn cell(&self) -> Cell {
        let gain = self.share / self.sessions;
        let variance = (self.share_squares / self.sessions - gain * gain).max(0.0);
        let precision = self.helpful / self.kept;
        let residual = self.helpful_squares - 2.0 * precision * self.products
            + precision * precision * self.kept_squares;
        Cell {
            gain,
            gain_error: (variance / self.sessions).sqrt(),
            precision,
            precision_error: residual.max(0.0).sqrt() / self.kept,
            excess: (self.claimed - self.gain) / self.sessions,
            excess_share: (self.claimed - self.gain) / self.gain,
            kept: self.kept / self.sessions,
        }
    }
}
