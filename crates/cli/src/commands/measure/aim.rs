//! What is measured: an address or a command.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use autoresearch::core::metric::number_of;
use regex::Regex;
use ureq::Agent;
use ureq::http::{Method, Request, Uri};

use super::args::AimArgs;
use super::{is_variable, place_program, with_env, with_port, words};
use crate::args::Global;
use crate::exit::BadInput;

/// Bytes of a command's output that are looked at, from its end.
const TAIL: u64 = 64 * 1024;

/// An address or a command, by its name.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Http {
        request: Request<Vec<u8>>,
        timeout: Duration,
        keeps_alive: bool,
    },
    Command {
        words: Vec<String>,
        folder: PathBuf,
        /// Finds how many items one run does.
        items: Option<Regex>,
    },
}

/// One that did not fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    /// Until the last byte of the answer, or the end of the command.
    pub(super) took: Duration,
    /// Items that the command says it did; 1 unless it is asked.
    pub(super) items: f64,
}

impl Aim {
    /// All that `args` name.
    ///
    /// # Errors
    /// Whatever is wrong with them.
    pub(super) fn all(
        global: &Global,
        args: &AimArgs,
        port: Option<u16>,
        items: Option<&Regex>,
    ) -> anyhow::Result<Vec<Aim>> {
        let mut aims = Vec::new();
        for text in &args.url {
            let (name, url) = named(text);
            let request = request(global, args, &with_port(url, port))?;
            let name = name.unwrap_or_else(|| path_name(request.uri()));
            let (timeout, keeps_alive) = (args.timeout, !args.no_keep_alive);
            aims.push(Aim { name, kind: Kind::Http { request, timeout, keeps_alive } });
        }
        let folder = &global.directory;
        let mut command = |name: Option<String>, words: Vec<String>| {
            let program = words[0].rsplit('/').next().unwrap_or_default();
            let name = name.unwrap_or_else(|| plain(program));
            let (folder, items) = (folder.clone(), items.cloned());
            aims.push(Aim { name, kind: Kind::Command { words, folder, items } });
        };
        for text in &args.command {
            let (name, text) = named(text);
            command(name, words(global, &with_port(text, port))?);
        }
        if !args.words.is_empty() {
            let mut words: Vec<String> =
                args.words.iter().map(|word| with_port(word, port)).collect();
            place_program(global, &mut words)?;
            command(None, words);
        }
        if aims.is_empty() {
            let hint = "say `--url http://127.0.0.1:8000/`, or `-- COMMAND ARGUMENTS`";
            return Err(BadInput::new("there is nothing to measure", hint).into());
        }
        distinct(&mut aims);
        Ok(aims)
    }

    /// The address, where it is one.
    pub(super) fn uri(&self) -> Option<&Uri> {
        match &self.kind {
            Kind::Http { request, .. } => Some(request.uri()),
            Kind::Command { .. } => None,
        }
    }

    /// Someone who asks or runs it, again and again.
    pub(super) fn client(&self) -> Client<'_> {
        let agent = match &self.kind {
            Kind::Http { timeout, keeps_alive, .. } => Some(agent(*timeout, *keeps_alive)),
            Kind::Command { .. } => None,
        };
        Client { name: &self.name, kind: &self.kind, agent }
    }
}

/// An agent that goes to the address itself, whatever the environment says of
/// proxies, and takes any status for an answer.
pub(super) fn agent(timeout: Duration, keeps_alive: bool) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(timeout));
    if !keeps_alive {
        config = config.max_idle_connections(0);
    }
    config.build().into()
}

/// Someone who asks an address or runs a command.
pub(super) struct Client<'a> {
    name: &'a str,
    kind: &'a Kind,
    agent: Option<Agent>,
}

impl Client<'_> {
    /// Once.
    pub(super) fn shoot(&mut self) -> Result<Done, String> {
        match (self.kind, &self.agent) {
            (Kind::Command { words, folder, items }, _) => {
                run(self.name, words, folder, items.as_ref())
            }
            (Kind::Http { request, .. }, Some(agent)) => {
                let place = || format!("{} {}", request.method(), request.uri());
                ask(agent, request).map_err(|why| format!("{}: {why}", place()))
            }
            (Kind::Http { .. }, None) => Err("there is no client".to_owned()),
        }
    }
}

fn ask(agent: &Agent, request: &Request<Vec<u8>>) -> Result<Done, String> {
    let request = request.clone();
    let started = Instant::now();
    let answer =
        if request.body().is_empty() { agent.run(request.map(|_| ())) } else { agent.run(request) };
    let mut response = answer.map_err(|error| error.to_string())?;
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    std::io::copy(&mut body, &mut std::io::sink()).map_err(|error| error.to_string())?;
    let took = started.elapsed();
    let status = response.status();
    if status.as_u16() >= 400 {
        return Err(format!("it answered {status}"));
    }
    Ok(Done { took, items: 1.0 })
}

