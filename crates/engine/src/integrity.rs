//! What no trial may change, and whether one did.
//!
//! Protected are the files that the configuration calls read-only, those that
//! are recognised by their names, what the checks command names, and all other
//! tracked source that is no target. Data that is tracked may be written over by a
//! run: the next checkout brings it back.
//!
//! Whether a file changed is told from its status as the kernel keeps it, of
//! which the time of change cannot be set by a program; only where that
//! differs are contents compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use autoresearch_config::Config;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::Fingerprint;
use autoresearch_core::protected::{is_source, kind_of};
use autoresearch_repo::{EntryKind, Tracked, Worktree, is_under};

use crate::error::EngineError;
use crate::scripts::Scripts;

/// Above this many, whole folders are protected where nothing in them changes.
const SINGLE: usize = 200;

/// A sandbox is told of no more than these; the others are checked afterwards.
const MOST: usize = 1000;

/// The protected files of a session.
#[derive(Debug)]
pub(crate) struct Protected {
    /// All of them, sorted.
    files: Vec<String>,
    /// Files and folders that cover them, for a sandbox.
    walls: Vec<String>,
    /// Identity of the protected files and of the measuring command.
    pub(crate) evaluator: Fingerprint,
}

/// What must not be seen by whoever could learn from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldOut {
    /// In git: taken off worktrees.
    pub(crate) tracked: Vec<String>,
    /// In the user's checkout alone: linked where it may be seen.
    pub(crate) untracked: Vec<String>,
}

impl HeldOut {
    pub(crate) fn of(config: &Config, tracked: &[Tracked]) -> HeldOut {
        let is_tracked = |held: &String| {
            tracked.iter().any(|file| is_under(&file.path, std::slice::from_ref(held)))
        };
        let (tracked, mut untracked): (Vec<_>, Vec<_>) =
            config.metric.held_out.iter().cloned().partition(is_tracked);
        // There already, within what is linked anyway.
        untracked.retain(|held| !is_under(held, &config.links));
        HeldOut { tracked, untracked }
    }
}

/// How a file was at some moment; `None` is gone.
pub(crate) type Stamp = Option<(u64, u64, u32, i64, i64, i64, i64)>;

impl Protected {
    pub(crate) fn of(config: &Config, tracked: &[Tracked]) -> Protected {
        // Written by the run, because the configuration says so.
        let mut reserved: Vec<String> = config.metric.artifacts.clone();
        reserved.extend(config.metric.json.clone());
        reserved.push(config.results.clone());
        let is_reserved = |path: &str| is_under(path, &reserved);
        let is_named = |path: &str| is_under(path, &config.read_only) || kind_of(path).is_some();
        let scripts = Scripts::of(config.checks.command.as_deref().unwrap_or_default());
        let is_protected = |file: &&Tracked| {
            let path = file.path.as_str();
            !config.target.iter().any(|target| target == path)
                && !is_under(path, &config.metric.held_out)
                && (is_under(path, &config.read_only)
                    || (!is_reserved(path)
                        && (kind_of(path).is_some() || is_source(path) || scripts.have(path))))
        };
        let kept: Vec<&Tracked> = tracked.iter().filter(is_protected).collect();
        let mut walls: Vec<String> = kept
            .iter()
            .filter(|file| matches!(file.kind, EntryKind::File { .. }))
            .map(|file| file.path.clone())
            .collect();
        if walls.len() > SINGLE {
            let open = kept.iter().map(|file| file.path.as_str()).collect::<BTreeSet<_>>();
            let free = tracked.iter().map(|file| file.path.as_str()).filter(|p| !open.contains(p));
            let reserved = reserved.iter().chain(&config.links).chain(&config.target);
            walls = covered(&walls, free.chain(reserved.map(String::as_str)));
            // What measures comes first, should there be too many.
            walls.sort_by_key(|path| !is_named(path));
            walls.truncate(MOST);
        }
        let command = config.metric.command.clone().unwrap_or_default().join("\0");
        let parts = kept.iter().map(|file| (file.path.as_str(), file.blob.as_str()));
        let evaluator = Fingerprint::of(parts.chain([("", command.as_str())]));
        let files = kept.iter().map(|file| file.path.clone()).collect();
        Protected { files, walls, evaluator }
    }

    /// All of them, sorted.
    pub(crate) fn files(&self) -> &[String] {
        &self.files
    }

    /// Whether a file is one of them.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
    }

    /// What a sandbox must keep as it is on a worktree, git's own file included.
    pub(crate) fn walls(&self, worktree: &Path) -> Vec<PathBuf> {
        let own = [worktree.join(".git")].into_iter();
        own.chain(self.walls.iter().map(|path| worktree.join(path))).collect()
    }

    /// How they are now on a worktree.
    pub(crate) fn stamps(&self, worktree: &Path) -> Vec<Stamp> {
        self.files.iter().map(|path| stamp(&worktree.join(path))).collect()
    }

    /// One of them that is not what it is in `commit` any more, of those that
    /// were touched since `before`.
    pub(crate) fn changed(
        &self,
        before: &[Stamp],
        worktree: &Worktree,
        commit: &CommitId,
        ignore: &[String],
    ) -> Result<Option<String>, EngineError> {
        let is_untouched = self
            .files
            .iter()
            .zip(before)
            .all(|(path, before)| *before == stamp(&worktree.path().join(path)));
        if is_untouched {
            return Ok(None);
        }
        let changes = worktree.changes(commit, ignore)?;
        Ok(changes.into_iter().map(|change| change.path).find(|path| self.holds(path)))
    }
}

