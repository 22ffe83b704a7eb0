//! From what the ledger has to what the report needs.

use autoresearch_config::Config;
use autoresearch_core::budget::Budget;
use autoresearch_core::experiment::{Experiment, Verdict};
use autoresearch_core::judge::Rule;
use autoresearch_core::metric::{Direction, significant};
use autoresearch_core::session::{Plan, State, StopReason};
use autoresearch_core::units::{Bytes, Timestamp};
use autoresearch_ledger::{Entry, Row, Table};
use autoresearch_report::{History, Point, Session};

use crate::places::Places;

/// The history of a session from its state and its archive.
pub(crate) fn of(state: &State, config: &Config, entries: &[Entry]) -> History {
    let mut session = match state.plan() {
        Some(plan) => session(plan, config, state.stopped(), state.last_at(), state.opened_at()),
        None => Session::new(config.metric.name.clone(), config.metric.direction),
    };
    session.stopped_early = state.stopped_early();
    session.noise = state.noise();
    session.proposers = state.portfolio().worth_telling();
    let points = entries.iter().map(|entry| point(entry, state.opened_at())).collect();
    History { session, points }
}

/// What a report says of the session itself.
pub(crate) fn session(
    plan: &Plan,
    config: &Config,
    stopped: Option<&StopReason>,
    last_at: Timestamp,
    opened_at: Timestamp,
) -> Session {
    Session {
        tag: Some(plan.tag.clone()),
        branch: Some(Places::branch(&plan.tag)),
        platform: Some(plan.platform.clone()),
        targets: config.target.clone(),
        command: Some(config.run.command.join(" ")),
        started: Some(opened_at),
        ended: Some(last_at),
        budget_seconds: match config.budget {
            Budget::Wall(wall) => Some(wall.as_secs_f64()),
            Budget::Quota { .. } => None,
        },
        quota: config.budget.quota().map(ToString::to_string),
        iterations_max: plan.iterations,
        stopped: stopped.map(ToString::to_string),
        ..Session::new(plan.metric.clone(), plan.direction)
    }
}

/// A row of the archive as a report's point.
pub(crate) fn point(entry: &Entry, opened_at: Timestamp) -> Point {
    Point {
        number: entry.number,
        commit: entry.commit.clone(),
        metric: entry.metric,
        memory: entry.memory,
        verdict: entry.verdict,
        rule: Some(entry.rule),
        hypothesis: entry.hypothesis.clone(),
        reason: Some(entry.reason.clone()),
        category: entry.category,
        gain: entry.gain,
        crash_kind: entry.crash,
        at_seconds: Some(entry.settled_at.since(opened_at).as_secs_f64()),
        wall_seconds: Some(entry.wall_seconds),
        code_lines: Some(entry.code_lines),
        expected: entry.expected.clone(),
    }
}

/// A settled experiment as a report's point.
pub(crate) fn point_of(experiment: &Experiment, opened_at: Timestamp) -> Point {
    let ruling = experiment.ruling.as_ref();
    let settled_at = experiment.settled_at.unwrap_or(experiment.proposed_at);
    Point {
        number: experiment.number,
        commit: experiment.commit.as_ref().map(|c| c.0.clone()),
        metric: experiment.metric(),
        memory: experiment.peak_memory(),
        verdict: experiment.verdict().unwrap_or(Verdict::Crash),
        rule: ruling.map(|r| r.rule),
        hypothesis: experiment.hypothesis.clone(),
        reason: ruling.map(|r| r.reason.clone()),
        category: experiment.category,
        gain: ruling.and_then(|r| r.gain),
        crash_kind: ruling.and_then(|r| r.crash.as_ref()).map(|c| c.kind),
        at_seconds: Some(settled_at.since(opened_at).as_secs_f64()),
        wall_seconds: Some(experiment.trials.iter().map(|t| t.usage.wall_seconds).sum()),
        code_lines: Some(experiment.code_lines),
        expected: experiment.expected.clone(),
    }
}