fn run(
    name: &str,
    words: &[String],
    folder: &PathBuf,
    items: Option<&Regex>,
) -> Result<Done, String> {
    let file = || tempfile::tempfile().map_err(|error| format!("no temporary file: {error}"));
    // In files, so that nobody has to read while it is measured.
    let mut said = file()?;
    let copy = |file: &File| file.try_clone().map_err(|error| error.to_string());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(folder).stdin(Stdio::null()).stderr(copy(&said)?);
    match items {
        Some(_) => command.stdout(copy(&said)?),
        None => command.stdout(Stdio::null()),
    };
    let started = Instant::now();
    let status = command.status().map_err(|error| {
        // `PYTHONPATH=. python3` names the command `.`, too.
        let hint = is_variable(name).then(|| format!("; {}", with_env(name)));
        format!("`{}`: {error}{}", words[0], hint.unwrap_or_default())
    })?;
    let took = started.elapsed();
    if !status.success() {
        let last = tail(&mut said);
        let last = last.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let last = last.map(|line| format!(": {line}")).unwrap_or_default();
        return Err(format!("`{}` ended with {status}{last}", words.join(" ")));
    }
    let items = match items {
        None => 1.0,
        Some(pattern) => items_in(&tail(&mut said), pattern)
            .map_err(|what| format!("`{}` printed {what}", words.join(" ")))?,
    };
    Ok(Done { took, items })
}

/// The number in the last line that matches.
fn items_in(text: &str, pattern: &Regex) -> Result<f64, String> {
    let found = text.lines().rev().find_map(|line| pattern.captures(line)?.get(1));
    let found = found.ok_or_else(|| format!("nothing that `{pattern}` finds"))?.as_str();
    number_of(found)
        .filter(|items| items.is_finite() && *items >= 0.0)
        .ok_or_else(|| format!("`{found}` where `{pattern}` looks, which is no number of items"))
}

fn tail(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = file.seek(SeekFrom::End(0)).unwrap_or_default();
    let start = file.seek(SeekFrom::Start(length.saturating_sub(TAIL)));
    let _ = start.and_then(|_| file.take(TAIL).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn request(global: &Global, args: &AimArgs, url: &str) -> anyhow::Result<Request<Vec<u8>>> {
    let hint = "write it as http://127.0.0.1:8000/path";
    let bad = |what: String| BadInput::new(what, hint);
    let uri: Uri = url.parse().map_err(|error| bad(format!("`{url}` is no address: {error}")))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(bad(format!("`{url}` is no address of a web server")).into());
    }
    let body = match &args.body_file {
        Some(path) => {
            let path = global.directory.join(path);
            std::fs::read(&path).map_err(|error| {
                let message = format!("`{}` cannot be read: {error}", path.display());
                BadInput::new(message, "name a file that is there")
            })?
        }
        None => Vec::new(),
    };
    let method = match (&args.method, body.is_empty()) {
        (Some(method), _) => {
            Method::from_bytes(method.to_ascii_uppercase().as_bytes()).map_err(|_| {
                BadInput::new(format!("`{method}` is no method"), "write it as GET or POST")
            })?
        }
        (None, true) => Method::GET,
        (None, false) => Method::POST,
    };
    let mut request = Request::builder().method(method).uri(uri);
    for header in &args.header {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            BadInput::new(format!("`{header}` is no header"), "write it as 'Accept: text/html'")
        })?;
        request = request.header(name.trim(), value.trim());
    }
    request.body(body).map_err(|error| {
        BadInput::new(format!("the request cannot be made: {error}"), "look at `--header`").into()
    })
}

/// The name before `=`, and the rest: `search=http://…`.
fn named(text: &str) -> (Option<String>, &str) {
    let is_name = |name: &str| {
        name.starts_with(char::is_alphabetic)
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    match text.split_once('=') {
        Some((name, rest)) if is_name(name) => (Some(name.to_owned()), rest),
        _ => (None, text),
    }
}

/// `/a/b?c=d` as `a_b`.
fn path_name(uri: &Uri) -> String {
    plain(uri.path().trim_matches('/'))
}

/// `text` as a name can stand in a line of output.
fn plain(text: &str) -> String {
    let name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = name.trim_matches('_');
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.to_owned()
    } else {
        format!("root{name}")
    }
}

/// Names that are there twice get their number.
fn distinct(aims: &mut [Aim]) {
    for at in 1..aims.len() {
        let (before, rest) = aims.split_at_mut(at);
        if before.iter().any(|aim| aim.name == rest[0].name) {
            rest[0].name = format!("{}_{}", rest[0].name, at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_the_number_in_the_last_line_that_matches_or_it_is_said_why_not() {
        let pattern = Regex::new("parsed (\\S+)").unwrap();
        let read = |text: &str| items_in(text, &pattern);
        assert_eq!(read("parsed 7\nparsed 1,000,000\ndone\n"), Ok(1e6));
        assert_eq!(read("parsed 2.5e3 rows"), Ok(2500.0));
        assert!(read("read 7").unwrap_err().contains("nothing that `parsed"));
        for no_number in ["many", "-1", "inf", "nan", "1_000", "0,99"] {
            let why = read(&format!("parsed {no_number}")).unwrap_err();
            assert!(why.contains(&format!("`{no_number}`")) && why.contains("no number"), "{why}");
        }
    }
}
