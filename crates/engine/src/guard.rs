//! What may enter: an edit is accepted when it changes targets only, stays in
//! scope and makes a program that was never tried. Pure; the reason of a
//! refusal is what the proposer is told.

use std::collections::BTreeMap;

use autoresearch_config::{Bundles, Config};
use autoresearch_core::proposal::{FileEdit, Fingerprint, Refusal, Scope};
use autoresearch_core::source::{self, bundle};

/// A target larger than this is no source file.
const LARGEST: usize = 8 << 20;

/// Contents of all targets at one commit, by path.
pub(crate) type Targets = BTreeMap<String, Vec<u8>>;

/// An edit that passed.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The targets that change, with their new contents.
    pub(crate) changed: Vec<FileEdit>,
    /// All targets of the candidate.
    pub(crate) after: Targets,
    /// Identity of the candidate.
    pub(crate) fingerprint: Fingerprint,
    /// Lines of code in all targets of the candidate.
    pub(crate) code_lines: u64,
}

/// Checks `edits` of the targets `before`; `tried` knows what ran already.
pub(crate) fn check(
    before: &Targets,
    scope: Scope,
    edits: &[FileEdit],
    tried: impl Fn(Fingerprint) -> Option<u64>,
) -> Result<Accepted, Refusal> {
    let mut after = before.clone();
    let mut changed = Vec::new();
    for edit in edits {
        let Some(old) = before.get(&edit.path) else {
            return Err(no_target(before, &edit.path));
        };
        let Some(new) = &edit.content else {
            let what = format!("`{}` is deleted; a target must stay", edit.path);
            return Err(Refusal::Unacceptable { what });
        };
        if new.len() > LARGEST {
            let what = format!("`{}` grows to {} bytes", edit.path, new.len());
            return Err(Refusal::Unacceptable { what });
        }
        if new == old {
            continue;
        }
        if new.contains(&0) && !old.contains(&0) {
            let what = format!("`{}` gets a NUL byte; a target stays a text", edit.path);
            return Err(Refusal::Unacceptable { what });
        }
        if scope == Scope::Hyperparameters {
            let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
            source::differs_only_in_literals(&edit.path, &old, &new)
                .map_err(|what| Refusal::OutOfScope { scope, what })?;
        }
        after.insert(edit.path.clone(), new.clone());
        changed.push(edit.clone());
    }
    if changed.is_empty() {
        return Err(Refusal::Empty);
    }
    if let Some(what) = only_seeds(before, &changed) {
        return Err(Refusal::OnlySeeds { what });
    }
    let fingerprint = fingerprint(&after);
    if let Some(of) = tried(fingerprint) {
        return Err(Refusal::Duplicate { of });
    }
    Ok(Accepted { changed, fingerprint, code_lines: code_lines(&after), after })
}

/// What passed, if it tests one idea or need not.
pub(crate) fn one_idea(
    config: &Config,
    proposer: &str,
    before: &Targets,
    accepted: Accepted,
) -> Result<Accepted, Refusal> {
    if config.propose.bundles == Bundles::Refuse && must_be_one_change(proposer) {
        one_change(before, &accepted)?;
    }
    Ok(accepted)
}

/// Whether what this proposer changes must be one thing. People may bundle, and the
/// search turns knobs together by a rule of its own.
fn must_be_one_change(proposer: &str) -> bool {
    !matches!(proposer, "queue" | "search" | "baseline")
}

/// Checks that what passed tests one idea (SPEC E2).
fn one_change(before: &Targets, accepted: &Accepted) -> Result<(), Refusal> {
    let texts: Vec<_> = accepted
        .changed
        .iter()
        .filter_map(|FileEdit { path, content }| {
            let old = String::from_utf8_lossy(before.get(path)?);
            Some((path.as_str(), old, String::from_utf8_lossy(content.as_deref()?)))
        })
        .collect();
    let changes: Vec<bundle::Change<'_>> =
        texts.iter().map(|(path, before, after)| bundle::Change { path, before, after }).collect();
    let parts = bundle::parts(&changes);
    if parts.len() > 1 { Err(Refusal::Bundle { parts }) } else { Ok(()) }
}

/// The seeds that `changed` differs by, where it differs by nothing else.
fn only_seeds(before: &Targets, changed: &[FileEdit]) -> Option<String> {
    let mut seeds = Vec::new();
    for FileEdit { path, content } in changed {
        let old = String::from_utf8_lossy(before.get(path)?);
        let new = String::from_utf8_lossy(content.as_deref()?);
        if let Some(what) = source::seeds::only_change(path, &old, &new) {
            seeds.push(what);
        } else if source::normalised(path, &old) != source::normalised(path, &new) {
            return None;
        }
    }
    (!seeds.is_empty()).then(|| seeds.join(", "))
}

/// Why a path that is no target is refused.
pub(crate) fn no_target(targets: &Targets, path: &str) -> Refusal {
    // As a refusal shows it: nothing that a terminal obeys.
    let shown: String = path.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    match targets.keys().find(|target| target.to_lowercase() == path.to_lowercase()) {
        Some(target) => {
            let what =
                format!("`{shown}` is the target `{target}` in other letters; keep its name");
            Refusal::Unacceptable { what }
        }
        None => Refusal::Protected { path: shown },
    }
}

