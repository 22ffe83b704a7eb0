//! The text of a target, read as a program: what makes two candidates the
//! same, how long one is, and whether an edit stayed within literal values.
//!
//! Python is read with tree-sitter; any other language line by line. What a
//! knob is, is left to the embedded proposer.

pub mod bundle;
mod literal;
mod python;
pub mod seeds;

use std::borrow::Cow;

pub use python::{MAX_BYTES, tree};

/// The languages that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Python, read as a syntax tree.
    Python,
    /// Anything else, read line by line.
    Other,
}

impl Language {
    /// By the extension of the path.
    pub fn of(path: &str) -> Language {
        match extension(path).as_str() {
            "py" | "pyw" | "pyi" => Language::Python,
            _ => Language::Other,
        }
    }
}

/// What makes two programs the same for the duplicate check: equal results
/// mean the same program, though not every pair of equal programs is found.
///
/// Of Python: the tokens, without comments and layout, literals in one
/// spelling (`0.10` is `0.1`, `1_000` is `1000`, `'a'` is `"a"`). Of anything
/// else, and of Python that does not parse: the lines without trailing
/// whitespace and blank lines. Of both: whatever their [`seeds`] are, for a
/// program that is drawn again is no other one.
pub fn normalised(path: &str, text: &str) -> String {
    let text = unix_lines(text);
    let text = seeds::masked(path, &text);
    if Language::of(path) == Language::Python
        && let Some(tokens) = python::tokens(&text).filter(|tokens| tokens.parsed)
    {
        return tokens.canonical();
    }
    let mut lines = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// Lines of code: without blank lines and comments; a docstring of Python is
/// a comment.
pub fn code_lines(path: &str, text: &str) -> u64 {
    let text = unix_lines(text);
    if Language::of(path) == Language::Python
        && let Some(tokens) = python::tokens(&text).filter(|tokens| tokens.parsed)
    {
        return tokens.code_lines();
    }
    let marks = comment_marks(path);
    let is_code = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !marks.iter().any(|mark| line.starts_with(mark))
    };
    text.lines().filter(is_code).count() as u64
}

/// Whether `after` is `before` with other literal values: numbers (also as
/// constant arithmetic, `2**17`), strings that are no docstrings, `True`,
/// `False`, `None`. Comments and layout do not matter.
///
/// # Errors
/// What differs first, with its line in `after`, as a fragment that fits "but
/// {…}"; also for a target that is not Python.
pub fn differs_only_in_literals(path: &str, before: &str, after: &str) -> Result<(), String> {
    if Language::of(path) != Language::Python {
        return Err(format!(
            "`{path}` is not Python, and only Python can be held to literal values"
        ));
    }
    let (before, after) = (unix_lines(before), unix_lines(after));
    match (python::tokens(&before), python::tokens(&after)) {
        (Some(before), Some(after)) => before.same_but_for_literals(&after),
        _ => Err(format!("`{path}` is too large or too tangled to compare")),
    }
}

/// The first place where Python does not parse: its line, counted from 1, and
/// what stands there. `None` where all is well or the text is not Python. The
/// grammar may be older than the newest Python: tell it, do not enforce it.
pub fn syntax_error(path: &str, text: &str) -> Option<(usize, String)> {
    (Language::of(path) == Language::Python).then(|| python::syntax_error(&unix_lines(text)))?
}

/// Python reads `\r\n` and `\r` as `\n`; so must whoever looks for comments.
fn unix_lines(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase()
}

/// What a line of nothing but a comment starts with.
fn comment_marks(path: &str) -> &'static [&'static str] {
    match extension(path).as_str() {
        "py" | "pyw" | "pyi" | "sh" | "bash" | "rb" | "r" | "jl" | "pl" | "toml" | "yaml"
        | "yml" | "mk" | "cmake" | "cfg" | "conf" => &["#"],
        "rs" | "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "cu" | "cuh" | "java" | "js" | "mjs"
        | "ts" | "tsx" | "jsx" | "go" | "swift" | "kt" | "scala" | "cs" | "php" | "zig"
        | "dart" => &["//"],
        "sql" | "lua" | "hs" | "elm" | "adb" | "ads" => &["--"],
        "lisp" | "el" | "clj" | "scm" | "asm" => &[";"],
        "ini" => &[";", "#"],
        "tex" | "m" | "erl" => &["%"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
