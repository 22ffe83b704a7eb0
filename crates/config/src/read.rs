//! One value, as given, to one value, as meant: times and sizes in their
//! shortest exact form, lists as lists, paths without `./`.

use autoresearch_core::constraint::Constraint;
use autoresearch_core::metric::Take;
use autoresearch_core::preset::Preset;
use autoresearch_core::units::Bytes;
use regex::Regex;
use serde_json::Value as Json;

use crate::keys::Kind;
use crate::{agent, budget, text};

/// A value as a file or a flag gives it.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Text(String),
    Integer(i64),
    Float(String),
    Boolean(bool),
    Texts(Vec<String>),
    /// By name, in order.
    Table(Vec<(String, Given)>),
    /// Anything, for a key that reads it by itself.
    Any(Json),
    /// What no key holds: a date, an integer beyond 64 bits, a list
    /// of anything but texts.
    Other(&'static str),
}

/// Why a value is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is of another type than the key holds.
    Type { expected: &'static str, found: &'static str },
    /// It cannot be used; `item` is the culprit's place in a list.
    Unusable { why: String, item: Option<usize> },
}

impl From<String> for Refused {
    fn from(why: String) -> Refused {
        Refused::Unusable { why, item: None }
    }
}

impl Given {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Given::Text(_) => "a string",
            Given::Integer(_) => "an integer",
            Given::Float(_) => "a float",
            Given::Boolean(_) => "a boolean",
            Given::Texts(_) => "a list",
            Given::Table(_) | Given::Any(Json::Object(_)) => "a table",
            Given::Any(_) => "a value",
            Given::Other(name) => name,
        }
    }

    /// From the text of a flag, an environment variable or an answer: lists are
    /// separated by commas or written as TOML (`["a,b.py"]`), commands as in a
    /// shell.
    pub(crate) fn from_flag(kind: Kind, text: &str) -> Given {
        let trimmed = text.trim();
        if kind == Kind::Agents {
            return Given::Any(agent::from_flag(trimmed));
        }
        let is_list =
            matches!(kind, Kind::Paths { .. } | Kind::Texts | Kind::Names | Kind::Constraints);
        if (is_list || kind == Kind::Command)
            && trimmed.starts_with('[')
            && let Some(items) = toml_list(trimmed)
        {
            return Given::Texts(items);
        }
        match kind {
            _ if is_list && trimmed.is_empty() => Given::Texts(Vec::new()),
            _ if is_list => Given::Texts(trimmed.split(',').map(|s| s.trim().to_owned()).collect()),
            Kind::Integer { .. } | Kind::Limit => trimmed
                .replace('_', "")
                .parse()
                .map_or_else(|_| Given::Text(text.to_owned()), Given::Integer),
            Kind::Amount { .. } => {
                trimmed.parse().map_or_else(|_| Given::Float(trimmed.to_owned()), Given::Integer)
            }
            Kind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Given::Boolean(true),
                "false" | "no" | "0" => Given::Boolean(false),
                _ => Given::Text(text.to_owned()),
            },
            _ => Given::Text(text.to_owned()),
        }
    }
}

