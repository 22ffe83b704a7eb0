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

    /// Lines added and removed between two commits; binary files count none.
    ///
    /// # Errors
    /// When a commit does not exist.
    pub fn diff_stat(
        &self,
        from: &CommitId,
        to: &CommitId,
        paths: &[String],
    ) -> Result<(u64, u64), RepoError> {
        let bytes = self.difference(&["--numstat", "-z"], from, to, paths)?;
        let text = String::from_utf8_lossy(&bytes);
        let number = |word: Option<&str>| word.and_then(|w| w.parse().ok()).unwrap_or(0_u64);
        Ok(text.split('\0').fold((0, 0), |(added, removed), line| {
            let mut words = line.split('\t');
            (added + number(words.next()), removed + number(words.next()))
        }))
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
