//! A coding agent that the user has: any program that edits files when told to
//! and prints what it does. What differs between them is data
//! ([`autoresearch_core::agent::Table`]).

mod fill;
mod home;
mod presets;
mod stream;
pub(crate) mod trouble;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use autoresearch_core::agent::{Protocol, Table};
use autoresearch_core::proposal::Proposal;

use self::fill::{Values, uses};
use self::stream::Stream;
use self::trouble::Trouble;
use crate::acp::{Acp, Who};
use crate::stated::{Stated, first_sentence};
use crate::{Brief, Desk, Errand, Finished, Input, ProposeError, Proposer};

pub use presets::known;

/// Bytes of a file that are read at most of what an agent left: far more than a target
/// or a login has.
const LARGEST: u64 = 64 << 20;

/// What surrounds an agent: all that it does not find out by itself.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Its private home; made when it is needed.
    pub home: PathBuf,
    /// An existing folder for the brief.
    pub scratch: PathBuf,
    /// The user's home folder, where logins lie.
    pub user_home: Option<PathBuf>,
    /// The user's variables.
    pub variables: BTreeMap<String, String>,
    /// Folders that its program needs.
    pub readable: Vec<PathBuf>,
    /// The model, where the table names none.
    pub model: Option<String>,
    /// Whether programs on the desk run confined.
    pub confined: bool,
    /// US dollars that one proposal may cost.
    pub max_dollars: Option<f64>,
}

/// A coding agent.
#[derive(Clone, Debug)]
pub struct Agent {
    name: String,
    table: Table,
    around: Surroundings,
    /// Of one that is spoken with.
    acp: Acp,
}

impl Agent {
    /// The agent `name` as `table` describes it.
    pub fn new(name: &str, table: Table, around: Surroundings) -> Agent {
        Agent { name: name.to_owned(), table, around, acp: Acp::default() }
    }

    fn values(&self, brief: &Brief, page: &Path) -> Values {
        let mut values = Values::default();
        values.set("model", self.table.model.clone().or_else(|| self.around.model.clone()));
        values.set("base_url", base_url(&self.table, &self.around.variables));
        values.set("max_dollars", self.around.max_dollars.map(|dollars| dollars.to_string()));
        values.set("brief", Some(page.display().to_string()));
        values.set("key", key(&self.table, &self.around.variables));
        values.set("confined", self.around.confined.then(String::new));
        values.set_targets(brief.targets.iter().map(|target| target.path.clone()).collect());
        values
    }

    fn environment(&self, values: &Values, page: &Path) -> Vec<(String, String)> {
        let none = Vec::new();
        let handed_on = [&self.table.keys, &self.table.pass]
            .into_iter()
            .flat_map(|names| names.as_ref().unwrap_or(&none))
            .filter_map(|name| {
                let value = self.around.variables.get(name)?;
                Some((name.clone(), value.clone()))
            });
        let set = self.table.env.iter().flatten();
        let set = set.filter_map(|(name, text)| Some((name.clone(), values.fill(text)?)));
        let brief = ("AUTORESEARCH_BRIEF".to_owned(), page.display().to_string());
        handed_on.chain(set).chain([brief]).collect()
    }

    fn furnish(&self, values: &Values) -> Result<home::Lent, ProposeError> {
        let failed = |e: std::io::Error| {
            ProposeError::Failed(format!("failed to furnish the home of {}: {e}", self.name))
        };
        for (file, text) in self.table.files.iter().flatten() {
            if let Some(text) = values.fill(text) {
                home::write(&self.around.home, file, &text).map_err(failed)?;
            }
        }
        match (&self.around.user_home, &self.table.credentials) {
            (Some(user), Some(files)) => home::lend(user, &self.around.home, files).map_err(failed),
            _ => Ok(home::Lent::default()),
        }
    }

    /// What became of a run, judged by what it left and said before how it
    /// ended.
    fn outcome(
        &self,
        brief: &Brief,
        stream: &Stream<'_>,
        finished: &Finished,
        has_edited: bool,
    ) -> Result<Proposal, ProposeError> {
        let prints_text = self.table.events.as_ref().is_none_or(Vec::is_empty);
        // Whoever prints text alone may well quote an error that it got over.
        let in_text = (prints_text && !has_edited).then(|| trouble_in(&finished.tail)).flatten();
        if let Some((trouble, text)) = stream.trouble().or(in_text) {
            let text = one_line(text);
            match trouble {
                Trouble::Unusable => {
                    let login =
                        self.table.login.as_deref().unwrap_or("check its login and its model");
                    return Err(ProposeError::Unusable(format!("{text}; {login}")));
                }
                Trouble::Unavailable => {
                    return Err(ProposeError::Unavailable { reason: text, retry_after: None });
                }
                Trouble::OverBudget => return Err(ProposeError::OverBudget(text)),
                Trouble::Other if !has_edited => return Err(ProposeError::Failed(text)),
                Trouble::Other => {}
            }
        }
        if !finished.success && (!has_edited || !stream.is_done()) {
            let last = finished.tail.lines().rev().find(|line| !line.trim().is_empty());
            // It is not for the table of results to hold an agent's stream.
            let last = last.filter(|line| !line.trim_start().starts_with('{'));
            let last = last.map_or_else(String::new, |line| format!(": {}", one_line(line)));
            return Err(match trouble_in(&finished.tail) {
                Some((Trouble::Unusable, text)) if !has_edited => {
                    let login = self.table.login.as_deref().unwrap_or("check its login");
                    ProposeError::Unusable(format!("{}; {login}", one_line(text)))
                }
                _ => ProposeError::Failed(format!("{}{last}", finished.how)),
            });
        }
        // What prints text alone begins with its name and version.
        let otherwise = first_sentence(stream.answer())
            .filter(|_| !prints_text)
            .unwrap_or_else(|| format!("an edit by {}", self.name));
        Ok(Stated::of(stream.said()).proposal(brief.hypothesis.as_deref(), &otherwise))
    }
}

