//! Bringing what was kept back to the branch that the session came from
//! (SPEC F4). Never a push, never a forced move.

use std::fmt::Write as _;

use autoresearch_core::experiment::{CommitId, Experiment};
use autoresearch_repo::{Landed, Style};

use crate::error::EngineError;
use crate::places::Places;
use crate::view::View;

/// What a merge would do.
#[derive(Debug)]
#[non_exhaustive]
pub struct Landing {
    /// The kept experiments, oldest first, the baseline not among them.
    pub kept: Vec<Experiment>,
    /// The branch that gets them.
    pub onto: String,
    /// The message of a squashed commit.
    pub message: String,
}

impl Landing {
    /// What of this session can be merged, and onto which branch: `onto`, or
    /// the one that it came from.
    ///
    /// # Errors
    /// When neither is known.
    pub fn of(view: &View, onto: Option<&str>) -> Result<Landing, EngineError> {
        let plan = view.plan();
        let Some(onto) = onto.map(str::to_owned).or_else(|| plan.origin.clone()) else {
            return Err(EngineError::BadFile {
                path: Places::branch(&plan.tag),
                what: "came from a detached HEAD".to_owned(),
                hint: "name the branch that gets the changes with `--onto`".to_owned(),
            });
        };
        let kept = view.kept()?;
        let values = (kept.first(), kept.last());
        let kept: Vec<Experiment> = kept.iter().filter(|e| !e.is_baseline()).cloned().collect();
        let mut message = match values {
            (Some(first), Some(last)) => format!(
                "{}: {} from {} to {}\n\n{} kept changes of {}:\n\n",
                Places::branch(&plan.tag),
                plan.metric,
                number(first),
                number(last),
                kept.len(),
                Places::branch(&plan.tag),
            ),
            _ => format!("{}\n\n", Places::branch(&plan.tag)),
        };
        for experiment in &kept {
            let commit = experiment.commit.as_ref().map_or("", CommitId::short);
            let _ =
                writeln!(message, "- {commit} {} ({})", experiment.hypothesis, number(experiment));
        }
        Ok(Landing { kept, onto, message })
    }
}

/// Lands the kept changes.
///
/// # Errors
/// A conflict, or local changes in the way; then everything is as it was.
pub fn merge(view: &View, landing: &Landing, style: Style) -> Result<Landed, EngineError> {
    let base = view.plan().base.clone();
    let tip = match landing.kept.last().and_then(|e| e.commit.clone()) {
        Some(tip) => tip,
        None => base.clone(),
    };
    let request = autoresearch_repo::Landing {
        onto: landing.onto.clone(),
        base,
        branch_tip: tip,
        kept: landing.kept.iter().flat_map(commits_of).collect(),
        style,
        message: landing.message.clone(),
        reference: view.places().landed_ref(),
    };
    Ok(view.repo().land(&request, &view.places().landing())?)
}

/// Those of a kept experiment in order: a retry lies on top of its candidate.
fn commits_of(experiment: &Experiment) -> impl Iterator<Item = CommitId> {
    let relief = experiment.relief.as_ref().filter(|relief| relief.is_retried);
    let candidate = relief.and_then(|relief| relief.candidate.clone());
    candidate.into_iter().chain(experiment.commit.clone())
}

fn number(experiment: &Experiment) -> String {
    experiment.metric().map_or_else(|| "—".to_owned(), |metric| metric.to_string())
}
