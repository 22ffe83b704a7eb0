//! [`SystemExperiment`] as Python holds it: made step by step, and used up by its
//! run.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use autoresearch::{
    Direction, DryRun, EngineError, Limit, Outcome, Stop, SystemExperiment, Urgency,
};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use serde_json::json;

use crate::answering::Callable;
use crate::errors::raised;
use crate::launch::adopt_interpreter;
use crate::measuring::{Shared, metric_fn};
use crate::reading::Reader;
use crate::watching::Watcher;

/// An experiment that has not run yet.
#[pyclass(frozen)]
pub(crate) struct Experiment {
    inner: Mutex<Option<SystemExperiment>>,
    shared: Shared,
}

#[pymethods]
impl Experiment {
    /// On `target`: a path, or several as the key takes them.
    #[new]
    fn new(py: Python<'_>, folder: PathBuf, target: &str) -> PyResult<Experiment> {
        adopt_interpreter(py)?;
        let inner = SystemExperiment::new(folder, target).vault(autoresearch_cli::vault());
        Ok(Experiment { inner: Mutex::new(Some(inner)), shared: Shared::default() })
    }

    /// Sets a key of `autoresearch.toml` from text, as a flag would.
    fn set(&self, key: &str, value: &str) -> PyResult<()> {
        self.change(|experiment| experiment.set(key, value))
    }

    /// A hypothesis in words; with a patch, or with the new text of a target.
    #[pyo3(signature = (sentence, patch=None, change=None))]
    fn hypothesis(
        &self,
        sentence: &str,
        patch: Option<&str>,
        change: Option<(String, String)>,
    ) -> PyResult<()> {
        self.change(|experiment| match (patch, change) {
            (Some(patch), _) => experiment.patch(sentence, patch),
            (None, Some((file, text))) => experiment.change(sentence, &file, &text),
            (None, None) => experiment.hypothesis(sentence),
        })
    }

    /// Whether the branch goes back when a change is not kept.
    fn revert_on_failure(&self, revert: bool) -> PyResult<()> {
        self.change(|experiment| experiment.revert_on_failure(revert))
    }

    /// Who computes the metric: gets a finished trial as JSON, returns a float.
    fn metric_fn(&self, callable: Py<PyAny>) -> PyResult<()> {
        let shared = self.shared.clone();
        self.change(|experiment| experiment.metric_fn(metric_fn(callable, shared)))
    }

    /// Who proposes.
    fn proposer(&self, name: String, ask: Py<PyAny>, wants_desk: bool) -> PyResult<()> {
        self.change(|experiment| experiment.proposer(Callable { name, ask, wants_desk }))
    }

    /// Asks the session to end: once the running experiment is settled, now, or
    /// at once. From any thread.
    fn stop(&self, urgency: &str) -> PyResult<()> {
        self.shared.stop.request(match urgency {
            "after_this" => Urgency::AfterThis,
            "now" => Urgency::Now,
            "at_once" => Urgency::AtOnce,
            _ => return Err(PyValueError::new_err("give `after_this`, `now` or `at_once`")),
        });
        Ok(())
    }

    /// What it would do, as JSON; touches nothing.
    fn dry_run(&self, py: Python<'_>, is_loop: bool) -> PyResult<String> {
        let dry = self.used(py, |experiment| {
            if is_loop { experiment.dry_run_session() } else { experiment.dry_run() }
        })?;
        let DryRun { notes, actions, platform, offered_edits, .. } = dry;
        let dry = json!({
            "notes": notes, "actions": actions, "platform": platform, "offered_edits": offered_edits,
        });
        Ok(dry.to_string())
    }

    /// Makes the branch, and returns its name.
    fn create_branch(&self, py: Python<'_>) -> PyResult<String> {
        self.used(py, SystemExperiment::create_branch)
    }

    /// The whole experiment or, as a loop, the session; returns why it rests, and
    /// the session for reading.
    #[pyo3(signature = (tell, width, is_loop))]
    fn run(
        &self,
        py: Python<'_>,
        tell: Py<PyAny>,
        width: Option<usize>,
        is_loop: bool,
    ) -> PyResult<(String, Reader)> {
        self.conduct(py, tell, width, |experiment, watcher, stop| {
            if is_loop {
                experiment.run_session(watcher, stop)
            } else {
                experiment.run_watched(watcher, stop)
            }
        })
    }

    /// Goes on with the earlier session; `limit` is how many experiments it shall
    /// have in all.
    #[pyo3(signature = (tell, width, limit=None))]
    fn resume(
        &self,
        py: Python<'_>,
        tell: Py<PyAny>,
        width: Option<usize>,
        limit: Option<u64>,
    ) -> PyResult<(String, Reader)> {
        let limit = limit.map_or(Limit::Same, Limit::At);
        self.conduct(py, tell, width, |experiment, watcher, stop| {
            experiment.resume_with(limit, watcher, stop)
        })
    }
}

impl Experiment {
    fn hold(&self) -> std::sync::MutexGuard<'_, Option<SystemExperiment>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, how: impl FnOnce(SystemExperiment) -> SystemExperiment) -> PyResult<()> {
        let mut inner = self.hold();
        let experiment = inner.take().ok_or_else(used_up)?;
        *inner = Some(how(experiment));
        Ok(())
    }

    fn used<T: Send>(
        &self,
        py: Python<'_>,
        how: impl FnOnce(&mut SystemExperiment) -> Result<T, EngineError> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| self.hold().as_mut().map(how));
        done.ok_or_else(used_up)?.map_err(|error| raised(py, &error))
    }

    fn conduct(
        &self,
        py: Python<'_>,
        tell: Py<PyAny>,
        width: Option<usize>,
        how: impl FnOnce(SystemExperiment, &mut Watcher, &Stop) -> Result<Outcome, EngineError> + Send,
    ) -> PyResult<(String, Reader)> {
        let experiment = self.hold().take().ok_or_else(used_up)?;
        let shared = self.shared.clone();
        let direction = Direction::Minimize;
        let mut watcher = Watcher { tell, shared, width, direction, drawn_at: None };
        let outcome = py.detach(|| how(experiment, &mut watcher, &self.shared.stop));
        if let Some(error) = self.shared.take() {
            return Err(error);
        }
        let outcome = outcome.map_err(|error| raised(py, &error))?;
        let reason = outcome.reason().to_string();
        Ok((reason, Reader::of(outcome.into_view())))
    }
}

fn used_up() -> PyErr {
    PyRuntimeError::new_err("it has run already; make another one, or resume it")
}
