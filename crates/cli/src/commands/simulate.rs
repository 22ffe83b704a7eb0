//! `autoresearch simulate`: how often rules of judging are right, in worlds
//! whose truth is known.

use std::io::{IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use autoresearch::report::plot_png;
use autoresearch_simulate::{Comparison, Job, Landing, Rule, Table, World, cells, plot, terminal};
use serde_json::{Value, json};

use crate::args::{Global, SimulateArgs};
use crate::exit::{BadInput, Exit};
use crate::{output, signals};

/// Threads unless given: the machine may have a session to run.
const THREADS: usize = 2;
/// Runs of a session for each slot unless given.
const RUNS: u64 = 100;
/// Numbers of one call, at most.
const CELLS: usize = 10_000;
/// Pixels per unit of a PNG.
const SHARP: f32 = 2.0;

pub(crate) fn run(global: &Global, args: &SimulateArgs) -> anyhow::Result<Exit> {
    let kind = args.plot.as_deref().map(|path| kind_of(global, path)).transpose()?;
    let comparisons = comparisons(args)?;
    let jobs: Vec<Job> = comparisons.iter().flat_map(Comparison::jobs).collect();
    if jobs.len() > CELLS {
        let message = format!("that is {} numbers, and {CELLS} is the most", jobs.len());
        return Err(BadInput::new(
            message,
            "ask for fewer worlds, rules, slots or levels of noise",
        )
        .into());
    }
    let Some(tables) = compute(comparisons, &jobs, threads(args))? else {
        output::note("interrupted; nothing was computed to its end");
        return Ok(Exit::Interrupted);
    };
    if global.json {
        output::json(&json!({ "seed": args.seed, "cells": values(&tables) }))?;
    } else if args.markdown {
        let blocks: Vec<String> = tables
            .iter()
            .map(|table| format!("{}:\n\n{}", table.title(), table.markdown()))
            .collect();
        output::line(blocks.join("\n").trim_end())?;
    } else {
        let blocks: Vec<String> = tables.iter().map(terminal).collect();
        output::line(&blocks.join("\n\n"))?;
        output::line(LEGEND)?;
    }
    if let (Some(path), Some(kind)) = (&args.plot, kind) {
        draw(global, path, kind, &tables)?;
    }
    Ok(Exit::Success)
}

const LEGEND: &str = "\
gain: true gain over that of an omniscient judge; true: kept changes that truly help
over: gain claimed beyond the true one, in typical gains; `--help` says more";

fn comparisons(args: &SimulateArgs) -> anyhow::Result<Vec<Comparison>> {
    let worlds: Vec<World> = World::ALL
        .into_iter()
        .filter(|world| args.world.iter().any(|name| name == "all" || name == world.name()))
        .collect();
    let mut comparisons = Vec::new();
    for world in worlds {
        for slots in &args.slots {
            let rules = rules(&args.rule, *slots)?;
            comparisons.push(Comparison {
                world,
                runs: args.runs.unwrap_or(RUNS * slots),
                sessions: args.sessions,
                slots: *slots,
                seed: args.seed,
                rules,
                nus: args.noise.clone(),
            });
        }
    }
    Ok(comparisons)
}

fn rules(asked: &[Rule], slots: u64) -> anyhow::Result<Vec<Rule>> {
    let is_fit = |rule: &Rule| slots < 2 || rule.has_slots();
    if asked.is_empty() {
        return Ok(Rule::ALL.into_iter().filter(is_fit).collect());
    }
    if let Some(rule) = asked.iter().find(|rule| !is_fit(rule)) {
        let message =
            format!("`{}` runs one experiment at a time and has no {slots} slots", rule.id());
        let hint = "leave it out, or say `--slots 1`; the rules of other tools have slots";
        return Err(BadInput::new(message, hint).into());
    }
    Ok(asked.to_vec())
}

fn threads(args: &SimulateArgs) -> NonZeroUsize {
    args.threads.unwrap_or_else(|| {
        let there = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        NonZeroUsize::new(THREADS).map_or(there, |most| there.min(most))
    })
}

/// `None` when a signal ended it.
fn compute(
    comparisons: Vec<Comparison>,
    jobs: &[Job],
    threads: NonZeroUsize,
) -> anyhow::Result<Option<Vec<Table>>> {
    let _stop = signals::stop_on_signals()?;
    let mut line = Line::new();
    let cells = cells(jobs, threads, |share| {
        line.show(share);
        !signals::was_interrupted()
    });
    drop(line);
    Ok(cells.map(|cells| {
        let mut cells = cells.into_iter();
        comparisons.into_iter().map(|comparison| comparison.table(&mut cells)).collect()
    }))
}

/// The live line: how much is done, and how long the rest takes.
struct Line {
    is_terminal: bool,
    began: Instant,
    drawn: Option<Instant>,
}

impl Line {
    const REDRAW: Duration = Duration::from_millis(250);

    fn new() -> Line {
        Line { is_terminal: std::io::stderr().is_terminal(), began: Instant::now(), drawn: None }
    }

    fn show(&mut self, share: f64) {
        let is_due = self.drawn.unwrap_or(self.began).elapsed() >= Line::REDRAW;
        if !self.is_terminal || !is_due || share <= 0.0 {
            return;
        }
        let left = self.began.elapsed().as_secs_f64() * (1.0 - share) / share;
        let mut screen = std::io::stderr().lock();
        let line = format!("simulating: {:.0}%, {left:.0} s left", 100.0 * share);
        let _ = write!(screen, "\r\x1b[K{line}").and_then(|()| screen.flush());
        self.drawn = Some(Instant::now());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn values(tables: &[Table]) -> Vec<Value> {
    let mut values = Vec::new();
    for table in tables {
        let Comparison { world, runs, sessions, slots, nus, .. } = &table.comparison;
        for row in &table.rows {
            for (nu, cell) in nus.iter().zip(&row.cells) {
                values.push(json!({
                    "world": world.name(),
                    "runs": runs,
                    "sessions": sessions,
                    "slots": slots,
                    "rule": row.rule.id(),
                    "landing": row.landing.map(Landing::name),
                    "noise": nu,
                    "gain": cell.gain,
                    "gain_error": cell.gain_error,
                    "precision": cell.precision,
                    "precision_error": cell.precision_error,
                    "claimed_beyond": cell.excess,
                    "claimed_beyond_share": cell.excess_share,
                    "kept": cell.kept,
                }));
            }
        }
    }
    values
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
}

/// By the name of a file, which must be one that can be made.
fn kind_of(global: &Global, path: &Path) -> anyhow::Result<Kind> {
    let folder = global.directory.join(path);
    if let Some(folder) = folder.parent().filter(|folder| !folder.is_dir()) {
        let message = format!("{} is no folder", folder.display());
        return Err(BadInput::new(message, "make it, or name another file").into());
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => Ok(Kind::Svg),
        Some("png") => Ok(Kind::Png),
        _ => {
            let message = format!("what to draw into {} is not known", path.display());
            Err(BadInput::new(message, "name a file that ends in .svg or .png").into())
        }
    }
}

fn draw(global: &Global, path: &Path, kind: Kind, tables: &[Table]) -> anyhow::Result<()> {
    let svg = plot(tables);
    let bytes = match kind {
        Kind::Svg => svg.into_bytes(),
        Kind::Png => plot_png(&svg, SHARP)?,
    };
    let path = global.directory.join(path);
    std::fs::write(&path, bytes).with_context(|| format!("failed to write {}", path.display()))?;
    if !global.json {
        output::note(&format!("drawn into {}", path.display()));
    }
    Ok(())
}
