//! What lies between two commits.

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::path::checked;
use crate::repo::{Repo, id};

impl Repo {
    /// The difference as a unified diff, without colour, filters or other
    /// programs; of everything when `paths` is empty. Bytes that are not
    /// UTF-8 are replaced: it is for reading, not for applying.
    ///
    /// # Errors
    /// When a commit does not exist.
    pub fn diff(
        &self,
        from: &CommitId,
        to: &CommitId,
        paths: &[String],
    ) -> Result<String, RepoError> {
        let bytes = self.difference(&["-p", "--no-color"], from, to, paths)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The difference as a patch that [`Repo::apply_patch`] takes, also by three-way
    /// merge. Bytes that are not UTF-8 are replaced; such a patch does not apply.
    ///
    /// # Errors
    /// When a commit does not exist.
    pub fn patch(&self, from: &CommitId, to: &CommitId) -> Result<String, RepoError> {
        let bytes = self.difference(&["-p", "--full-index", "--no-color"], from, to, &[])?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn difference(
        &self,
        options: &[&str],
        from: &CommitId,
        to: &CommitId,
        paths: &[String],
    ) -> Result<Vec<u8>, RepoError> {
        for path in paths {
            checked(path)?;
        }
        self.call("compare two commits")
            .args(["diff-tree", "-r", "--no-ext-diff", "--no-textconv", "--no-renames"])
            .args(options)
            .args([id(from)?, id(to)?, "--"])
            .args(paths)
            .run()
    }
}
