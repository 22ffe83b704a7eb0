//! Defaults for the wizard (SPEC B2), found in the repository. Budget, metric
//! and direction are never among them; for metric and direction there are
//! suggestions, for a person to accept.

use std::time::Duration;

use autoresearch_core::budget::{Budget, Quota};
use autoresearch_core::metric::Direction;

use crate::text;

mod metric;
pub use metric::likely_direction;
use metric::printed_metric;

/// A repository as detection sees it.
pub struct Repository<'a> {
    /// The tracked files, from its root with `/`.
    pub files: &'a [String],
    /// The untracked or ignored names at its root.
    pub untracked: &'a [String],
    /// The text of a tracked file; `None` when it cannot be read as text.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

/// A value that was found, for [`Layers::set`](crate::Layers::set) with
/// [`Origin::Detected`](crate::Origin::Detected) and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The key.
    pub key: &'static str,
    /// The value as text.
    pub value: String,
    /// Why it is thought so, as a fragment.
    pub why: String,
    /// Only to be offered as an answer, never to be set without one.
    pub suggestion: bool,
}

/// No repository is read beyond this many scripts.
const SCRIPTS: usize = 200;
/// More test files than this are no help to a proposer.
const TESTS: usize = 3;
const LINKS: [&str; 12] = [
    ".venv",
    "venv",
    "node_modules",
    "data",
    "dataset",
    "datasets",
    "corpus",
    "models",
    "weights",
    "pretrained",
    "checkpoints",
    "tokenizer",
];
const TRAINING: [&str; 8] =
    ["__main__", "optimizer", "backward(", "loss", "epoch", "learning_rate", ".fit(", "accuracy"];
/// What the repository suggests; `target` is the one that was already chosen.
pub fn defaults(repository: &Repository<'_>, target: Option<&str>) -> Vec<Detected> {
    let mut found = Vec::new();
    let mut add = |key, value: String, why: String, suggestion| {
        found.push(Detected { key, value, why, suggestion });
    };
    let chosen = match target {
        Some(target) => Some(target.to_owned()),
        None => likely_target(repository).map(|(path, why)| {
            add("target", list(&[&path]), why, false);
            path
        }),
    };
    let target = chosen.as_deref().unwrap_or_default();
    let read_only = read_only(repository, target);
    if !read_only.is_empty() {
        add("read_only", list(&read_only), "prepares, evaluates or tests".to_owned(), false);
    }
    if let Some((command, why)) = command(repository, target) {
        add("run.command", command, why, false);
    }
    let has = |name: &&str| repository.untracked.iter().any(|u| u.trim_end_matches('/') == *name);
    let links: Vec<&str> = LINKS.into_iter().filter(has).collect();
    if !links.is_empty() {
        add("links", list(&links), "there, but not in git".to_owned(), false);
    }
    let scripts = read_only.iter().copied().chain([target]);
    let texts: Vec<String> = scripts.filter_map(|path| (repository.read)(path)).collect();
    if let Some(name) = printed_metric(&texts) {
        if let Some(direction) = likely_direction(&name) {
            let word = if direction == Direction::Minimize { "minimize" } else { "maximize" };
            add("metric.direction", word.to_owned(), format!("usual for `{name}`"), true);
        }
        add("metric.name", name, "printed by the script".to_owned(), true);
    }
    found
}

/// Time beyond the budget for scripts that keep the budget themselves, since
/// they start up before it and evaluate after it: as long again, at least a
/// minute. `None` when no script knows of such a budget.
pub fn allowance(
    repository: &Repository<'_>,
    scripts: &[String],
    budget: &Budget,
) -> Option<Detected> {
    let (words, time): (&[&str], _) = match budget {
        Budget::Wall(wall) => (&["AUTORESEARCH_BUDGET_SECONDS", "TIME_BUDGET"], *wall),
        Budget::Quota { quota: Quota::Cpu(cpu), .. } => {
            (&["AUTORESEARCH_BUDGET_CPU_SECONDS"], *cpu)
        }
        Budget::Quota { quota: Quota::Steps { .. }, .. } => {
            (&["AUTORESEARCH_BUDGET_STEPS"], Duration::ZERO)
        }
    };
    let (script, word) = scripts.iter().find_map(|script| {
        let text = (repository.read)(script)?;
        words.iter().find(|word| text.contains(**word)).map(|word| (script, word))
    })?;
    Some(Detected {
        key: "run.allowance",
        value: text::duration(time.max(Duration::from_mins(1))),
        why: format!("{script} times itself by {word}"),
        suggestion: false,
    })
}