fn toml_list(text: &str) -> Option<Vec<String>> {
    let value: toml_edit::Value = text.parse().ok()?;
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Reads what a key of this kind may hold; `own` is the user's own part of the
/// name in an open table.
pub(crate) fn read(kind: Kind, own: Option<&str>, given: Given) -> Result<Json, Refused> {
    let refuse =
        |expected, given: &Given| Err(Refused::Type { expected, found: given.type_name() });
    match (kind, given) {
        (Kind::Text | Kind::Ranges, Given::Text(text)) => Ok(plain(&text)?.into()),
        (Kind::MetricName, Given::Text(text)) => Ok(metric_name(&text)?.into()),
        (Kind::Tag, Given::Text(text)) => Ok(tag(&text)?.into()),
        (Kind::Path, Given::Text(text)) => Ok(path(&text)?.into()),
        (Kind::Pattern, Given::Text(text)) => Ok(pattern(&text)?.into()),
        (Kind::Paths { .. }, Given::Text(text)) => paths(&[text]),
        (Kind::Paths { may_be_empty }, Given::Texts(items)) => {
            if items.is_empty() && !may_be_empty {
                return Err("the list is empty; name at least one file".to_owned().into());
            }
            paths(&items)
        }
        (Kind::Duration { may_be_zero }, Given::Text(text)) => duration(&text, may_be_zero),
        (Kind::Duration { may_be_zero }, Given::Integer(n)) => {
            duration(&n.to_string(), may_be_zero)
        }
        (Kind::Size, Given::Text(text)) => Ok(text::size(text::read_size(&text)?).into()),
        (Kind::Size, Given::Integer(n)) => {
            let bytes = u64::try_from(n).map_err(|_| format!("{n} is below zero"))?;
            Ok(text::size(Bytes(bytes)).into())
        }
        (Kind::Integer { least }, Given::Integer(n)) => at_least(least, n),
        (Kind::Limit, Given::Integer(n)) => at_least(1, n),
        (Kind::Limit, Given::Text(text)) if text.trim() == "unlimited" => Ok(Json::Null),
        (Kind::Amount { may_be_zero }, Given::Integer(n)) => amount(&n.to_string(), may_be_zero),
        (Kind::Amount { may_be_zero }, Given::Float(text)) => amount(&text, may_be_zero),
        (Kind::Boolean, Given::Boolean(value)) => Ok(value.into()),
        (Kind::Choice(words), Given::Text(text)) => Ok(choice(words, &text)?.into()),
        (Kind::Command, Given::Text(text)) => command(shell_words(&text)?),
        (Kind::Command, Given::Texts(words)) => command(words),
        (Kind::Texts, Given::Text(text)) => texts(&[text]),
        (Kind::Texts, Given::Texts(items)) => texts(&items),
        (Kind::Names, Given::Text(text)) => names(&[text]),
        (Kind::Names, Given::Texts(items)) => names(&items),
        (Kind::Constraints, Given::Text(text)) => constraints(&[text]),
        (Kind::Constraints, Given::Texts(items)) => constraints(&items),
        (Kind::Variables, Given::Text(value) | Given::Float(value)) => variable(own, value),
        (Kind::Variables, Given::Integer(value)) => variable(own, value.to_string()),
        (Kind::Variables, Given::Boolean(value)) => variable(own, value.to_string()),
        (Kind::Budget, given) => budget::read(given),
        (Kind::Agents, Given::Any(value)) => agent::read(own.unwrap_or_default(), value),
        (Kind::ModelName, Given::Text(text)) => Ok(agent::model_name(&text)?.into()),
        (Kind::Preset, Given::Text(text)) => Ok(choice(&preset_names(), &text)?.into()),
        (Kind::Take, Given::Text(text)) => Ok(take(&text)?.into()),
        (kind, given) => refuse(expected(kind), &given),
    }
}

/// What a key of this kind holds, as in "must be …".
pub(crate) fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::MetricName | Kind::Tag | Kind::Variables | Kind::ModelName => "a string",
        Kind::Path => "a path, as \"out/metrics.json\"",
        Kind::Paths { .. } => "a path or a list of paths, as [\"train.py\"]",
        Kind::Pattern => "a regular expression, as 'accuracy (\\S+)'",
        Kind::Duration { .. } => "a time, as \"5m\" or a number of seconds",
        Kind::Size => "a size, as \"4MiB\" or a number of bytes",
        Kind::Integer { .. } => "an integer",
        Kind::Limit => "an integer or \"unlimited\"",
        Kind::Amount { may_be_zero: true } => "a number, as 0.5",
        Kind::Amount { may_be_zero: false } => "a number above zero, as 2.50",
        Kind::Boolean => "true or false",
        Kind::Choice(_) => "a word",
        Kind::Preset => "a preset, as \"pytest\"",
        Kind::Command => "a command, as [\"python\", \"train.py\"]",
        Kind::Texts => "a list of strings",
        Kind::Names => "a name or a list of names, as [\"claude\", \"search\"]",
        Kind::Constraints => "a list of constraints, as [\"peak_mem_gb <= 40\"]",
        Kind::Ranges => "a range, as \"1e-4..1e-1 log\"",
        Kind::Budget => budget::EXPECTED,
        Kind::Agents => "a table, as [agent.claude]",
        Kind::Take => "a word, as \"min\" or \"p10\"",
    }
}

