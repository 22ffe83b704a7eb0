//! Files that no experiment may change, recognised by their names (SPEC E11):
//! whoever changes what is installed, what is measured or what measures it
//! has improved nothing.

use std::fmt;

/// What makes a file one that is never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Names what is installed, as `pyproject.toml`.
    Dependencies,
    /// Pins what is installed, as `uv.lock`.
    Lock,
    /// Says where a program runs and with what, as `Dockerfile` or `.env`.
    Environment,
    /// Computes the metric, as `evaluate.py`.
    Evaluation,
    /// Makes the data, as `prepare.py`.
    DataPreparation,
    /// Turns text into numbers, as `tokenizer.json` or `vocab.txt`.
    Tokenizer,
    /// Tests the program.
    Test,
    /// Says what is checked and how strictly, as `ruff.toml` or `.coveragerc`.
    Settings,
    /// Tells a server what to check.
    Ci,
    /// Changes what git does, as `.gitattributes` or a hook.
    Git,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Dependencies => "a dependency file",
            Kind::Lock => "a lock file",
            Kind::Environment => "an environment file",
            Kind::Evaluation => "an evaluation harness",
            Kind::DataPreparation => "a data preparation script",
            Kind::Tokenizer => "a tokenizer or vocabulary file",
            Kind::Test => "a test",
            Kind::Settings => "the settings of a linter or test runner",
            Kind::Ci => "a file of continuous integration",
            Kind::Git => "a file that changes what git does",
        })
    }
}

/// The kind of protected file that `path` (from the root of the repository,
/// with `/`) is by its name; `None` is any other file. Case does not matter.
///
/// Source of the names: the conventions of pip, uv, poetry, conda, cargo, npm,
/// Hugging Face tokenizers, pytest, the common linters and CI services.
pub fn kind_of(path: &str) -> Option<Kind> {
    let path = path.to_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let folders: Vec<&str> = folders.split('/').collect();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_code = is_source(name);
    let within = |names: &[&str]| folders.iter().any(|folder| names.contains(folder));

    if matches!(name, ".gitattributes" | ".gitmodules" | ".gitignore" | ".gitconfig")
        || within(&[".git", ".githooks", ".husky"])
    {
        return Some(Kind::Git);
    }
    if within(&[".github", ".gitlab", ".circleci", ".buildkite", ".ci"])
        || stem == "azure-pipelines"
        || matches!(
            name,
            ".gitlab-ci.yml" | ".travis.yml" | "jenkinsfile" | ".pre-commit-config.yaml"
        )
    {
        return Some(Kind::Ci);
    }
    if let Some(kind) = installed_by(name, within(&["requirements"])) {
        return Some(kind);
    }
    let words: Vec<&str> = stem.split(['_', '-', '.']).collect();
    let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
    if has(&["tokenizer", "tokeniser", "vocab", "vocabulary", "spiece", "sentencepiece"])
        || matches!(extension, "tiktoken" | "vocab" | "bpe")
        || matches!(name, "merges.txt" | "special_tokens_map.json" | "added_tokens.json")
    {
        return Some(Kind::Tokenizer);
    }
    if sets_checks(name) {
        return Some(Kind::Settings);
    }
    if within(&["tests", "__tests__"])
        || matches!(name, "conftest.py" | "tox.ini" | "noxfile.py")
        || (is_code
            && (within(&["test", "spec"])
                || words.first() == Some(&"test")
                || matches!(words.last(), Some(&("test" | "tests" | "spec")))))
    {
        return Some(Kind::Test);
    }
    if is_code
        && (within(&["eval", "evals", "evaluate", "evaluation", "evaluator", "scoring"])
            || has(&["eval", "evals", "evaluate", "evaluation", "evaluator"])
            || matches!(stem, "score" | "scorer" | "scoring" | "grade" | "grader" | "measure"))
    {
        return Some(Kind::Evaluation);
    }
    let is_preparation = matches!(words.first(), Some(&("prepare" | "preprocess" | "download")))
        || matches!(stem, "data_prep" | "data_preparation" | "make_dataset" | "get_data");
    (is_code && is_preparation).then_some(Kind::DataPreparation)
}

/// Whether a file says what a tool checks: of pylint, ruff, mypy, flake8, coverage.py,
/// pytest, Pyright, clippy, nextest, tarpaulin, criterion, `ESLint`, Jest, Vitest and
/// Lighthouse CI. Most are read with a dot before their name, too.
fn sets_checks(name: &str) -> bool {
    let bare = name.strip_prefix('.').unwrap_or(name);
    let first = bare.split('.').next().unwrap_or(bare);
    matches!(
        bare,
        "ruff.toml"
            | "mypy.ini"
            | "flake8"
            | "coveragerc"
            | "pytest.ini"
            | "pytest.toml"
            | "pyrightconfig.json"
            | "clippy.toml"
            | "nextest.toml"
            | "tarpaulin.toml"
            | "criterion.toml"
    ) || matches!(first, "pylintrc" | "eslintrc" | "lighthouserc")
        || ["eslint.config.", "jest.config.", "vitest.config."]
            .iter()
            .any(|beginning| bare.starts_with(beginning))
}

