//! A checkout, byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::place::Place;

/// What was there, by path, and what git says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    parts: BTreeMap<String, Vec<u8>>,
}

impl Snapshot {
    pub(crate) fn of_checkout(place: &Place) -> Snapshot {
        let mut parts = files_below(place.root(), is_the_users);
        for (name, question) in [
            ("(refs)", &["for-each-ref", "--format=%(objectname) %(refname)"][..]),
            ("(stash)", &["stash", "list", "--format=%H %gd %s"]),
            ("(status)", &["status", "--porcelain=v2", "--branch", "--ignored", "-z"]),
        ] {
            let answer = match place.try_git(question) {
                Ok(text) | Err(text) => text,
            };
            let users: Vec<&str> =
                answer.split(['\n', '\0']).filter(|line| is_the_users_line(line)).collect();
            parts.insert(name.to_owned(), users.join("\n").into_bytes());
        }
        Snapshot { parts }
    }

    pub(crate) fn of_everything(place: &Place) -> Snapshot {
        Snapshot { parts: files_below(place.root(), |_| true) }
    }

    /// Every file below any folder; it need not be a repository.
    pub fn of_folder(folder: &Path) -> Snapshot {
        Snapshot { parts: files_below(folder, |_| true) }
    }

    /// What differs, a path with both sides a line.
    pub fn differences(&self, later: &Snapshot) -> Vec<String> {
        let paths = self.parts.keys().chain(later.parts.keys());
        let mut differing: Vec<String> = paths
            .filter(|path| self.parts.get(*path) != later.parts.get(*path))
            .map(|path| {
                let show = |side: Option<&Vec<u8>>| {
                    side.map(|b| String::from_utf8_lossy(b).chars().take(300).collect::<String>())
                };
                let (before, after) = (show(self.parts.get(path)), show(later.parts.get(path)));
                format!("{path}:\n  before {before:?}\n  after  {after:?}")
            })
            .collect();
        differing.sort();
        differing.dedup();
        differing
    }

    /// Checks that nothing differs, and names what does.
    #[track_caller]
    pub fn assert_same(&self, later: &Snapshot) {
        let differing = self.differences(later);
        assert!(differing.is_empty(), "the checkout differs:\n{}", differing.join("\n"));
    }
}

/// Whether a file of the repository is the user's and no part of git's
/// bookkeeping that other worktrees share.
fn is_the_users(path: &str) -> bool {
    let ours = [".autoresearch/", "results.tsv", "results-"];
    let shared = [
        "objects/",
        "worktrees/",
        "refs/",
        "packed-refs",
        "info/",
        "logs/refs/heads/autoresearch/",
        "gc.",
        "ORIG_HEAD",
    ];
    match path.strip_prefix(".git/") {
        Some(inside) => !shared.iter().any(|part| inside.starts_with(part)),
        None => !ours.iter().any(|part| path.starts_with(part)),
    }
}

/// Whether a line of git's answers is of the user's things.
fn is_the_users_line(line: &str) -> bool {
    !line.contains("refs/autoresearch/")
        && !line.contains("refs/heads/autoresearch/")
        && !line.contains("results.tsv")
        && !line.contains("results-")
        && !line.contains(".autoresearch/")
}

/// Every file and link with its permissions, and every folder, where wanted.
fn files_below(root: &Path, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(root).unwrap();
            // Names need not be UTF-8; two of them must not look the same.
            let name = match inside.to_str() {
                Some(name) => name.to_owned(),
                None => inside.as_os_str().as_encoded_bytes().escape_ascii().to_string(),
            };
            let meta = fs::symlink_metadata(&path).unwrap();
            let mode = format!("{:o}", meta.permissions().mode()).into_bytes();
            let name = if meta.is_dir() { format!("{name}/") } else { name };
            if !wanted(&name) {
                continue;
            }
            if meta.is_dir() {
                files.insert(name, mode);
                folders.push(path);
            } else if meta.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                files.insert(name, target.into_os_string().into_encoded_bytes());
            } else if !meta.is_file() {
                // A pipe or a socket: reading it would wait for somebody.
                files.insert(name, mode);
            } else {
                // What is not ours to read shows by that.
                let content = fs::read(&path).unwrap_or_else(|why| why.to_string().into_bytes());
                files.insert(name, [mode, b"\n".to_vec(), content].concat());
            }
        }
    }
    files
}