/// Identity of the program that the targets make.
pub(crate) fn fingerprint(targets: &Targets) -> Fingerprint {
    let texts: Vec<(&str, String)> = targets
        .iter()
        .map(|(path, bytes)| {
            (path.as_str(), source::normalised(path, &String::from_utf8_lossy(bytes)))
        })
        .collect();
    Fingerprint::of(texts.iter().map(|(path, text)| (*path, text.as_str())))
}

/// Lines of code in all targets.
pub(crate) fn code_lines(targets: &Targets) -> u64 {
    targets
        .iter()
        .map(|(path, bytes)| source::code_lines(path, &String::from_utf8_lossy(bytes)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Targets {
        [("train.py".to_owned(), b"LR = 0.1\nDEPTH = 2\n".to_vec())].into()
    }

    fn edit(path: &str, text: &str) -> Vec<FileEdit> {
        vec![FileEdit { path: path.to_owned(), content: Some(text.as_bytes().to_vec()) }]
    }

    fn refused(scope: Scope, edits: &[FileEdit]) -> Refusal {
        let known = fingerprint(&targets());
        check(&targets(), scope, edits, |f| (f == known).then_some(7)).unwrap_err()
    }

    /// SPEC E11: only targets are ever modified.
    #[test]
    fn a_file_that_is_no_target_is_protected() {
        let refusal = refused(Scope::All, &edit("prepare.py", "cheat = 1"));
        assert_eq!(refusal, Refusal::Protected { path: "prepare.py".into() });
    }

    #[test]
    fn an_edit_that_changes_nothing_is_empty() {
        assert_eq!(refused(Scope::All, &edit("train.py", "LR = 0.1\nDEPTH = 2\n")), Refusal::Empty);
        assert_eq!(refused(Scope::All, &[]), Refusal::Empty);
    }

    /// SPEC E7: what was tried is known again under another comment.
    #[test]
    fn a_program_that_was_tried_is_a_duplicate_whatever_its_comments() {
        let again = edit("train.py", "LR = 0.1  # a rate\n\nDEPTH = 2\n");
        assert_eq!(refused(Scope::All, &again), Refusal::Duplicate { of: 7 });
    }

    #[test]
    fn a_candidate_that_only_changes_luck_is_refused_and_so_is_one_that_was_tried_with_another() {
        let text = |seed: u8, rate: &str| format!("SEED = {seed}\nLR = {rate}\n").into_bytes();
        let before: Targets = [("train.py".to_owned(), text(1, "0.1"))].into();
        let tried = |f| {
            let known: Targets = [("train.py".to_owned(), text(1, "0.2"))].into();
            (f == fingerprint(&known)).then_some(7)
        };
        let check = |seed, rate: &str| {
            let edit = FileEdit { path: "train.py".into(), content: Some(text(seed, rate)) };
            check(&before, Scope::All, &[edit], tried).map(|_| ())
        };
        let refusal = check(2, "0.1").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "nothing but a seed changes (`SEED = 1` became `SEED = 2`): that changes luck, not the program"
        );
        assert_eq!(check(2, "0.2"), Err(Refusal::Duplicate { of: 7 }));
        assert_eq!(check(2, "0.3"), Ok(()));
    }

    #[test]
    fn independent_changes_are_refused_of_programs_and_named() {
        let accepted =
            |text: &str| check(&targets(), Scope::All, &edit("train.py", text), |_| None);
        let two = accepted("LR = 0.2\nDEPTH = 3\n").unwrap();
        let refusal = one_change(&targets(), &two).unwrap_err();
        assert_eq!(refusal, Refusal::Bundle { parts: vec!["`LR`".into(), "`DEPTH`".into()] });
        assert!(refusal.to_string().ends_with("propose one of them, and the others later"));
        let one = accepted("LR = 0.2\nDEPTH = 2\n").unwrap();
        assert_eq!(one_change(&targets(), &one), Ok(()));
        assert!(must_be_one_change("claude") && must_be_one_change("command"));
        assert!(!must_be_one_change("queue") && !must_be_one_change("search"));
    }

    #[test]
    fn a_target_cannot_be_deleted() {
        let gone = [FileEdit { path: "train.py".into(), content: None }];
        assert!(matches!(refused(Scope::All, &gone), Refusal::Unacceptable { .. }));
    }

    #[test]
    fn other_letters_control_characters_and_nul_are_refused_with_their_reason() {
        let said = |path: &str, text: &str| refused(Scope::All, &edit(path, text)).to_string();
        assert!(said("Train.PY", "x").contains("in other letters"));
        assert!(said("a\u{1b}[31m.py", "x").starts_with("`a?[31m.py` is not a target"));
        assert!(said("../train.py", "x").contains("is not a target"));
        assert!(said("tests/test_a.py", "x").starts_with("`tests/test_a.py` is a test and"));
        assert!(said("train.py", "LR = 1\0").contains("NUL"));
        assert!(said("train.py", &"#".repeat(LARGEST + 1)).contains("grows"));
    }

    #[test]
    fn the_scope_hyperparameters_lets_only_literals_change() {
        let code = edit("train.py", "LR = 0.1\nDEPTH = 2\nWIDTH = 3\n");
        assert!(matches!(refused(Scope::Hyperparameters, &code), Refusal::OutOfScope { .. }));
        let literal = edit("train.py", "LR = 0.2\nDEPTH = 2\n");
        let accepted = check(&targets(), Scope::Hyperparameters, &literal, |_| None).unwrap();
        assert_eq!(accepted.code_lines, 2);
    }
}
