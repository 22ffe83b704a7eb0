//! A metric that Python computes, and what both sides know of a session while it
//! runs.

use std::sync::{Arc, Mutex, PoisonError};

use autoresearch::{FinishedTrial, MetricError, Stop, Urgency};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use serde_json::json;

/// A session's stop, and the exception that is raised when it has come to rest.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) stop: Stop,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Shared {
    /// Ends the session: its first exception is raised when all is recorded. The
    /// second one hurries.
    pub(crate) fn end_by(&self, error: PyErr) {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.escalate();
    }

    /// The exception that ended the session.
    pub(crate) fn take(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The callable gets a finished trial as JSON; it returns a float, or raises an
/// exception whose text says why not.
pub(crate) fn metric_fn(
    callable: Py<PyAny>,
    shared: Shared,
) -> impl Fn(&FinishedTrial<'_>) -> Result<f64, MetricError> + Send + 'static {
    move |finished| {
        let FinishedTrial { trial, folder, log, out, number, run, .. } = finished;
        let text = json!({
            "number": number, "run": run, "folder": folder, "log": log, "out": out, "trial": trial,
        });
        Python::attach(|py| {
            let answer = callable.call1(py, (text.to_string(),));
            answer.and_then(|value| value.extract::<f64>(py)).map_err(|error| {
                // Ctrl-C, or an exit: it is the session that ends.
                if !error.is_instance_of::<PyException>(py) {
                    shared.end_by(error);
                    shared.stop.request(Urgency::Now);
                    return "interrupted".into();
                }
                error.value(py).to_string().into()
            })
        })
    }
}
