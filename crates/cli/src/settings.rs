//! From the command line as typed to the configuration as meant: detection in
//! the repository, then file, environment and flags, each with its origin.

use std::path::{Path, PathBuf};

use autoresearch::EngineError;
use autoresearch::config::detect::{self, Detected, Repository};
use autoresearch::config::{ConfigError, Layers, Origin};
use autoresearch::core::metric::Direction;
use autoresearch::repo::Repo;

use crate::args::ConfigArgs;
use crate::exit::BadInput;
use crate::{files, output};

/// Name of the configuration file.
pub(crate) const FILE: &str = "autoresearch.toml";

/// A repository with what is configured for it.
pub(crate) struct Settings {
    pub(crate) repo: Repo,
    pub(crate) layers: Layers,
    /// Answers that the wizard offers and never takes by itself.
    pub(crate) suggestions: Vec<Detected>,
    /// The configuration file, whether or not it exists.
    pub(crate) path: PathBuf,
}

/// Reads everything that was said, by whom.
///
/// # Errors
/// A wrong value names its file and line, variable or flag.
pub(crate) fn gather(folder: &Path, args: &ConfigArgs) -> anyhow::Result<Settings> {
    let repo = Repo::discover(folder).map_err(EngineError::from)?;
    let mut layers = Layers::new();
    for (key, value) in &args.defaults {
        layers.set(key, value, Origin::Default).map_err(config)?;
    }
    let path = args.config.clone().unwrap_or_else(|| repo.root().join(FILE));
    let shown = path.strip_prefix(repo.root()).unwrap_or(&path).display().to_string();
    match (files::read(&path)?, &args.config) {
        (Some(text), _) => layers.add_file(&shown, &text).map_err(config)?,
        (None, None) => {}
        (None, Some(_)) => {
            let message = format!("there is no file {shown}");
            return Err(
                BadInput::new(message, "leave `--config` out, or name one that is there").into()
            );
        }
    }
    layers.add_environment(std::env::vars()).map_err(config)?;
    for unknown in layers.unknown_environment() {
        let nearest =
            unknown.nearest.as_ref().map_or_else(String::new, |n| format!("; did you mean {n}?"));
        output::note(&format!("the environment variable {} sets nothing{nearest}", unknown.name));
    }
    add_flags(&mut layers, args)?;
    let aside = layers.set_aside();
    if !aside.is_empty() {
        output::note(&format!(
            "{shown} is about another metric than the preset `{}`; not heard from there: {}",
            layers.text("metric.preset").unwrap_or_default(),
            aside.join(", ")
        ));
    }
    let suggestions = detect_defaults(&repo, &mut layers, args)?;
    Ok(Settings { repo, layers, suggestions, path })
}

fn config(error: ConfigError) -> EngineError {
    EngineError::Config(error)
}

fn add_flags(layers: &mut Layers, args: &ConfigArgs) -> anyhow::Result<()> {
    let mut set = |key: &str, value: &str, flag: &str| {
        layers.set(key, value, Origin::Flag(flag.to_owned())).map_err(config)
    };
    for (key, values, flag) in [
        ("target", &args.target, "--target"),
        ("read_only", &args.read_only, "--read-only"),
        ("links", &args.link, "--link"),
        ("stop.when", &args.stop_when, "--stop-when"),
    ] {
        if !values.is_empty() {
            set(key, &list(values), flag)?;
        }
    }
    if !args.proposer.is_empty() {
        // `--agent claude,search` is `--agent claude --agent search`.
        set("propose.proposer", &args.proposer.join(","), "--proposer")?;
    }
    for (key, value, flag) in [
        ("run.command", &args.command, "--command"),
        ("budget", &args.budget, "--budget"),
        ("metric.preset", &args.preset, "--preset"),
        ("metric.name", &args.metric, "--metric"),
        ("metric.pattern", &args.pattern, "--pattern"),
        ("iterations", &args.iterations, "--iterations"),
        ("scope", &args.scope, "--scope"),
        ("tag", &args.tag, "--tag"),
        ("results", &args.results, "--results"),
        ("propose.model", &args.model, "--model"),
        ("propose.command", &args.proposer_command, "--proposer-command"),
        ("propose.max_dollars", &args.max_dollars, "--max-dollars"),
        ("checks.command", &args.check, "--check"),
        ("stop.time", &args.stop_after, "--stop-after"),
    ] {
        if let Some(value) = value {
            set(key, value, flag)?;
        }
    }
    if args.proposer_command.is_some() && args.proposer.is_empty() {
        set("propose.proposer", "command", "--proposer-command")?;
    }
    if args.minimize {
        set("metric.direction", "minimize", "--minimize")?;
    }
    if args.maximize {
        set("metric.direction", "maximize", "--maximize")?;
    }
    for pair in &args.set {
        let Some((key, value)) = pair.split_once('=') else {
            let message = format!("`--set {pair}` has no value");
            return Err(BadInput::new(message, "write it as `--set run.grace=5s`").into());
        };
        set(key.trim(), value.trim(), "--set")?;
    }
    Ok(())
}

/// A list that is unambiguous whatever the names hold: JSON's lists of strings
/// are TOML's.
fn list(values: &[String]) -> String {
    serde_json::to_string(values).unwrap_or_default()
}

/// What the repository suggests becomes the weakest layer; suggestions for
/// metric and direction are only ever offered.
fn detect_defaults(
    repo: &Repo,
    layers: &mut Layers,
    args: &ConfigArgs,
) -> anyhow::Result<Vec<Detected>> {
    let head = repo.head().map_err(EngineError::from)?.commit;
    let files = repo.list_files(&head).map_err(EngineError::from)?;
    let untracked = untracked_names(repo, &files);
    let read = |path: &str| {
        let bytes = repo.read_file(&head, path).ok().flatten()?;
        String::from_utf8(bytes).ok()
    };
    let repository = Repository { files: &files, untracked: &untracked, read: &read };
    let target = args.target.first().map(String::as_str);
    if let Some((words, _)) = detect::python(&repository) {
        layers.use_python(words);
    }
    let mut suggestions = Vec::new();
    for found in detect::defaults(&repository, target) {
        if found.suggestion {
            suggestions.push(found);
        } else {
            let origin = Origin::Detected(found.why.clone());
            layers.set(found.key, &found.value, origin).map_err(config)?;
        }
    }
    if let Ok(config) = layers.clone().resolve() {
        let scripts = [config.target.clone(), config.read_only.clone()].concat();
        if let Some(found) = detect::allowance(&repository, &scripts, &config.budget) {
            let origin = Origin::Detected(found.why.clone());
            layers.set(found.key, &found.value, origin).map_err(self::config)?;
        }
    }
    Ok(suggestions)
}

/// Names at the root of the checkout that git does not have.
fn untracked_names(repo: &Repo, files: &[String]) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(repo.root()) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name != ".git" && name != autoresearch::FOLDER)
        .filter(|name| {
            let inside = format!("{name}/");
            !files.iter().any(|file| file == name || file.starts_with(&inside))
        })
        .collect()
}

/// Direction that the name of a metric suggests, for the wizard to offer.
pub(crate) fn likely_direction(metric: &str) -> Option<Direction> {
    detect::likely_direction(metric)
}