impl Proposer for Agent {
    fn name(&self) -> &str {
        &self.name
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let page = self.around.scratch.join(format!("brief-{}.md", self.name));
        let text = brief.to_markdown();
        std::fs::write(&page, &text).map_err(|e| {
            ProposeError::Failed(format!("failed to write the brief to {}: {e}", page.display()))
        })?;
        let words = self.table.command.clone().unwrap_or_default();
        let mut values = self.values(brief, &page);
        let is_told = uses(&words, "prompt") || uses(&words, "brief");
        values.set("prompt", Some(text));
        let command = values.command(&words);
        let hosts = hosts(&self.table, &self.around.variables);

        let folder = desk.folder()?;
        let before = contents(&folder, brief);
        let lent = self.furnish(&values)?;
        let errand = Errand {
            command: &command,
            input: if is_told { Input::Nothing } else { Input::File(&page) },
            environment: self.environment(&values, &page),
            hosts: &hosts,
            home: Some(&self.around.home),
            readable: &self.around.readable,
        };
        if self.table.protocol.unwrap_or_default() == Protocol::Acp {
            let login = self.table.login.as_deref().unwrap_or("check its login and its model");
            let said = self.acp.ask(&errand, Who { name: &self.name, login }, brief, desk);
            home::give_back(lent);
            let said = said?;
            let otherwise = first_sentence(&said.answer);
            let otherwise = otherwise.unwrap_or_else(|| format!("an edit by {}", self.name));
            return Ok(Stated::of(&said.text).proposal(brief.hypothesis.as_deref(), &otherwise));
        }
        let events = self.table.events.as_deref().unwrap_or_default();
        let mut stream = Stream::new(events, self.table.price);
        let finished = desk.run(&errand, &mut stream);
        home::give_back(lent);
        let has_edited = contents(&folder, brief) != before;
        self.outcome(brief, &stream, &finished?, has_edited)
    }
}

/// Where the agent's model is served, if not in the usual place.
pub fn base_url(table: &Table, variables: &BTreeMap<String, String>) -> Option<String> {
    let by_variable = || variables.get(table.base_url_variable.as_ref()?).cloned();
    table.base_url.clone().or_else(by_variable).filter(|url| !url.is_empty())
}

/// The name of a variable that is set and holds its key.
pub fn key(table: &Table, variables: &BTreeMap<String, String>) -> Option<String> {
    let is_set = |name: &&String| variables.get(*name).is_some_and(|value| !value.is_empty());
    table.keys.as_ref()?.iter().find(is_set).cloned()
}

/// The hosts that it may reach: its own, or that of the base URL.
pub fn hosts(table: &Table, variables: &BTreeMap<String, String>) -> Vec<String> {
    match base_url(table, variables).as_deref().and_then(host_of) {
        Some(host) => vec![host],
        None => table.hosts.clone().unwrap_or_default(),
    }
}

/// Host and port of a URL, as `api.example.com:443`; `None` for what is none.
fn host_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let has_port = host.rsplit_once(':').is_some_and(|(name, port)| {
        !name.is_empty()
            && port.parse::<u16>().is_ok()
            && (!name.contains(':') || name.ends_with(']'))
    });
    match host {
        "" => None,
        host if has_port => Some(host.to_owned()),
        host => Some(format!("{host}:{port}")),
    }
}

/// The targets as they lie on the desk.
fn contents(folder: &Path, brief: &Brief) -> Vec<Option<Vec<u8>>> {
    brief
        .targets
        .iter()
        .map(|target| autoresearch_plain::read(&folder.join(&target.path), LARGEST).ok())
        .collect()
}

/// The last line of an output that tells of trouble with the model.
fn trouble_in(output: &str) -> Option<(Trouble, &str)> {
    let lines = output.lines().rev().take(40);
    let mut told =
        lines.filter(|line| line.to_lowercase().contains("error") || line.contains("ogin"));
    told.find_map(|line| match trouble::of(None, line) {
        Trouble::Other => None,
        trouble => Some((trouble, line)),
    })
}

/// A message on one line, of bounded length.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
