//! What a proposer is told: all that it may know, in a bounded size however
//! long the session is.

use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::{Category, Scope, Settings};
use serde::Serialize;

/// A file with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Path from the root of the repository.
    pub path: String,
    /// Its contents at the incumbent, cut where they are long.
    pub text: String,
}

/// A measured state of the target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Number of the experiment.
    pub number: u64,
    /// Its commit.
    pub commit: String,
    /// Its metric.
    pub metric: f64,
}

/// An earlier experiment, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Past {
    /// Its number.
    pub number: u64,
    /// What it tested.
    pub hypothesis: String,
    /// What sort of change it was.
    pub category: Category,
    /// What was decided.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The metric, unless it crashed or breaks a constraint.
    pub metric: Option<f64>,
    /// What a search had set.
    #[serde(skip)]
    pub settings: Option<Settings>,
}

/// All that a proposer may know.
#[derive(Clone, Debug, Serialize)]
pub struct Brief {
    /// Number that the experiment will have.
    pub number: u64,
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Seconds that one run gets.
    pub budget_seconds: f64,
    /// The run command.
    pub command: Vec<String>,
    /// What may be changed in the targets.
    pub scope: Scope,
    /// The targets at the incumbent: the only files that may change.
    pub targets: Vec<Text>,
    /// The targets as the session found them: what ranges are derived from.
    #[serde(skip)]
    pub origin: Vec<Text>,
    /// README and read-only files.
    pub context: Vec<Text>,
    /// The unmodified target.
    pub baseline: Option<Mark>,
    /// The best so far: what the change starts from.
    pub incumbent: Option<Mark>,
    /// The sentence to turn into an edit, when one is queued.
    pub hypothesis: Option<String>,
    /// The category to stay near, after a recent keep.
    pub near: Option<Category>,
    /// The category that failed several times in a row.
    pub avoid: Option<Category>,
    /// Experiments since the last keep: be bolder as it grows.
    pub failures_in_a_row: u32,
    /// Why the last proposal was refused, if it was.
    pub complaint: Option<String>,
    /// Earlier experiments, oldest first: those kept, then the recent ones.
    pub history: Vec<Past>,
    /// What runs run on, and what is adjusted for it: a line each.
    pub platform: Vec<String>,
    /// Search ranges from the configuration, by knob.
    #[serde(skip)]
    pub ranges: std::collections::BTreeMap<String, String>,
    /// Seed for whoever draws lots; differs with every question.
    #[serde(skip)]
    pub seed: u64,
}

/// Experiments that the page shows in full; older ones are in the JSON.
const SHOWN: usize = 60;

impl Brief {
    /// The brief as a page for a person or an agent.
    pub fn to_markdown(&self) -> String {
        let mut page = String::new();
        let targets: Vec<&str> = self.targets.iter().map(|t| t.path.as_str()).collect();
        let _ = writeln!(page, "# Experiment {}\n", self.number);
        let _ = writeln!(
            page,
            "Edit `{}` so that `{}` improves ({}). One focused change; nothing else may change. \
             Print a line `HYPOTHESIS: <one sentence>`.\n",
            targets.join("`, `"),
            self.metric,
            self.direction
        );
        if let Some(hypothesis) = &self.hypothesis {
            let _ = writeln!(page, "Test exactly this hypothesis: **{hypothesis}**\n");
        }
        let _ =
            writeln!(page, "- run: `{}`, {} s a run", self.command.join(" "), self.budget_seconds);
        let _ = writeln!(page, "- scope: {}", self.scope);
        for (name, mark) in [("baseline", &self.baseline), ("best so far", &self.incumbent)] {
            if let Some(mark) = mark {
                let _ = writeln!(page, "- {name}: {} (experiment {})", mark.metric, mark.number);
            }
        }
        if let Some(category) = self.near {
            let _ = writeln!(page, "- the last keep was in {category}: explore near it");
        }
        if let Some(category) = self.avoid {
            let _ =
                writeln!(page, "- {category} failed several times in a row: try something else");
        }
        if self.failures_in_a_row > 5 {
            let _ = writeln!(page, "- {} failures in a row: be bolder", self.failures_in_a_row);
        }
        if let Some(complaint) = &self.complaint {
            let _ = writeln!(page, "- your last proposal was refused: {complaint}");
        }
        if !self.platform.is_empty() {
            let _ = writeln!(page, "\n## Platform\n");
            for line in &self.platform {
                let _ = writeln!(page, "- {line}");
            }
        }
        if !self.history.is_empty() {
            page.push_str("\n## Tried so far\n\n| # | verdict | metric | change | why |\n|---|---|---|---|---|\n");
            let skip = self.history.len().saturating_sub(SHOWN);
            for past in self.history.iter().enumerate().filter_map(|(at, past)| {
                (at >= skip || past.verdict == Verdict::Keep).then_some(past)
            }) {
                let metric = past.metric.map_or_else(|| "—".to_owned(), |m| m.to_string());
                let _ = writeln!(
                    page,
                    "| {} | {} | {metric} | {} | {} |",
                    past.number,
                    past.verdict,
                    cell(&past.hypothesis),
                    cell(&past.reason)
                );
            }
        }
        for text in self.targets.iter().chain(&self.context) {
            let fence = if text.text.contains("```") { "~~~~" } else { "```" };
            let _ =
                writeln!(page, "\n## {}\n\n{fence}\n{}\n{fence}", text.path, text.text.trim_end());
        }
        page
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
