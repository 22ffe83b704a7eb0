//! What there is to see of a session. Nothing here changes anything, and no
//! answer is longer than an agent can read.

use autoresearch::config::Config;
use autoresearch::core::experiment::Verdict;
use autoresearch::core::session::{Action, Event};
use autoresearch::core::units::{Timestamp, human_duration};
use autoresearch::ledger::Holder;
use autoresearch::report::{SummaryOptions, summary_markdown};
use autoresearch::{EngineError, Follower, Places, View};

use crate::Overrides;
use crate::answers::{Context, History, Row, Standing, rows, told};
use crate::driver::Driver;

/// Letters of a text that one answer holds.
pub(crate) const LONGEST: usize = 60_000;

/// Most rows of one `history`.
const ROWS: usize = 200;

/// Hypotheses of the queue that a status names.
const QUEUED: usize = 10;

pub(crate) fn context(driver: &Driver) -> Result<Context, String> {
    let config = match driver.view() {
        Ok(view) => view.config().clone(),
        Err(EngineError::NoSession { .. }) => driver.configured(&Overrides::default())?,
        Err(error) => return Err(told(&error)),
    };
    let standing = standing(driver)?;
    let Config { metric, target, read_only, scope, run, budget, .. } = config;
    let first = match standing.state.as_str() {
        "none" => "`start` opens a session: a baseline runs first.",
        "resting" => "`start` goes on with the session.",
        _ => "A session is running: propose into it.",
    };
    Ok(Context {
        metric: format!("{} ({})", metric.name, metric.direction),
        targets: target,
        scope: scope.to_string(),
        read_only,
        protected: "every other file: a proposal that touches one is refused at once, costs no experiment, and says why; do not edit the checkout, it is never looked at".to_owned(),
        run: format!("{} ({budget} a run)", run.command.join(" ")),
        standing,
        how_to_work: [
            first,
            "`brief` shows the target as it is now and all that was tried: read it before each proposal.",
            "`propose` one focused change with the hypothesis that it tests; the engine commits, runs, measures and judges it.",
            "`wait` until it is settled; call it again while it says that it is not done.",
            "Learn from the verdict and go on. A kept change is the new starting point.",
            "`stop` when you are done; `report` sums up.",
        ]
        .map(str::to_owned)
        .to_vec(),
    })
}

pub(crate) fn standing(driver: &Driver) -> Result<Standing, String> {
    let view = match driver.view() {
        Ok(view) => view,
        Err(EngineError::NoSession { .. } | EngineError::Empty(_)) => {
            return Ok(Standing {
                state: "none".to_owned(),
                tag: None,
                branch: None,
                stopped: None,
                doing: None,
                baseline: None,
                best: None,
                kept: 0,
                discarded: 0,
                crashed: 0,
                iterations: None,
                queued: Vec::new(),
                last: Vec::new(),
                notes: driver.notes(),
            });
        }
        Err(error) => return Err(told(&error)),
    };
    let follower = Follower::new(view).map_err(|error| told(&error))?;
    let view = follower.view();
    let status = view.status().map_err(|error| told(&error))?;
    let queue = view.queue().map_err(|error| told(&error))?;
    let is_running = status.engine.is_some();
    let tag = view.plan().tag.clone();
    Ok(Standing {
        state: state(&follower, status.engine.as_ref())?.to_owned(),
        branch: Some(Places::branch(&tag)),
        tag: Some(tag),
        stopped: (!is_running).then(|| stopped(&follower)),
        doing: if is_running { doing(&follower, driver.now()) } else { None },
        baseline: status.baseline.as_ref().and_then(|entry| entry.metric),
        best: status.best.as_ref().map(Row::from),
        kept: status.tally.keep,
        discarded: status.tally.discard,
        crashed: status.tally.crash,
        iterations: view.plan().iterations,
        queued: queue.into_iter().take(QUEUED).map(|queued| queued.hypothesis).collect(),
        last: rows(&status.last),
        notes: driver.notes(),
    })
}

/// `running`, `waiting` or `resting`; `engine` runs it.
pub(crate) fn state(follower: &Follower, engine: Option<&Holder>) -> Result<&'static str, String> {
    let Some(engine) = engine else { return Ok("resting") };
    let has_nothing =
        matches!(follower.state().next(), Some(Action::Propose { queued: None, number: 1.. }));
    let is_idle = has_nothing
        && engine.waits
        && !follower.view().has_unheard().map_err(|error| told(&error))?;
    Ok(if is_idle { "waiting" } else { "running" })
}

/// Why nobody runs it.
pub(crate) fn stopped(follower: &Follower) -> String {
    let reason = follower.state().stopped().map(ToString::to_string);
    reason.unwrap_or_else(|| "it was interrupted; `start` goes on".to_owned())
}

/// What runs now, as `experiment 3, run 1, for 12s`.
pub(crate) fn doing(follower: &Follower, now: Timestamp) -> Option<String> {
    let Some(begun) = follower.doing() else {
        let current = follower.state().current()?;
        return Some(format!("experiment {} is between two runs", current.number));
    };
    let milliseconds = u64::try_from(now.0.saturating_sub(begun.at.0)).unwrap_or(0);
    let seconds = std::time::Duration::from_secs(milliseconds / 1000);
    let since = human_duration(seconds);
    match &begun.event {
        Event::Started { number, trial, purpose, .. } if purpose.is_candidate() => {
            Some(format!("experiment {number}, run {trial}, for {since}"))
        }
        Event::Started { number, .. } => {
            Some(format!("experiment {number} runs again to compare, for {since}"))
        }
        Event::Checking { number } => Some(format!("checks of experiment {number}, for {since}")),
        _ => None,
    }
}

pub(crate) fn history(
    driver: &Driver,
    last: Option<usize>,
    only: Option<Verdict>,
) -> Result<History, String> {
    let mut entries = driver.session()?.entries(0).map_err(|error| told(&error))?;
    entries.retain(|entry| only.is_none_or(|only| entry.verdict == only));
    let total = entries.len();
    let skip = total.saturating_sub(last.unwrap_or(20).min(ROWS));
    Ok(History { total, experiments: rows(&entries[skip..]) })
}

/// The change of one experiment, or all that was kept.
pub(crate) fn diff(driver: &Driver, number: Option<u64>) -> Result<String, String> {
    let view = driver.session()?;
    let diff = match number {
        Some(number) => view.diff(number, None),
        None => match view.incumbent() {
            Ok(Some(best)) if !best.is_baseline() => {
                view.diff(0, Some(best.number)).or_else(|_| {
                    // A baseline that git has lost.
                    view.diff(best.number, None)
                })
            }
            Ok(_) => return Err("nothing was kept yet, so the best is the baseline".to_owned()),
            Err(error) => Err(error),
        },
    };
    let diff = diff.map_err(|error| told(&error))?;
    Ok(if diff.is_empty() { "it changes nothing".to_owned() } else { cut(diff, LONGEST) })
}

/// Progress and findings, as the session would write them now.
pub(crate) fn report(view: &View) -> Result<String, String> {
    let history = view.history().map_err(|error| told(&error))?;
    Ok(cut(summary_markdown(&history, &SummaryOptions::default()), LONGEST))
}

/// The beginning of a text.
pub(crate) fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push_str("\n[… cut here]\n");
    }
    text
}

/// The end of a text.
pub(crate) fn tail(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let from = text.ceil_char_boundary(text.len() - longest);
    format!("[… the beginning is cut]\n{}", &text[from..])
}
