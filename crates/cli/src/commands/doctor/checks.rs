//! What is looked up: machine, Python, tools, repository, configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use autoresearch::config::{Config, Confine, Layers};
use autoresearch::core::platform::{Python, Surroundings};
use autoresearch::core::units::Bytes;
use autoresearch::repo::Repo;
use autoresearch::run::platform;
use autoresearch::{Installed, SystemExperiment};

use super::Check;
use crate::args::DoctorArgs;
use crate::settings::FILE;

/// Tools answer at once, torch within seconds.
const TOOL: Duration = Duration::from_secs(5);
const PYTHON: Duration = Duration::from_secs(20);

/// Less free space than this will not last for a night of logs.
const SPACE: Bytes = Bytes(1 << 30);

/// What later checks need to know.
pub(super) struct Found {
    /// How the configuration wants runs to be confined.
    pub(super) confine: Confine,
}

pub(super) fn all(
    folder: &Path,
    args: &DoctorArgs,
    tell: &mut dyn FnMut(&Check) -> anyhow::Result<()>,
) -> anyhow::Result<Found> {
    let repo = Repo::discover(folder).map_err(|error| error.to_string());
    let root = repo.as_ref().map_or_else(|_| folder.to_owned(), |repo| repo.root().to_owned());
    let config = repo.as_ref().ok().and_then(|repo| configuration(repo.root()).transpose());

    let machine = platform::machine().clone();
    tell(&Check::ok("platform", machine.to_string()))?;
    if let Some(cpu) = &machine.cpu {
        tell(&Check::ok("cpu", cpu.clone()))?;
    }
    let known = config.as_ref().and_then(|config| config.as_ref().ok()).cloned();
    let python = ask_python(&root, args, known.as_ref());
    tell(&Check::optional("python", python.as_ref().map(describe).map_err(Clone::clone)))?;
    let surroundings = Surroundings { machine, python: python.ok() };
    for warning in surroundings.warnings() {
        tell(&Check::optional("platform", Err(warning)))?;
    }
    tell(&Check::needed("git", version("git", &["--version"])))?;
    for (name, arguments) in [
        ("podman", &["--version"][..]),
        ("docker", &["version", "--format", "Docker {{.Server.Version}}"]),
        ("nvidia-smi", &["--query-gpu=driver_version", "--format=csv,noheader"]),
    ] {
        tell(&Check::optional(name, version(name, arguments)))?;
    }
    let configured = known.as_ref().map(|config| config.agent.clone()).unwrap_or_default();
    for agent in autoresearch::installed(&root, &configured) {
        tell(&Check::optional("agent", fitness(&agent)))?;
    }
    tell(&Check::optional("disk", space(&root)))?;
    tell(&Check::ok("cgroups", platform::controllers()))?;
    tell(&Check::needed("repository", repo.as_ref().map_err(Clone::clone).and_then(state_of)))?;
    if let Ok(repo) = &repo {
        tell(&Check::optional("identity", identity(repo.root())))?;
        tell(&match &config {
            None => {
                Check::ok("configuration", format!("no {FILE} yet; `autoresearch init` writes one"))
            }
            Some(config) => {
                let sound = config.as_ref().map(|_| format!("{FILE} is sound"));
                Check::needed("configuration", sound.map_err(Clone::clone))
            }
        })?;
        let tags = autoresearch::sessions(repo.root());
        let tags = if tags.is_empty() { "none yet".to_owned() } else { tags.join(", ") };
        tell(&Check::ok("sessions", tags))?;
    }
    if let Some(config) = &known {
        adjustments(&root, config, surroundings, tell)?;
    }
    Ok(Found { confine: known.map_or(Confine::Best, |config| config.run.protection) })
}

/// The configuration file, if there is one: what it says, or what is wrong.
fn configuration(root: &Path) -> Result<Option<Config>, String> {
    let path = root.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{FILE}: {e}"))?;
    let mut layers = Layers::new();
    layers.add_file(FILE, &text).map_err(|e| e.to_string())?;
    layers.resolve().map(Some).map_err(|e| e.to_string())
}

