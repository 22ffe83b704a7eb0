//! A git of its own for whoever works on a worktree of ours.
//!
//! A worktree that git made leads to the user's `.git`: there a commit, a
//! stash or `git config` is the user's own. This one leads to a folder that is
//! thrown away: whatever a program does to git there, it does to nobody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::path;
use crate::repo::{Repo, id};
use crate::worktree::{Worktree, remove_all};

impl Repo {
    /// Where the objects of this repository lie, those that it borrows from
    /// others included: what a [private git](Worktree::isolate) with history
    /// must be able to read.
    pub fn object_stores(&self) -> Vec<PathBuf> {
        let mut found = vec![self.common_dir().join("objects")];
        let mut next = 0;
        while let Some(store) = found.get(next).cloned() {
            next += 1;
            let borrowed = fs::read(store.join("info/alternates")).unwrap_or_default();
            for line in borrowed.split(|b| *b == b'\n') {
                // Relative ones are from the store that names them.
                let other = store.join(path::from_bytes(line));
                let is_comment = line.is_empty() || line.starts_with(b"#");
                // Git itself follows five levels.
                if !is_comment && found.len() < 64 && !found.contains(&other) {
                    found.push(other);
                }
            }
        }
        found
    }
}

impl Worktree {
    /// Takes files or folders of the commit off this worktree. What is behind
    /// a link on the way is not followed.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn withhold(&self, paths: &[String]) -> Result<(), RepoError> {
        for name in paths {
            let name = path::checked(name.trim_end_matches('/'))?;
            let there = self.path().join(name);
            let is_within = there
                .ancestors()
                .skip(1)
                .take_while(|folder| *folder != self.path())
                .all(|folder| fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir()));
            if is_within {
                remove_all(&there).map_err(RepoError::io("take away", &there))?;
            }
        }
        Ok(())
    }

    /// Gives the worktree a git folder at `git`, made anew, in place of the
    /// user's: at `commit`, detached, without branches, remotes or hooks. With
    /// `history` it borrows the user's objects, so that `git log`, `git diff`
    /// and even a commit work there; without, it knows its commit by name only.
    /// Resetting the worktree leads it back to the user's.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn isolate(&self, git: &Path, commit: &CommitId, history: bool) -> Result<(), RepoError> {
        let commit = id(commit)?;
        let make = || -> io::Result<()> {
            remove_all(git)?;
            for folder in ["objects/info", "refs/heads"] {
                fs::create_dir_all(git.join(folder))?;
            }
            fs::write(git.join("HEAD"), format!("{commit}\n"))?;
            fs::write(git.join("config"), self.private_config(commit.len() == 64))?;
            if history {
                let mut stores = Vec::new();
                for store in self.repo.object_stores() {
                    stores.extend_from_slice(store.as_os_str().as_encoded_bytes());
                    stores.push(b'\n');
                }
                fs::write(git.join("objects/info/alternates"), stores)?;
                self.copy_index(&git.join("index"))?;
                let shallow = self.repo.common_dir().join("shallow");
                if shallow.is_file() {
                    fs::copy(shallow, git.join("shallow"))?;
                }
            }
            let mut content = b"gitdir: ".to_vec();
            content.extend(git.as_os_str().as_encoded_bytes());
            content.push(b'\n');
            let file = self.path().join(".git");
            remove_all(&file)?;
            fs::write(file, content)
        };
        make().map_err(RepoError::io("make the private git folder", git))
    }

    fn private_config(&self, is_sha256: bool) -> String {
        let (name, email) = self.repo.identity();
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let format = if is_sha256 { "1\n[extensions]\n\tobjectFormat = sha256" } else { "0" };
        format!(
            "[core]\n\trepositoryFormatVersion = {format}\n[core]\n\tbare = false\n\
             \tlogAllRefUpdates = false\n\tautocrlf = false\n\thooksPath = /dev/null\n\
             [gc]\n\tauto = 0\n[user]\n\tname = \"{}\"\n\temail = \"{}\"\n",
            quoted(name),
            quoted(email)
        )
    }
}
