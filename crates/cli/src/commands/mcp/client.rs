//! The agents that MCP is installed for, and where each looks.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use autoresearch::EngineError;
use autoresearch::repo::Repo;
use clap::ValueEnum;

use crate::exit::BadInput;
use crate::files;

/// An agent that speaks MCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    Claude,
    Codex,
    Opencode,
    Gemini,
}

impl Client {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Client::Claude => "Claude Code",
            Client::Codex => "Codex",
            Client::Opencode => "OpenCode",
            Client::Gemini => "Gemini CLI",
        }
    }

    /// The file that it reads: the project's where it has one, unless `user`.
    pub(crate) fn file(self, folder: &Path, user: bool) -> anyhow::Result<PathBuf> {
        let home = files::home;
        let root = || -> anyhow::Result<PathBuf> {
            Ok(Repo::discover(folder).map_err(EngineError::from)?.root().to_owned())
        };
        Ok(match (self, user) {
            (Client::Claude, false) => root()?.join(".mcp.json"),
            // Claude Code itself writes that file all the time.
            (Client::Claude, true) => {
                let message = "the user's file of Claude Code is not ours to write";
                let hint = "run `claude mcp add --scope user autoresearch -- autoresearch mcp`, or to take it out `claude mcp remove --scope user autoresearch`";
                return Err(BadInput::new(message, hint).into());
            }
            // It has one file, the user's.
            (Client::Codex, _) => match std::env::var_os("CODEX_HOME") {
                Some(folder) => PathBuf::from(folder),
                None => home()?.join(".codex"),
            }
            .join("config.toml"),
            (Client::Opencode, false) => either(&root()?),
            (Client::Opencode, true) => either(&files::user_config()?.join("opencode")),
            (Client::Gemini, false) => root()?.join(".gemini/settings.json"),
            (Client::Gemini, true) => home()?.join(".gemini/settings.json"),
        })
    }
}

/// OpenCode's file, with comments if that is what there is.
fn either(folder: &Path) -> PathBuf {
    let with_comments = folder.join("opencode.jsonc");
    if with_comments.exists() { with_comments } else { folder.join("opencode.json") }
}

/// How a client starts this program: by its name where that finds it, since a
/// project's file is shared.
pub(crate) fn program() -> anyhow::Result<String> {
    let own = std::env::current_exe().context("failed to find this program")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("autoresearch"))
        .find(|program| program.is_file())
        .and_then(|program| program.canonicalize().ok());
    if found.is_some() && found == own.canonicalize().ok() {
        return Ok("autoresearch".to_owned());
    }
    own.into_os_string().into_string().map_err(|path| {
        let message = format!("{} is not UTF-8", path.to_string_lossy());
        BadInput::new(message, "put the program on the PATH").into()
    })
}
