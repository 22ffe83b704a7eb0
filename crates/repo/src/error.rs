//! What can go wrong with git, and what the user can do about it.

use std::io;
use std::path::{Path, PathBuf};

use autoresearch_core::experiment::CommitId;

/// Why something with the repository failed.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// There is no `git` program.
    #[error("find the `git` program; install git and make sure that it is on the PATH")]
    NoGit,
    /// The folder does not exist.
    #[error("find the folder {}; name one that is there", path.display())]
    NoFolder {
        /// As it was named.
        path: PathBuf,
    },
    /// The folder is in no repository.
    #[error("find a git repository at {}; run `git init` there and commit your files, or go to a folder of your repository", path.display())]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// A bare repository, or a folder inside `.git`.
    #[error("find a working tree at {}; run this in a checkout of the repository (`git clone` or `git worktree add` makes one)", path.display())]
    NoWorkingTree {
        /// Where the search began.
        path: PathBuf,
    },
    /// Nothing was ever committed.
    #[error("find a commit in {}; commit your files first: `git add -A && git commit -m start`", path.display())]
    NoCommits {
        /// Root of the repository.
        path: PathBuf,
    },
    /// Git refuses a repository that belongs to someone else.
    #[error("use the repository at {}, which belongs to another user; if you trust it, run `git config --global --add safe.directory {}`", path.display(), path.display())]
    DubiousOwnership {
        /// Where the search began.
        path: PathBuf,
    },
    /// A reference is not where it was expected.
    #[error("move {name}: it is at {}, not at {}; something else moved it, look at `git log {name}` before you go on", place(found.as_ref()), place(expected.as_ref()))]
    RefMoved {
        /// Full name of the reference.
        name: String,
        /// Where it should have been; `None` is nowhere.
        expected: Option<CommitId>,
        /// Where it is; `None` is nowhere.
        found: Option<CommitId>,
    },
    /// The folder for a worktree is taken by something that we did not make.
    #[error("make a worktree at {}: the folder holds something else; move it away or remove it", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// A path cannot be used in this way.
    #[error("use the path `{path}`: {why}")]
    BadPath {
        /// The path, from the root of the repository.
        path: String,
        /// What is wrong, and what to do.
        why: &'static str,
    },
    /// Something that is no object id.
    #[error(
        "use `{0}` as an object id; give all of its hexadecimal digits, as `git rev-parse` prints them"
    )]
    BadId(String),
    /// Git said no.
    #[error("{purpose}: git says: {stderr}; {remedy}")]
    Git {
        /// What was being done.
        purpose: &'static str,
        /// The words of git.
        stderr: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The operating system said no.
    #[error("{purpose} {}: {source}; check the permissions and the space there", path.display())]
    Io {
        /// What was being done.
        purpose: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RepoError {
    /// For `map_err`: an error of the operating system with its context.
    pub(crate) fn io(purpose: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RepoError {
        let path = path.to_owned();
        move |source| RepoError::Io { purpose, path, source }
    }
}

fn place(commit: Option<&CommitId>) -> &str {
    commit.map_or("nowhere", CommitId::short)
}

impl RepoError {
    /// Whether the user named the wrong place or thing, rather than git or the
    /// system having failed.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            RepoError::NoFolder { .. }
                | RepoError::NotARepository { .. }
                | RepoError::NoWorkingTree { .. }
                | RepoError::NoCommits { .. }
                | RepoError::DubiousOwnership { .. }
                | RepoError::BadPath { .. }
        )
    }
}
