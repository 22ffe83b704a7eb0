//! What the run command's own Python sees: which interpreter the command comes
//! to run, and what that says when it is asked. torch is imported only where it
//! is installed; nothing else is imported at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use autoresearch_core::platform::Python;

use super::ask::{AskError, ask};

const PROBE: &str = include_str!("probe.py");
/// What the line of facts begins with: other lines are from whatever the
/// interpreter loads at its start.
const MARK: &str = "autoresearch-probe ";

/// Why it is not known what the run command's Python sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPython {
    /// The command is not one of Python's, as far as can be told.
    #[error("`{0}` names no Python; nothing is known of what it uses")]
    NotPython(String),
    /// The interpreter gives no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The interpreter's answer is none.
    #[error("`{0}` said nothing about itself; try `{0} --version`")]
    Silent(String),
}

/// The Python that a command comes to run, as the words before `-c`.
///
/// Seen through are `env`, the runners of uv, poetry, pdm, pipenv, pixi, hatch,
/// rye and conda, and programs whose first line names an interpreter, as
/// `torchrun`, `accelerate` or a script. `find` looks a program up as the
/// system would, `first_line` reads a file's.
///
/// # Errors
/// [`NoPython::NotPython`].
pub fn interpreter(
    command: &[String],
    find: &dyn Fn(&str) -> Option<PathBuf>,
    first_line: &dyn Fn(&Path) -> Option<String>,
) -> Result<Vec<String>, NoPython> {
    let unknown = || NoPython::NotPython(command.join(" "));
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let words = without_prefixes(&words);
    let (&program, arguments) = words.split_first().ok_or_else(unknown)?;
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program);
    if is_python(name) {
        return Ok(vec![program.to_owned()]);
    }
    match (name, arguments.first()) {
        // Asked itself, uv would first install what is missing.
        ("uv", Some(&"run")) => {
            let python = find(".venv/bin/python").or_else(|| find(".venv/Scripts/python.exe"));
            return python.map(|path| vec![path.display().to_string()]).ok_or_else(unknown);
        }
        ("poetry" | "pdm" | "pipenv" | "pixi" | "hatch" | "rye", Some(&"run")) => {
            return Ok(owned(&[program, "run", "python"]));
        }
        ("conda" | "mamba" | "micromamba", Some(&"run")) => {
            let options = conda_options(&arguments[1..]);
            return Ok(owned(&[&[program, "run"], options, &["python"]].concat()));
        }
        _ => {}
    }
    // A script: its first line says who reads it.
    let line = find(program).and_then(|path| first_line(&path)).unwrap_or_default();
    let of_script: Vec<&str> =
        line.strip_prefix("#!").unwrap_or_default().split_whitespace().collect();
    let reader = without_prefixes(&of_script).first().copied();
    // Or the command of another's: `timeout 60 python train.py`.
    let is_named = |word: &&str| is_python(word.rsplit('/').next().unwrap_or(word));
    let python = reader.filter(is_named).or_else(|| arguments.iter().copied().find(is_named));
    python.map(|python| vec![python.to_owned()]).ok_or_else(unknown)
}

/// What follows `env`, its options and its variables.
fn without_prefixes<'a, 'w>(mut words: &'w [&'a str]) -> &'w [&'a str] {
    while let Some((first, rest)) = words.split_first() {
        let is_env = *first == "env" || first.ends_with("/env");
        let is_variable = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if is_env || is_variable || *first == "-S" || *first == "nice" || *first == "exec" {
            words = rest;
        } else {
            break;
        }
    }
    words
}

/// `python`, `python3`, `python3.12`, `pypy3`, `python.exe`.
fn is_python(name: &str) -> bool {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    ["python", "pypy"].iter().any(|stem| {
        name.strip_prefix(stem)
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 't'))
    })
}

/// The options of `conda run`: those before the program.
fn conda_options<'a, 'w>(words: &'w [&'a str]) -> &'w [&'a str] {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        let has_value = matches!(*word, "-n" | "--name" | "-p" | "--prefix" | "--cwd");
        at += if has_value { 2 } else { 1 };
    }
    &words[..at.min(words.len())]
}

/// Asks the Python of `command` what it sees, in `directory` and with
/// `environment` on top of what is inherited, as a run would start.
///
/// # Errors
/// [`NoPython`]: the command names none, or it does not answer within `limit`.
pub fn python(
    command: &[String],
    directory: &Path,
    environment: &BTreeMap<String, String>,
    limit: Duration,
) -> Result<Python, NoPython> {
    let path = environment.get("PATH").map(Into::into).or_else(|| std::env::var_os("PATH"));
    let find = |program: &str| {
        if program.contains('/') {
            return Some(directory.join(program)).filter(|path| path.is_file());
        }
        std::env::split_paths(path.as_ref()?)
            .map(|folder| directory.join(folder).join(program))
            .find(|path| path.is_file())
    };
    let words = interpreter(command, &find, &first_line)?;
    let (program, arguments) =
        words.split_first().ok_or_else(|| NoPython::NotPython(command.join(" ")))?;
    // A relative path is meant from the directory.
    let path = if program.contains('/') { directory.join(program) } else { program.into() };
    let mut command = Command::new(path);
    command
        .args(arguments)
        .args(["-c", PROBE])
        .current_dir(directory)
        .envs(environment)
        // The user's checkout is only read.
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let answer = ask(&mut command, limit)?;
    facts(&answer).ok_or_else(|| NoPython::Silent(words.join(" ")))
}

