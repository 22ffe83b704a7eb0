//! References: read, moved by compare-and-swap, packed.

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::repo::{Repo, id};

impl Repo {
    /// Where a reference is, by its full name (`refs/heads/main`); `None`
    /// when it does not exist.
    ///
    /// # Errors
    /// When git fails.
    pub fn read_ref(&self, name: &str) -> Result<Option<CommitId>, RepoError> {
        let outcome = self
            .call("read a reference")
            .args(["show-ref", "--verify", "--hash", "--", name])
            .outcome()?;
        if outcome.is_success() {
            let text = String::from_utf8_lossy(outcome.stdout()).trim().to_owned();
            return Ok(Some(CommitId(text)));
        }
        if outcome.stderr().contains("not a valid ref") { Ok(None) } else { Err(outcome.error()) }
    }

    /// The commit that a branch, a tag or a short id means; `None` when it
    /// means none, or several.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn resolve(&self, name: &str) -> Result<Option<CommitId>, RepoError> {
        let commit = format!("{name}^{{commit}}");
        let outcome = self
            .call("find a commit")
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .outcome()?;
        let text = String::from_utf8_lossy(outcome.stdout()).trim().to_owned();
        Ok((outcome.is_success() && !text.is_empty()).then_some(CommitId(text)))
    }

    /// The first commit of the history of `commit`, which all clones have in common; of
    /// several the oldest.
    ///
    /// # Errors
    /// When git fails.
    pub fn first_commit(&self, commit: &CommitId) -> Result<CommitId, RepoError> {
        let roots = self
            .call("find the first commit")
            .args(["rev-list", "--max-parents=0", &commit.0])
            .outcome()?
            .into_result()?;
        let text = String::from_utf8_lossy(&roots);
        Ok(text.lines().last().map_or_else(|| commit.clone(), |id| CommitId(id.trim().to_owned())))
    }

    /// Moves the reference `name` from `old` to `new`; without `old` it must
    /// not exist yet.
    ///
    /// # Errors
    /// [`RepoError::RefMoved`] when it is elsewhere.
    pub fn update_ref(
        &self,
        name: &str,
        new: &CommitId,
        old: Option<&CommitId>,
    ) -> Result<(), RepoError> {
        let new = id(new)?;
        let nowhere = "0".repeat(new.len());
        let expected = old.map_or(Ok(nowhere.as_str()), id)?;
        let outcome = self
            .call("move a reference")
            .remedy("check the name, and that no `.lock` file of an ended git is left beside it")
            .args(["update-ref", "--no-deref", "-m", "autoresearch", name, new, expected])
            .outcome()?;
        if outcome.is_success() {
            return Ok(());
        }
        let found = self.read_ref(name)?;
        if found.as_ref() == old {
            return Err(outcome.error());
        }
        Err(RepoError::RefMoved { name: name.to_owned(), expected: old.cloned(), found })
    }

    /// Like [`Repo::update_ref`], and well when it is at `new` already: for
    /// going on after a crash.
    ///
    /// # Errors
    /// [`RepoError::RefMoved`] when it is neither at `old` nor at `new`.
    pub fn ensure_ref(
        &self,
        name: &str,
        new: &CommitId,
        old: Option<&CommitId>,
    ) -> Result<(), RepoError> {
        match self.update_ref(name, new, old) {
            Err(RepoError::RefMoved { found, .. }) if found.as_ref() == Some(new) => Ok(()),
            result => result,
        }
    }

    /// Takes a reference of ours away; well when there is none.
    ///
    /// # Errors
    /// When git fails.
    pub fn delete_ref(&self, name: &str) -> Result<(), RepoError> {
        self.call("delete a reference").args(["update-ref", "--no-deref", "-d", name]).run()?;
        Ok(())
    }
}
