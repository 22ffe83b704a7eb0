//! What proposers are told: from what a session knows to a brief, for an engine that
//! asks and for whoever only wants to read what it would say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use autoresearch_config::{Bundles, Config};
use autoresearch_core::experiment::CommitId;
use autoresearch_core::protected::{is_source, kind_of};
use autoresearch_core::session::{Queued, State};
use autoresearch_ledger::Journal;
use autoresearch_propose::{Brief, Ledger, Mark, Past, Protected, Remembered, Templates, Text};
use autoresearch_repo::{Repo, Tracked, is_under};
use autoresearch_report::noise_words;

use crate::adjust;
use crate::conductor::{read_targets, texts};
use crate::confine::{Inherited, named};
use crate::error::EngineError;
use crate::guard::Targets;
use crate::integrity::HeldOut;
use crate::places::Places;
use crate::suite::failing_at;

/// README files that a brief carries, the first that exists.
const README: [&str; 4] = ["README.md", "README.rst", "README.txt", "README"];

/// A README or read-only file is cut to this length in a brief.
const CONTEXT: usize = 60_000;

/// A page that is smaller has no room for what every proposer must know.
const LEAST: u64 = 16 << 10;

/// Protected files that are named for each reason.
const NAMED: usize = 8;

/// Near misses whose changes are told, and bytes of such a patch that programs
/// get; a page has room for fewer, and says so.
const DIFFS: usize = 4;
const DIFF: usize = 4_000;

/// What does not change while a session lasts.
#[derive(Debug)]
pub(crate) struct Lasting {
    /// The targets as the session found them.
    origin: Vec<Text>,
    /// README and read-only files.
    context: Vec<Text>,
    protected: Vec<Protected>,
    templates: Arc<Templates>,
    /// Whether proposers' programs can read the repository's history.
    has_history: bool,
}

impl Lasting {
    pub(crate) fn of(
        repo: &Repo,
        base: &CommitId,
        config: &Config,
        tracked: &[Tracked],
    ) -> Result<Lasting, EngineError> {
        Ok(Lasting {
            origin: texts(&read_targets(repo, base, &config.target)?),
            context: context(repo, base, config)?,
            protected: protected(config, tracked),
            templates: Arc::new(templates(config, repo.root())?),
            has_history: HeldOut::of(config, tracked).tracked.is_empty(),
        })
    }
}

/// What was tried so far.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    ledger: Arc<Ledger>,
    /// The changes of the nearest misses, by their numbers.
    diffs: BTreeMap<u64, String>,
}

impl Memory {
    /// Of a session that goes on: what a journal tells.
    pub(crate) fn of(journal: &Journal, repo: &Repo) -> Result<Memory, EngineError> {
        let mut memory = Memory::default();
        journal.each(|experiment| memory.add(Past::of(&experiment)))?;
        memory.look_up(repo);
        Ok(memory)
    }

    /// What was tried.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Number of the last settled experiment.
    pub(crate) fn last(&self) -> u64 {
        self.ledger.last()
    }

    /// Takes in the next settled experiment; what it costs does not depend on how
    /// many there were.
    pub(crate) fn add(&mut self, past: Option<Past>) {
        if let Some(past) = past {
            Arc::make_mut(&mut self.ledger).add(past);
        }
    }

    /// Looks up the changes of near misses that are new.
    pub(crate) fn look_up(&mut self, repo: &Repo) {
        let near = &self.ledger.near_misses()[..DIFFS.min(self.ledger.near_misses().len())];
        self.diffs.retain(|number, _| near.iter().any(|past| past.number == *number));
        for past in near {
            if let (false, Some(commit)) = (self.diffs.contains_key(&past.number), &past.commit)
                // Another tool's commits may be lost, and a page does without.
                && let Ok(mut diff) =
                    repo.diff(&CommitId(past.parent.clone()), &CommitId(commit.clone()), &[])
            {
                diff.truncate(diff.floor_char_boundary(DIFF));
                self.diffs.insert(past.number, diff);
            }
        }
    }
}

/// All that a brief is made of.
pub(crate) struct Known<'a> {
    pub(crate) config: &'a Config,
    pub(crate) state: &'a State,
    pub(crate) targets: &'a Targets,
    pub(crate) lasting: &'a Lasting,
    pub(crate) memory: &'a Memory,
    pub(crate) places: &'a Places,
    /// Whose refusals it tells; everybody's for `None`.
    pub(crate) proposer: Option<&'a str>,
    /// What earlier sessions left.
    pub(crate) recalled: Remembered,
}

