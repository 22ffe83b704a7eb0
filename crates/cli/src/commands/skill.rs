//! `autoresearch skill`: the skill file that teaches a coding agent to use this
//! program (SPEC I5).

use std::path::{Path, PathBuf};

use autoresearch::EngineError;
use autoresearch::repo::Repo;
use clap::ValueEnum;

use crate::args::{Global, SkillAction, SkillArgs};
use crate::exit::{BadInput, Exit};
use crate::{files, output};

/// The skill itself.
pub(crate) const SKILL: &str = include_str!("../../../../skills/autoresearch/SKILL.md");

/// Whose folder it goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Agent {
    /// The folder that several agents share: Codex, OpenCode, Gemini CLI, pi
    Agents,
    Claude,
    Codex,
    Opencode,
    Gemini,
    Pi,
}

impl Agent {
    /// Its folder of skills in a repository, or without one the user's.
    fn folder(self, root: Option<&Path>) -> anyhow::Result<PathBuf> {
        let own = match (self, root) {
            (Agent::Agents | Agent::Codex, _) => ".agents/skills",
            (Agent::Claude, _) => ".claude/skills",
            (Agent::Opencode, Some(_)) => ".opencode/skills",
            (Agent::Opencode, None) => return Ok(files::user_config()?.join("opencode/skills")),
            (Agent::Gemini, _) => ".gemini/skills",
            (Agent::Pi, Some(_)) => ".pi/skills",
            (Agent::Pi, None) => ".pi/agent/skills",
        };
        Ok(root.map_or_else(files::home, |root| Ok(root.to_owned()))?.join(own))
    }
}

pub(crate) fn run(global: &Global, args: &SkillArgs) -> anyhow::Result<Exit> {
    let (agents, user, dry_run, force) = match &args.action {
        SkillAction::Show => {
            output::line(SKILL.trim_end())?;
            return Ok(Exit::Success);
        }
        SkillAction::Install { agent, user, dry_run, force } => (agent, *user, *dry_run, *force),
    };
    let repo = (!user).then(|| Repo::discover(&global.directory).map_err(EngineError::from));
    let repo = repo.transpose()?;
    let root = repo.as_ref().map(Repo::root);
    let agents =
        if agents.is_empty() { &[Agent::Agents, Agent::Claude][..] } else { agents.as_slice() };
    for agent in agents {
        let path = agent.folder(root)?.join("autoresearch/SKILL.md");
        let before = files::read(&path)?;
        let shown = path.display();
        match before.as_deref() {
            Some(SKILL) => output::line(&format!("{shown} is as it should be"))?,
            before if dry_run => {
                let diff = files::diff(&path, before.unwrap_or_default(), SKILL);
                output::line(diff.trim_end())?;
            }
            Some(_) if !force => {
                let message = format!("{shown} is another version; it is left as it is");
                let hint = "see the difference with `--dry-run`, replace it with `--force`";
                return Err(BadInput::new(message, hint).into());
            }
            _ => {
                files::replace(&path, SKILL)?;
                output::line(&format!("wrote {shown}"))?;
            }
        }
    }
    Ok(Exit::Success)
}
