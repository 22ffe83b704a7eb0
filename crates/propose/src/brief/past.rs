//! An earlier experiment, in short.

use autoresearch_core::experiment::{Experiment, Verdict};
use autoresearch_core::judge::Rule;
use autoresearch_core::proposal::{Category, Settings};
use autoresearch_core::trial::CrashKind;
use serde::Serialize;

use super::text;

/// Characters of a hypothesis, and of the grounds of a verdict, which may quote a
/// log.
const SENTENCE: usize = 240;

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
    /// Which rule decided.
    pub rule: Rule,
    /// Its commit.
    pub commit: Option<String>,
    /// Difference to the incumbent of its time, positive when better; absent where
    /// the metric is.
    pub gain: Option<f64>,
    /// Probability that it is better, where noise was reckoned with.
    pub better: Option<f64>,
    /// How it crashed.
    pub crash: Option<CrashKind>,
    /// What its proposer expected of it.
    pub expected: Option<String>,
    /// The commit that it changed.
    #[serde(skip)]
    pub parent: String,
    /// The held experiment that it is again, because a person trusted that one.
    #[serde(skip)]
    pub trusts: Option<u64>,
    /// What a search had set.
    #[serde(skip)]
    pub settings: Option<Settings>,
}

impl Past {
    /// A settled experiment in short; `None` for one without a verdict.
    pub fn of(experiment: &Experiment) -> Option<Past> {
        let ruling = experiment.ruling.as_ref()?;
        // A good number must not draw a proposer to where nothing is kept.
        let is_measured = ruling.verdict != Verdict::Crash && ruling.rule != Rule::Constraint;
        let sentence = |text: &str| text::one_line(&text::clean(text), SENTENCE);
        Some(Past {
            number: experiment.number,
            hypothesis: sentence(&experiment.hypothesis),
            category: experiment.category,
            verdict: ruling.verdict,
            reason: sentence(&ruling.reason),
            metric: experiment.metric().filter(|_| is_measured),
            rule: ruling.rule,
            commit: experiment.commit.as_ref().map(|commit| commit.0.clone()),
            gain: ruling.gain.filter(|_| is_measured),
            better: ruling.weighed.map(|weighed| weighed.better).filter(|_| is_measured),
            crash: ruling.crash.as_ref().map(|crash| crash.kind),
            expected: experiment.expected.as_deref().map(sentence),
            parent: experiment.parent.0.clone(),
            trusts: experiment.trusts,
            // A search must not learn from what nobody believes.
            settings: experiment.settings.clone().filter(|_| ruling.rule != Rule::Suspect),
        })
    }
}
