//! `autoresearch report`: progress, summary and plot, of a session or of a
//! bare results table.

use std::path::Path;

use anyhow::Context as _;
use autoresearch::core::metric::Direction;
use autoresearch::report::{History, Progress, Style, progress};
use autoresearch::{View, history_of_table, read_table, write_report};

use crate::args::{Global, ReportArgs};
use crate::exit::{BadInput, Exit};
use crate::watch::now;
use crate::{output, settings};

pub(crate) fn run(global: &Global, args: &ReportArgs) -> anyhow::Result<Exit> {
    if let Some(table) = &args.table {
        return of_table(global, args, table);
    }
    let view = View::open(&global.directory, args.session.tag.as_deref())?;
    if args.restore_results {
        match view.restore_results()? {
            Some(kept) => output::note(&format!("the edited table is kept as {}", kept.display())),
            None => output::note("the results table says what the journal says"),
        }
    }
    let history = view.history()?;
    let folder = args.out.clone().unwrap_or_else(|| view.places().folder());
    show(global, &history, &folder)
}

/// Prints the report of a session that was just written.
pub(crate) fn print(view: &View) -> anyhow::Result<()> {
    let report = Progress::of(&view.history()?);
    output::line(&format!("\n{}", progress(&report, now(), Style::Colour).trim_end()))?;
    let places = view.places();
    for path in [places.summary(), places.plot("svg"), places.plot("png")] {
        output::line(&format!("  {}", path.display()))?;
    }
    Ok(())
}

fn of_table(global: &Global, args: &ReportArgs, path: &Path) -> anyhow::Result<Exit> {
    let table = read_table(path)?;
    let direction = match (args.minimize, args.maximize) {
        (true, _) => Direction::Minimize,
        (_, true) => Direction::Maximize,
        // The kept rows of a table say which way they went.
        _ => direction_of(&table.rows)
            .or_else(|| settings::likely_direction(&table.metric))
            .ok_or_else(|| {
                BadInput::new(
                    format!("which way is better for `{}` is not known", table.metric),
                    "pass `--minimize` or `--maximize`",
                )
            })?,
    };
    let folder = match (&args.out, path.parent()) {
        (Some(out), _) => out.clone(),
        (None, Some(parent)) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => ".".into(),
    };
    show(global, &history_of_table(&table, direction), &folder)
}

fn direction_of(rows: &[autoresearch::ledger::Row]) -> Option<Direction> {
    let kept: Vec<f64> = rows
        .iter()
        .filter(|row| row.verdict == autoresearch::core::experiment::Verdict::Keep)
        .filter_map(|row| row.metric)
        .collect();
    let (first, last) = (kept.first()?, kept.last()?);
    if last < first {
        Some(Direction::Minimize)
    } else if last > first {
        Some(Direction::Maximize)
    } else {
        None
    }
}

fn show(global: &Global, history: &History, folder: &Path) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    let written = write_report(history, folder)?;
    if global.json {
        // Paths need not be UTF-8; JSON must be.
        let written: Vec<_> = written.iter().map(|path| path.to_string_lossy()).collect();
        output::json(&serde_json::json!({ "history": history, "written": written }))?;
        return Ok(Exit::Success);
    }
    let at = history.session.ended.unwrap_or_else(now);
    output::line(progress(&Progress::of(history), at, Style::Colour).trim_end())?;
    for path in written {
        output::line(&format!("  {}", path.display()))?;
    }
    Ok(Exit::Success)
}