impl Known<'_> {
    /// The brief for the experiment of this number, which answers what is `queued`.
    pub(crate) fn brief(&self, number: u64, queued: Option<&Queued>) -> Brief {
        let Known { config, state, lasting, memory, recalled, .. } = self;
        let focus = state.focus();
        let plan = state.plan();
        let complaints = state.complaints(self.proposer);
        let best = state.incumbent().map(|incumbent| incumbent.number);
        let (failing, failing_more) =
            best.map(|number| failing_at(config, self.places, number)).unwrap_or_default();
        let limit = config.propose.brief.0.max(LEAST);
        Brief {
            number,
            metric: config.metric.name.clone(),
            direction: config.metric.direction,
            budget_seconds: config.budget.wall().as_secs_f64(),
            quota: config.budget.quota().map(ToString::to_string),
            command: config.run.command.clone(),
            scope: config.scope,
            targets: texts(self.targets),
            origin: lasting.origin.clone(),
            context: lasting.context.clone(),
            baseline: state.baseline().zip(plan).map(|(metric, plan)| Mark {
                number: 0,
                commit: plan.base.0.clone(),
                metric,
            }),
            incumbent: state.incumbent().map(|incumbent| Mark {
                number: incumbent.number,
                commit: incumbent.commit.0.clone(),
                metric: incumbent.metric,
            }),
            hypothesis: queued.map(|q| q.hypothesis.clone()),
            near: focus.near,
            avoid: focus.avoid,
            failures_in_a_row: focus.failures_in_a_row,
            complaint: complaints.last().cloned(),
            complaints,
            history: memory.ledger.recent().cloned().collect(),
            ledger: Arc::clone(&memory.ledger),
            diffs: memory.diffs.clone(),
            has_history: lasting.has_history,
            platform: plan.map(adjust::for_brief).unwrap_or_default(),
            failing,
            failing_more,
            noise: state.noise().map(|noise| noise_words(&noise)),
            memory: recalled.clone(),
            constraints: config.judge.constraints.iter().map(ToString::to_string).collect(),
            protected: lasting.protected.clone(),
            one_change: config.propose.bundles == Bundles::Refuse,
            ranges: config.search.clone(),
            // Every question has its own lots, the same ones after a crash.
            seed: mix(plan.map_or(0, |plan| plan.seed), number, u64::from(state.stuck())),
            templates: Arc::clone(&lasting.templates),
            limit: usize::try_from(limit).unwrap_or(usize::MAX >> 2),
        }
    }
}

/// The templates that a session's briefs are worded with.
///
/// # Errors
/// When one of the user's cannot be rendered.
pub(crate) fn templates(config: &Config, root: &Path) -> Result<Templates, EngineError> {
    let Some(folder) = &config.propose.templates else { return Ok(Templates::default()) };
    let home = Inherited::by_this_process().home;
    let folder = named("propose.templates", folder, root, home.as_deref(), &[])?;
    Ok(Templates::load(&folder)?)
}

/// What a brief tells of the repository; nothing that is held out.
fn context(repo: &Repo, base: &CommitId, config: &Config) -> Result<Vec<Text>, EngineError> {
    let mut texts = Vec::new();
    let is_told = |path: &str| !is_under(path, &config.metric.held_out);
    for path in README.into_iter().filter(|path| is_told(path)) {
        if let Some(bytes) = repo.read_file(base, path)? {
            texts.push(text(path, &bytes));
            break;
        }
    }
    for path in config.read_only.iter().filter(|path| is_told(path)) {
        if let Some(bytes) = repo.read_file(base, path)? {
            texts.push(text(path, &bytes));
        }
    }
    Ok(texts)
}

fn text(path: &str, bytes: &[u8]) -> Text {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if text.len() > CONTEXT {
        text.truncate(text.floor_char_boundary(CONTEXT));
        text.push_str("\n[cut]");
    }
    Text { path: path.to_owned(), text }
}

/// What nobody may change, by the reason, the most telling one first; nothing that
/// is held out.
fn protected(config: &Config, tracked: &[Tracked]) -> Vec<Protected> {
    let mut groups: BTreeMap<(u8, String), Protected> = BTreeMap::new();
    for path in tracked.iter().map(|file| &file.path) {
        if config.target.contains(path) || is_under(path, &config.metric.held_out) {
            continue;
        }
        let key = if is_under(path, &config.read_only) {
            (0, "read-only, as everything is prepared and measured with it".to_owned())
        } else if let Some(kind) = kind_of(path) {
            (1, kind.to_string())
        } else if is_source(path) {
            (2, "other source, which is not under experiment".to_owned())
        } else {
            continue;
        };
        let why = key.1.clone();
        let group =
            groups.entry(key).or_insert_with(|| Protected { why, paths: Vec::new(), more: 0 });
        if group.paths.len() < NAMED {
            group.paths.push(path.clone());
        } else {
            group.more += 1;
        }
    }
    groups.into_values().collect()
}

/// `SplitMix64`'s finaliser over three numbers (Steele et al., 2014).
fn mix(a: u64, b: u64, c: u64) -> u64 {
    let mut z = a
        .wrapping_add(b.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(c.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
