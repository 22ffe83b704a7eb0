//! Targets as patterns: what `src/**/*.py` means in the commit that a session
//! starts from. Pure; the list is what is recorded, so that a session that goes
//! on means the same files.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use autoresearch_config::Config;
use autoresearch_core::protected::kind_of;
use autoresearch_repo::{EntryKind, Tracked, is_under};
use globset::{GlobBuilder, GlobMatcher};

use crate::error::EngineError;

/// More targets than this are no focus: what patterns may come to.
const MOST: usize = 500;

/// Files that are named one by one in a sentence.
const SHOWN: usize = 3;

/// What targets come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expanded {
    /// The files, in the order of the patterns, each once.
    pub(crate) files: Vec<String>,
    /// What a pattern matches and does not mean.
    pub(crate) notes: Vec<String>,
}

/// Whether a target is a pattern and no file's name.
pub(crate) fn is_pattern(target: &str) -> bool {
    target.contains(['*', '?', '[', '{'])
}

/// The files that the targets mean among those of a commit. `*` stays within a
/// folder, `**` does not. What no experiment may change is left out of a pattern;
/// a file that is named stays for others to judge.
///
/// # Errors
/// A pattern that is none, that means no file, or too many.
pub(crate) fn expand(config: &Config, tracked: &[Tracked]) -> Result<Expanded, EngineError> {
    let mut expanded = Expanded { files: Vec::new(), notes: Vec::new() };
    let add = |files: &mut Vec<String>, path: &str| {
        if !files.iter().any(|known| known == path) {
            files.push(path.to_owned());
        }
    };
    for target in &config.target {
        if !is_pattern(target) || tracked.iter().any(|file| file.path == *target) {
            add(&mut expanded.files, target);
            continue;
        }
        let matcher = matcher(target)?;
        let (mut meant, mut left_out) = (0, Vec::new());
        for file in tracked.iter().filter(|file| matcher.is_match(&file.path)) {
            match why_not(config, file) {
                None => {
                    meant += 1;
                    add(&mut expanded.files, &file.path);
                }
                Some(why) => left_out.push(format!("{} ({why})", file.path)),
            }
        }
        if meant == 0 {
            return Err(nothing(config, target, tracked, &left_out));
        }
        if !left_out.is_empty() {
            expanded.notes.push(format!("`{target}` leaves out {}", some(&left_out)));
        }
        if expanded.files.len() > MOST {
            return Err(EngineError::BadFile {
                path: target.clone(),
                what: format!("means {meant} files, and a session has at most {MOST} targets"),
                hint: "write a pattern for the part that is to become better".to_owned(),
            });
        }
    }
    Ok(expanded)
}

fn matcher(pattern: &str) -> Result<GlobMatcher, EngineError> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| EngineError::BadFile {
        path: pattern.to_owned(),
        what: format!("is neither a file nor a pattern: {}", error.kind()),
        hint: "write it as `src/**/*.py`".to_owned(),
    })
}

/// Why a file that a pattern matches is no target.
fn why_not(config: &Config, file: &Tracked) -> Option<String> {
    let path = file.path.as_str();
    // A script that checks or measures is what a change must not touch.
    let words = [&config.checks.command, &config.metric.command];
    let is_named = |word: &String| word.strip_prefix("./").unwrap_or(word) == path;
    if let Some(kind) = kind_of(path) {
        Some(kind.to_string())
    } else if is_under(path, &config.read_only) {
        Some("read-only".to_owned())
    } else if is_under(path, &config.metric.held_out) {
        Some("held out".to_owned())
    } else if path == config.results {
        Some("the results".to_owned())
    } else if words.into_iter().flatten().flatten().any(is_named) {
        Some("it checks or measures".to_owned())
    } else if !matches!(file.kind, EntryKind::File { .. }) {
        Some("a link".to_owned())
    } else {
        None
    }
}

/// A pattern that means no file: why, and what would mean some.
fn nothing(
    config: &Config,
    pattern: &str,
    tracked: &[Tracked],
    left_out: &[String],
) -> EngineError {
    let what = if left_out.is_empty() {
        "matches no file of the last commit".to_owned()
    } else {
        format!("matches only what no experiment changes: {}", some(left_out))
    };
    let nearest = nearest(config, pattern, tracked);
    let hint = if nearest.is_empty() {
        "patterns are relative to the root of the repository, as `src/**/*.py`".to_owned()
    } else {
        format!("did you mean {}?", nearest.join(" or "))
    };
    EngineError::BadFile { path: pattern.to_owned(), what, hint }
}

