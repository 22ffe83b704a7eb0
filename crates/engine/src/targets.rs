//! Targets as patterns: what `src/**/*.py` means in the commit that a session
//! starts from. Pure; the list is what is recorded, so that a session that goes
//! on means the same files.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use autoresearch_config::Config;
use autoresearch_core::protected::{is_source, kind_of};
use autoresearch_repo::{EntryKind, Tracked, is_under};
use globset::{GlobBuilder, GlobMatcher};

use crate::error::EngineError;
use crate::scripts::Scripts;

/// More targets than this are no focus: what patterns may come to.
const MOST: usize = 500;

/// Files that are named one by one in a sentence.
const SHOWN: usize = 3;

const NAME_IT: &str = "name the file itself if it is what is to become better";

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
/// folder, `**` does not, and both pass over hidden files as a shell does. What no
/// experiment may change is left out of a pattern, and so is what measures as far as
/// that can be told; a file that is named stays for others to judge.
///
/// # Errors
/// A pattern that is none, that means no file, or too many.
pub(crate) fn expand(config: &Config, tracked: &[Tracked]) -> Result<Expanded, EngineError> {
    let kept = Kept::of(config);
    let mut expanded = Expanded { files: Vec::new(), notes: Vec::new() };
    let named: HashSet<&str> = config.target.iter().map(String::as_str).collect();
    let mut known: HashSet<&str> = HashSet::new();
    for target in &config.target {
        if !is_pattern(target) || tracked.iter().any(|file| file.path == *target) {
            if known.insert(target) {
                expanded.files.push(target.clone());
            }
            continue;
        }
        let matcher = matcher(target)?;
        let (mut meant, mut left_out, mut runs) = (0, Vec::new(), Vec::new());
        for file in tracked.iter().filter(|file| matcher.is_match(&file.path)) {
            let path = file.path.as_str();
            if known.contains(path) || named.contains(path) {
                meant += 1;
            } else if let Some(why) = kept.why_not(target, file) {
                left_out.push(format!("{path} ({why})"));
            } else if kept.run.have(path) {
                runs.push(format!("`{path}`"));
            } else {
                meant += 1;
                known.insert(path);
                expanded.files.push(path.to_owned());
            }
        }
        if meant == 0 {
            return Err(nothing(&kept, target, tracked, &left_out, &runs));
        }
        if !left_out.is_empty() {
            expanded.notes.push(format!("`{target}` leaves out {}", some(&left_out)));
        }
        if !runs.is_empty() {
            expanded.notes.push(format!(
                "`{target}` leaves out {}, which the run command names and may measure by; {NAME_IT}",
                some(&runs)
            ));
        }
        if expanded.files.len() > MOST {
            return Err(EngineError::BadFile {
                path: target.clone(),
                what: format!(
                    "brings the targets to {} files, and a session has at most {MOST}",
                    expanded.files.len()
                ),
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

/// What a pattern passes over.
struct Kept<'a> {
    config: &'a Config,
    /// What checks or measures.
    judges: Vec<Scripts>,
    proposer: Scripts,
    run: Scripts,
}

impl<'a> Kept<'a> {
    fn of(config: &'a Config) -> Kept<'a> {
        let scripts = |command: &Option<Vec<String>>| {
            command.as_deref().map_or_else(Scripts::default, Scripts::of)
        };
        Kept {
            config,
            judges: vec![scripts(&config.checks.command), scripts(&config.metric.command)],
            proposer: scripts(&config.propose.command),
            run: Scripts::of(&config.run.command),
        }
    }

    /// Why a file that `pattern` matches is no target, whatever else it is.
    fn why_not(&self, pattern: &str, file: &Tracked) -> Option<String> {
        let (config, path) = (self.config, file.path.as_str());
        if let Some(kind) = kind_of(path) {
            Some(kind.to_string())
        } else if is_under(path, &config.read_only) {
            Some("read-only".to_owned())
        } else if is_under(path, &config.metric.held_out) {
            Some("held out".to_owned())
        } else if path == config.results {
            Some("the results".to_owned())
        } else if self.judges.iter().any(|scripts| scripts.have(path)) {
            Some("it checks or measures".to_owned())
        } else if self.proposer.have(path) {
            Some("it proposes".to_owned())
        } else if is_benchmark(path) {
            Some("a benchmark".to_owned())
        } else if is_recipe(path) {
            Some("it says what is run".to_owned())
        } else if has_hidden(path) && !has_hidden(pattern) {
            // Tools look there for what they are to do.
            Some("hidden".to_owned())
        } else if !matches!(file.kind, EntryKind::File { .. }) {
            Some("a link".to_owned())
        } else {
            None
        }
    }
}

/// Whether a name in the path begins with a dot.
fn has_hidden(path: &str) -> bool {
    path.starts_with('.') || path.contains("/.")
}

/// Whether a file is one that measures, by its name: in cargo's folder, or called so.
fn is_benchmark(path: &str) -> bool {
    const WORDS: &[&str] = &["bench", "benches", "benchmark", "benchmarks"];
    let path = path.to_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = name.split('.').next().unwrap_or(name);
    let mut words = folders.split('/').chain(stem.split(['_', '-']));
    is_source(&path) && words.any(|word| WORDS.contains(&word))
}

/// Whether a file tells `make` or `just` what a command of theirs means.
fn is_recipe(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    matches!(name.as_str(), "makefile" | "gnumakefile" | "justfile")
}

/// A pattern that means no file: why, and what would mean some.
fn nothing(
    kept: &Kept<'_>,
    pattern: &str,
    tracked: &[Tracked],
    left_out: &[String],
    runs: &[String],
) -> EngineError {
    let what = if !runs.is_empty() {
        format!("leaves out {}, which the run command names and may measure by", some(runs))
    } else if left_out.is_empty() {
        "matches no file of the last commit".to_owned()
    } else {
        format!("matches only what no experiment changes: {}", some(left_out))
    };
    let nearest = nearest(kept, pattern, tracked);
    let hint = if !runs.is_empty() {
        NAME_IT.to_owned()
    } else if nearest.is_empty() {
        "patterns are relative to the root of the repository, as `src/**/*.py`".to_owned()
    } else {
        format!("did you mean {}?", nearest.join(" or "))
    };
    EngineError::BadFile { path: pattern.to_owned(), what, hint }
}

/// Patterns that would mean something, nearest first.
fn nearest(kept: &Kept<'_>, pattern: &str, tracked: &[Tracked]) -> Vec<String> {
    let mut patterns = BTreeSet::new();
    for file in tracked.iter().filter(|file| kept.why_not(pattern, file).is_none()) {
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
        running(targets, "true")
    }

    fn running(targets: &str, command: &str) -> Config {
        let mut layers = Layers::new();
        for (key, value) in [
            ("target", targets),
            ("read_only", "src/frozen.py"),
            ("budget", "5m"),
            ("metric.name", "score"),
            ("metric.direction", "maximize"),
            ("run.command", command),
            ("checks.command", "sh -c 'python ./src/smoke.py'"),
            ("propose.command", "python src/next.py"),
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
    fn a_pattern_for_everything_means_nothing_that_measures() {
        let files = tracked(&[
            ".cargo/config.toml",
            ".pylintrc",
            "Makefile",
            "benches/a.rs",
            "bench_io.py",
            "ruff.toml",
            "src/bench.toml",
            "src/next.py",
            "src/workbench.py",
        ]);
        let expanded = expand(&config("**"), &files).unwrap();
        assert_eq!(expanded.files, ["src/bench.toml", "src/workbench.py"]);
        for (pattern, file, why) in [
            (".*/*", ".cargo/config.toml", None),
            ("[.]*/*", ".cargo/config.toml", Some("hidden")),
            ("*", ".pylintrc", Some("the settings of a linter or test runner")),
            ("*", "ruff.toml", Some("the settings of a linter or test runner")),
            ("*", "Makefile", Some("it says what is run")),
            ("**", "benches/a.rs", Some("a benchmark")),
            ("*", "bench_io.py", Some("a benchmark")),
            ("**", "src/next.py", Some("it proposes")),
        ] {
            let config = config(pattern);
            let file = files.iter().find(|known| known.path == file).unwrap();
            assert_eq!(Kept::of(&config).why_not(pattern, file).as_deref(), why, "{}", file.path);
        }
    }

    #[test]
    fn what_the_run_command_names_is_a_target_only_by_its_name() {
        let files = tracked(&["main.py", "sum.py"]);
        let expanded = expand(&running("*.py", "sh -c 'python3 main.py'"), &files).unwrap();
        assert_eq!(expanded.files, ["sum.py"]);
        assert_eq!(
            expanded.notes,
            [
                "`*.py` leaves out `main.py`, which the run command names and may measure by; name the file itself if it is what is to become better"
            ]
        );
        for both in ["main.py,*.py", "*.py,main.py"] {
            let named = expand(&running(both, "python3 main.py"), &files).unwrap();
            assert_eq!((named.files.len(), named.notes.len()), (2, 0), "{named:?}");
        }
        let error = expand(&running("m*.py", "python3 main.py"), &files).unwrap_err();
        assert!(error.to_string().contains("which the run command names"), "{error}");
        assert!(error.hint().unwrap().starts_with("name the file itself"), "{error}");
        let linted = expand(&running("*.py", "pylint main.py sum.py"), &files).unwrap();
        assert_eq!(linted.files, ["main.py", "sum.py"]);
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
            "`lib/*.py` brings the targets to 501 files, and a session has at most 500"
        );
        assert!(expand(&config("lib/*.py"), &tracked(&many[1..])).is_ok());
    }
}
