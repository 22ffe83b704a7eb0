//! Files that a machine writes, and that are checked in so that people can
//! read them and see them change.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::attacks;
use crate::files::Files;
use crate::finding::Finding;
use crate::stubs;

const SCHEMA: &str = "schema/autoresearch.schema.json";
const CLI: &str = "docs/cli.md";

pub(crate) fn check(files: &Files) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (path, current) in outputs(files)? {
        if files.text(path) != Some(&current) {
            let line = first_difference(files.text(path).unwrap_or_default(), &current);
            let remedy = "run `cargo xtask generate` and commit it";
            findings.push(Finding::failure(path, line, "it is not current", remedy));
        }
    }
    Ok(findings)
}

pub(crate) fn write(files: &Files) -> anyhow::Result<()> {
    for (path, current) in outputs(files)? {
        if files.text(path) != Some(&current) {
            let path = files.root().join(path);
            let folder = path.parent().context("a generated file lies in a folder")?;
            std::fs::create_dir_all(folder)?;
            std::fs::write(&path, current).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn outputs(files: &Files) -> anyhow::Result<[(&'static str, String); 4]> {
    Ok([
        (SCHEMA, autoresearch_config::schema()),
        (CLI, reference(&built_binary()?)?),
        (attacks::PAGE, attacks::page(files)?),
        (stubs::PAGE, stubs::page()),
    ])
}

/// Counted from 1.
fn first_difference(old: &str, new: &str) -> usize {
    let same = old.lines().zip(new.lines()).take_while(|(old, new)| old == new).count();
    same + 1
}

/// The binary, built from the sources as they are.
fn built_binary() -> anyhow::Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "autoresearch-cli"])
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "the command line does not build");
    // This program lies beside it.
    let own = std::env::current_exe()?;
    Ok(own.with_file_name(format!("autoresearch{}", std::env::consts::EXE_SUFFIX)))
}

/// The reference of the command line: the help of every command.
fn reference(binary: &Path) -> anyhow::Result<String> {
    let mut text = String::from(
        "# The command line\n\nWritten by `cargo xtask generate` from the program's own help; \
         the [guide](guide.md) tells when to use what.\n",
    );
    describe(binary, &[], &mut text)?;
    Ok(text)
}

fn describe(binary: &Path, words: &[&str], text: &mut String) -> anyhow::Result<()> {
    let help = help(binary, words)?;
    let name = [&["autoresearch"], words].concat().join(" ");
    write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end())?;
    for command in commands(&help) {
        describe(binary, &[words, &[command]].concat(), text)?;
    }
    Ok(())
}

/// The long help of a command, at a fixed width and without a terminal.
fn help(binary: &Path, words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .args(words)
        .arg("--help")
        .env_clear()
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} could not be run", binary.display()))?;
    ensure!(output.status.success(), "`{} --help` failed", words.join(" "));
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// The commands that a help text lists.
fn commands(help: &str) -> impl Iterator<Item = &str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        // Lines that go on are indented further.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_a_help_text() {
        let help = "About\n\nUsage: x <COMMAND>\n\nCommands:\n  run   Go\n        on\n  stop  Stop\n  help  Print\n\nOptions:\n  -h, --help  Print\n";
        assert_eq!(commands(help).collect::<Vec<_>>(), ["run", "stop"]);
        assert_eq!(commands("Usage: x\n\nOptions:\n  -h\n").count(), 0);
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
        assert_eq!(first_difference("", "a\n"), 1);
    }
}
