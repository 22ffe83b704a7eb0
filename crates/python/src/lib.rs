//! What the Python package `autoresearch` is built on. Everything that users see
//! is written in Python (`python/autoresearch/`); this is the thin part below it:
//! the engine's [`SystemExperiment`](autoresearch::SystemExperiment) and
//! [`View`](autoresearch::View) as two classes, the command line as a function,
//! and the way by which the interpreter comes back to us as a supervisor.
//!
//! What is structured crosses over as JSON, in the journal's own form. Python's
//! lock is held for callbacks alone, never while the engine works.

#![expect(clippy::needless_pass_by_value, reason = "what Python hands over is owned")]

mod answering;
mod errors;
mod experiment;
mod launch;
mod measuring;
mod presets;
mod reading;
mod watching;

use pyo3::pymodule;

/// The part that is not Python.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::experiment::Experiment;
    #[pymodule_export]
    use crate::launch::{launched, main};
    #[pymodule_export]
    use crate::presets::presets;
    #[pymodule_export]
    use crate::reading::{Reader, read_results};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
