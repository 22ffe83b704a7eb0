//! What is written of an experiment (SPEC J2).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use autoresearch_core::experiment::{Experiment, Verdict};
use autoresearch_core::metric::{Direction, significant};
use autoresearch_core::units::Timestamp;

use crate::note::{Evidence, Kind, Measured, Meta, Note, slug};
use crate::vault::Repository;

/// Bytes of a change that a note holds; the whole is in git.
const DIFF: usize = 16_000;

/// Longest title, in bytes.
const TITLE: usize = 160;

/// A session, as its notes name it.
#[derive(Clone, Debug)]
pub struct Session {
    /// The repository.
    pub repository: Repository,
    /// Its tag.
    pub tag: String,
    /// Its unique id.
    pub id: String,
    /// The files under experiment.
    pub target: Vec<String>,
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// What one run gets, as `5m`.
    pub budget: String,
    /// What its runs ran on.
    pub platform: String,
}

impl Session {
    /// Where its notes lie in a vault.
    pub fn folder(&self) -> String {
        format!("{}/{}", self.repository.folder(), self.key())
    }

    /// The name of what is `what` of it, unique in a vault.
    pub fn name(&self, what: &str) -> String {
        format!("{}-{}-{}", slug(&self.repository.name, 40), self.key(), slug(what, 48))
    }

    /// The name of the note on experiment `number`.
    pub fn experiment(&self, number: u64) -> String {
        self.name(&format!("{number:04}"))
    }

    fn key(&self) -> String {
        let id: String = self.id.chars().filter(char::is_ascii_alphanumeric).take(6).collect();
        format!("{}-{}", slug(&self.tag, 24), id.to_lowercase())
    }

    /// What every note of it says, written at `at`.
    pub fn meta(&self, kind: Kind, title: &str, at: Timestamp) -> Meta {
        let mut title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        title.truncate(title.floor_char_boundary(TITLE));
        Meta {
            kind,
            title,
            date: date(at),
            repository: Some(self.repository.name.clone()),
            repository_id: Some(self.repository.id.clone()),
            session: Some(self.tag.clone()),
            session_id: Some(self.id.clone()),
            target: self.target.clone(),
            budget: Some(self.budget.clone()),
            platform: Some(self.platform.clone()).filter(|platform| !platform.is_empty()),
            tags: vec![format!("autoresearch/{}", kind.name())],
            ..Meta::default()
        }
    }

    /// The note on a settled experiment; `incumbent` is the one that it changes, `diff`
    /// its change.
    pub fn note(
        &self,
        experiment: &Experiment,
        incumbent: Option<&Experiment>,
        diff: &str,
    ) -> Note {
        let at = experiment.settled_at.unwrap_or(experiment.proposed_at);
        let ruling = experiment.ruling.as_ref();
        let verdict = ruling.map_or("undecided".to_owned(), |ruling| ruling.verdict.to_string());
        let title = if experiment.is_baseline() {
            format!("Baseline of {}", self.target.join(", "))
        } else {
            experiment.hypothesis.clone()
        };
        let crash = ruling.and_then(|ruling| ruling.crash.as_ref());
        let reason = ruling.map(|ruling| match crash {
            Some(crash) if crash.reason != ruling.reason && !crash.reason.is_empty() => {
                format!("{}: {}", ruling.reason, crash.reason)
            }
            _ => ruling.reason.clone(),
        });
        let weighed = ruling.and_then(|ruling| ruling.weighed);
        let before = incumbent.and_then(Experiment::metric);
        let mut meta = Meta {
            experiment: Some(experiment.number),
            hypothesis: (!experiment.is_baseline()).then(|| experiment.hypothesis.clone()),
            category: Some(experiment.category.to_string()),
            proposer: Some(experiment.proposer.clone()),
            commit: experiment.commit.as_ref().map(|commit| commit.0.clone()),
            parent: Some(experiment.parent.0.clone()),
            verdict: Some(verdict.clone()),
            reason: reason.clone(),
            crash: crash.map(|crash| crash.kind.to_string()),
            metric: Some(Measured {
                name: self.metric.clone(),
                better: Some(self.direction.to_string()),
                value: experiment.metric(),
                before,
                gain: ruling.and_then(|ruling| ruling.gain),
            }),
            metrics: secondary(experiment),
            evidence: Some(Evidence {
                runs: experiment.evidence().filter_map(|trial| trial.metric).collect(),
                likely_better: weighed.map(|weighed| weighed.better),
                error: weighed.map(|weighed| weighed.error),
                seconds: Some(experiment.trials.iter().map(|t| t.usage.wall_seconds).sum()),
            }),
            ..self.meta(Kind::Experiment, &title, at)
        };
        meta.tags.push(verdict);
        meta.tags.push(slug(&experiment.category.to_string(), 40));
        let mut body = format!("# {}\n\n", meta.title);
        if let (Some(ruling), Some(reason)) = (ruling, reason) {
            let _ = writeln!(body, "{}: {}.", words(ruling.verdict), reason.trim_end_matches('.'));
        }
        if let Some(value) = experiment.metric() {
            let against = before.filter(|_| !experiment.is_baseline());
            let against = against
                .map_or_else(String::new, |before| format!(", before it {}", number(before)));
            let _ = writeln!(
                body,
                "\n`{}` {}{against}; {}.",
                self.metric,
                number(value),
                self.direction
            );
        }
        if let Some(incumbent) = incumbent.filter(|_| !experiment.is_baseline()) {
            let _ = writeln!(body, "\nIt changes [[{}]].", self.experiment(incumbent.number));
        }
        if !diff.trim().is_empty() {
            let head = &diff[..diff.floor_char_boundary(DIFF)];
            let fence = "`".repeat(3.max(longest(head) + 1));
            let cut = if head.len() < diff.len() { "\n[cut]" } else { "" };
            let _ = writeln!(body, "\n## Change\n\n{fence}diff\n{}{cut}\n{fence}", head.trim_end());
        }
        Note { name: self.experiment(experiment.number), meta, body }
    }
}

/// A number with as many digits as tell.
pub(crate) fn number(value: f64) -> String {
    significant(value, 7)
}

/// A verdict as the beginning of a sentence.
fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Keep => "Kept",
        Verdict::Discard => "Discarded",
        Verdict::Crash => "Crashed",
    }
}

/// The longest run of backquotes.
fn longest(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Means of what the runs reported besides, and the peak of their memory.
fn secondary(experiment: &Experiment) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (name, value) in experiment.evidence().flat_map(|trial| &trial.secondary) {
        let sum = sums.entry(name.clone()).or_default();
        *sum = (sum.0 + value, sum.1 + 1.0);
    }
    let mut means: BTreeMap<String, f64> =
        sums.into_iter().map(|(name, (sum, count))| (name, sum / count)).collect();
    if let Some(peak) = experiment.peak_memory() {
        means.insert("peak_memory_bytes".to_owned(), peak.0 as f64);
    }
    means.retain(|_, mean| mean.is_finite());
    means
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn date(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