/// Patterns that would mean something, nearest first.
fn nearest(config: &Config, pattern: &str, tracked: &[Tracked]) -> Vec<String> {
    let mut patterns = BTreeSet::new();
    for file in tracked.iter().filter(|file| why_not(config, file).is_none()) {
        let Some((folders, name)) = file.path.rsplit_once('/') else { continue };
        let Some((_, extension)) = name.rsplit_once('.') else { continue };
        patterns.insert(format!("{folders}/*.{extension}"));
        let ends = folders.match_indices('/').map(|(at, _)| at).chain([folders.len()]);
        patterns.extend(ends.map(|end| format!("{}/**/*.{extension}", &folders[..end])));
    }
    let mut ranked: Vec<(f64, String)> = patterns
        .into_iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(&known, pattern), known))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .collect();
    // Stable: of equals the first by name.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().take(2).map(|(_, known)| format!("`{known}`")).collect()
}

/// The first few, and how many more.
fn some(items: &[String]) -> String {
    let mut text = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        let _ = write!(text, " and {} more", items.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use autoresearch_config::{Layers, Origin};

    use super::*;

    fn config(targets: &str) -> Config {
        let mut layers = Layers::new();
        for (key, value) in [
            ("target", targets),
            ("read_only", "src/frozen.py"),
            ("budget", "5m"),
            ("metric.name", "score"),
            ("metric.direction", "maximize"),
            ("run.command", "true"),
            ("checks.command", "python ./src/smoke.py"),
        ] {
            layers.set(key, value, Origin::Asked).unwrap();
        }
        layers.resolve().unwrap()
    }

    fn tracked(paths: &[&str]) -> Vec<Tracked> {
        let kind = EntryKind::File { executable: false };
        paths
            .iter()
            .map(|path| Tracked { path: (*path).to_owned(), kind, blob: "0".repeat(40) })
            .collect()
    }

    const FILES: &[&str] = &[
        "README.md",
        "setup.py",
        "src/a.py",
        "src/deep/b.py",
        "src/deep/er/c.py",
        "src/frozen.py",
        "src/smoke.py",
        "src/test_a.py",
        "tests/test_b.py",
        "weird[1].py",
    ];

    fn files(targets: &str) -> Vec<String> {
        expand(&config(targets), &tracked(FILES)).unwrap().files
    }

    fn error(targets: &str) -> (String, String) {
        let error = expand(&config(targets), &tracked(FILES)).unwrap_err();
        (error.to_string(), error.hint().unwrap())
    }

    /// SPEC A1, E11.
    #[test]
    fn a_pattern_means_the_files_that_may_change_and_says_what_it_leaves_out() {
        let expanded = expand(&config("src/**/*.py"), &tracked(FILES)).unwrap();
        assert_eq!(expanded.files, ["src/a.py", "src/deep/b.py", "src/deep/er/c.py"]);
        assert_eq!(
            expanded.notes,
            [
                "`src/**/*.py` leaves out src/frozen.py (read-only), src/smoke.py (it checks or measures), src/test_a.py (a test)"
            ]
        );
        assert_eq!(files("src/*.py"), ["src/a.py"], "a star stays in its folder");
        assert_eq!(files(r#"["src/{a,deep/b}.py"]"#), ["src/a.py", "src/deep/b.py"]);
    }

    #[test]
    fn names_stay_what_they_are_and_nothing_is_a_target_twice() {
        assert_eq!(files("src/deep/b.py,src/**/[ab].py"), ["src/deep/b.py", "src/a.py"]);
        // Named, it is for others to refuse; with signs of a pattern, too.
        assert_eq!(files("src/test_a.py,weird[1].py"), ["src/test_a.py", "weird[1].py"]);
    }

    #[test]
    fn a_pattern_without_a_file_names_those_that_have_some() {
        let (what, hint) = error("scr/**/*.py");
        assert_eq!(what, "`scr/**/*.py` matches no file of the last commit");
        assert_eq!(hint, "did you mean `src/**/*.py` or `src/*.py`?");
        let (what, _) = error("tests/**");
        assert_eq!(
            what,
            "`tests/**` matches only what no experiment changes: tests/test_b.py (a test)"
        );
        assert!(error("src/[.py").0.contains("neither a file nor a pattern"));
        assert!(error("*.zig").1.contains("relative to the root"), "{:?}", error("*.zig"));
    }

    #[test]
    fn a_pattern_for_everything_is_refused() {
        let many: Vec<String> = (0..=MOST).map(|n| format!("lib/{n}.py")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let error = expand(&config("lib/*.py"), &tracked(&many)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`lib/*.py` means 501 files, and a session has at most 500 targets"
        );
        assert!(expand(&config("lib/*.py"), &tracked(&many[1..])).is_ok());
    }
}
