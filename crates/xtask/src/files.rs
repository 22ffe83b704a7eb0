//! The files that git tracks, or would.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// All files of the repository by their path from its root.
pub(crate) struct Files {
    root: PathBuf,
    /// `None` for what is not UTF-8.
    texts: BTreeMap<String, Option<String>>,
}

impl Files {
    /// Of the repository that this program was built in.
    pub(crate) fn of_repository() -> anyhow::Result<Files> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("crates/xtask lies two folders below the root")?
            .to_owned();
        // Not only what is committed: a check before the commit is the useful one.
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .context("git could not be run")?;
        ensure!(listing.status.success(), "{}", String::from_utf8_lossy(&listing.stderr));
        let mut texts = BTreeMap::new();
        for path in String::from_utf8(listing.stdout)?.split('\0').filter(|p| !p.is_empty()) {
            // One that was deleted and not committed is still listed.
            let Ok(bytes) = std::fs::read(root.join(path)) else {
                continue;
            };
            texts.insert(path.to_owned(), String::from_utf8(bytes).ok());
        }
        Ok(Files { root, texts })
    }

    #[cfg(test)]
    pub(crate) fn of(texts: &[(&str, &str)]) -> Files {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), Some((*text).to_owned()));
        Files { root: PathBuf::new(), texts: texts.iter().map(own).collect() }
    }

    /// The folder that paths start from.
    pub(crate) fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The text of a file; `None` when there is none, or no text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path)?.as_deref()
    }

    /// Every text file.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Every text file with this ending.
    pub(crate) fn ending(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| path.ends_with(ending))
    }

    /// Whether this is a file, or a folder with files.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.texts.contains_key(path)
            || self
                .texts
                .range(folder.clone()..)
                .next()
                .is_some_and(|(p, _)| p.starts_with(&folder))
    }

    /// Whether any file has this name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.texts.keys().any(|path| path.rsplit('/').next() == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_exist_by_their_files() {
        let files = Files::of(&[("a-b", ""), ("a/b/c.rs", ""), ("ab", "")]);
        assert!(files.exists("a/b") && files.exists("a/") && files.exists("a/b/c.rs"));
        assert!(!files.exists("a/c") && !files.exists("a/b/c"));
        assert!(files.has_name("c.rs") && !files.has_name("b"));
    }
}
