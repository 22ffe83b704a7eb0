//! A temporary folder with a HOME and, in a folder of its own, a repository.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::processes::{Process, processes_of};
use crate::program::{Ended, Running};
use crate::snapshot::Snapshot;
use crate::until;

/// In the environment of everything that is started in a place.
pub(crate) const MARK: &str = "TESTKIT_PLACE";

/// A hermetic place. What still runs there when it is dropped is killed.
#[derive(Debug)]
pub struct Place {
    temp: tempfile::TempDir,
    base: PathBuf,
    root: PathBuf,
    program: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Place {
    /// An empty folder `repo`, in which `program` will be run.
    pub fn new(program: impl Into<PathBuf>) -> Place {
        Place::named(program, "repo")
    }

    /// As [`Place::new`], with another name for the folder.
    pub fn named(program: impl Into<PathBuf>, name: impl AsRef<OsStr>) -> Place {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path().canonicalize().unwrap();
        fs::create_dir(base.join("home")).unwrap();
        fs::write(base.join("gitconfig"), "").unwrap();
        let root = base.join(name.as_ref());
        fs::create_dir(&root).unwrap();
        Place { temp, base, root, program: program.into(), variables: Vec::new() }
    }

    /// With a variable in the environment of the program.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Place {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// With a file; folders are made as needed.
    #[must_use]
    pub fn file(self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Place {
        self.write(path, content);
        self
    }

    /// As a repository on the branch `main`, with all that is there committed.
    #[must_use]
    pub fn repository(self) -> Place {
        self.git(&["init", "-q", "-b", "main"]);
        self.commit_all("start");
        self
    }

    /// The folder that holds the repository, the HOME and what a test needs
    /// outside of both.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let file = self.root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// A file of the repository as text.
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.root.join(path);
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The whole environment of what is run here.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut all: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".into(), self.base.join("home").into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("GIT_CONFIG_GLOBAL".into(), self.base.join("gitconfig").into()),
            ("TZ".into(), "UTC".into()),
            ("NO_COLOR".into(), "1".into()),
            (MARK.into(), self.temp.path().into()),
        ];
        all.extend(self.variables.iter().cloned());
        all
    }

    /// Any program in this environment, in the repository.
    pub fn other(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear().envs(self.environment());
        command
    }

    /// The program under test with arguments, not yet started.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.other(&self.program);
        command.args(args);
        command
    }

    /// Runs the program under test to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        self.start(args).wait()
    }

    /// Starts the program under test.
    pub fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        Running::start(self.command(args))
    }

    /// Git as the user runs it, with an identity.
    pub fn git(&self, args: &[&str]) -> String {
        self.try_git(args).unwrap_or_else(|why| panic!("git {args:?}: {why}"))
    }

    /// As [`Place::git`]; what git said when it fails.
    pub fn try_git(&self, args: &[&str]) -> Result<String, String> {
        let output = self
            .other("git")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .args(["-c", "user.name=User", "-c", "user.email=user@example.org"])
            .args(["-c", "protocol.file.allow=always"])
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Commits everything and returns the commit.
    pub fn commit_all(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-verify", "--no-gpg-sign", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// All that is the user's: the working tree with untracked and ignored
    /// files, index, HEAD, configuration, hooks, branches, tags and stash.
    /// Not of it: `.autoresearch`, results tables, the research branches.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of_checkout(self)
    }

    /// Every file below the repository, all of `.git` included.
    pub fn everything(&self) -> Snapshot {
        Snapshot::of_everything(self)
    }

    /// What runs here now: the program, its trials, whatever they started.
    pub fn processes(&self) -> Vec<Process> {
        processes_of(MARK, self.temp.path().as_os_str())
    }

    /// Waits until nothing runs here any more.
    pub fn assert_deserted(&self) {
        let mut left = Vec::new();
        let started = std::time::Instant::now();
        while started.elapsed() < crate::BOUND / 4 {
            left = self.processes();
            if left.is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        panic!("processes are left: {left:#?}");
    }

    /// Waits for a process whose command line holds `part`.
    pub fn await_process(&self, part: &str) -> Process {
        until(&format!("a process with `{part}`"), || {
            self.processes().into_iter().find(|process| process.command.contains(part))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for process in self.processes() {
            crate::kill(process.pid);
        }
    }
}
