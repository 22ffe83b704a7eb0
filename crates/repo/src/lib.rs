//! Git: research branch, candidates, worktrees, diffs, merge.
//!
//! Nothing else in the project runs git, and git is only ever run as the
//! user's own `git` program. The user's checkout (working tree, index, stash,
//! `HEAD`, branch) is read and never written; the one exception is
//! [`Repo::land`], to which the user agreed. Work happens in detached
//! worktrees ([`Worktree`]); a candidate is a commit made without any
//! ([`Repo::commit`]). What is worth a commit is decided elsewhere.
//!
//! Paths are UTF-8 strings from the root of the repository with `/` between
//! components. A file whose name is not UTF-8 can be in the repository, but
//! cannot be a target.

mod candidate;
mod changes;
mod create;
mod diff;
mod error;
mod exclude;
mod git;
mod land;
mod objects;
mod patch;
mod path;
mod private;
mod refs;
mod repo;
mod submodules;
#[cfg(unix)]
mod tidy;
mod worktree;

pub use changes::{ChangeKind, WorktreeChange};
pub use create::create;
pub use error::RepoError;
pub use land::{LandError, Landed, Landing, Style};
pub use objects::{EntryKind, Tracked};
pub use path::is_under;
pub use repo::{Head, Repo};
pub use worktree::Worktree;
