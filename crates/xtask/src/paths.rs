//! Paths in Markdown lead somewhere: every link, and everything in backticks
//! that looks like a path.

use crate::files::Files;
use crate::finding::Finding;

/// What ends like this is the name of a file.
const ENDINGS: [&str; 12] =
    [".rs", ".md", ".toml", ".json", ".tsv", ".py", ".sh", ".svg", ".png", ".otf", ".txt", ".lock"];

/// Places in the user's repository, not in this one.
const USERS: [&str; 29] = [
    ".autoresearch",
    ".git/",
    ".venv",
    "autoresearch.toml",
    "autoresearch-demo",
    "autoresearch-summary.md",
    "baseline.json",
    "brief.md",
    "data/",
    "evaluate.py",
    "experiments.tsv",
    "logs/",
    "metrics.json",
    "out/",
    "prepare.py",
    "progress.png",
    "progress.svg",
    "pyproject.toml",
    "propose.sh",
    "requirements.txt",
    "results.tsv",
    "results-2.tsv",
    "ruff.toml",
    "src/lib.rs",
    "tarpaulin-report.json",
    "tokenizer.json",
    "target/",
    "train.py",
    "uv.lock",
];

/// What only looks like a path: branches, references, a key of the config.
const OTHER: [&str; 4] = ["autoresearch/", "refs/", "origin/", "metric.json"];

pub(crate) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (document, text) in files.ending(".md") {
        for Mention { line, path } in mentions(text) {
            if !leads_somewhere(files, document, &path) {
                let what = format!("`{path}` does not exist");
                let remedy = "name what exists; what belongs to the user's repository is listed in crates/xtask/src/paths.rs";
                findings.push(Finding::failure(document, line, what, remedy));
            }
        }
    }
    findings
}

fn leads_somewhere(files: &Files, document: &str, path: &str) -> bool {
    if USERS.iter().chain(&OTHER).any(|known| path.starts_with(known)) {
        return true;
    }
    if !path.contains('/') {
        return files.has_name(path);
    }
    // From the root, the document's folder, or any between: a crate's page
    // names the crate's files.
    folders_of(document).any(|folder| joined(folder, path).is_some_and(|path| files.exists(&path)))
}

/// The folder of a document and all above it, the root last.
fn folders_of(document: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(document), |path| match path.rsplit_once('/') {
        Some((folder, _)) => Some(folder),
        None => (!path.is_empty()).then_some(""),
    })
    .skip(1)
}

/// `path` seen from `folder`; `None` when it leads out of the repository.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[derive(Debug, PartialEq, Eq)]
struct Mention {
    line: usize,
    path: String,
}

/// Paths that a Markdown text names, outside its fenced blocks.
fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        if is_fenced {
            continue;
        }
        let spans = line.split('`').skip(1).step_by(2).filter(|span| is_path(span));
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links.map(|link| link.split(['#', ' ']).next().unwrap_or_default());
        let links = links.filter(|link| !link.is_empty() && !link.contains(':'));
        for path in spans.chain(links) {
            found.push(Mention { line: number + 1, path: path.to_owned() });
        }
    }
    found
}

/// Whether a span of code is a path: nothing but the characters of one, and a
/// slash or a known ending.
fn is_path(span: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    let starts_plain = span.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
    let is_ending = |ending: &str| span.ends_with(ending) && span.len() > ending.len();
    starts_plain
        && span.chars().all(is_plain)
        && (span.contains('/') || ENDINGS.iter().any(|e| is_ending(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        mentions(text).into_iter().map(|m| m.path).collect()
    }

    #[test]
    fn spans_and_links_are_mentions_and_code_blocks_are_not() {
        let text = "See `src/a.rs`, `x.md` and [the map](../MAP.md#top).\n```\n`no/where`\n```\n";
        assert_eq!(paths(text), ["src/a.rs", "x.md", "../MAP.md"]);
    }

    #[test]
    fn what_is_no_path_is_no_mention() {
        for text in [
            "`cargo run -p x/y`",
            "`--out/in`",
            "`<tag>/logs`",
            "`.rs`",
            "`a::b`",
            "`refs/*/x`",
            "`1e-4..1e-1`",
            "[web](https://example.com/a)",
            "[here](#part)",
            "`metric.name`",
        ] {
            assert_eq!(paths(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn paths_lead_from_the_root_or_from_the_document() {
        let files = Files::of(&[
            ("docs/a.md", "`b.md` `docs/b.md` `../c.rs` `d/` `results.tsv`"),
            ("docs/b.md", ""),
            ("docs/d/e.rs", ""),
            ("c.rs", ""),
            ("docs/d/g.md", "`d/e.rs` `c.rs` `b.md`"),
            ("f.md", "\n`docs/f.rs`, `gone.rs` and `../c.rs`"),
        ]);
        let found: Vec<_> = check(&files).into_iter().map(|f| (f.path, f.line, f.what)).collect();
        let gone = |path: &str| ("f.md".to_owned(), 2, format!("`{path}` does not exist"));
        assert_eq!(found, [gone("docs/f.rs"), gone("gone.rs"), gone("../c.rs")]);
    }
}
