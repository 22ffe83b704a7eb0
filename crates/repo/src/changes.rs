//! What a proposer left on a desk, compared with a commit.
//!
//! The comparison is of the files with the commit, through an index that the
//! proposer does not know of: whatever it did with git on the desk (commits,
//! branches, staging, `--assume-unchanged`) makes no difference.

use std::collections::BTreeMap;
use std::fs;

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::objects::EntryKind;
use crate::path::{is_under, quoted};
use crate::repo::id;
use crate::worktree::Worktree;

/// Above this a file that is not in git gets no blob: storing a forgotten
/// checkpoint of gigabytes in the repository helps nobody.
const LARGEST_NEW_FILE: u64 = 64 << 20;

/// A path on a desk that differs from the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorktreeChange {
    /// From the root of the repository; a name that is not UTF-8 is shown
    /// with replacement characters, and its kind is `Other`.
    pub path: String,
    /// In what way.
    pub kind: ChangeKind,
    /// The new contents, stored already, as git would commit them. Set for
    /// `Modified`, and for `Added` up to 64 MiB.
    pub blob: Option<String>,
}

/// In what way a path differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A file with other contents (its executable bit may differ as well).
    Modified,
    /// A new file, not ignored by git.
    Added,
    /// A file or link that is gone.
    Deleted,
    /// A file whose executable bit alone differs.
    ModeChanged,
    /// A symbolic link that is new or leads elsewhere.
    Symlink,
    /// Anything else: a file in place of a link, a repository inside the
    /// desk, a changed submodule, a pipe, a name that is not UTF-8.
    Other,
}

impl Worktree {
    /// What differs from `base`, sorted by path. `ignore` are paths that are
    /// left out with everything below them, such as the linked ones; what git
    /// ignores is left out anyway.
    ///
    /// # Errors
    /// When git fails or a file cannot be read.
    pub fn changes(
        &self,
        base: &CommitId,
        ignore: &[String],
    ) -> Result<Vec<WorktreeChange>, RepoError> {
        let base = id(base)?;
        let raw = self
            .call("compare a desk")
            .args(["diff-index", "--raw", "-z", "--no-renames", "--no-abbrev", base, "--"])
            .run()?;
        let new = self
            .call("look for new files on a desk")
            .args(["ls-files", "--others", "--exclude-standard", "-z"])
            .run()?;

        let mut found = BTreeMap::new();
        let mut old = BTreeMap::new();
        for change in raw_changes(&raw) {
            old.insert(change.path, change);
            found.insert(change.path, kind_of(change));
        }
        for path in new.split(|b| *b == 0).filter(|path| !path.is_empty()) {
            // In the base, but not in the commit that the desk was reset to.
            let kind = match old.get(path).map(|change| change.old) {
                Some(EntryKind::File { .. }) => ChangeKind::Modified,
                Some(_) => ChangeKind::Other,
                None => ChangeKind::Added,
            };
            found.insert(path, kind);
        }

        let mut changes = Vec::new();
        for (path, kind) in found {
            let Ok(name) = std::str::from_utf8(path) else {
                let path = String::from_utf8_lossy(path).into_owned();
                if !is_under(&path, ignore) {
                    changes.push(WorktreeChange { path, kind: ChangeKind::Other, blob: None });
                }
                continue;
            };
            if !is_under(name, ignore) {
                let kind = self.seen(name, kind);
                changes.push(WorktreeChange { path: name.to_owned(), kind, blob: None });
            }
        }
        self.store(&mut changes)?;

        // Touched, but with the same contents: a change of the mode or none.
        changes.retain_mut(|change| {
            let Some(before) = old.get(change.path.as_bytes()) else {
                return true;
            };
            let is_same = change.kind == ChangeKind::Modified
                && change.blob.as_deref() == Some(before.old_blob);
            if !is_same {
                return true;
            }
            (change.kind, change.blob) = (ChangeKind::ModeChanged, None);
            before.new != EntryKind::Missing && before.old != before.new
        });
        Ok(changes)
    }

    /// The kind with a look at what is really there: git reads through pipes
    /// and lists links as new files.
    fn seen(&self, path: &str, kind: ChangeKind) -> ChangeKind {
        if !matches!(kind, ChangeKind::Modified | ChangeKind::Added) {
            return kind;
        }
        match fs::symlink_metadata(self.path().join(path)) {
            Ok(seen) if seen.is_file() => kind,
            Ok(seen) if seen.is_symlink() => ChangeKind::Symlink,
            _ => ChangeKind::Other,
        }
    }

    fn store(&self, changes: &mut [WorktreeChange]) -> Result<(), RepoError> {
        let wanted: Vec<&mut WorktreeChange> = changes
            .iter_mut()
            .filter(|change| match change.kind {
                ChangeKind::Modified => true,
                ChangeKind::Added => fs::symlink_metadata(self.path().join(&change.path))
                    .is_ok_and(|seen| seen.len() <= LARGEST_NEW_FILE),
                _ => false,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let input: String = wanted.iter().map(|change| quoted(&change.path) + "\n").collect();
        let blobs = self
            .call("store what a desk changed")
            .remedy("make sure that the files on the desk can be read, and that no program still writes there")
            .args(["hash-object", "-w", "--stdin-paths"])
            .input(input.into_bytes())
            .text()?;
        for (change, blob) in wanted.into_iter().zip(blobs.lines()) {
            change.blob = Some(blob.to_owned());
        }
        Ok(())
    }
}

fn kind_of(change: RawChange<'_>) -> ChangeKind {
    match (change.old, change.new) {
        (EntryKind::Submodule, _) | (_, EntryKind::Submodule) => ChangeKind::Other,
        (_, EntryKind::Missing) => ChangeKind::Deleted,
        (_, EntryKind::Symlink) => ChangeKind::Symlink,
        (EntryKind::File { .. }, EntryKind::File { .. }) => ChangeKind::Modified,
        (EntryKind::Missing, EntryKind::File { .. }) => ChangeKind::Added,
        _ => ChangeKind::Other,
    }
}

/// A line of git's raw diff.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawChange<'a> {
    pub(crate) old: EntryKind,
    pub(crate) new: EntryKind,
    pub(crate) old_blob: &'a str,
    pub(crate) new_blob: &'a str,
    pub(crate) path: &'a [u8],
}

/// Reads `:<mode> <mode> <id> <id> <letter>NUL<path>NUL` and so on.
///
/// Source: `git help diff-index`, "RAW OUTPUT FORMAT".
pub(crate) fn raw_changes(bytes: &[u8]) -> impl Iterator<Item = RawChange<'_>> {
    let mut fields = bytes.split(|b| *b == 0);
    std::iter::from_fn(move || {
        let head = std::str::from_utf8(fields.next()?).ok()?.strip_prefix(':')?;
        let mut words = head.split(' ');
        let (old, new) = (EntryKind::of(words.next()?), EntryKind::of(words.next()?));
        let (old_blob, new_blob) = (words.next()?, words.next()?);
        Some(RawChange { old, new, old_blob, new_blob, path: fields.next()? })
    })
}
