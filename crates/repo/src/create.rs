//! A new repository around files that are there.

use std::path::Path;

use crate::error::RepoError;
use crate::git::Git;
use crate::repo::Repo;

/// Makes a repository in `folder` with the branch `main`, and commits
/// everything that is there. For what this program itself has written.
///
/// # Errors
/// When git is missing or fails.
pub fn create(folder: &Path, message: &str) -> Result<Repo, RepoError> {
    let git = Git::new(std::env::vars_os());
    let steps: [&[&str]; 3] = [
        &["init", "--quiet", "--initial-branch=main"],
        &["add", "--all"],
        &[
            "-c",
            "user.name=AutoResearch",
            "-c",
            "user.email=autoresearch@localhost",
            "commit",
            "--quiet",
            "--message",
            message,
        ],
    ];
    for step in steps {
        git.call("create a repository", folder).args(step).outcome()?.into_result()?;
    }
    Repo::discover(folder)
}
