//! A session for reading, and the tables of other tools.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use autoresearch::core::experiment::{Experiment, Verdict};
use autoresearch::report::{Size, SummaryOptions, plot_svg, summary_markdown};
use autoresearch::{EngineError, Places, View, read_table};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::errors::{raised, unwritable};

/// A session, opened for reading. What is structured is JSON.
#[pyclass(frozen)]
pub(crate) struct Reader {
    view: Mutex<View>,
}

impl Reader {
    pub(crate) fn of(view: View) -> Reader {
        Reader { view: Mutex::new(view) }
    }

    fn read<T: Send>(
        &self,
        py: Python<'_>,
        how: impl FnOnce(&View) -> Result<T, EngineError> + Send,
    ) -> PyResult<T> {
        py.detach(|| how(&self.view.lock().unwrap_or_else(PoisonError::into_inner)))
            .map_err(|error| raised(py, &error))
    }
}

#[pymethods]
impl Reader {
    /// Opens the session `tag` of the repository around `folder`, or its latest.
    #[new]
    #[pyo3(signature = (folder, tag=None))]
    fn new(py: Python<'_>, folder: PathBuf, tag: Option<String>) -> PyResult<Reader> {
        let view = py.detach(|| View::open(&folder, tag.as_deref()));
        view.map(Reader::of).map_err(|error| raised(py, &error))
    }

    /// What it was opened with, and where it lies.
    fn head(&self, py: Python<'_>) -> PyResult<String> {
        self.read(py, |view| {
            let plan = view.plan();
            let head = json!({
                "tag": plan.tag,
                "branch": Places::branch(&plan.tag),
                "metric": plan.metric,
                "direction": plan.direction,
                "iterations": plan.iterations,
                "targets": view.config().target,
                "root": view.repo().root(),
                "folder": view.places().folder(),
            });
            Ok(head.to_string())
        })
    }

    /// Where it stands: whether an engine runs it, why it rests, how many of each
    /// verdict.
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        self.read(py, |view| {
            let status = view.status()?;
            let brief = |entry: &autoresearch::ledger::Entry| {
                json!({ "number": entry.number, "metric": entry.metric, "commit": entry.commit })
            };
            let status = json!({
                "is_running": status.engine.is_some(),
                "stopped": status.stopped.map(|reason| reason.to_string()),
                "tally": {
                    "keep": status.tally.keep,
                    "discard": status.tally.discard,
                    "crash": status.tally.crash,
                },
                "baseline": status.baseline.as_ref().map(brief),
                "best": status.best.as_ref().map(brief),
                "comparison": status.comparison,
            });
            Ok(status.to_string())
        })
    }

    /// Every settled experiment, whole.
    fn experiments(&self, py: Python<'_>) -> PyResult<String> {
        let all = self.read(py, |view| view.experiments(usize::MAX >> 1))?;
        let all: Result<Vec<Value>, _> = all.iter().map(told).collect();
        Ok(Value::Array(all.map_err(|error| unwritable(&error))?).to_string())
    }

    /// The change of an experiment, against its parent or against another one.
    #[pyo3(signature = (number, other=None))]
    fn diff(&self, py: Python<'_>, number: u64, other: Option<u64>) -> PyResult<String> {
        self.read(py, |view| view.diff(number, other))
    }

    /// The next proposer's brief as a page.
    fn brief(&self, py: Python<'_>) -> PyResult<String> {
        self.read(py, |view| Ok(view.brief()?.to_markdown()))
    }

    /// The summary in Markdown.
    fn summary(&self, py: Python<'_>) -> PyResult<String> {
        self.read(py, |view| Ok(summary_markdown(&view.history()?, &SummaryOptions::default())))
    }

    /// The plot as SVG.
    fn plot(&self, py: Python<'_>) -> PyResult<String> {
        self.read(py, |view| Ok(plot_svg(&view.history()?, Size::default())))
    }
}

/// An experiment as the journal has it, and what follows from that.
fn told(experiment: &Experiment) -> serde_json::Result<Value> {
    let verdict = experiment.verdict().as_ref().map(Verdict::to_string);
    Ok(json!({
        "experiment": serde_json::to_value(experiment)?,
        "metric": experiment.metric(),
        "verdict": verdict,
        "peak_memory": experiment.peak_memory(),
        "evidence": experiment.evidence().map(|trial| &trial.secondary).collect::<Vec<_>>(),
    }))
}

/// A results table in any accepted form, as JSON.
#[pyfunction]
pub(crate) fn read_results(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let table = py.detach(|| read_table(&path)).map_err(|error| raised(py, &error))?;
    let rows = table.rows.iter().map(|row| {
        json!({
            "commit": row.commit,
            "metric": row.metric,
            "memory_gb": row.memory_gb,
            "verdict": row.verdict,
            "description": row.description,
        })
    });
    Ok(json!({ "metric": table.metric, "rows": rows.collect::<Vec<_>>() }).to_string())
}
