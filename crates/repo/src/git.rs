//! Running git so that nothing of the user's changes what it does.
//!
//! The environment is that of the process without `GIT_*`, which would point
//! git elsewhere or give commits another author; hooks, signing, editors,
//! prompts and housekeeping are off; messages are in English, because some
//! are read. Git runs in a process group of its own: Ctrl-C stops the session
//! between two calls, not in the middle of one.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use crate::error::RepoError;

/// What may stay of `GIT_*`: where the machine keeps git and its
/// configuration, and whether large files are fetched.
const KEPT: [&str; 6] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_EXEC_PATH",
    "GIT_CEILING_DIRECTORIES",
    "GIT_LFS_SKIP_SMUDGE",
];

/// For every call.
const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.safecrlf=false",
    "commit.gpgsign=false",
    "tag.gpgsign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "rerere.enabled=false",
];

const FIXED: [(&str, &str); 7] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_EDITOR", "true"),
    ("GIT_ADVICE", "0"),
    ("LC_ALL", "C"),
    ("LANGUAGE", "C"),
];

/// The environment that git gets.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    environment: Arc<Vec<(OsString, OsString)>>,
    /// Where it lies. With a bare name and an environment of ours the standard
    /// library would fork this process, which costs milliseconds when it is
    /// large, instead of spawning the other.
    program: PathBuf,
}

impl Git {
    pub(crate) fn new(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Git {
        let environment = environment.into_iter().filter(|(name, _)| {
            let name = name.to_string_lossy();
            !name.starts_with("GIT_") || KEPT.contains(&name.as_ref())
        });
        let environment: Vec<(OsString, OsString)> = environment.collect();
        let program = found(&environment).unwrap_or_else(|| PathBuf::from("git"));
        Git { environment: Arc::new(environment), program }
    }

    /// A call in `folder`, for `purpose` (what it does, as an infinitive).
    pub(crate) fn call(&self, purpose: &'static str, folder: &Path) -> Call {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.environment.iter().map(|(k, v)| (k, v))).envs(FIXED);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.current_dir(folder);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Call {
            command,
            purpose,
            folder: folder.to_owned(),
            remedy: "try the same in a terminal",
            input: None,
        }
    }
}

/// The first `git` on the environment's `PATH`.
fn found(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let (_, path) = environment.iter().find(|(name, _)| name == "PATH")?;
    std::env::split_paths(path)
        .map(|folder| folder.join("git"))
        .find(|program| program.is_absolute() && program.is_file())
}

/// One run of git, being put together.
pub(crate) struct Call {
    command: Command,
    purpose: &'static str,
    folder: PathBuf,
    remedy: &'static str,
    input: Option<Vec<u8>>,
}

impl Call {
    /// A configuration value; before the subcommand.
    pub(crate) fn set(self, setting: &str) -> Call {
        self.args(["-c", setting])
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Call {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Call {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Call {
        self.command.env(name, value);
        self
    }

    /// What the user can do when it fails.
    pub(crate) fn remedy(mut self, remedy: &'static str) -> Call {
        self.remedy = remedy;
        self
    }

    /// What it reads; nothing otherwise.
    pub(crate) fn input(mut self, input: Vec<u8>) -> Call {
        self.input = Some(input);
        self
    }

    /// What it wrote to stdout; an error when it failed.
    pub(crate) fn run(self) -> Result<Vec<u8>, RepoError> {
        self.outcome()?.into_result()
    }

    /// The same as text, without the last newline.
    pub(crate) fn text(self) -> Result<String, RepoError> {
        let mut bytes = self.run()?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How it ended, for calls that may well fail.
    pub(crate) fn outcome(mut self) -> Result<Outcome, RepoError> {
        let (purpose, remedy, input) = (self.purpose, self.remedy, self.input.take());
        let mut child = self.start(if input.is_some() { Stdio::piped() } else { Stdio::null() })?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // Beside the reading, lest both sides wait on a full pipe. An
                // error here is git having ended early, which it explains.
                scope.spawn(move || stdin.write_all(&input));
            }
            child.wait_with_output()
        });
        let output = output.map_err(RepoError::io("run git in", Path::new(".")))?;
        Ok(Outcome { purpose, remedy, output })
    }

    /// Starts it for a conversation over its pipes.
    pub(crate) fn start(mut self, stdin: Stdio) -> Result<Child, RepoError> {
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound && self.folder.is_dir() {
                RepoError::NoGit
            } else {
                RepoError::Io { purpose: "run git in", path: self.folder, source }
            }
        })
    }
}

/// How a call ended.
pub(crate) struct Outcome {
    pub(crate) purpose: &'static str,
    pub(crate) remedy: &'static str,
    pub(crate) output: Output,
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.output.status.success()
    }

    pub(crate) fn stdout(&self) -> &[u8] {
        &self.output.stdout
    }

    /// The words of git, or how it ended when it had none.
    pub(crate) fn stderr(&self) -> String {
        let text = String::from_utf8_lossy(&self.output.stderr).trim().to_owned();
        if text.is_empty() { self.output.status.to_string() } else { text }
    }

    pub(crate) fn into_result(self) -> Result<Vec<u8>, RepoError> {
        if self.is_success() { Ok(self.output.stdout) } else { Err(self.error()) }
    }

    pub(crate) fn error(&self) -> RepoError {
        RepoError::Git { purpose: self.purpose, stderr: self.stderr(), remedy: self.remedy }
    }
}