/// A list as a flag gives it; as TOML where a name has a comma.
fn list(paths: &[&str]) -> String {
    if paths.iter().any(|path| path.contains(',') || path.starts_with('[') || path.trim() != *path)
    {
        paths.iter().copied().collect::<toml_edit::Array>().to_string()
    } else {
        paths.join(",")
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
}

fn likely_target(repository: &Repository<'_>) -> Option<(String, String)> {
    let shortest = |path: &&String| (path.matches('/').count(), path.len());
    let named =
        repository.files.iter().filter(|path| file_name(path) == "train.py").min_by_key(shortest);
    if let Some(path) = named {
        return Some((path.clone(), "the usual name".to_owned()));
    }
    let mut scripts: Vec<&String> = repository
        .files
        .iter()
        .filter(|path| has_extension(path, "py") && !is_test(path) && !evaluates(path))
        .filter(|path| !["setup.py", "conftest.py", "__init__.py"].contains(&file_name(path)))
        .collect();
    scripts.sort_by_key(shortest);
    if let [only] = scripts[..] {
        return Some((only.clone(), "the only script".to_owned()));
    }
    let mut best: Option<(usize, &String)> = None;
    for path in scripts.into_iter().take(SCRIPTS) {
        let text = (repository.read)(path).unwrap_or_default().to_lowercase();
        let name = usize::from(file_name(path).contains("train")) * 2;
        let likeness = name + TRAINING.iter().filter(|word| text.contains(**word)).count();
        if likeness >= 3 && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, path));
        }
    }
    best.map(|(_, path)| (path.clone(), "looks most like training".to_owned()))
}

fn is_test(path: &str) -> bool {
    let name = file_name(path);
    has_extension(path, "py")
        && (name.starts_with("test_")
            || name.ends_with("_test.py")
            || path.split('/').any(|part| part == "tests"))
}

fn evaluates(path: &str) -> bool {
    let name = file_name(path);
    let stem = name.strip_suffix(".py").or_else(|| name.strip_suffix(".sh")).unwrap_or_default();
    ["prepare", "eval", "evaluate", "evaluation", "score", "scoring"].contains(&stem)
        || stem.starts_with("eval_")
        || stem.ends_with("_eval")
}

fn read_only<'a>(repository: &Repository<'a>, target: &str) -> Vec<&'a str> {
    let others = || repository.files.iter().map(String::as_str).filter(|path| *path != target);
    let mut found: Vec<&str> = others().filter(|path| evaluates(path)).take(SCRIPTS).collect();
    let tests: Vec<&str> = others().filter(|path| is_test(path) && !found.contains(path)).collect();
    if tests.len() <= TESTS {
        found.extend(tests);
    }
    found
}

/// The words that start the repository's own Python, and why it is thought so; none
/// where it is whatever `python3` is.
pub fn python(repository: &Repository<'_>) -> Option<(&'static str, &'static str)> {
    let is_tracked = |name: &str| repository.files.iter().any(|path| path == name);
    let is_untracked =
        |name: &str| repository.untracked.iter().any(|u| u.trim_end_matches('/') == name);
    if is_tracked("uv.lock") {
        Some(("uv run python", "uv.lock is there"))
    } else if is_untracked(".venv") {
        Some((".venv/bin/python", ".venv is there"))
    } else if is_untracked("venv") {
        Some(("venv/bin/python", "venv is there"))
    } else {
        None
    }
}

