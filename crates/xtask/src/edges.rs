//! Which crate imports which: what the manifests say is what the table in
//! `ARCHITECTURE.md` says, no more and no less. Dev-dependencies are free.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use crate::files::Files;
use crate::finding::Finding;

const MAP: &str = "ARCHITECTURE.md";

/// A row of the map's table of crates.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    line: usize,
    may_import: BTreeSet<String>,
}

pub(crate) fn check(files: &Files) -> anyhow::Result<Vec<Finding>> {
    let map = files.text(MAP).with_context(|| format!("{MAP} is missing"))?;
    let rows = rows(map);
    if rows.is_empty() {
        let remedy = "give it the columns `crate`, `what lives there`, `may import`";
        return Ok(vec![Finding::failure(MAP, 1, "it has no table of crates", remedy)]);
    }
    let workspace: toml::Table =
        files.text("Cargo.toml").context("Cargo.toml is missing")?.parse()?;
    let folders = folders_of(&workspace);
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in files.ending("/Cargo.toml") {
        let Some(name) = path.strip_prefix("crates/").and_then(|p| p.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        if name.contains('/') {
            continue;
        }
        seen.insert(name);
        let manifest: toml::Table = text.parse().with_context(|| path.to_owned())?;
        let Some(row) = rows.iter().find(|row| row.name == name) else {
            let what = format!("the map does not know the crate `{name}`");
            findings.push(Finding::failure(path, 1, what, format!("give it a row in {MAP}")));
            continue;
        };
        let imports = imports(&manifest, &folders);
        for (import, package) in &imports {
            if !row.may_import.contains(import) {
                let what = format!("`{name}` imports `{import}`, which the map does not have");
                let remedy = format!(
                    "take it out; siblings get what they need as arguments ({MAP}:{})",
                    row.line
                );
                let line = line_of(text, package);
                findings.push(Finding::failure(path, line, what, remedy));
            }
        }
        for import in row.may_import.iter().filter(|import| !imports.contains_key(*import)) {
            let what = format!("the map lets `{name}` import `{import}`, which it does not");
            findings.push(Finding::failure(MAP, row.line, what, "take it out of the row"));
        }
    }
    for row in rows.iter().filter(|row| !seen.contains(row.name.as_str())) {
        let what = format!("there is no crate `{}`", row.name);
        findings.push(Finding::failure(MAP, row.line, what, "take the row out"));
    }
    Ok(findings)
}

/// Folder name of each of our packages, by package name.
fn folders_of(workspace: &toml::Table) -> BTreeMap<String, String> {
    let dependencies = workspace
        .get("workspace")
        .and_then(|w| w.get("dependencies"))
        .and_then(toml::Value::as_table);
    let folder = |value: &toml::Value| {
        Some(value.get("path")?.as_str()?.strip_prefix("crates/")?.to_owned())
    };
    dependencies
        .into_iter()
        .flatten()
        .filter_map(|(package, value)| Some((package.clone(), folder(value)?)))
        .collect()
}

/// Our own crates that a manifest depends on: folder name and package name.
fn imports(manifest: &toml::Table, folders: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let tables = std::iter::once(manifest)
        .chain(platforms.into_iter().flat_map(|t| t.values()).filter_map(toml::Value::as_table));
    let mut found = BTreeMap::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            let dependencies = table.get(kind).and_then(toml::Value::as_table);
            for (package, value) in dependencies.into_iter().flatten() {
                let by_path = value
                    .get("path")
                    .and_then(toml::Value::as_str)
                    .and_then(|path| path.rsplit('/').next());
                if let Some(folder) = folders.get(package).map(String::as_str).or(by_path) {
                    found.insert(folder.to_owned(), package.clone());
                }
            }
        }
    }
    found
}

/// The rows of the table whose columns are `crate`, ..., `may import`.
fn rows(map: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut is_inside = false;
    for (number, line) in map.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", name, .., imports, ""] = cells[..] else {
            is_inside = false;
            continue;
        };
        if name == "crate" && imports == "may import" {
            is_inside = true;
        } else if is_inside && !name.starts_with('-') {
            let may_import = imports
                .split(',')
                .map(|word| word.trim().trim_matches('`'))
                .filter(|word| !matches!(*word, "" | "–"))
                .map(str::to_owned)
                .collect();
            let name = name.trim_matches('`').to_owned();
            rows.push(Row { name, line: number + 1, may_import });
        }
    }
    rows
}

/// The line of a manifest that names a package.
fn line_of(manifest: &str, package: &str) -> usize {
    let is_it = |line: &str| {
        line.strip_prefix(package).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
    };
    manifest.lines().position(is_it).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = r#"
[workspace.dependencies]
ours-a = { path = "crates/a" }
ours-b = { path = "crates/b" }
serde = "1"
"#;

    fn findings(map: &str, a: &str, b: &str) -> Vec<String> {
        let files = Files::of(&[
            (MAP, map),
            ("Cargo.toml", WORKSPACE),
            ("crates/a/Cargo.toml", a),
            ("crates/b/Cargo.toml", b),
            ("crates/b/fuzz/Cargo.toml", "[dependencies]\nours-a = { path = \"../../a\" }\n"),
        ]);
        check(&files)
            .unwrap()
            .into_iter()
            .map(|f| format!("{}:{} {}", f.path, f.line, f.what))
            .collect()
    }

    const TABLE: &str = "\
| crate | what lives there | may import |
|---|---|---|
| `a` | words | – |
| `b` | deeds | a |
";

    #[test]
    fn a_map_that_is_true_has_no_findings() {
        let b = "[dependencies]\nserde.workspace = true\nours-a.workspace = true\n";
        assert_eq!(findings(TABLE, "[dev-dependencies]\nours-b.workspace = true\n", b), [""; 0]);
    }

    #[test]
    fn an_edge_that_the_map_lacks_is_found_with_its_line() {
        let b = "[dependencies]\nours-a.workspace = true\n";
        let a = "[dependencies]\nserde.workspace = true\nours-b.workspace = true\n";
        let expected = ["crates/a/Cargo.toml:3 `a` imports `b`, which the map does not have"];
        assert_eq!(findings(TABLE, a, b), expected);
        let a = "[target.'cfg(unix)'.dependencies]\nours-b = { path = \"../b\" }\n";
        let expected = ["crates/a/Cargo.toml:2 `a` imports `b`, which the map does not have"];
        assert_eq!(findings(TABLE, a, b), expected);
    }

    #[test]
    fn an_edge_that_only_the_map_has_is_stale() {
        let expected = ["ARCHITECTURE.md:4 the map lets `b` import `a`, which it does not"];
        assert_eq!(findings(TABLE, "", ""), expected);
    }

    #[test]
    fn crates_and_rows_come_in_pairs() {
        let map = TABLE.replace("| `b` | deeds | a |", "| c | gone | |");
        let expected = [
            "crates/b/Cargo.toml:1 the map does not know the crate `b`",
            "ARCHITECTURE.md:4 there is no crate `c`",
        ];
        assert_eq!(findings(&map, "", ""), expected);
    }

    #[test]
    fn other_tables_are_no_map() {
        assert_eq!(rows("| file | what |\n|---|---|\n| a | b |\n"), []);
    }
}
