//! Which files of the repository a command names, as far as its words tell: also
//! within the text of an `sh -c`, and as Python's modules. What a script starts in its
//! turn is not known. Pure.

use std::collections::BTreeSet;

use autoresearch_core::protected::is_source;

/// What these are given to read is what they judge, and no script.
const LINTERS: &[&str] = &["pylint", "ruff", "mypy", "flake8", "pyright"];

/// The words of a command that may be files.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    names: BTreeSet<String>,
}

impl Scripts {
    /// Of a command in words, each of which may be a command of its own.
    pub(crate) fn of(command: &[String]) -> Scripts {
        let mut names = BTreeSet::new();
        // Ends of commands in a shell's text.
        for simple in command.join(" ").split([';', '&', '|', '(', ')', '`', '\n']) {
            let (mut is_linted, mut is_module) = (false, false);
            let ends = |c: char| c.is_whitespace() || "\"'=<>,:{}$".contains(c);
            for word in simple.split(ends).filter(|word| !word.is_empty()) {
                let name = word.strip_prefix("./").unwrap_or(word).trim_end_matches('/');
                if is_module {
                    let path = name.replace('.', "/");
                    names.insert(format!("{path}.py"));
                    names.insert(format!("{path}/__main__.py"));
                } else if !(is_linted && is_source(name)) {
                    names.insert(name.to_owned());
                }
                is_module = word == "-m";
                is_linted |= LINTERS.contains(&name.rsplit('/').next().unwrap_or(name));
            }
        }
        Scripts { names }
    }

    /// Whether `path` is named, perhaps in two words: a folder to go to, and a file.
    pub(crate) fn have(&self, path: &str) -> bool {
        let in_two =
            |at: usize| self.names.contains(&path[..at]) && self.names.contains(&path[at + 1..]);
        self.names.contains(path) || path.match_indices('/').any(|(at, _)| in_two(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn have(command: &[&str], path: &str) -> bool {
        let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        Scripts::of(&words).have(path)
    }

    #[test]
    fn a_script_is_found_wherever_a_command_names_it() {
        for command in [
            &["python3", "ci/check.py"][..],
            &["./ci/check.py"],
            &["sh", "-c", "python3 ci/check.py"],
            &["sh", "-c", "make && (PYTHONPATH=. python3 './ci/check.py' >out)"],
            &["env", "-C", "ci", "python3", "check.py"],
            &["sh", "-c", "cd ci/; python3 check.py"],
            &["python3", "-m", "ci.check"],
            &["sh", "-c", "ruff format src && python3 ci/check.py"],
            &["run", "--script=ci/check.py"],
        ] {
            assert!(have(command, "ci/check.py"), "{command:?}");
            assert!(!have(command, "src/check.py") && !have(command, "check"), "{command:?}");
        }
        assert!(have(&["python3", "-m", "ci"], "ci/__main__.py"));
        assert!(!have(&[], "a.py") && !have(&["python3", "a.py"], ""));
    }

    #[test]
    fn what_a_linter_reads_is_no_script_but_its_rules_are_named() {
        let command = ["sh", "-c", ".venv/bin/pylint --rcfile=ci/rules.rc src/a.py; sh b.sh"];
        assert!(!have(&command, "src/a.py"));
        assert!(have(&command, "ci/rules.rc") && have(&command, "b.sh"));
        assert!(!have(&["python3", "-m", "mypy", "a.py"], "a.py"));
    }
}