/// The kind of a file that says what is installed, or where it runs.
fn installed_by(name: &str, is_among_requirements: bool) -> Option<Kind> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_text = matches!(extension, "txt" | "in");
    let is_yaml = matches!(extension, "yml" | "yaml");
    if extension == "lock"
        || matches!(name, "go.sum" | "npm-shrinkwrap.json" | "bun.lockb")
        || ((is_yaml || extension == "json") && (stem.ends_with("-lock") || stem == "conda-lock"))
    {
        return Some(Kind::Lock);
    }
    if matches!(
        name,
        "pyproject.toml"
            | "setup.py"
            | "setup.cfg"
            | "pipfile"
            | "pixi.toml"
            | "cargo.toml"
            | "package.json"
            | "go.mod"
            | "gemfile"
            | "pom.xml"
            | "build.gradle"
            | "build.gradle.kts"
            | "project.toml"
            | "renv.json"
    ) || (is_text
        && (stem.starts_with("requirements")
            || stem.starts_with("constraints")
            || stem.ends_with("requirements")
            || is_among_requirements))
        || (is_yaml && (stem.starts_with("environment") || stem.starts_with("conda")))
    {
        return Some(Kind::Dependencies);
    }
    if name.starts_with("dockerfile")
        || extension == "dockerfile"
        || name.starts_with(".env")
        || (is_yaml && (stem.starts_with("docker-compose") || stem == "compose"))
        || matches!(
            name,
            "containerfile"
                | ".python-version"
                | ".tool-versions"
                | ".nvmrc"
                | ".npmrc"
                | ".condarc"
                | "pip.conf"
                | "uv.toml"
                | "flake.nix"
                | "shell.nix"
                | "sitecustomize.py"
                | "usercustomize.py"
                | "rust-toolchain.toml"
                | "rust-toolchain"
        )
    {
        return Some(Kind::Environment);
    }
    None
}

/// Whether a file is program text, by its name; data, settings and
/// documentation are not.
pub fn is_source(path: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "py", "pyi", "pyx", "pxd", "ipynb", "sh", "bash", "zsh", "fish", "ps1", "bat", "cmd", "r",
        "jl", "lua", "pl", "pm", "rb", "php", "js", "mjs", "cjs", "jsx", "ts", "mts", "tsx", "c",
        "h", "cc", "hh", "cpp", "cxx", "hpp", "hxx", "cu", "cuh", "cl", "rs", "go", "java", "kt",
        "kts", "scala", "swift", "m", "mm", "cs", "fs", "hs", "ml", "mli", "ex", "exs", "erl",
        "clj", "zig", "nim", "f", "f90", "sql", "awk", "mk", "cmake",
    ];
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.contains(&extension)
        || matches!(name.as_str(), "makefile" | "justfile" | "cmakelists.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SPEC E11.
    #[test]
    fn protected_files_are_known_by_their_names() {
        for (kind, paths) in [
            (
                Kind::Dependencies,
                &[
                    "requirements.txt",
                    "requirements-dev.txt",
                    "requirements/base.in",
                    "dev-requirements.txt",
                    "pyproject.toml",
                    "sub/setup.py",
                    "Cargo.toml",
                    "package.json",
                    "environment.yml",
                    "environment-gpu.yaml",
                    "Pipfile",
                ][..],
            ),
            (
                Kind::Lock,
                &["uv.lock", "Pipfile.lock", "package-lock.json", "pnpm-lock.yaml", "go.sum"],
            ),
            (
                Kind::Environment,
                &["Dockerfile", "Dockerfile.gpu", ".env", "compose.yaml", ".envrc"],
            ),
            (
                Kind::Evaluation,
                &["evaluate.py", "eval_model.py", "model_eval.py", "evaluation/run.sh", "score.py"],
            ),
            (Kind::DataPreparation, &["prepare.py", "prepare_data.py", "scripts/download.sh"]),
            (
                Kind::Tokenizer,
                &[
                    "tokenizer.json",
                    "tokenizer_config.json",
                    "vocab.txt",
                    "x/merges.txt",
                    "a.tiktoken",
                    "my_tokenizer.py",
                ],
            ),
            (
                Kind::Test,
                &[
                    "tests/data/a.json",
                    "test_train.py",
                    "train_test.go",
                    "a.test.ts",
                    "conftest.py",
                    "test/run.sh",
                ],
            ),
            (
                Kind::Settings,
                &[
                    "ruff.toml",
                    "sub/.ruff.toml",
                    ".pylintrc",
                    "pylintrc.toml",
                    "mypy.ini",
                    ".flake8",
                    ".coveragerc",
                    "pytest.ini",
                    ".clippy.toml",
                    ".config/nextest.toml",
                    ".eslintrc.json",
                    "eslint.config.mjs",
                    "lighthouserc.js",
                ],
            ),
            (Kind::Ci, &[".github/workflows/ci.yml", ".gitlab-ci.yml", "Jenkinsfile", ".ci/run"]),
            (
                Kind::Git,
                &[".gitattributes", "sub/.gitattributes", ".gitmodules", ".githooks/pre-commit"],
            ),
        ] {
            for path in paths {
                assert_eq!(kind_of(path), Some(kind), "{path}");
                assert_eq!(kind_of(&path.to_uppercase()), Some(kind), "{path} in capitals");
            }
        }
    }

    #[test]
    fn what_people_experiment_on_is_not_protected() {
        for path in [
            "train.py",
            "model.py",
            "src/main.rs",
            "config.yaml",
            "data/test/x.csv",
            "metrics.json",
            "latest.py",
            "contest.py",
            "retrieval.py",
            "evaluations.md",
            "notes/requirements.md",
            "data/eval.jsonl",
            "lock.py",
            "rustfmt.toml",
            "settings.toml",
            "ruff.py",
            "",
            "/",
            ".",
        ] {
            assert_eq!(kind_of(path), None, "{path}");
        }
    }

    #[test]
    fn source_is_told_from_data() {
        assert!(is_source("a/b.PY") && is_source("Makefile") && is_source("k.cu"));
        assert!(!is_source("a.csv") && !is_source("py") && !is_source("a.py.bak"));
    }
}
