//! Going on where another tool, or a bare agent, left off: a `results.tsv` and
//! commits become a journal like any other (SPEC G4). The table and the branch
//! that it came from are not touched.

use std::path::Path;

use autoresearch_config::Config;
use autoresearch_core::experiment::{CommitId, Verdict};
use autoresearch_core::judge::{Rule, Ruling};
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::{Category, Fingerprint};
use autoresearch_core::session::{Event, Plan, Proposed, StopReason};
use autoresearch_core::spent::Spent;
use autoresearch_core::trial::{Crash, CrashKind, Exit, Purpose, Trial, Usage};
use autoresearch_core::units::Bytes;
use autoresearch_ledger::{Row, Table};
use autoresearch_repo::Repo;
use autoresearch_report::History;

use crate::adjust::Adjusting;
use crate::conductor::read_targets;
use crate::error::EngineError;
use crate::guard;
use crate::history;
use crate::open::{Opening, append};
use crate::view::View;

/// Reads a results table in any accepted form.
///
/// # Errors
/// When the file cannot be read, or a line of it is no result.
pub fn read_table(path: &Path) -> Result<Table, EngineError> {
    let bytes = std::fs::read(path).map_err(EngineError::io("read", path))?;
    Table::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|source| EngineError::Table { path: path.to_owned(), source })
}

/// A bare table as a history, for a report without a session (SPEC G5).
pub fn history_of_table(table: &Table, direction: Direction) -> History {
    history::of_table(table, direction)
}

/// Makes a session out of a results table; `resume` goes on with it.
///
/// Commits that git still has are found by their short ids. The session goes on
/// from the last kept one, or from the tip of `branch` when git has lost it.
///
/// # Errors
/// When nothing can be gone on from, or a new session could not be made either.
pub fn import(
    folder: &Path,
    table: &Path,
    branch: Option<&str>,
    mut config: Config,
) -> Result<View, EngineError> {
    let rows = read_table(table)?.rows;
    let repo = Repo::discover(folder)?;
    let fallback = match branch {
        Some(branch) => repo.resolve(branch)?.ok_or_else(|| EngineError::BadFile {
            path: branch.to_owned(),
            what: "is no branch or commit here".to_owned(),
            hint: "name one that `git log` knows".to_owned(),
        })?,
        None => repo.head()?.commit,
    };
    // The table that is read must not be the one that is written.
    let target = repo.root().join(&config.results);
    if target.exists() {
        config.results = free_name(repo.root(), &config.results);
    }
    let mut opening = Opening::check(folder, config, None)?;
    let commits = commits_of(&repo, &rows, &fallback)?;
    let base = commits.iter().flatten().next().cloned().unwrap_or_else(|| fallback.clone());
    opening.head.commit = base.clone();
    let targets = opening.config.target.clone();
    let tag = opening.tag.clone();

    let mut session = opening.make(&Adjusting::nothing("imported"), true, Vec::new())?;
    let plan = session.state.plan().cloned();
    let mut seen = None;
    for ((row, commit), number) in rows.iter().zip(&commits).zip(0..) {
        let fingerprint = match commit {
            Some(commit) => guard::fingerprint(&read_targets(&repo, commit, &targets)?),
            None => Fingerprint::of([("imported", number.to_string().as_str())]),
        };
        let imported = Imported { row, number, commit, fingerprint, best: seen };
        let events = imported.events(plan.as_ref(), &base);
        append(&mut session.journal, &mut session.state, events)?;
        if row.verdict == Verdict::Keep {
            seen = row.metric;
        }
    }
    let stopped = Event::Stopped { reason: StopReason::Requested };
    append(&mut session.journal, &mut session.state, vec![stopped])?;
    session.move_branch()?;
    session.restore_results()?;
    drop(session);
    View::open(folder, Some(&tag))
}

/// The commit of each row, as far as git knows it; the last kept one always
/// has one.
fn commits_of(
    repo: &Repo,
    rows: &[Row],
    fallback: &CommitId,
) -> Result<Vec<Option<CommitId>>, EngineError> {
    let last_kept = rows.iter().rposition(|row| row.verdict == Verdict::Keep);
    let mut commits = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let looks_like_one =
            row.commit.len() >= 4 && row.commit.chars().all(|c| c.is_ascii_hexdigit());
        let found = if looks_like_one { repo.resolve(&row.commit)? } else { None };
        let needed = Some(place) == last_kept;
        commits.push(found.or_else(|| needed.then(|| fallback.clone())));
    }
    Ok(commits)
}

struct Imported<'a> {
    row: &'a Row,
    number: u64,
    commit: &'a Option<CommitId>,
    fingerprint: Fingerprint,
    /// Metric of the incumbent before it.
    best: Option<f64>,
}

impl Imported<'_> {
    fn events(&self, plan: Option<&Plan>, base: &CommitId) -> Vec<Event> {
        let (number, row) = (self.number, self.row);
        let mut events = vec![Event::Proposed(Box::new(Proposed {
            number,
            parent: base.clone(),
            hypothesis: row.description.clone(),
            category: Category::of(&row.description),
            proposer: "imported".to_owned(),
            fingerprint: self.fingerprint,
            settings: None,
            commit: self.commit.clone(),
            files: Vec::new(),
            code_lines: 0,
            queued: None,
            expected: None,
            spent: Spent::default(),
            draft: None,
        }))];
        let seed = plan.map_or(0, |plan| plan.seed);
        events.push(Event::Started { number, trial: 1, seed, purpose: Purpose::Candidate });
        let crash = Crash { kind: CrashKind::Exit, reason: "as imported".to_owned() };
        let is_crash = row.verdict == Verdict::Crash;
        events.push(Event::Ended {
            number,
            trial: Box::new(Trial {
                usage: Usage {
                    peak_memory: row.memory_gb.map_or(Bytes(0), history::gib),
                    ..Usage::default()
                },
                metric: row.metric,
                crash: is_crash.then(|| crash.clone()),
                ..Trial::ended(seed, Exit::Code(i32::from(is_crash)))
            }),
            purpose: Purpose::Candidate,
        });
        let gain = plan
            .zip(self.best)
            .zip(row.metric)
            .map(|((plan, best), metric)| plan.direction.gain(best, metric));
        events.push(Event::Judged {
            number,
            ruling: Ruling {
                verdict: row.verdict,
                rule: if number == 0 { Rule::Baseline } else { Rule::Imported },
                reason: "as imported".to_owned(),
                gain,
                weighed: None,
                crash: is_crash.then_some(crash),
            },
        });
        events.push(Event::Settled { number });
        events
    }
}

/// `results-2.tsv` and so on, the first that is free.
fn free_name(root: &Path, name: &str) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "tsv"));
    let mut n = 2_u64;
    loop {
        let name = format!("{stem}-{n}.{extension}");
        if !root.join(&name).exists() {
            return name;
        }
        n += 1;
    }
}
