//! Words that no file may contain. They are spelled in halves here, so that
//! this file passes its own check.

use crate::files::Files;
use crate::finding::Finding;

/// In Rust: what is unfinished.
const UNFINISHED: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Anywhere: places on the machines that this is built on.
const MACHINES: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/tmp", "/ar/"), concat!("/fa", "rm/"), concat!("/ro", "ot/")];

/// Anywhere but in lock files: hosts of package registries. Where packages
/// come from is the business of whoever installs them.
const REGISTRIES: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("proxy.go", "lang.org"),
];

pub(crate) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files.texts() {
        let is_rust = path.rsplit('.').next() == Some("rs");
        let is_lock = path.ends_with("Cargo.lock");
        for (number, line) in text.lines().enumerate() {
            let mut find = |words: &[&str], remedy: &str| {
                for word in words.iter().filter(|word| has_word(line, word)) {
                    let what = format!("says `{word}`");
                    findings.push(Finding::failure(path, number + 1, what, remedy));
                }
            };
            if is_rust {
                find(&UNFINISHED, "finish it, or take it out and open an issue");
            }
            find(&MACHINES, "name it relative to the repository, or to the user's home");
            if !is_lock {
                find(&REGISTRIES, "name the package, not the host");
            }
        }
    }
    findings
}

/// Whether `word` stands in `line`, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let starts_plain = word.starts_with(char::is_alphanumeric);
    let ends_plain = word.ends_with(char::is_alphanumeric);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        // A path is absolute only where nothing comes before it.
        let begins = if starts_plain {
            !is_part(before)
        } else {
            !is_part(before) && !matches!(before, Some('.' | '}' | ')' | '>' | '~' | '*' | '-'))
        };
        begins && !(ends_plain && is_part(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_whole_and_a_path_is_absolute() {
        assert!(has_word("// XY: later", "XY"));
        assert!(!has_word("mktemp /tmp/aXYX", "XY"));
        assert!(has_word("cd /here/there", "/here/"));
        assert!(has_word("\"/here/there\"", "/here/"));
        assert!(!has_word("some/here/there", "/here/"));
        assert!(!has_word("../here/there", "/here/"));
    }

    #[test]
    fn every_list_is_found_where_it_counts() {
        let unfinished = format!("fn f() {{ {}) }}", UNFINISHED[0]);
        let machine = format!("see {}x", MACHINES[0]);
        let registry = format!("from {}", REGISTRIES[0]);
        let texts = [
            ("a.rs", unfinished.as_str()),
            ("a.md", unfinished.as_str()),
            ("b.md", machine.as_str()),
            ("Cargo.lock", registry.as_str()),
            ("deny.toml", registry.as_str()),
        ];
        let found: Vec<String> = check(&Files::of(&texts)).into_iter().map(|f| f.path).collect();
        assert_eq!(found, ["a.rs", "b.md", "deny.toml"]);
    }
}
