//! The user's repository: where it is, who commits, what is checked out.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::git::{Call, Git};
use crate::path;

/// A repository with a checkout. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Repo {
    pub(crate) git: Git,
    places: Arc<Places>,
}

#[derive(Debug)]
struct Places {
    root: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    name: String,
    email: String,
}

/// What the user has checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub commit: CommitId,
    /// The branch, as `main`; `None` when detached.
    pub branch: Option<String>,
}

impl Repo {
    /// The repository that `from` is in. Git gets the environment of this
    /// process, without `GIT_*`.
    ///
    /// # Errors
    /// When there is no git, no repository, no working tree or no commit, or
    /// when git does not trust the owner.
    pub fn discover(from: &Path) -> Result<Repo, RepoError> {
        Repo::discover_with(from, std::env::vars_os())
    }

    /// The same with an environment for git that the caller chose; needs at
    /// least `PATH` and `HOME`.
    ///
    /// # Errors
    /// As [`Repo::discover`].
    pub fn discover_with(
        from: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Repo, RepoError> {
        let git = Git::new(environment);
        let from = if from.is_file() { from.parent().unwrap_or(from) } else { from };
        if !from.is_dir() && !from.as_os_str().is_empty() {
            return Err(RepoError::NoFolder { path: from.to_owned() });
        }
        let ask = |args: &[&str]| {
            git.call("find the repository", from).arg("rev-parse").args(args).outcome()
        };
        let kind = ask(&["--is-bare-repository", "--is-inside-work-tree"])?;
        if !kind.is_success() {
            let path = from.to_owned();
            let stderr = kind.stderr();
            return Err(if stderr.contains("dubious ownership") {
                RepoError::DubiousOwnership { path }
            } else if stderr.contains("not a git repository") {
                RepoError::NotARepository { path }
            } else {
                kind.error()
            });
        }
        if kind.stdout() != b"false\ntrue\n" {
            return Err(RepoError::NoWorkingTree { path: from.to_owned() });
        }
        // One at a time: a newline in a path is then no ambiguity.
        let place = |args: &[&str]| -> Result<PathBuf, RepoError> {
            let bytes = ask(args)?.into_result()?;
            Ok(path::from_bytes(bytes.strip_suffix(b"\n").unwrap_or(&bytes)))
        };
        let root = place(&["--show-toplevel"])?;
        let git_dir = place(&["--absolute-git-dir"])?;
        let common_dir = from.join(place(&["--git-common-dir"])?);
        let common_dir = common_dir.canonicalize().map_err(RepoError::io("find", &common_dir))?;
        if !ask(&["--verify", "--quiet", "HEAD^{commit}"])?.is_success() {
            return Err(RepoError::NoCommits { path: root });
        }
        let value = |key: &str| -> Result<Option<String>, RepoError> {
            let outcome = git
                .call("read your git identity", from)
                .args(["config", "--get", key])
                .outcome()?;
            // The characters that would end a name in a commit.
            let text: String = String::from_utf8_lossy(outcome.stdout())
                .chars()
                .filter(|c| !matches!(c, '<' | '>' | '\n' | '\0'))
                .collect();
            let text = text.trim().to_owned();
            Ok((!text.is_empty()).then_some(text))
        };
        let name = value("user.name")?.unwrap_or_else(|| "AutoResearch".to_owned());
        let email = value("user.email")?.unwrap_or_else(|| "autoresearch@localhost".to_owned());
        Ok(Repo { git, places: Arc::new(Places { root, git_dir, common_dir, name, email }) })
    }

    /// Top level of the user's checkout.
    pub fn root(&self) -> &Path {
        &self.places.root
    }

    /// What the user has checked out.
    ///
    /// # Errors
    /// When git fails, or the branch has lost its commits meanwhile.
    pub fn head(&self) -> Result<Head, RepoError> {
        let commit = self
            .call("read the current commit")
            .remedy("check out a branch that has commits")
            .args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .text()?;
        let branch = self
            .call("read the current branch")
            .args(["symbolic-ref", "--quiet", "HEAD"])
            .outcome()?;
        let branch = String::from_utf8_lossy(branch.stdout()).trim_end_matches('\n').to_owned();
        let branch = branch.strip_prefix("refs/heads/").map(str::to_owned);
        Ok(Head { commit: CommitId(commit), branch })
    }

    /// At most `limit` paths of the checkout that differ from its commit or
    /// are not in git (and not ignored): what a session does not see. Whole
    /// new folders are one path, with `/` at the end.
    ///
    /// # Errors
    /// When git fails.
    pub fn dirty_paths(&self, limit: usize) -> Result<Vec<String>, RepoError> {
        let status = self
            .call("look for uncommitted changes")
            .args(["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal"])
            .run()?;
        let paths = status.split(|b| *b == 0).filter_map(|entry| entry.get(3..));
        Ok(paths.take(limit).map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// A call on the repository as the user's checkout sees it.
    pub(crate) fn call(&self, purpose: &'static str) -> Call {
        self.git
            .call(purpose, &self.places.root)
            .env("GIT_DIR", &self.places.git_dir)
            .env("GIT_WORK_TREE", &self.places.root)
    }

    /// The folder of git for this checkout.
    pub(crate) fn git_dir(&self) -> &Path {
        &self.places.git_dir
    }

    /// The folder of git that all checkouts share.
    pub fn common_dir(&self) -> &Path {
        &self.places.common_dir
    }

    /// Name and address for commits.
    pub(crate) fn identity(&self) -> (&str, &str) {
        (&self.places.name, &self.places.email)
    }
}

/// The id as an argument for git; whole and hexadecimal, so that it can be
/// neither an option nor a name.
pub(crate) fn id(commit: &CommitId) -> Result<&str, RepoError> {
    object(&commit.0)
}

/// The same for any object.
pub(crate) fn object(id: &str) -> Result<&str, RepoError> {
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    if is_id { Ok(id) } else { Err(RepoError::BadId(id.to_owned())) }
}
