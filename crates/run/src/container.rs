//! Runs in containers: what a wrapper's words mean, the command line that
//! comes of them, and the words by which a container is found and ended.
//!
//! The client of a container tool is not the container: who ends the client of
//! docker leaves the container running, and variables that the client has do
//! not reach inside. So trials are named and labelled, told by flags, and ended
//! by the tool. Pure; `contained` carries it out.

use std::path::Path;

use crate::Job;
use crate::job::Container;

#[cfg(test)]
mod tests;

/// On every container: the session that it belongs to.
const SESSION: &str = "autoresearch.session";
/// On every container: its name.
const TRIAL: &str = "autoresearch.trial";

/// Flags before the subcommand that take no value; any other takes the next
/// word (docker, podman, nerdctl and the compose programs).
const GLOBAL_SWITCHES: [&str; 22] = [
    "-D",
    "--debug",
    "--debug-full",
    "--tls",
    "--tlsverify",
    "-r",
    "--remote",
    "--noout",
    "--syslog",
    "--trace",
    "--transient-store",
    "--experimental",
    "--insecure-registry",
    "--verbose",
    "--no-ansi",
    "--compatibility",
    "--dry-run",
    "--all-resources",
    "--no-pod",
    "--no-cleanup",
    "--skip-hostname-check",
    "--quiet",
];

/// Long flags of `run` that take no value, of the same programs.
const RUN_SWITCHES: [&str; 37] = [
    "--build",
    "--detach",
    "--disable-content-trust",
    "--env-host",
    "--help",
    "--http-proxy",
    "--init",
    "--interactive",
    "--no-deps",
    "--no-healthcheck",
    "--no-hostname",
    "--no-hosts",
    "--no-tty",
    "--no-TTY",
    "--oom-kill-disable",
    "--passwd",
    "--privileged",
    "--publish-all",
    "--quiet",
    "--quiet-build",
    "--quiet-pull",
    "--read-only",
    "--read-only-tmpfs",
    "--remove-orphans",
    "--replace",
    "--rm",
    "--rmi",
    "--rootfs",
    "--service-ports",
    "--sig-proxy",
    "--tls-verify",
    "--tty",
    "--unsetenv-all",
    "--use-aliases",
    "--use-api-socket",
    "--insecure-registry",
    "--oom-score-adj-disable",
];

/// The same, as letters: `-it` is two of them, and in `-itv` the last takes a
/// value.
const RUN_LETTERS: &str = "ditqPT";

/// What the words before a run command are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// They start a container by a tool that holds it outside of our reach.
    Tool(Tool),
    /// They start a container whose processes are the command's own children
    /// (`apptainer exec`, `singularity exec`): it ends as any command does.
    Own,
    /// Not a container, as far as we know (`nice`, `uv run`).
    Plain,
}

/// The way to start a container: `docker run` or `docker compose run`, of
/// docker, podman or nerdctl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program with its global flags, as `docker --context x`.
    words: Vec<String>,
    /// Index of the word after `run`.
    flags_at: usize,
    is_compose: bool,
    /// Names of the flags of `run`.
    given: Vec<String>,
}

/// What makes the words of a wrapper unfit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWrapper {
    /// The tool is not told to start a container.
    #[error("`{0}` starts no container that ends with the run; use `run`, as `{0} run --rm image`")]
    NoRun(String),
    /// The client would not wait.
    #[error("with `{0}` nobody waits for the run; leave it out")]
    Detached(String),
    /// Every trial would have the same name.
    #[error(
        "with `--name` the containers of all trials would have one name; leave it out, each gets a name of its own"
    )]
    Named,
}

/// What a trial's container is told and held to.
#[derive(Clone, Copy, Debug)]
pub struct Enclosure<'a> {
    /// Unique id of the session.
    pub session: &'a str,
    /// Number of the experiment.
    pub experiment: u64,
    /// Number of the trial.
    pub trial: u64,
    /// Replaces `{out}` in the wrapper: where the trial may leave files.
    pub out: &'a Path,
    /// Bytes of memory, if the user limits it.
    pub memory: Option<u64>,
    /// Processes and threads, if the user limits them.
    pub processes: Option<u64>,
}

impl Wrapper {
    /// Understands the words of a wrapper.
    ///
    /// # Errors
    /// When they cannot wrap one trial after another: see [`BadWrapper`].
    pub fn of(words: &[String]) -> Result<Wrapper, BadWrapper> {
        let first = after_sudo(words);
        let Some(program) = words.get(first).map(|word| basename(word)) else {
            return Ok(Wrapper::Plain);
        };
        let (mut is_compose, manager) = match program {
            "docker" | "podman" | "nerdctl" => (false, None),
            "docker-compose" => (true, Some("docker")),
            "podman-compose" => (true, Some("podman")),
            "apptainer" | "singularity" => return Ok(Wrapper::Own),
            _ => return Ok(Wrapper::Plain),
        };
        let mut at = flags(words, first + 1, &GLOBAL_SWITCHES, "").1;
        // The flags of a compose program are not those of the manager.
        let end = if manager.is_some() { first } else { at };
        let mut tool = words[..end].to_vec();
        tool.extend(manager.map(str::to_owned));
        match words.get(at).map(String::as_str) {
            Some("compose") if !is_compose => {
                is_compose = true;
                at = flags(words, at + 1, &GLOBAL_SWITCHES, "").1;
            }
            Some("container") if !is_compose => at += 1,
            _ => {}
        }
        if words.get(at).is_none_or(|word| word != "run") {
            let shown = &words[..=at.min(words.len() - 1)];
            return Err(BadWrapper::NoRun(shown.join(" ")));
        }
        let flags_at = at + 1;
        let given = flags(words, flags_at, &RUN_SWITCHES, RUN_LETTERS).0;
        for flag in &given {
            match flag.as_str() {
                "-d" | "--detach" => return Err(BadWrapper::Detached(flag.clone())),
                "--name" => return Err(BadWrapper::Named),
                _ => {}
            }
        }
        Ok(Wrapper::Tool(Tool { words: tool, flags_at, is_compose, given }))
    }

