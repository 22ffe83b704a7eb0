//! What a session would do, in sentences: what a dry run says.

use autoresearch_config::Config;
use autoresearch_core::budget::Budget;
use autoresearch_core::protected::kind_of;
use autoresearch_core::units::human_duration;

use crate::error::EngineError;
use crate::integrity::Protected;
use crate::open::Opening;
use crate::places::{FOLDER, Places};

/// Protected files that are named.
const SHOWN: usize = 3;

impl Opening {
    /// What would happen, in sentences; `given` hypotheses come with it, and `own`
    /// proposes instead of whom the configuration names.
    pub(crate) fn intentions(
        &self,
        given: usize,
        own: Option<String>,
    ) -> Result<Vec<String>, EngineError> {
        let config = &self.config;
        let protected = Protected::of(config, &self.repo.tracked(&self.head.commit)?);
        let mut intentions = Vec::from([
            format!(
                "create the branch {} at {}",
                Places::branch(&self.tag),
                self.head.commit.short()
            ),
            format!(
                "create {} for worktrees, logs and the journal",
                self.places.folder().display()
            ),
            format!("add `/{FOLDER}/` and `/{}` to .git/info/exclude", config.results),
            format!("write results to {}", self.repo.root().join(&config.results).display()),
            format!(
                "run `{}` for the baseline, then once per experiment, {} each, {}",
                config.run.command.join(" "),
                config.budget,
                self.walls.protection
            ),
            match config.target.len() {
                0..=3 => format!("change only {}", config.target.join(", ")),
                n => format!("change only these {n} files: {}", config.target.join(", ")),
            },
        ]);
        intentions.extend(protection(protected.files()));
        intentions.extend(proposals(config, given, own));
        intentions.push(crate::experiment::limits(config));
        intentions.extend(duration(config));
        intentions.extend(
            config
                .judge
                .constraints
                .iter()
                .map(|constraint| format!("discard what breaks `{constraint}`")),
        );
        intentions.extend(config.checks.command.as_ref().map(|command| {
            format!(
                "run `{}` before anything is kept, at most {} each",
                command.join(" "),
                human_duration(config.checks.timeout)
            )
        }));
        Ok(intentions)
    }
}

/// How many files nobody may change, tests and the like first.
fn protection(files: &[String]) -> Option<String> {
    let mut named: Vec<&str> = files.iter().map(String::as_str).collect();
    // Stable: within both, by name.
    named.sort_by_key(|path| kind_of(path).is_none());
    let shown = named.get(..SHOWN).unwrap_or(&named).join(", ");
    match files.len() {
        0 => None,
        1..=SHOWN => Some(format!("keep {shown} from being changed")),
        n => Some(format!("keep {n} files from being changed, as {shown}")),
    }
}

/// Who proposes, and what that may cost.
fn proposals(config: &Config, given: usize, own: Option<String>) -> Vec<String> {
    let propose = &config.propose;
    let mut sentences = Vec::new();
    if given > 0 {
        let noun = if given == 1 { "hypothesis" } else { "hypotheses" };
        sentences.push(format!("try the {given} {noun} that came with it first"));
    }
    let mut costs = false;
    let configured = propose.proposer.iter().filter(|_| own.is_none());
    let names: Vec<String> = configured
        .map(|name| match name.as_str() {
            "search" => "the embedded search".to_owned(),
            "queue" => "the queue alone".to_owned(),
            "command" => format!("`{}`", propose.command.clone().unwrap_or_default().join(" ")),
            name => {
                costs = true;
                format!("{name}{}", if name == "model" { " of `[model]`" } else { "" })
            }
        })
        .collect();
    let names: Vec<String> = own.into_iter().chain(names).collect();
    sentences.push(format!("take proposals from {}", names.join(" and ")));
    let caps = [
        propose.max_dollars.map(|most| format!("${most:.2}")),
        propose.max_tokens.map(|most| format!("{most} tokens")),
        propose.max_time.map(human_duration),
    ];
    let caps: Vec<String> = caps.into_iter().flatten().collect();
    if !caps.is_empty() {
        sentences.push(format!("spend at most {} on proposals", caps.join(", ")));
    } else if costs {
        sentences
            .push("spend on proposals whatever they cost; `--max-dollars` limits it".to_owned());
    }
    sentences
}

/// How long it may take, as far as that is known.
fn duration(config: &Config) -> Option<String> {
    let run = config.budget.wall().saturating_add(config.run.allowance);
    let Budget::Wall(_) = config.budget else { return None };
    let again = "the baseline and what looks better run several times";
    Some(match config.iterations.map(|n| u32::try_from(n).unwrap_or(u32::MAX)) {
        Some(n) => format!(
            "take {} for {n} experiments of one run each, should each use all its time; {again}",
            human_duration(run.saturating_mul(n))
        ),
        None => format!("take at most {} for a run; {again}", human_duration(run)),
    })
}