fn plain(text: &str) -> Result<&str, String> {
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        text if text.contains('\0') => Err("it contains a zero byte".to_owned()),
        text => Ok(text),
    }
}

fn metric_name(text: &str) -> Result<&str, String> {
    let name = plain(text)?;
    if name.chars().any(char::is_control) {
        return Err("a metric's name is one line without tabs".to_owned());
    }
    if ["commit", "mem_gb", "memory_gb", "status", "description"].contains(&name) {
        return Err(format!("`{name}` is another column of the table of results"));
    }
    Ok(name)
}

fn tag(text: &str) -> Result<&str, String> {
    let tag = plain(text)?;
    let is_safe = tag.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !tag.starts_with(['.', '-'])
        && !tag.ends_with('.')
        && !tag.contains("..")
        && !tag.to_ascii_lowercase().ends_with(".lock")
        && tag.len() <= 100;
    is_safe.then_some(tag).ok_or_else(|| {
        format!(
            "`{tag}` cannot end a branch's name; use letters, digits, `-`, `_` and `.`, as `mar8`"
        )
    })
}

/// A path from the root of the repository, without `./` and a slash at the end.
fn path(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the path is empty".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{text:?} contains a control character"));
    }
    if text.contains('\\') {
        return Err(format!("`{text}` has a backslash; write paths with `/`"));
    }
    let has_drive =
        text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic();
    if text.starts_with('/') || text.starts_with("~/") || has_drive {
        return Err(format!("`{text}` is absolute; write it from the root of the repository"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    match parts.first() {
        None => Err(format!("`{text}` is the repository itself; name a file")),
        Some(_) if parts.contains(&"..") => Err(format!("`{text}` must not contain `..`")),
        Some(first) if first.eq_ignore_ascii_case(".git") => {
            Err(format!("`{text}` lies in git's own folder"))
        }
        Some(_) => Ok(parts.join("/")),
    }
}

fn paths(items: &[String]) -> Result<Json, Refused> {
    let mut paths: Vec<String> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let unusable = |why| Refused::Unusable { why, item: Some(n) };
        let path = path(item).map_err(unusable)?;
        if paths.contains(&path) {
            return Err(unusable(format!("`{path}` is named twice")));
        }
        paths.push(path);
    }
    Ok(paths.into())
}

pub(crate) fn pattern(text: &str) -> Result<&str, String> {
    let regex = Regex::new(text).map_err(|error| {
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("`{text}` is not a regular expression: {reason}")
    })?;
    if regex.captures_len() < 2 {
        return Err(format!("`{text}` has no group; put `(` and `)` around the number"));
    }
    Ok(text)
}

/// Which value counts, as it is written shortest.
fn take(text: &str) -> Result<String, String> {
    text.parse::<Take>().map(|take| take.to_string()).map_err(|error| error.to_string())
}

fn duration(text: &str, may_be_zero: bool) -> Result<Json, Refused> {
    let duration = text::read_duration(text)?;
    if duration.is_zero() && !may_be_zero {
        return Err("it must be more than zero".to_owned().into());
    }
    Ok(text::duration(duration).into())
}

fn at_least(least: i64, n: i64) -> Result<Json, Refused> {
    if n < least { Err(format!("{n} is below {least}").into()) } else { Ok(n.into()) }
}

/// The names of all presets.
pub(crate) fn preset_names() -> Vec<&'static str> {
    Preset::ALL.iter().map(|preset| preset.name).collect()
}

