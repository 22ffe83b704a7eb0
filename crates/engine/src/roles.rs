//! Whether the files that a configuration names are fit for what it says they
//! are: checked before anything is made.

use autoresearch_config::Config;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::protected::{Kind, kind_of};
use autoresearch_repo::{EntryKind, Repo, is_under};

use crate::error::EngineError;

/// Checks targets, read-only files and what is held out; the notes are what is
/// allowed and still worth knowing.
pub(crate) fn check(
    repo: &Repo,
    head: &CommitId,
    config: &Config,
) -> Result<Vec<String>, EngineError> {
    let mut notes = Vec::new();
    for path in &config.target {
        must_be_file(repo, head, path, "a target")?;
        notes.extend(may_be_target(path)?);
        if is_under(path, &config.metric.held_out) {
            let what = "is a target, and held out from whoever would change it";
            return Err(bad(path, what, "take it off `metric.held_out`"));
        }
    }
    for path in &config.read_only {
        must_be_file(repo, head, path, "a read-only file")?;
    }
    for path in &config.metric.held_out {
        if repo.kind_of(head, path)? == EntryKind::Missing && !repo.root().join(path).exists() {
            let hint = "paths are relative to the root of the repository";
            return Err(bad(path, "is held out, but does not exist", hint));
        }
        if config.links.contains(path) {
            let what = "is held out from the runs, and linked into them";
            return Err(bad(path, what, "take it off `links`"));
        }
        if is_under(path, &config.metric.artifacts) {
            let what = "is held out from the runs, and an artefact that they write";
            return Err(bad(path, what, "let the runs write their artefacts elsewhere"));
        }
    }
    if config.metric.allow_pickle {
        notes.push(
            "`metric.allow_pickle`: a pickle runs code of the run's choice in the measuring command, so the metric is not sealed against it"
                .to_owned(),
        );
    }
    Ok(notes)
}

/// SPEC E11: some files are never changed, not even when they are named.
fn may_be_target(path: &str) -> Result<Option<String>, EngineError> {
    let (why, hint) = match kind_of(path) {
        None => return Ok(None),
        Some(Kind::DataPreparation) => {
            return Ok(Some(format!(
                "the target `{path}` prepares data: a change of what is measured on can look like an improvement"
            )));
        }
        Some(kind @ (Kind::Dependencies | Kind::Lock | Kind::Environment)) => (
            format!("{kind}, and results under other packages do not compare"),
            "change it yourself, commit it, and begin another session",
        ),
        Some(kind @ (Kind::Evaluation | Kind::Test | Kind::Tokenizer)) => (
            format!("{kind}, and whoever changes that changes what is measured"),
            "name the file that is to become better; if it is this one, give it another name",
        ),
        Some(kind @ Kind::Settings) => (
            format!("{kind}, and whoever changes that changes what is measured"),
            "change it yourself, commit it, and begin another session",
        ),
        Some(kind @ (Kind::Ci | Kind::Git)) => {
            (format!("{kind}, which no run makes use of"), "name the file that is to become better")
        }
    };
    Err(bad(path, &format!("cannot be a target: it is {why}"), hint))
}

fn bad(path: &str, what: &str, hint: &str) -> EngineError {
    EngineError::BadFile { path: path.to_owned(), what: what.to_owned(), hint: hint.to_owned() }
}

fn must_be_file(repo: &Repo, head: &CommitId, path: &str, role: &str) -> Result<(), EngineError> {
    let (what, hint) = match repo.kind_of(head, path)? {
        EntryKind::File { .. } => return Ok(()),
        EntryKind::Missing if repo.root().join(path).exists() => (
            format!("is {role}, but not in the last commit"),
            format!("a session starts from the last commit: `git add {path}` and commit it"),
        ),
        EntryKind::Missing => (
            format!("is {role}, but does not exist"),
            "paths are relative to the root of the repository".to_owned(),
        ),
        EntryKind::Symlink => {
            (format!("is {role}, but a symbolic link"), "name the file that it leads to".to_owned())
        }
        EntryKind::Directory => {
            (format!("is {role}, but a folder"), "name the files in it".to_owned())
        }
        EntryKind::Submodule => (
            format!("is {role}, but a submodule"),
            "run the session in the submodule's own repository".to_owned(),
        ),
    };
    Err(EngineError::BadFile { path: path.to_owned(), what, hint })
}
