//! Reading and writing files in git, without a checkout.

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::path::checked;
use crate::repo::{Repo, id, object};

/// What a path is in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Nothing.
    Missing,
    /// A file.
    File {
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link.
    Symlink,
    /// A folder.
    Directory,
    /// Another repository.
    Submodule,
}

/// A file or symbolic link of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// From the root of the repository.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Id of its contents.
    pub blob: String,
}

impl EntryKind {
    /// By the six digits that git writes.
    pub(crate) fn of(mode: &str) -> EntryKind {
        match mode {
            "100755" => EntryKind::File { executable: true },
            "120000" => EntryKind::Symlink,
            "040000" => EntryKind::Directory,
            "160000" => EntryKind::Submodule,
            "000000" => EntryKind::Missing,
            _ => EntryKind::File { executable: false },
        }
    }
}

impl Repo {
    /// The contents of a file in a commit, as they are stored (without the
    /// line endings or filters of a checkout); `None` when it is no file.
    ///
    /// # Errors
    /// When the commit does not exist.
    pub fn read_file(&self, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>, RepoError> {
        match self.entry(commit, path)? {
            Some((EntryKind::File { .. }, blob)) => self.read_blob(&blob).map(Some),
            _ => Ok(None),
        }
    }

    /// The contents of a blob.
    ///
    /// # Errors
    /// When there is none with that id.
    pub fn read_blob(&self, blob: &str) -> Result<Vec<u8>, RepoError> {
        self.call("read a file").args(["cat-file", "blob", object(blob)?]).run()
    }

    /// What a path is in a commit.
    ///
    /// # Errors
    /// When the commit does not exist.
    pub fn kind_of(&self, commit: &CommitId, path: &str) -> Result<EntryKind, RepoError> {
        Ok(self.entry(commit, path)?.map_or(EntryKind::Missing, |(kind, _)| kind))
    }

    /// Every file and symbolic link of a commit, sorted by bytes. Names that
    /// are not UTF-8 are left out: they cannot be targets.
    ///
    /// # Errors
    /// When the commit does not exist.
    pub fn list_files(&self, commit: &CommitId) -> Result<Vec<String>, RepoError> {
        Ok(self.tracked(commit)?.into_iter().map(|tracked| tracked.path).collect())
    }

    /// The same with what each is.
    ///
    /// # Errors
    /// When the commit does not exist.
    pub fn tracked(&self, commit: &CommitId) -> Result<Vec<Tracked>, RepoError> {
        let tree = self
            .call("list the files")
            .args(["ls-tree", "-r", "-z", "--full-tree", id(commit)?])
            .run()?;
        let entries = tree.split(|b| *b == 0).filter_map(|line| entry(line));
        Ok(entries
            .filter(|(kind, ..)| *kind != EntryKind::Submodule)
            .filter_map(|(kind, blob, path)| {
                let path = std::str::from_utf8(path).ok()?.to_owned();
                Some(Tracked { path, kind, blob: blob.to_owned() })
            })
            .collect())
    }

    fn entry(
        &self,
        commit: &CommitId,
        path: &str,
    ) -> Result<Option<(EntryKind, String)>, RepoError> {
        let tree = self
            .call("look up a file")
            .args(["ls-tree", "-z", "--full-tree", id(commit)?, "--", checked(path)?])
            .run()?;
        let line = tree.split(|b| *b == 0).next().and_then(entry);
        Ok(line.map(|(kind, blob, _)| (kind, blob.to_owned())))
    }
}

/// A line of `ls-tree -z`: `<mode> <type> <id>TAB<path>`.
pub(crate) fn entry(line: &[u8]) -> Option<(EntryKind, &str, &[u8])> {
    let tab = line.iter().position(|b| *b == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
    let kind = EntryKind::of(words.next()?);
    Some((kind, words.nth(1)?, &line[tab + 1..]))
}
