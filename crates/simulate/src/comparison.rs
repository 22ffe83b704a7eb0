//! Rules beside one another in one world: what has to be computed, and how it
//! is laid out.

use crate::rounds::{Landing, Slots};
use crate::rules::Rule;
use crate::table::{Cell, Setting};
use crate::work::Job;
use crate::world::World;
use autoresearch_core::units::counted;

/// Rules that shall be compared in one world.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The world.
    pub world: World,
    /// Runs of a session, all in all.
    pub runs: u64,
    /// Sessions of a cell.
    pub sessions: u64,
    /// Candidates that run at once. From 2 on, every rule has a row for each
    /// [`Landing`].
    pub slots: u64,
    /// Where lots begin.
    pub seed: u64,
    /// What is compared.
    pub rules: Vec<Rule>,
    /// Noise: standard deviations of a run, in typical gains.
    pub nus: Vec<f64>,
}

/// What came of a [`Comparison`].
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What was compared.
    pub comparison: Comparison,
    /// By rule.
    pub rows: Vec<Row>,
}

/// A rule in a [`Table`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The rule.
    pub rule: Rule,
    /// Which winners of a round land; absent where slots make no difference.
    pub landing: Option<Landing>,
    /// By noise.
    pub cells: Vec<Cell>,
}

impl Comparison {
    /// Rules with what becomes of their winners, in the order of the rows.
    fn rows(&self) -> impl Iterator<Item = (Rule, Option<Landing>)> {
        self.rules.iter().flat_map(|rule| {
            let landings: &[Option<Landing>] = match rule {
                Rule::Best(_) | Rule::Ours(_) => &[None],
                _ if self.slots < 2 => &[None],
                _ => &[Some(Landing::Best), Some(Landing::Stack)],
            };
            landings.iter().map(|landing| (*rule, *landing))
        })
    }

    /// What has to be computed, row by row.
    pub fn jobs(&self) -> Vec<Job> {
        let Comparison { world, runs, sessions, seed, .. } = *self;
        let job = |(rule, landing): (Rule, Option<Landing>)| {
            let slots = Slots { count: self.slots, landing: landing.unwrap_or(Landing::Best) };
            let setting = Setting { world, runs, sessions, seed, slots };
            self.nus.iter().map(move |nu| Job { setting, rule, nu: *nu })
        };
        self.rows().flat_map(job).collect()
    }

    /// The table, from the cells of [`Self::jobs`]; takes as many as it needs.
    pub fn table(self, cells: &mut impl Iterator<Item = Cell>) -> Table {
        let rows = self
            .rows()
            .map(|(rule, landing)| Row {
                rule,
                landing,
                cells: cells.take(self.nus.len()).collect(),
            })
            .collect();
        Table { comparison: self, rows }
    }
}

impl Row {
    /// As a user names it.
    pub fn id(&self) -> String {
        match self.landing {
            None => self.rule.id(),
            Some(Landing::Best) => format!("{} best", self.rule.id()),
            Some(Landing::Stack) => format!("{} stacked", self.rule.id()),
        }
    }

    /// In words.
    pub fn name(&self) -> String {
        match self.landing {
            None => self.rule.name(),
            Some(landing) => format!("{}, {}", self.rule.name(), landing.name()),
        }
    }
}

impl Table {
    /// As `plain world, 100 runs, 600 sessions`.
    pub fn title(&self) -> String {
        let Comparison { world, runs, sessions, slots, .. } = &self.comparison;
        let (runs, sessions) = (counted(*runs, "run"), counted(*sessions, "session"));
        let slots = if *slots > 1 { format!(", {slots} at once") } else { String::new() };
        format!("{} world, {runs}{slots}, {sessions}", world.name())
    }
}
