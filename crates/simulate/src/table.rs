//! Many sessions, and what they come to.

use std::fmt::Write as _;

use crate::rules::Rule;
use crate::world::{Session, World};

/// What one rule comes to at one noise, over many sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// True gain over what an omniscient judge would have gained.
    pub gain: f64,
    /// Standard error of `gain` over sessions.
    pub error: f64,
    /// Share of kept changes that truly help; NaN when nothing was kept.
    pub precision: f64,
    /// What the rule claims beyond what is true, in typical gains a session.
    pub excess: f64,
    /// The same as a share of the true gain.
    pub excess_share: f64,
}

/// The sessions of a table.
#[derive(Clone, Copy, Debug)]
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
}

impl Setting {
    /// Plays all sessions of one rule at the noise `nu`.
    pub fn cell(&self, rule: Rule, nu: f64) -> Cell {
        let (mut sum, mut squares, mut excess, mut truth) = (0.0, 0.0, 0.0, 0.0);
        let (mut kept, mut helpful) = (0, 0);
        for number in 0..self.sessions {
            let seed = self.seed.wrapping_add(number.wrapping_mul(0x9E37_79B9)) ^ nu.to_bits();
            let outcome = rule.play(Session::new(self.world, nu, self.runs, seed));
            let share = outcome.gain / outcome.reachable;
            sum += share;
            squares += share * share;
            excess += outcome.claimed - outcome.gain;
            truth += outcome.gain;
            kept += outcome.kept;
            helpful += outcome.helpful;
        }
        let count = self.sessions as f64;
        let gain = sum / count;
        Cell {
            gain,
            error: ((squares / count - gain * gain).max(0.0) / count).sqrt(),
            precision: helpful as f64 / kept as f64,
            excess: excess / count,
            excess_share: excess / truth,
        }
    }
}

/// A table in Markdown: rules down, noise across; `gain ± error / precision /
/// claimed beyond the truth`.
pub fn markdown(nus: &[f64], rows: &[(Rule, Vec<Cell>)]) -> String {
    let mut text = String::from("| rule |");
    for nu in nus {
        let _ = write!(text, " ν = {nu} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(nus.len()));
    text.push('\n');
    for (rule, cells) in rows {
        let _ = write!(text, "| {} |", rule.name());
        for cell in cells {
            let _ = write!(text, " {} |", words(cell));
        }
        text.push('\n');
    }
    text
}

/// As `.915 ± .004 / 93% / +0.2`.
fn words(cell: &Cell) -> String {
    let bare = |value: f64| format!("{value:.3}").replacen("0.", ".", 1);
    let precision = if cell.precision.is_nan() {
        "–".to_owned()
    } else {
        format!("{:.0}%", 100.0 * cell.precision)
    };
    format!("{} ± {} / {precision} / {:+.1}", bare(cell.gain), bare(cell.error), cell.excess)
}
