//! Proves that the house is in order: `cargo xtask check`. What can be written
//! by a machine is written by `cargo xtask generate`.
//!
//! One file a check; each is a function from the tracked files to [`Finding`]s.

mod attacks;
mod edges;
mod files;
mod finding;
mod generated;
mod length;
mod paths;
mod stubs;
mod words;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;

use crate::files::Files;
use crate::finding::{Finding, Level};

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let files = Files::of_repository()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check(&files),
        ["generate"] => {
            generated::write(&files)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("say `cargo xtask check` or `cargo xtask generate`"),
    }
}

fn check(files: &Files) -> anyhow::Result<ExitCode> {
    let mut findings: Vec<Finding> = edges::check(files)?;
    findings.extend(paths::check(files));
    findings.extend(words::check(files));
    findings.extend(length::check(files));
    findings.extend(generated::check(files)?);
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    let failures = findings.iter().filter(|f| f.level == Level::Failure).count();
    if failures > 0 {
        writeln!(out, "{failures} failures")?;
        return Ok(ExitCode::FAILURE);
    }
    writeln!(out, "the house is in order ({} files)", files.len())?;
    Ok(ExitCode::SUCCESS)
}