/// The topmost folders of `files` that hold none of `open`, and the files that
/// are in no such folder.
fn covered<'a>(files: &[String], open: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut mixed = BTreeSet::new();
    for path in open {
        let mut rest = path.trim_end_matches('/');
        // Itself, where it is a folder.
        mixed.insert(rest);
        while let Some((folder, _)) = rest.rsplit_once('/') {
            mixed.insert(folder);
            rest = folder;
        }
    }
    let cover = |file: &String| {
        let ends = file.match_indices('/').map(|(at, _)| at);
        ends.map(|end| &file[..end])
            .find(|folder| !mixed.contains(folder))
            .unwrap_or(file)
            .to_owned()
    };
    files.iter().map(cover).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(unix)]
fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::symlink_metadata(path).ok()?;
    Some((
        meta.ino(),
        meta.size(),
        meta.mode(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    ))
}

#[cfg(not(unix))]
fn stamp(path: &Path) -> Stamp {
    let meta = fs::symlink_metadata(path).ok()?;
    let modified = meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let seconds = i64::try_from(modified.as_secs()).unwrap_or(i64::MAX);
    let mode = u32::from(meta.permissions().readonly());
    Some((0, meta.len(), mode, seconds, i64::from(modified.subsec_nanos()), 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Config {
        let mut layers = autoresearch_config::Layers::new();
        let text = format!(
            "target = \"src/train.py\"\nbudget = \"1s\"\n{more}\n[metric]\nname = \"loss\"\ndirection = \"minimize\"\ncommand = \"sh m.sh\"\nartifacts = [\"out\"]\nheld_out = [\"test.csv\", \"secret\"]\n[run]\ncommand = \"sh t.sh\"\n"
        );
        layers.add_file("test", &text).unwrap();
        layers.resolve().unwrap()
    }

    fn tracked(paths: &[&str]) -> Vec<Tracked> {
        let mut files: Vec<Tracked> = paths
            .iter()
            .map(|path| Tracked {
                path: (*path).to_owned(),
                kind: EntryKind::File { executable: false },
                blob: format!("{:040x}", path.len()),
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// SPEC E11.
    #[test]
    fn source_and_named_files_are_protected_but_targets_and_data_are_not() {
        let files = tracked(&[
            "src/train.py",
            "src/model.py",
            "requirements.txt",
            "data.csv",
            "notes.md",
            "test.csv",
            "out/plot.py",
        ]);
        let protected = Protected::of(&config("read_only = [\"notes.md\"]"), &files);
        assert_eq!(protected.files, ["notes.md", "requirements.txt", "src/model.py"]);
        let other = Protected::of(&config(""), &files);
        assert_ne!(protected.evaluator, other.evaluator);
        let held_out = HeldOut::of(&config(""), &files);
        assert_eq!(
            (held_out.tracked, held_out.untracked),
            (vec!["test.csv".into()], vec!["secret".into()])
        );
    }

    #[test]
    fn what_the_checks_command_names_is_protected_though_it_is_no_source() {
        let files = tracked(&["src/train.py", "check", "data.csv"]);
        let more = "checks.command = \"./check src/train.py 'data file'\"";
        assert_eq!(Protected::of(&config(more), &files).files, ["check"]);
        let more = "checks.command = \"sh -c 'cd . && ./check'\"";
        assert_eq!(Protected::of(&config(more), &files).files, ["check"]);
        assert!(Protected::of(&config(""), &files).files.is_empty());
    }

    #[test]
    fn many_files_are_covered_by_folders_that_hold_nothing_else() {
        let mut paths: Vec<String> = (0..300).map(|n| format!("lib/deep/{n}.py")).collect();
        paths.extend((0..300).map(|n| format!("src/m{n}.py")));
        paths.extend(
            ["src/train.py", "out/gen/x.py", "lib/other/a.py", "top.py"].map(str::to_owned),
        );
        paths.push("mixed/a.py".to_owned());
        paths.push("mixed/a.csv".to_owned());
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let protected = Protected::of(&config(""), &tracked(&paths));
        for wall in ["lib", "mixed/a.py", "top.py", "src/m7.py"] {
            assert!(
                protected.walls.iter().any(|found| found == wall),
                "{wall}: {:?}",
                protected.walls
            );
        }
        for open in ["src", "src/train.py", "mixed", "out", "out/gen/x.py", ""] {
            assert!(!protected.walls.iter().any(|found| found == open), "{open}");
        }
        assert_eq!(protected.files.len(), 603);
    }
}
