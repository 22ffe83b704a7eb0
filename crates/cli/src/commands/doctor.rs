//! `autoresearch doctor`: what this machine and this repository offer.

use std::path::Path;
use std::process::Command;

use autoresearch::repo::Repo;
use serde_json::json;

use crate::args::Global;
use crate::exit::Exit;
use crate::output;
use crate::settings::FILE;

pub(crate) fn run(global: &Global) -> anyhow::Result<Exit> {
    let checks = [
        ("platform", Ok(autoresearch::run::platform::describe())),
        ("git", version("git")),
        ("python", version("python3")),
        ("repository", repository(&global.directory)),
        ("configuration", configuration(&global.directory)),
        ("sessions", sessions(&global.directory)),
        ("protection", Ok("unprotected: trials run as you, with your files and your network; changes of targets and read-only files are noticed".to_owned())),
    ];
    let mut is_fit = true;
    for (name, outcome) in checks {
        let (mark, text) = match &outcome {
            Ok(text) => ("ok", text),
            Err(text) => ("--", text),
        };
        // Python is needed by the demo alone.
        is_fit &= outcome.is_ok() || name == "python" || name == "sessions";
        if global.json {
            output::json(&json!({ "check": name, "ok": outcome.is_ok(), "text": text }))?;
        } else {
            output::line(&format!("{mark}  {name:13}  {text}"))?;
        }
    }
    Ok(if is_fit { Exit::Success } else { Exit::Failure })
}

fn version(program: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|e| format!("`{program}` cannot be run: {e}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn repository(folder: &Path) -> Result<String, String> {
    let repo = Repo::discover(folder).map_err(|e| e.to_string())?;
    let head = repo.head().map_err(|e| e.to_string())?;
    let branch = head.branch.unwrap_or_else(|| "a detached HEAD".to_owned());
    let dirty = repo.dirty_paths(1).map_err(|e| e.to_string())?;
    let state = if dirty.is_empty() { "clean" } else { "with uncommitted changes" };
    Ok(format!("{} on {branch} at {}, {state}", repo.root().display(), head.commit.short()))
}

fn configuration(folder: &Path) -> Result<String, String> {
    let repo = Repo::discover(folder).map_err(|e| e.to_string())?;
    let path = repo.root().join(FILE);
    if !path.exists() {
        return Ok(format!("no {FILE} yet; `autoresearch init` writes one"));
    }
    let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
    let mut layers = autoresearch::config::Layers::new();
    layers.add_file(FILE, &text).map_err(|e| e.to_string())?;
    layers.resolve().map_err(|e| e.to_string())?;
    Ok(format!("{FILE} is sound"))
}

fn sessions(folder: &Path) -> Result<String, String> {
    let repo = Repo::discover(folder).map_err(|e| e.to_string())?;
    let tags = autoresearch::sessions(repo.root());
    if tags.is_empty() { Ok("none yet".to_owned()) } else { Ok(tags.join(", ")) }
}