    /// Whether it is a container.
    pub fn is_container(&self) -> bool {
        *self != Wrapper::Plain
    }

    /// Puts `words`, which it was made of, before a job's command. Every
    /// variable of the job reaches inside.
    pub fn enclose(&self, words: &[String], job: &mut Job, enclosure: &Enclosure<'_>) {
        let worktree = job.directory.display().to_string();
        let out = enclosure.out.display().to_string();
        let mut command: Vec<String> = words
            .iter()
            .map(|word| word.replace("{worktree}", &worktree).replace("{out}", &out))
            .collect();
        if let Wrapper::Tool(tool) = self {
            let container = tool.container(enclosure);
            let flags = tool.flags(job, &container.name, enclosure);
            command.splice(tool.flags_at..tool.flags_at, flags);
            job.container = Some(container);
        }
        command.append(&mut job.command);
        job.command = command;
    }

    /// The words that find what a session has left, and those that end it;
    /// none where a sweep of processes finds everything.
    pub(crate) fn leftovers(&self, session: &str) -> Option<Container> {
        let Wrapper::Tool(tool) = self else { return None };
        Some(tool.found_by(&format!("of session {session}"), SESSION, session))
    }
}

impl Tool {
    fn container(&self, enclosure: &Enclosure<'_>) -> Container {
        let Enclosure { session, experiment, trial, .. } = enclosure;
        let short: String = session.chars().take(8).collect();
        let name = format!("autoresearch-{short}-{experiment}-{trial}");
        self.found_by(&name, TRIAL, &name)
    }

    fn found_by(&self, name: &str, label: &str, value: &str) -> Container {
        let filter = format!("label={label}={value}");
        Container {
            name: name.to_owned(),
            ask: self.command(&["kill", "--signal", "TERM", name]),
            find: self.command(&["ps", "--all", "--quiet", "--filter", &filter]),
            // Removing by force asks first and waits, in podman.
            end: vec![self.command(&["kill"]), self.command(&["rm", "--force", "--volumes"])],
            out_of_memory: self.command(&["inspect", "--format", "{{.State.OOMKilled}}"]),
        }
    }

    fn command(&self, arguments: &[&str]) -> Vec<String> {
        self.words
            .iter()
            .map(String::as_str)
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    /// What goes before the user's own flags, which win.
    fn flags(&self, job: &Job, name: &str, enclosure: &Enclosure<'_>) -> Vec<String> {
        let has = |flags: &[&str]| self.given.iter().any(|given| flags.contains(&given.as_str()));
        let mut all = vec!["--name".to_owned(), name.to_owned()];
        let mut add = |flag: &str, value: String| all.extend([flag.to_owned(), value]);
        add("--label", format!("{SESSION}={}", enclosure.session));
        add("--label", format!("{TRIAL}={name}"));
        for (variable, value) in &job.environment {
            // From the client's own variables, where everybody who may list
            // processes does not read them; `sudo` drops those.
            let has_them = after_sudo(&self.words) == 0;
            add("-e", if has_them { variable.clone() } else { format!("{variable}={value}") });
        }
        if self.is_compose {
            // Compose has its limits in its file, and takes a terminal.
            if !has(&["-T", "--no-tty", "--no-TTY"]) {
                all.push("-T".to_owned());
            }
            return all;
        }
        if let Some(memory) = enclosure.memory.filter(|_| !has(&["-m", "--memory"])) {
            add("--memory", memory.to_string());
        }
        if !job.cpus.is_empty() && !has(&["--cpuset-cpus"]) {
            let cpus: Vec<String> = job.cpus.iter().map(ToString::to_string).collect();
            add("--cpuset-cpus", cpus.join(","));
        }
        if let Some(processes) = enclosure.processes.filter(|_| !has(&["--pids-limit"])) {
            add("--pids-limit", processes.to_string());
        }
        all
    }
}

/// Index of the program that `sudo` starts.
fn after_sudo(words: &[String]) -> usize {
    let is_sudo = words.first().is_some_and(|word| matches!(basename(word), "sudo" | "doas"));
    if is_sudo { flags(words, 1, &["--non-interactive", "--preserve-env"], "nEH").1 } else { 0 }
}

fn basename(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The names of the flags from `at` on, and the index of the first word that is
/// none. A flag that is no switch takes the next word, unless it has its value
/// with it.
fn flags(
    words: &[String],
    mut at: usize,
    switches: &[&str],
    letters: &str,
) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    while let Some(word) = words.get(at).filter(|word| word.len() > 1 && word.starts_with('-')) {
        at += 1;
        if word == "--" {
            break;
        }
        let takes_next =
            if let Some((name, _)) = word.split_once('=').filter(|_| word.starts_with("--")) {
                names.push(name.to_owned());
                false
            } else if word.starts_with("--") {
                names.push(word.clone());
                !switches.contains(&word.as_str())
            } else {
                let is_switch = |letter: char| {
                    letters.contains(letter) || switches.contains(&format!("-{letter}").as_str())
                };
                let all: Vec<char> = word.chars().skip(1).collect();
                let valued = all.iter().position(|letter| !is_switch(*letter));
                let end = valued.map_or(all.len(), |at| at + 1);
                names.extend(all[..end].iter().map(|letter| format!("-{letter}")));
                valued == Some(all.len() - 1)
            };
        at += usize::from(takes_next);
    }
    (names, at.min(words.len()))
}