/// The first line of a file, as far as 512 bytes go.
#[must_use]
pub fn first_line(path: &Path) -> Option<String> {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut line = Vec::new();
    BufReader::new(std::fs::File::open(path).ok()?.take(512)).read_until(b'\n', &mut line).ok()?;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn facts(answer: &str) -> Option<Python> {
    answer.lines().rev().find_map(|line| serde_json::from_str(line.strip_prefix(MARK)?).ok())
}

#[cfg(test)]
mod tests {
    use autoresearch_core::platform::Device;

    use super::*;

    fn of(command: &str) -> Option<String> {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let find = |program: &str| match program {
            "torchrun" | "accelerate" | "pytest" | "./train.py" | "run.sh" => {
                Some(PathBuf::from(format!("/bin/{}", program.trim_start_matches("./"))))
            }
            ".venv/bin/python" => Some(PathBuf::from("/repo/.venv/bin/python")),
            _ => None,
        };
        let first_line = |path: &Path| {
            Some(match path.to_str()? {
                "/bin/torchrun" | "/bin/accelerate" => "#!/opt/venv/bin/python3".to_owned(),
                "/bin/train.py" => "#!/usr/bin/env -S python3.12 -u".to_owned(),
                "/bin/run.sh" => "#!/bin/sh".to_owned(),
                _ => "\u{7f}ELF".to_owned(),
            })
        };
        interpreter(&words, &find, &first_line).ok().map(|words| words.join(" "))
    }

    #[test]
    fn the_interpreter_is_found_behind_whatever_starts_it() {
        for (command, expected) in [
            ("python train.py", "python"),
            ("python3 -m pkg.train --lr 1", "python3"),
            (".venv/bin/python3.12 -u train.py", ".venv/bin/python3.12"),
            ("/usr/bin/pypy3 train.py", "/usr/bin/pypy3"),
            ("env OMP_NUM_THREADS=1 python train.py", "python"),
            ("CUDA_VISIBLE_DEVICES=0 python3.13t train.py", "python3.13t"),
            ("timeout 60 python3 train.py", "python3"),
            ("uv run train.py", "/repo/.venv/bin/python"),
            ("uv run --with numpy python train.py", "/repo/.venv/bin/python"),
            ("poetry run train", "poetry run python"),
            (
                "conda run -n torch --no-capture-output python train.py",
                "conda run -n torch --no-capture-output python",
            ),
            ("torchrun --nproc-per-node 2 train.py", "/opt/venv/bin/python3"),
            ("accelerate launch train.py", "/opt/venv/bin/python3"),
            ("./train.py --epochs 3", "python3.12"),
        ] {
            assert_eq!(of(command).as_deref(), Some(expected), "{command}");
        }
        for command in ["", "cargo bench", "run.sh", "pytest", "pythonic train", "env", "uvx run"] {
            assert_eq!(of(command), None, "{command}");
        }
    }

    #[test]
    fn facts_are_found_among_other_lines() {
        let answer = "sitecustomize: hello\n\nautoresearch-probe {\"version\": \"3.12.4\", \"executable\": \"/v/bin/python\", \"prefix\": \"/v\", \"flash_attention\": true, \"packages\": {\"numpy\": \"2.1.0\"}, \"torch\": {\"version\": \"2.5.1+cu124\", \"has_cuda\": true, \"built_for\": \"12.4\", \"accelerators\": [{\"name\": \"NVIDIA H100 80GB HBM3\", \"memory\": 84942979072}], \"has_mps\": false, \"can_compile\": true}}\n";
        let python = facts(answer).unwrap();
        let torch = python.torch.clone().unwrap();
        assert_eq!(torch.device(), Device::Cuda);
        assert_eq!(torch.accelerators[0].name, "NVIDIA H100 80GB HBM3");
        assert_eq!(python.to_string(), "Python 3.12.4, torch 2.5.1+cu124 (CUDA)");
        let mps = "autoresearch-probe {\"version\": \"3.11.9\", \"torch\": {\"version\": \"2.4.0\", \"has_mps\": true}}";
        assert_eq!(facts(mps).unwrap().to_string(), "Python 3.11.9, torch 2.4.0 (MPS)");
        for odd in ["", "autoresearch-probe", "autoresearch-probe {", "Traceback"] {
            assert_eq!(facts(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_real_interpreter_answers() {
        let folder = tempfile::tempdir().unwrap();
        let command = ["python3".to_owned(), "train.py".to_owned()];
        let limit = Duration::from_mins(2);
        let found = python(&command, folder.path(), &BTreeMap::new(), limit).unwrap();
        assert!(found.version.starts_with("3."), "{found:?}");
        // Asking leaves nothing behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_torch_that_cannot_be_imported_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let text = "raise ImportError('libcudart.so.12: cannot open shared object file')\n";
        std::fs::write(folder.path().join("torch.py"), text).unwrap();
        let command = ["python3".to_owned()];
        let limit = Duration::from_mins(2);
        let found = python(&command, folder.path(), &BTreeMap::new(), limit).unwrap();
        assert_eq!(found.torch, None);
        assert_eq!(
            found.torch_error.as_deref(),
            Some("ImportError: libcudart.so.12: cannot open shared object file")
        );
    }

    #[test]
    fn an_interpreter_that_is_missing_is_named() {
        let command = ["./venv/bin/python".to_owned()];
        let error = python(&command, Path::new("/"), &BTreeMap::new(), Duration::from_mins(1));
        assert!(matches!(error, Err(NoPython::Ask(AskError::Missing(_)))), "{error:?}");
    }
}
