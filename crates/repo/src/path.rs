//! Paths as git writes them: bytes, quoted where a line would break.

use std::path::{Path, PathBuf};

use crate::error::RepoError;

/// A path of the file system from git's bytes.
#[cfg(unix)]
pub(crate) fn from_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// A path of the file system from git's bytes.
#[cfg(not(unix))]
pub(crate) fn from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Makes a symbolic link at `link` that leads to `target`.
#[cfg(unix)]
pub(crate) fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Makes a symbolic link at `link` that leads to `target`.
#[cfg(not(unix))]
pub(crate) fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, link)
    } else {
        std::os::windows::fs::symlink_file(target, link)
    }
}

/// `path`, when it stays inside the repository and out of `.git`.
pub(crate) fn checked(path: &str) -> Result<&str, RepoError> {
    let bad = |why| Err(RepoError::BadPath { path: path.to_owned(), why });
    if path.is_empty() {
        return bad("it is empty; give the path of a file from the root of the repository");
    }
    if path.contains('\0') {
        return bad("it contains a NUL; rename the file");
    }
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return bad(
                "it is not relative to the root of the repository; write it without a leading `/`, `.` or `..`",
            );
        }
        if part.eq_ignore_ascii_case(".git") {
            return bad("it is inside git's own folder; choose a file of the project");
        }
    }
    Ok(path)
}

/// Quoted as git's line formats want it, where a plain path could be misread.
///
/// Source: `quote.c` of git (`unquote_c_style`).
pub(crate) fn quoted(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 2);
    text.push('"');
    for c in path.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// A pattern as in `.gitignore` that matches exactly this path and what is
/// below it.
pub(crate) fn ignore_pattern(path: &str) -> String {
    let mut text = String::from("/");
    for c in path.chars() {
        if matches!(c, '\\' | '*' | '?' | '[' | ']' | ' ') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// Whether `path` is one of `roots` or below one; all from the root of the
/// repository, with `/`.
pub fn is_under(path: &str, roots: &[String]) -> bool {
    roots.iter().any(|root| {
        let root = root.trim_end_matches('/');
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_repository_is_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            ".git/config",
            "a/.GIT/x",
            "a\0b",
            "a/",
        ] {
            assert!(checked(path).is_err(), "{path:?}");
        }
        for path in ["a", "a b", "a/b.py", ".gitignore", "..a", "\"q\"", "a\nb", "ü"] {
            assert!(checked(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn only_whole_components_count_as_below() {
        let roots = ["data".to_owned(), "a/b/".to_owned()];
        assert!(is_under("data", &roots) && is_under("data/x", &roots) && is_under("a/b", &roots));
        assert!(!is_under("data2", &roots) && !is_under("a", &roots));
    }
}
