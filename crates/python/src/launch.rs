//! How the interpreter that loaded us comes to us again: as a trial's supervisor,
//! and as what confines its command. Not by `import autoresearch`, and never by
//! the program that runs: an isolated interpreter loads this very file and
//! nothing else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use autoresearch::run::{Program, adopt};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The name under which the file is loaded; its end says where it is entered.
const MODULE: &str = "autoresearch._native";

/// Run by `python -c` with the file as first argument. Leaves without taking the
/// interpreter down in order, which nobody waits for.
const LAUNCHER: &str = "\
import os, sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec
path = sys.argv[1]
loader = ExtensionFileLoader('autoresearch._native', path)
module = loader.create_module(ModuleSpec('autoresearch._native', loader, origin=path))
loader.exec_module(module)
os._exit(module.launched(path, sys.argv[2:]))
";

/// No environment, no user's folder, no `site`, nothing written: nobody has a say
/// in what a supervisor is.
const ISOLATED: [&str; 4] = ["-I", "-S", "-B", "-c"];

/// Makes this interpreter the program that supervises.
///
/// # Errors
/// When it is one that cannot be started again.
pub(crate) fn adopt_interpreter(py: Python<'_>) -> PyResult<()> {
    let file: PathBuf = py.import(MODULE)?.getattr("__file__")?.extract()?;
    adopt(interpreter(py, &file)?, Vec::new());
    Ok(())
}

fn interpreter(py: Python<'_>, file: &Path) -> PyResult<Program> {
    let sys = py.import("sys")?;
    let text = |name: &str| {
        let value = sys.getattr(name).ok()?.extract::<PathBuf>().ok()?;
        (!value.as_os_str().is_empty()).then_some(value)
    };
    // A virtual environment's is a link to this one, or needs it to be there.
    let path = text("_base_executable").or_else(|| text("executable"));
    let is_frozen = sys.getattr("frozen").is_ok_and(|frozen| frozen.is_truthy().unwrap_or(true));
    let Some(path) = path.filter(|_| !is_frozen) else {
        return Err(PyRuntimeError::new_err(
            "trials need a Python interpreter of their own to supervise them, and this program \
             has none (sys.executable is empty, or the program is frozen); run it with `python`",
        ));
    };
    let library: PathBuf = py.import("os")?.getattr("__file__")?.extract()?;
    let mut readable = vec![path.clone(), file.to_owned()];
    readable.extend(library.parent().map(Path::to_owned));
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let is_narrow = |prefix: &PathBuf| {
        let holds_home = home.as_ref().is_some_and(|home| home.starts_with(prefix));
        prefix.parent().is_some() && !holds_home
    };
    readable
        .extend(["base_prefix", "base_exec_prefix"].into_iter().filter_map(text).filter(is_narrow));
    let words = ISOLATED.into_iter().chain([LAUNCHER]).map(OsString::from);
    let words = words.chain([file.as_os_str().to_owned()]).collect();
    Ok(Program { path, words, readable })
}

/// Does what a hidden subcommand asks for, and returns the exit code for the
/// process; called by the launcher alone.
#[pyfunction]
pub(crate) fn launched(py: Python<'_>, file: PathBuf, words: Vec<OsString>) -> PyResult<i32> {
    adopt(interpreter(py, &file)?, words);
    Ok(py.detach(autoresearch::supervise_if_asked).unwrap_or(1))
}

/// The whole program `autoresearch`: does what `words` say, the program's name
/// first among them, and returns the exit code for the process.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, words: Vec<OsString>) -> PyResult<u8> {
    adopt_interpreter(py)?;
    Ok(py.detach(|| autoresearch_cli::main(words)))
}
