//! A toy to experiment on, and the agents as they are told of the model.

use std::path::PathBuf;

use autoresearch_testkit::{Ended, Place};
use serde_json::Value;

use crate::model::Model;

/// The tag of every session here.
pub(crate) const TAG: &str = "t";

/// An agent as it is pinned in `install.sh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    Aider,
    Claude,
    Codex,
    Gemini,
    Opencode,
    Pi,
}

impl Agent {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Agent::Aider => "aider",
            Agent::Claude => "claude",
            Agent::Codex => "codex",
            Agent::Gemini => "gemini",
            Agent::Opencode => "opencode",
            Agent::Pi => "pi",
        }
    }

    fn model(self) -> &'static str {
        match self {
            Agent::Aider => "openai/gpt-4o",
            // One that it knows, with the tools of a shell.
            Agent::Codex => "gpt-5.5",
            Agent::Gemini => "gemini-2.5-flash",
            Agent::Claude => "sonnet",
            Agent::Opencode | Agent::Pi => "scripted",
        }
    }

    fn base_url(self, model: &Model) -> String {
        match self {
            Agent::Claude | Agent::Gemini => model.url(),
            _ => format!("{}/v1", model.url()),
        }
    }

    /// Whether it is installed; says so where it is not, and fails where it
    /// must be.
    pub(crate) fn is_here(self) -> bool {
        let is_here = folders().iter().any(|folder| folder.join(self.name()).exists());
        if !is_here {
            let skipped = format!(
                "skipped: {} is not installed; run crates/cli/tests/agents/install.sh",
                self.name()
            );
            assert!(std::env::var_os("AUTORESEARCH_AGENTS_REQUIRED").is_none(), "{skipped}");
            println!("{skipped}");
        }
        is_here
    }
}

/// Where the agents' programs lie.
fn folders() -> [PathBuf; 2] {
    let root = std::env::var_os("AUTORESEARCH_AGENTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/agents")),
        PathBuf::from,
    );
    // A sandbox shows no way that leads up again.
    let root = root.canonicalize().unwrap_or(root);
    [root.join("node_modules/.bin"), root.join("aider/bin")]
}

/// A repository whose loss is 50, with this agent and model. `more` are lines of
/// `[propose]`.
pub(crate) fn lab(agent: Agent, model: &Model, more: &str) -> Place {
    let name = agent.name();
    let (model_name, base_url) = (agent.model(), agent.base_url(model));
    let config = format!(
        r#"target = "train.sh"
budget = "60s"

[metric]
name = "loss"
direction = "minimize"

[run]
command = "sh train.sh"
grace = "2s"

[agent.{name}]
model = "{model_name}"
base_url = "{base_url}"

[propose]
patience = 3
{more}
"#
    );
    let mut path: Vec<PathBuf> = folders().to_vec();
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    Place::new(env!("CARGO_BIN_EXE_autoresearch"))
        .variable("PATH", std::env::join_paths(path).unwrap())
        .variable("ANTHROPIC_API_KEY", "scripted")
        .variable("CODEX_API_KEY", "scripted")
        .variable("GEMINI_API_KEY", "scripted")
        .variable("OPENAI_API_KEY", "scripted")
        .file("train.sh", "x=50\necho \"loss: $x\"\n")
        .file("autoresearch.toml", config)
        .repository()
}

/// Runs a session of `n` experiments.
pub(crate) fn session(place: &Place, agent: Agent, n: u32) -> Ended {
    let (n, name) = (n.to_string(), agent.name());
    place.run(["run", "--yes", "--json", "--agent", name, "--tag", TAG, "-n", &n])
}

/// Settled experiments, the baseline first.
pub(crate) fn log(place: &Place) -> Vec<Value> {
    place.run(["log", "--json"]).expect(0).json_lines()
}

/// Their verdicts.
pub(crate) fn verdicts(place: &Place) -> Vec<String> {
    log(place).iter().filter_map(|point| point["verdict"].as_str().map(str::to_owned)).collect()
}

/// All that was said while it ran.
pub(crate) fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}
