//! Which program supervises and confines. It is this very one, unless this one
//! is an interpreter into which we were loaded: that says with which words it
//! comes to us again.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::RunError;

/// A program that comes to call [`supervise`](crate::supervise) and its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// The words before the hidden subcommand.
    pub words: Vec<OsString>,
    /// Files and folders that it reads on its way to us, in a sandbox too.
    pub readable: Vec<PathBuf>,
}

/// How to come here again, and the words with which we were come to.
static ADOPTED: OnceLock<(Program, Vec<OsString>)> = OnceLock::new();

/// Makes `program` the one that is started where this process's own file would
/// be, for good; `arguments` are the words with which this process was started,
/// from the hidden subcommand on if it has one. Only the first call counts.
pub fn adopt(program: Program, arguments: Vec<OsString>) {
    let _ = ADOPTED.set((program, arguments));
}

/// The words with which this process was started, without those that lead to us.
pub fn arguments() -> Vec<OsString> {
    match ADOPTED.get() {
        Some((_, arguments)) => arguments.clone(),
        None => std::env::args_os().skip(1).collect(),
    }
}

/// What the words after the hidden subcommand say.
pub(crate) fn hidden_arguments() -> impl Iterator<Item = String> {
    arguments().into_iter().skip(1).filter_map(|word| word.into_string().ok())
}

/// What was adopted, in processes that are not their own program.
pub(crate) fn adopted() -> Option<&'static Program> {
    ADOPTED.get().map(|(program, _)| program)
}

impl Program {
    /// The program of this process.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn this() -> Result<Program, RunError> {
        if let Some(program) = adopted() {
            return Ok(program.clone());
        }
        let path = std::env::current_exe().map_err(|error| RunError::Spawn {
            program: PathBuf::from("autoresearch"),
            why: error.to_string(),
        })?;
        Ok(Program::at(path))
    }

    /// A program that needs nothing else to be started.
    pub fn at(path: impl Into<PathBuf>) -> Program {
        let path = path.into();
        Program { words: Vec::new(), readable: vec![path.clone()], path }
    }

    /// Its words with the hidden subcommand after them.
    pub fn arguments(&self, hidden: &str) -> Vec<OsString> {
        self.words.iter().cloned().chain([OsString::from(hidden)]).collect()
    }

    /// It, under the hidden subcommand.
    pub(crate) fn command(&self, hidden: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.args(self.arguments(hidden));
        command
    }

    /// As [`command`](Program::command), in the words of a job.
    pub(crate) fn line(&self, hidden: &str) -> Vec<String> {
        let path: &Path = &self.path;
        let words = self.words.iter().map(OsString::as_os_str);
        std::iter::once(path.as_os_str())
            .chain(words)
            .chain([OsStr::new(hidden)])
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hidden_subcommand_comes_after_the_words_that_lead_to_us() {
        let program = Program {
            path: "/usr/bin/python3".into(),
            words: ["-I", "-c", "load()"].map(OsString::from).to_vec(),
            readable: Vec::new(),
        };
        assert_eq!(program.line("__x"), ["/usr/bin/python3", "-I", "-c", "load()", "__x"]);
        assert_eq!(Program::at("/bin/ar").line("__x"), ["/bin/ar", "__x"]);
    }

    #[test]
    fn a_program_of_its_own_is_this_process_and_hears_its_own_words() {
        assert_eq!(Program::this().unwrap().path, std::env::current_exe().unwrap());
        assert_eq!(arguments(), std::env::args_os().skip(1).collect::<Vec<_>>());
    }
}