/// The results table of a session.
pub(crate) fn table(metric: &str, direction: Direction, entries: &[Entry]) -> Table {
    let rows = entries
        .iter()
        .map(|entry| {
            let outcome = Outcome {
                number: entry.number,
                commit: entry.commit.as_deref(),
                metric: entry.metric,
                memory: entry.memory,
                verdict: entry.verdict,
                hypothesis: &entry.hypothesis,
                reason: &entry.reason,
                gain: entry.gain,
                rule: Some(entry.rule),
            };
            outcome.row(direction)
        })
        .collect();
    Table { metric: metric.to_owned(), rows }
}

/// One experiment's row of the results table.
pub(crate) fn row(experiment: &Experiment, direction: Direction) -> Row {
    let ruling = experiment.ruling.as_ref();
    Outcome {
        number: experiment.number,
        commit: experiment.commit.as_ref().map(|c| c.0.as_str()),
        metric: experiment.metric(),
        memory: experiment.peak_memory(),
        verdict: experiment.verdict().unwrap_or(Verdict::Crash),
        hypothesis: &experiment.hypothesis,
        reason: ruling.map_or("", |r| r.reason.as_str()),
        gain: ruling.and_then(|r| r.gain),
        rule: ruling.map(|r| r.rule),
    }
    .row(direction)
}

/// What a row is made of; the archive and a live experiment both have it.
struct Outcome<'a> {
    number: u64,
    commit: Option<&'a str>,
    metric: Option<f64>,
    memory: Option<Bytes>,
    verdict: Verdict,
    hypothesis: &'a str,
    reason: &'a str,
    gain: Option<f64>,
    rule: Option<Rule>,
}

impl Outcome<'_> {
    fn row(&self, direction: Direction) -> Row {
        let commit = match (self.number, self.commit) {
            (0, _) => "baseline".to_owned(),
            (_, commit) => commit.unwrap_or("").chars().take(7).collect(),
        };
        Row {
            commit,
            metric: self.metric.filter(|_| self.verdict != Verdict::Crash),
            memory_gb: self.memory.filter(|_| self.verdict != Verdict::Crash).map(Bytes::gib),
            verdict: self.verdict,
            description: self.description(direction),
        }
    }

    /// As SPEC H's examples: what was tried, and what it brought.
    fn description(&self, direction: Direction) -> String {
        match self.rule {
            // Another tool wrote the description, whole.
            Some(Rule::Imported) => return self.hypothesis.to_owned(),
            // The difference is in doubt, or is not why.
            Some(Rule::Suspect | Rule::Trusted | Rule::Unrepeated | Rule::Constraint) => {
                return format!("{}: {}", self.hypothesis, self.reason);
            }
            _ => {}
        }
        let change = self.gain.map(|gain| match direction {
            Direction::Minimize => -gain,
            Direction::Maximize => gain,
        });
        match (self.number, self.verdict, change) {
            (0, _, _) => self.hypothesis.to_owned(),
            (_, Verdict::Crash, _) => format!("{}: {}", self.reason, self.hypothesis),
            (_, Verdict::Keep, Some(change)) if change != 0.0 => {
                format!("{}: {} improvement", self.hypothesis, signed(change))
            }
            (_, Verdict::Discard, Some(change)) if change != 0.0 => {
                format!("{}: {} regression", self.hypothesis, signed(change))
            }
            _ => format!("{}: {}", self.hypothesis, self.reason),
        }
    }
}

fn signed(value: f64) -> String {
    let text = significant(value, 3);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A bare results table as a history (SPEC G5).
pub(crate) fn of_table(table: &Table, direction: Direction) -> History {
    let points = table
        .rows
        .iter()
        .zip(0..)
        .map(|(row, number)| Point {
            commit: Some(row.commit.clone()).filter(|commit| !commit.is_empty()),
            memory: row.memory_gb.map(gib),
            ..Point::new(number, row.verdict, row.metric, row.description.clone())
        })
        .collect();
    History { session: Session::new(table.metric.clone(), direction), points }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as wanted")]
pub(crate) fn gib(gib: f64) -> Bytes {
    Bytes((gib * 1024.0 * 1024.0 * 1024.0) as u64)
}
