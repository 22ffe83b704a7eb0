//! Coding agents on this machine: whether one is there, how old it is, whether
//! somebody is logged in. What it is called with lies in `propose::agent`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use autoresearch_config::Config;
use autoresearch_core::agent::Table;
use autoresearch_propose::agent::{Agent, Surroundings, base_url, key, known};
use autoresearch_run::platform;

use crate::confine::Inherited;
use crate::error::EngineError;
use crate::places::Places;
use crate::python::Lookup;

/// A first start unpacks itself.
const VERSION: Duration = Duration::from_secs(20);

/// An agent that is installed here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installed {
    /// Its name, as for `--agent`.
    pub name: String,
    /// Where its program lies.
    pub program: PathBuf,
    /// What it says that its version is.
    pub version: Option<String>,
    /// The version that it was tested with, where that is newer.
    pub tested: Option<String>,
    /// How somebody is logged in: a variable or a file; or what to do.
    pub login: Result<String, String>,
}

/// Why an agent cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// This machine, as agents see it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    inherited: Inherited,
    variables: BTreeMap<String, String>,
}

impl Machine {
    pub(crate) fn by_this_process() -> Machine {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Machine {
            inherited: Inherited::by_this_process(),
            variables: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// The agent of this table, if its program is here; asks for its version.
    pub(crate) fn look(&self, name: &str, table: &Table, root: &Path) -> Result<Installed, Unfit> {
        let program = table.program().ok_or_else(|| Unfit {
            what: "it has no command".to_owned(),
            remedy: format!("set `command` in [agent.{name}]"),
        })?;
        let lookup = Lookup::new(&[], root, &self.inherited.path, self.inherited.home.as_deref());
        let found = lookup.program(program).ok_or_else(|| Unfit {
            what: format!("its program `{program}` is not on the PATH"),
            remedy: table.install.as_ref().map_or_else(
                || format!("install it, or name its program in [agent.{name}]"),
                |install| format!("install it: {install}"),
            ),
        })?;
        let version = table.tested.as_ref().and_then(|_| version_of(&found));
        let is_older = |version: &String| table.tested.as_ref().is_some_and(|t| older(version, t));
        Ok(Installed {
            name: name.to_owned(),
            program: found,
            tested: table.tested.clone().filter(|_| version.as_ref().is_some_and(is_older)),
            version,
            login: self.login(table),
        })
    }

    fn login(&self, table: &Table) -> Result<String, String> {
        if let Some(key) = key(table, &self.variables) {
            return Ok(key);
        }
        let files = table.credentials.as_deref().unwrap_or_default();
        let file = files.iter().find(|file| {
            self.inherited.home.as_ref().is_some_and(|home| home.join(file).is_file())
        });
        if let Some(file) = file {
            return Ok(format!("~/{file}"));
        }
        if let Some(url) = base_url(table, &self.variables) {
            return Ok(format!("none, at {url}"));
        }
        if files.is_empty() && table.keys.as_ref().is_none_or(Vec::is_empty) {
            return Ok("none needed".to_owned());
        }
        Err(table.login.clone().unwrap_or_else(|| "log in, or set its key".to_owned()))
    }

    /// What surrounds an agent of a session.
    pub(crate) fn surroundings(
        &self,
        name: &str,
        table: &Table,
        config: &Config,
        places: &Places,
        confined: bool,
    ) -> Surroundings {
        let root = places.folder();
        let lookup = Lookup::new(&[], &root, &self.inherited.path, self.inherited.home.as_deref());
        let program = table.program().and_then(|program| lookup.program(program));
        Surroundings {
            home: places.home_of(name),
            scratch: places.scratch(),
            user_home: self.inherited.home.clone(),
            variables: self.variables.clone(),
            readable: program.and_then(|program| packages(&program)).into_iter().collect(),
            model: config.propose.model.clone(),
            confined,
            max_dollars: config.propose.max_dollars_each,
        }
    }
}

/// Whether an agent is known and can be asked; what is worth knowing of it.
/// `others` are the names of proposers that are no agents.
pub(crate) fn check(
    name: &str,
    config: &Config,
    root: &Path,
    others: &[&str],
) -> Result<Option<String>, EngineError> {
    let agents = known(&config.agent);
    let Some(table) = agents.get(name) else {
        let known = others.iter().copied().map(str::to_owned).chain(agents.into_keys());
        return Err(EngineError::UnknownProposer { name: name.to_owned(), known: known.collect() });
    };
    let unfit =
        |Unfit { what, remedy }| EngineError::UnfitAgent { name: name.to_owned(), what, remedy };
    let found = Machine::by_this_process().look(name, table, root).map_err(unfit)?;
    if let Err(remedy) = found.login {
        return Err(unfit(Unfit { what: "nobody is logged in".to_owned(), remedy }));
    }
    Ok(found.version.zip(found.tested).map(|(version, tested)| {
        format!("{name} {version} is older than {tested}, the oldest that was tested")
    }))
}

/// An agent of a session; `confined` is whether the desk's programs run behind
/// walls.
pub(crate) fn of(name: &str, config: &Config, places: &Places, confined: bool) -> Option<Agent> {
    let table = known(&config.agent).remove(name)?;
    let around = Machine::by_this_process().surroundings(name, &table, config, places, confined);
    Some(Agent::new(name, table, around))
}

/// The agents that are installed here, by name: presets and `configured` ones.
pub fn installed(root: &Path, configured: &BTreeMap<String, Table>) -> Vec<Installed> {
    let machine = Machine::by_this_process();
    let known = known(configured);
    known.iter().filter_map(|(name, table)| machine.look(name, table, root).ok()).collect()
}

/// What a program says that its version is. Some begin to furnish their home
/// even then: it is not the user's, and nobody else's either.
fn version_of(program: &Path) -> Option<String> {
    let mut home = tempfile::Builder::new();
    home.prefix("autoresearch-");
    #[cfg(unix)]
    home.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let home = home.tempdir().ok()?;
    let mut command = Command::new(program);
    command.arg("--version").env("HOME", home.path());
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    let answer = platform::ask(&mut command, VERSION).ok();
    numbers(&answer?)
}

/// The packages that a program of node's needs: all beside its own.
fn packages(program: &Path) -> Option<PathBuf> {
    let real = program.canonicalize().ok()?;
    let folders = real.ancestors().filter(|folder| folder.ends_with("node_modules"));
    folders.last().map(Path::to_owned)
}

/// The first thing in a text that looks like a version, as `2.1.329`.
fn numbers(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "(),".contains(c))
        .map(|word| word.trim_start_matches(['v', 'V']))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(|word| word.chars().take(40).collect())
}

/// Whether a version is older than another, as far as their numbers go.
fn older(version: &str, than: &str) -> bool {
    let parts = |text: &str| -> Vec<u64> {
        text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
    };
    parts(version) < parts(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_agents_print() {
        for (text, version) in [
            ("2.1.329 (Claude Code)\n", Some("2.1.329")),
            ("codex-cli 0.169.0", Some("0.169.0")),
            ("aider 0.86.2", Some("0.86.2")),
            ("v1.18.33\n", Some("1.18.33")),
            ("agent 3", None),
            ("", None),
        ] {
            assert_eq!(numbers(text).as_deref(), version, "{text}");
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(older("0.9.12", "0.10.0") && older("2.1", "2.1.1"));
        assert!(!older("2.1.329", "2.1.329") && !older("10.0", "9.9"));
        assert!(!older("2.1.329-beta", "2.1.329"));
    }

    fn machine(home: &Path, variables: &[(&str, &str)]) -> Machine {
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Machine {
            inherited: Inherited { path: home.join("bin").into(), home: Some(home.to_owned()) },
            variables: variables.collect(),
        }
    }

    #[cfg(unix)]
    fn program(path: &Path, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Where anybody may write, another user could have left settings for it.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_home_in_which_an_agent_tells_its_version_is_empty_and_ours_alone() {
        let temp = tempfile::tempdir().unwrap();
        let agent = temp.path().join("agent");
        let predictable = format!("autoresearch-{}-agent", std::process::id());
        let predictable = std::env::temp_dir().join(predictable);
        std::fs::create_dir(&predictable).unwrap();
        std::fs::write(predictable.join("settings"), "").unwrap();
        program(&agent, r#"echo "1.$(ls "$HOME" | wc -l).$(stat -c %a "$HOME")""#);
        let version = version_of(&agent);
        std::fs::remove_dir_all(predictable).unwrap();
        assert_eq!(version.as_deref(), Some("1.0.700"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_missing_is_said_with_its_remedy() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path();
        let table = known(&BTreeMap::new()).remove("claude").unwrap();
        let unfit = machine(home, &[]).look("claude", &table, home).unwrap_err();
        assert!(unfit.remedy.contains("npm install"), "{unfit:?}");

        std::fs::create_dir(home.join("bin")).unwrap();
        program(&home.join("bin/claude"), "echo '1.0.5 (Claude Code)'");
        let found = machine(home, &[]).look("claude", &table, home).unwrap();
        assert_eq!(found.version.as_deref(), Some("1.0.5"));
        assert_eq!(found.tested, table.tested, "it is older");
        assert!(found.login.unwrap_err().contains("ANTHROPIC_API_KEY"));

        let login = |variables: &[(&str, &str)]| machine(home, variables).login(&table);
        assert_eq!(login(&[("ANTHROPIC_API_KEY", "k")]).unwrap(), "ANTHROPIC_API_KEY");
        assert!(login(&[("ANTHROPIC_API_KEY", "")]).is_err());
        std::fs::create_dir(home.join(".claude")).unwrap();
        std::fs::write(home.join(".claude/.credentials.json"), "{}").unwrap();
        assert_eq!(login(&[]).unwrap(), "~/.claude/.credentials.json");
    }
}
