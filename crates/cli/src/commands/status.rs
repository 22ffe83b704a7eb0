//! `autoresearch status`: where a session stands, in constant time.

use autoresearch::ledger::Entry;
use autoresearch::report::{Best, Progress, Style, progress};
use autoresearch::{Status, View};
use serde_json::json;

use crate::args::{Global, TagArgs};
use crate::exit::Exit;
use crate::output;
use crate::watch::now;

pub(crate) fn run(global: &Global, args: &TagArgs) -> anyhow::Result<Exit> {
    let view = View::open(&global.directory, args.tag.as_deref())?;
    let status = view.status()?;
    let best = status.best.as_ref().map(|entry| view.point(entry));
    let report = report(&view, &status);
    if global.json {
        let tally = status.tally;
        output::json(&json!({
            "tag": view.plan().tag,
            "branch": autoresearch::Places::branch(&view.plan().tag),
            "metric": view.plan().metric,
            "direction": view.plan().direction,
            "engine": status.engine,
            "stopped": status.stopped,
            "keep": tally.keep, "discard": tally.discard, "crash": tally.crash,
            "iterations": view.plan().iterations,
            "experiments_an_hour": report.hourly(),
            "baseline": status.baseline.as_ref().and_then(|entry| entry.metric),
            "suspects": status.suspects.iter().map(|entry| view.point(entry)).collect::<Vec<_>>(),
            "best": best,
            "last": status.last.iter().map(|entry| view.point(entry)).collect::<Vec<_>>(),
            "opened_at": status.opened_at, "last_at": status.last_at,
            "protection": status.protection, "noise": status.noise, "proposers": status.proposers,
            "comparison": status.comparison,
            "not_compared": view.session(&status).not_compared,
        }))?;
        return Ok(Exit::Success);
    }
    let state = match (&status.engine, &status.stopped) {
        (Some(holder), _) => format!("runs in process {} on {}", holder.pid, holder.host),
        (None, Some(reason)) => format!("rests: {reason}"),
        (None, None) => "was interrupted; go on with `autoresearch resume`".to_owned(),
    };
    output::line(&format!("session {} {state}", view.plan().tag))?;
    if let Some(protection) = status.protection {
        output::line(&format!("its runs are {protection}"))?;
    }
    let at = if status.engine.is_some() { now() } else { status.last_at };
    output::line(progress(&report, at, Style::Colour).trim_end())?;
    Ok(Exit::Success)
}

/// What a report of it says, from the few experiments that a status knows.
fn report(view: &View, status: &Status) -> Progress {
    let mut report = Progress::new(&view.session(status));
    status.suspects.iter().for_each(|entry| report.suspect(view.point(entry)));
    for entry in status.baseline.iter().chain(status.last.iter().filter(|e| e.number > 0)) {
        report.record(&view.point(entry));
    }
    // What was recorded are the last few; these are of the whole session.
    report.counts = status.tally;
    report.best = status.best.as_ref().and_then(|entry| {
        let Entry { number, commit, metric: Some(metric), .. } = entry.clone() else { return None };
        Some(Best { number, commit, metric })
    });
    report
}
