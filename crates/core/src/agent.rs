//! What is known of a coding agent: how it is called, what it needs, and what
//! the events mean that it prints. The presets and the user's own
//! `[agent.NAME]` tables are both of this form, so a new agent needs no code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::spent::Spent;

/// A table about an agent. Every field may be left out; of two tables the
/// user's wins field by field ([`Table::over`]).
///
/// In `command`, `env` and `files` a name in braces stands for a value:
///
/// | name | value |
/// |---|---|
/// | `{prompt}` | the brief itself; at most 128 KiB on Linux |
/// | `{brief}` | path of a file with the brief |
/// | `{targets}` | as a word of its own: the targets, a word each |
/// | `{model}`, `{base_url}` | as configured |
/// | `{max_dollars}` | what this proposal may cost |
/// | `{key}` | one of `keys` is set |
/// | `{confined}` | it runs confined by the engine |
///
/// `{?name}` is nothing where there is a value, and `{!name}` where there is
/// none. A group of words, a variable or a file that needs what is not there
/// is left out. Without `{prompt}` and `{brief}` the brief is on standard input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// The program and its arguments; a list within is a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<Words>>,
    /// How it is talked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The version that it was tested with, as `--version` prints it; older
    /// ones are warned of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested: Option<String>,
    /// The model; its own choice unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where its model is served, instead of the usual place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The variable that names that place to the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url_variable: Option<String>,
    /// Variables that are set for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
    /// Variables that hold its key: handed on, and one of them is a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
    /// Other variables that look like secrets and are handed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<Vec<String>>,
    /// Hosts that it needs, as `api.example.com:443`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Files of its private home, by path, written before it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, String>>,
    /// Files of the user's home that hold its login: copied into its own, and
    /// back when it renewed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<String>>,
    /// How it is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<String>,
    /// How to log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// What tokens cost, where it does not say so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What the JSON lines mean that it prints; none where it prints text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
}

impl Table {
    /// The names of all fields.
    pub const FIELDS: [&str; 16] = [
        "command",
        "protocol",
        "tested",
        "model",
        "base_url",
        "base_url_variable",
        "env",
        "keys",
        "pass",
        "hosts",
        "files",
        "credentials",
        "install",
        "login",
        "price",
        "events",
    ];

    /// This table, and `under` it where it says nothing. `env` and `files` are
    /// joined.
    #[must_use]
    pub fn over(self, under: Table) -> Table {
        Table {
            command: self.command.or(under.command),
            protocol: self.protocol.or(under.protocol),
            tested: self.tested.or(under.tested),
            model: self.model.or(under.model),
            base_url: self.base_url.or(under.base_url),
            base_url_variable: self.base_url_variable.or(under.base_url_variable),
            env: joined(self.env, under.env),
            keys: self.keys.or(under.keys),
            pass: self.pass.or(under.pass),
            hosts: self.hosts.or(under.hosts),
            files: joined(self.files, under.files),
            credentials: self.credentials.or(under.credentials),
            install: self.install.or(under.install),
            login: self.login.or(under.login),
            price: self.price.or(under.price),
            events: self.events.or(under.events),
        }
    }

    /// The program, if a command is given.
    pub fn program(&self) -> Option<&str> {
        match self.command.as_ref()?.first()? {
            Words::One(word) => Some(word),
            Words::Group(words) => words.first().map(String::as_str),
        }
    }
}

type Texts = BTreeMap<String, String>;

fn joined(over: Option<Texts>, under: Option<Texts>) -> Option<Texts> {
    match (over, under) {
        (Some(over), Some(mut under)) => {
            under.extend(over);
            Some(under)
        }
        (over, under) => over.or(under),
    }
}

/// Words of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// A word.
    One(String),
    /// Words that are left out together.
    Group(Vec<String>),
}

/// How an agent is talked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// One prompt, then it prints what it does until it ends.
    #[default]
    Stream,
    /// The Agent Client Protocol.
    Acp,
}

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// Read.
    pub input: f64,
    /// Read from a cache; as much as `input` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<f64>,
    /// Written, thoughts among them.
    pub output: f64,
}

impl Price {
    /// What these tokens cost, in US dollars.
    pub fn of(&self, spent: &Spent) -> f64 {
        let cached = spent.cached_tokens.min(spent.input_tokens);
        let fresh = spent.input_tokens - cached;
        let dollars = fresh as f64 * self.input
            + cached as f64 * self.cached.unwrap_or(self.input)
            + spent.output_tokens as f64 * self.output;
        dollars / 1e6
    }
}

/// What one sort of JSON line means. A path is names between dots, with `*`
/// for each item of a list, as `message.content.*.text`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    /// Which lines: each path leads to this value, or to it among others.
    pub when: BTreeMap<String, Json>,
    /// Path of what it says; the last is its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether what it says comes in pieces.
    #[serde(skip_serializing_if = "is_false")]
    pub pieces: bool,
    /// Path of what it is doing, as the name of a tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
    /// Whether it has done its work when it prints this: however it ends after
    /// it, its edit counts.
    #[serde(skip_serializing_if = "is_false")]
    pub done: bool,
    /// Path of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Path of the HTTP status of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Paths of the tokens that it read, added up; those from a cache included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<String>,
    /// Path of those from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<String>,
    /// Paths of the tokens that it wrote, added up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// Path of what it cost in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<String>,
    /// Path of what tells lines of the same request: these are counted once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// Whether the numbers are of the whole run so far, not of this line.
    #[serde(skip_serializing_if = "is_false")]
    pub total: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde hands it over")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_from_a_cache_have_their_own_price_where_one_is_given() {
        let spent = Spent {
            input_tokens: 1_000_000,
            cached_tokens: 400_000,
            output_tokens: 100_000,
            ..Spent::default()
        };
        let price = Price { input: 10.0, cached: None, output: 20.0 };
        assert!((price.of(&spent) - 12.0).abs() < 1e-9);
        let price = Price { cached: Some(1.0), ..price };
        assert!((price.of(&spent) - 8.4).abs() < 1e-9);
        let all = Spent { cached_tokens: u64::MAX, ..spent };
        assert!((price.of(&all) - 3.0).abs() < 1e-9, "no more can be from a cache than was read");
    }
}