fn choice(words: &[&'static str], text: &str) -> Result<&'static str, String> {
    let given = text.trim().to_ascii_lowercase();
    words.iter().find(|word| **word == given).copied().ok_or_else(|| match words {
        [word] => format!("`{text}` is not known; it can only be `{word}`"),
        _ => format!("`{text}` is none of `{}`", words.join("`, `")),
    })
}

/// Splits as a shell would, and refuses what only a shell could do.
fn shell_words(text: &str) -> Result<Vec<String>, String> {
    const SYNTAX: [&str; 10] = ["&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1"];
    let words = shlex::split(text).ok_or_else(|| format!("`{text}` has an unclosed quote"))?;
    if let Some(word) = words.iter().find(|word| SYNTAX.contains(&word.as_str())) {
        return Err(format!(
            "`{word}` is for a shell, and no shell runs the command; write [\"sh\", \"-c\", \"…\"]"
        ));
    }
    if let Some((name, _)) = words.first().and_then(|word| word.split_once('='))
        && variable_name(name).is_ok()
    {
        return Err(format!("`{name}=` is for a shell; set the variable in [run.env]"));
    }
    Ok(words)
}

fn command(words: Vec<String>) -> Result<Json, Refused> {
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        return Err("a command needs a program".to_owned().into());
    }
    match words.iter().position(|word| word.contains('\0')) {
        Some(n) => {
            Err(Refused::Unusable { why: "a word contains a zero byte".to_owned(), item: Some(n) })
        }
        None => Ok(words.into()),
    }
}

/// A finite number above zero, or at least zero.
fn amount(text: &str, may_be_zero: bool) -> Result<Json, Refused> {
    let number = text.replace('_', "").parse::<f64>().ok().filter(|number| number.is_finite());
    match number {
        Some(number) if number > 0.0 => Ok(number.into()),
        Some(number) if number == 0.0 && may_be_zero => Ok(0.0.into()),
        _ if may_be_zero => Err(format!("`{text}` is no number of at least zero").into()),
        _ => Err(format!("`{text}` is no number above zero").into()),
    }
}

/// Names that can stand between commas and in a table's header.
fn names(items: &[String]) -> Result<Json, Refused> {
    if items.is_empty() {
        return Err("the list is empty; name at least one".to_owned().into());
    }
    let mut names: Vec<&str> = Vec::new();
    for item in items {
        let name = item.trim();
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(is_part) {
            return Err(format!(
                "`{item}` is no name; names have small letters, digits, `-` and `_`"
            )
            .into());
        }
        if names.contains(&name) {
            return Err(format!("`{name}` is there twice").into());
        }
        names.push(name);
    }
    Ok(names.into())
}

fn texts(items: &[String]) -> Result<Json, Refused> {
    let read = |(n, item): (usize, &String)| match plain(item) {
        Ok(text) => Ok(text.to_owned()),
        Err(why) => Err(Refused::Unusable { why, item: Some(n) }),
    };
    Ok(items.iter().enumerate().map(read).collect::<Result<Vec<String>, Refused>>()?.into())
}

fn constraints(items: &[String]) -> Result<Json, Refused> {
    let read = |(n, item): (usize, &String)| match item.parse::<Constraint>() {
        Ok(constraint) => Ok(constraint.to_string()),
        Err(error) => Err(Refused::Unusable { why: error.to_string(), item: Some(n) }),
    };
    Ok(items.iter().enumerate().map(read).collect::<Result<Vec<String>, Refused>>()?.into())
}

pub(crate) fn variable_name(name: &str) -> Result<(), String> {
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name
        .then_some(())
        .ok_or_else(|| format!("`{name}` is not a name of an environment variable"))
}

fn variable(name: Option<&str>, value: String) -> Result<Json, Refused> {
    let name = name.unwrap_or_default();
    variable_name(name)?;
    if name.starts_with(crate::keys::PREFIX) {
        return Err(format!("`{name}` is set by AutoResearch itself").into());
    }
    if value.contains('\0') {
        return Err("it contains a zero byte".to_owned().into());
    }
    Ok(value.into())
}