fn command(repository: &Repository<'_>, target: &str) -> Option<(String, String)> {
    let quoted = shlex::try_quote(target).ok()?;
    let (runner, why) = match target.rsplit_once('.')?.1 {
        "py" => match python(repository) {
            // uv finds out by itself what runs a script.
            Some((runner, why)) => (runner.strip_suffix(" python").unwrap_or(runner), why),
            None => ("python3", "a Python script"),
        },
        "sh" => ("bash", "a shell script"),
        _ => return None,
    };
    Some((format!("{runner} {quoted}"), why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn detect(
        files: &[(&str, &str)],
        untracked: &[&str],
        target: Option<&str>,
    ) -> BTreeMap<&'static str, String> {
        let texts: BTreeMap<String, String> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let names: Vec<String> = texts.keys().cloned().collect();
        let untracked: Vec<String> = untracked.iter().map(ToString::to_string).collect();
        let read = |path: &str| texts.get(path).cloned();
        let repository = Repository { files: &names, untracked: &untracked, read: &read };
        defaults(&repository, target).into_iter().map(|d| (d.key, d.value)).collect()
    }

    #[test]
    fn karpathys_repository_is_understood() {
        let found = detect(
            &[
                ("README.md", ""),
                ("prepare.py", "TIME_BUDGET = 300\ndef evaluate_bpb(): ...\n"),
                (
                    "train.py",
                    "print(f\"\\rstep {step:05d} | loss: {loss:.6f} | lrm: {lrm:.2f}\", end=\"\")\n\
                     print(f\"val_bpb:          {val_bpb:.6f}\")\n\
                     print(f\"training_seconds: {t:.1f}\")\n\
                     print(f\"mfu_percent:      {mfu:.2f}\")\n",
                ),
                ("uv.lock", ""),
            ],
            &[".venv", "run.log"],
            None,
        );
        insta::assert_debug_snapshot!(found, @r#"
        {
            "links": ".venv",
            "metric.direction": "minimize",
            "metric.name": "val_bpb",
            "read_only": "prepare.py",
            "run.command": "uv run train.py",
            "target": "train.py",
        }
        "#);
    }

    #[test]
    fn a_sole_script_and_a_plain_print_are_enough() {
        let found = detect(&[("my model.py", "print('test_accuracy:', acc)\n")], &["data"], None);
        insta::assert_debug_snapshot!(found, @r#"
        {
            "links": "data",
            "metric.direction": "maximize",
            "metric.name": "test_accuracy",
            "run.command": "python3 'my model.py'",
            "target": "my model.py",
        }
        "#);
    }

    #[test]
    fn the_likeliest_of_many_scripts_is_the_target() {
        let found = detect(
            &[
                ("lib/util.py", "def f(): pass"),
                ("net.py", "optimizer\nloss.backward()\nfor epoch in range(3): ...\n"),
                ("tests/test_net.py", "optimizer loss epoch backward("),
            ],
            &[],
            None,
        );
        assert_eq!(found["target"], "net.py");
        assert_eq!(found["read_only"], "tests/test_net.py");
        assert_eq!(found["run.command"], "python3 net.py");
        assert!(!found.contains_key("metric.name"));
    }

    #[test]
    fn budget_is_never_detected_and_metric_and_direction_are_only_suggested() {
        let files = ["train.py".to_owned()];
        let read = |_: &str| Some("BUDGET = 300\nprint(f'val_loss: {x}')".to_owned());
        let repository = Repository { files: &files, untracked: &[], read: &read };
        for found in defaults(&repository, None) {
            assert_ne!(found.key, "budget");
            assert_eq!(found.suggestion, found.key.starts_with("metric."), "{found:?}");
        }
    }

    #[test]
    fn a_script_that_times_itself_gets_an_allowance() {
        let scripts = ["train.py".to_owned(), "prepare.py".to_owned()];
        let read = |path: &str| (path == "prepare.py").then(|| "TIME_BUDGET = 300".to_owned());
        let repository = Repository { files: &scripts, untracked: &[], read: &read };
        let wall = |seconds| Budget::Wall(Duration::from_secs(seconds));
        let found = allowance(&repository, &scripts, &wall(5)).unwrap();
        assert_eq!(
            (found.value.as_str(), found.why.as_str()),
            ("1m", "prepare.py times itself by TIME_BUDGET")
        );
        let found = allowance(&repository, &scripts, &wall(600)).unwrap();
        assert_eq!(found.value, "10m");
        assert_eq!(allowance(&repository, &scripts[..1], &wall(5)), None);
        // It keeps no such budget.
        let quota = Quota::Cpu(Duration::from_secs(5));
        assert_eq!(allowance(&repository, &scripts, &Budget::Quota { quota, wall: None }), None);
    }

    proptest! {
        #[test]
        fn what_is_detected_can_be_set(
            files in proptest::collection::vec("[a-z ,\\[é]{1,8}(/[a-z']{1,4})?\\.(py|sh)", 0..6),
            text in "(print|echo|f|\"|'|[a-z_]{1,8}|:|=|\\{|é| |\n){0,60}",
        ) {
            let read = |_: &str| Some(text.clone());
            let untracked = [".venv/".to_owned(), "data".to_owned()];
            let repository = Repository { files: &files, untracked: &untracked, read: &read };
            let mut unique = files.clone();
            unique.sort();
            unique.dedup();
            prop_assume!(unique.len() == files.len());
            let mut layers = crate::Layers::new();
            for found in defaults(&repository, None) {
                let origin = crate::Origin::Detected(found.why.clone());
                let set = layers.set(found.key, &found.value, origin);
                prop_assert!(set.is_ok(), "{found:?} {set:?}");
            }
        }
    }
}