fn ask_python(root: &Path, args: &DoctorArgs, config: Option<&Config>) -> Result<Python, String> {
    let (command, environment): (Vec<String>, BTreeMap<_, _>) = match (&args.command, config) {
        (Some(command), _) => {
            let words = shlex::split(command).ok_or_else(|| {
                format!("`{command}` cannot be split into words; close its quotes")
            })?;
            (words, BTreeMap::new())
        }
        (None, Some(config)) => (config.run.command.clone(), config.run.env.clone()),
        (None, None) => (vec!["python3".to_owned()], BTreeMap::new()),
    };
    platform::python(&command, root, &environment, PYTHON).map_err(|error| error.to_string())
}

fn describe(python: &Python) -> String {
    let mut parts = vec![format!("{python} at {}", python.executable)];
    if let Some(torch) = &python.torch {
        parts.extend(torch.accelerators.iter().map(|gpu| {
            let memory = gpu.memory.map_or_else(String::new, |memory| format!(" ({memory})"));
            format!("{}{memory}", gpu.name)
        }));
        parts.push(format!("torch.compile: {}", if torch.can_compile { "yes" } else { "no" }));
        parts.push(format!("flash_attn: {}", if python.flash_attention { "yes" } else { "no" }));
    }
    parts.extend(python.packages.iter().map(|(name, version)| format!("{name} {version}")));
    parts.join(", ")
}

/// What a session here would adjust, and what it would say.
fn adjustments(
    root: &Path,
    config: &Config,
    surroundings: Surroundings,
    tell: &mut dyn FnMut(&Check) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let experiment = SystemExperiment::from_config(root, config.clone()).surroundings(surroundings);
    // What would keep a session from beginning.
    match experiment.dry_run_session() {
        Ok(would) => {
            for (label, value) in would.platform.iter().skip(1) {
                tell(&Check::ok("adjusted", format!("{label}: {value}")))?;
            }
            for note in would.notes {
                tell(&Check::optional("note", Err(note)))?;
            }
            Ok(())
        }
        Err(error) => tell(&Check::needed("session", Err(error.to_string()))),
    }
}

/// What an installed agent is, or what it lacks.
fn fitness(agent: &Installed) -> Result<String, String> {
    let version = agent.version.as_deref().unwrap_or("of unknown version");
    let text = format!("{} {version} at {}", agent.name, agent.program.display());
    let login = agent.login.as_ref();
    let login = login.map_err(|remedy| format!("{text}; nobody is logged in: {remedy}"))?;
    match &agent.tested {
        Some(tested) => Err(format!("{text}; older than {tested}, the oldest that was tested")),
        None => Ok(format!("{text}, login: {login}")),
    }
}

fn version(program: &str, arguments: &[&str]) -> Result<String, String> {
    let answer = platform::ask(Command::new(program).args(arguments), TOOL);
    let answer = answer.map_err(|error| error.to_string())?;
    Ok(answer.lines().next().unwrap_or_default().trim().to_owned())
}

fn space(root: &Path) -> Result<String, String> {
    let free = platform::free_space(root).map(Bytes);
    let free = free.ok_or_else(|| "free space is not known".to_owned())?;
    let text = format!("{free} free in {}", root.display());
    if free < SPACE { Err(format!("{text}; logs of a night may need more")) } else { Ok(text) }
}

fn state_of(repo: &Repo) -> Result<String, String> {
    let head = repo.head().map_err(|e| e.to_string())?;
    let branch = head.branch.unwrap_or_else(|| "a detached HEAD".to_owned());
    let dirty = repo.dirty_paths(1).map_err(|e| e.to_string())?;
    let state = if dirty.is_empty() { "clean" } else { "with uncommitted changes" };
    Ok(format!("{} on {branch} at {}, {state}", repo.root().display(), head.commit.short()))
}

/// Who commits.
fn identity(root: &Path) -> Result<String, String> {
    let config = |key: &str| {
        let mut git = Command::new("git");
        git.arg("-C").arg(PathBuf::from(root)).args(["config", key]);
        platform::ask(&mut git, TOOL).ok().map(|text| text.trim().to_owned())
    };
    match (config("user.name"), config("user.email")) {
        (Some(name), Some(email)) => Ok(format!("{name} <{email}>")),
        _ => Err("git has no user.name and user.email; commits are signed autoresearch".to_owned()),
    }
}
