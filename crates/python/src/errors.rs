//! From what keeps an engine from going on to an exception of the package.

use autoresearch::EngineError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Where the classes are.
const MODULE: &str = "autoresearch._errors";

/// The exception that tells of an error, with its hint.
pub(crate) fn raised(py: Python<'_>, error: &EngineError) -> PyErr {
    let (class, text) = match error {
        EngineError::Config(config) => ("ConfigError", config.render(false)),
        EngineError::BadFile { .. }
        | EngineError::BadPath { .. }
        | EngineError::UnknownProposer { .. }
        | EngineError::BadTag(_)
        | EngineError::Rule(_)
        | EngineError::Range { .. }
        | EngineError::Wrap(_)
        | EngineError::WrapIsNoSandbox(_)
        | EngineError::Threads(_)
        | EngineError::Template(_)
        | EngineError::Model(_)
        | EngineError::KeyInSight(_)
        | EngineError::UnfitAgent { .. }
        | EngineError::UncountedCpu(_) => ("ConfigError", error.to_string()),
        EngineError::Repo(_) | EngineError::Land(_) => ("GitError", error.to_string()),
        EngineError::Run(_) | EngineError::Unconfinable { .. } => ("RunError", error.to_string()),
        EngineError::Journal(_) | EngineError::Table { .. } => ("LedgerError", error.to_string()),
        EngineError::Lock(_)
        | EngineError::TagTaken(_)
        | EngineError::BranchTaken(_)
        | EngineError::ResultsTaken(_)
        | EngineError::NoSession { .. }
        | EngineError::NoExperiment(_)
        | EngineError::BranchMoved { .. }
        | EngineError::Empty(_) => ("SessionError", error.to_string()),
        _ => ("AutoresearchError", error.to_string()),
    };
    let made = py
        .import(MODULE)
        .and_then(|errors| errors.getattr(class)?.call1((text.as_str(), error.hint())));
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(_) => PyRuntimeError::new_err(text),
    }
}

/// JSON that cannot be written, which no value of ours comes to.
pub(crate) fn unwritable(error: &serde_json::Error) -> PyErr {
    PyRuntimeError::new_err(format!("failed to hand it over as JSON: {error}"))
}
