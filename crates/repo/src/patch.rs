//! Does a patch apply? Found out in an index of its own, with no checkout.

use std::path::Path;

use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::FileEdit;

use crate::changes::{RawChange, raw_changes};
use crate::error::RepoError;
use crate::git::Call;
use crate::objects::EntryKind;
use crate::repo::{Repo, id};

impl Repo {
    /// The files that a patch changes when it is applied on top of `base`, or
    /// git's words why it does not apply. A patch of `git diff` and one of
    /// `diff -u` will do, with or without a leading `a/` and `b/`, with Unix
    /// or Windows line endings; when the base has moved on, three-way merge
    /// is tried where the patch names its blobs.
    ///
    /// # Errors
    /// When git itself fails or `base` does not exist.
    pub fn apply_patch(
        &self,
        base: &CommitId,
        patch: &[u8],
    ) -> Result<Result<Vec<FileEdit>, String>, RepoError> {
        let base = id(base)?;
        let scratch = tempfile::Builder::new().prefix("autoresearch-").tempdir();
        let scratch = scratch.map_err(RepoError::io("make a temporary folder", Path::new("")))?;
        let index = scratch.path().join("index");
        let call = || self.call("try a patch").env("GIT_INDEX_FILE", &index);
        call().args(["read-tree", base]).run()?;

        let with_lf = without_carriage_returns(patch);
        let variants = [Some(patch), with_lf.as_deref()];
        let mut said = Vec::new();
        let mut applied = false;
        'tries: for patch in variants.into_iter().flatten() {
            for strip in ["-p1", "-p0"] {
                let outcome = apply(call(), &[strip], patch).outcome()?;
                if outcome.is_success() {
                    applied = true;
                    break 'tries;
                }
                said.push(outcome.stderr());
            }
        }
        if !applied {
            let merged = apply(call(), &["-p1", "--3way"], patch).outcome()?;
            if !merged.is_success() {
                let strips =
                    patch.windows(6).any(|w| w == b"\n+++ b") || patch.starts_with(b"diff --git");
                let words = said.into_iter().nth(usize::from(!strips)).unwrap_or_default();
                return Ok(Err(words));
            }
        }
        let raw = call()
            .args(["diff-index", "--cached", "--raw", "-z", "--no-renames", base, "--"])
            .run()?;
        let mut files = Vec::new();
        for change in raw_changes(&raw).filter(|c| c.old_blob != c.new_blob) {
            match self.edit_of(&change)? {
                Ok(edit) => files.push(edit),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(files))
    }

    fn edit_of(&self, change: &RawChange<'_>) -> Result<Result<FileEdit, String>, RepoError> {
        let shown = String::from_utf8_lossy(change.path);
        let Ok(path) = std::str::from_utf8(change.path) else {
            return Ok(Err(format!("the name of `{shown}` is not UTF-8")));
        };
        let content = match (change.old, change.new) {
            (EntryKind::File { .. } | EntryKind::Missing, EntryKind::File { .. }) => {
                Some(self.read_blob(change.new_blob)?)
            }
            (EntryKind::File { .. }, EntryKind::Missing) => None,
            _ => {
                return Ok(Err(format!(
                    "`{shown}` is not a plain file before and after the patch"
                )));
            }
        };
        Ok(Ok(FileEdit { path: path.to_owned(), content }))
    }
}

fn apply(call: Call, options: &[&str], patch: &[u8]) -> Call {
    call.set("apply.ignoreWhitespace=no")
        .args(["apply", "--cached", "--whitespace=nowarn"])
        .args(options)
        .arg("-")
        .input(patch.to_vec())
}

/// The patch with Unix line endings, when it has Windows ones.
fn without_carriage_returns(patch: &[u8]) -> Option<Vec<u8>> {
    if !patch.windows(2).any(|pair| pair == b"\r\n") {
        return None;
    }
    let lines = patch.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Some(lines.collect::<Vec<_>>().join(&b'\n'))
}
