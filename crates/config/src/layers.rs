//! The layers of a config: who said what, and who is heard.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::agent;
use crate::check;
use crate::config::Config;
use crate::error::{ConfigError, File, Place, Problem, What};
use crate::file::{self, Found};
use crate::keys::{self, KEYS, PREFIX};
use crate::read::{Given, read};
use crate::write;

pub(crate) mod preset;

/// Where a value comes from, weakest first: of two values for a key the later
/// origin wins, and of two from the same origin the one that came later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The defaults inside the binary.
    Default,
    /// Found in the repository, and why it is thought so.
    Detected(String),
    /// What the ready-made metric of this name comes with. Files are stronger, unless
    /// they are about another metric than a preset of a flag: [`Layers::set_aside`].
    Preset(String),
    /// A file.
    File {
        /// The file as it was named.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A flag, as `--budget`.
    Flag(String),
    /// An answer in the wizard.
    Asked,
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::Detected(_) => 1,
            Origin::Preset(_) => 2,
            Origin::File { .. } => 3,
            Origin::Environment(_) => 4,
            Origin::Flag(_) => 5,
            Origin::Asked => 6,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Detected(text) | Origin::Environment(text) | Origin::Flag(text) => {
                f.write_str(text)
            }
            Origin::File { path, line } => write!(f, "{path}:{line}"),
            Origin::Preset(name) => write!(f, "the preset {name}"),
            Origin::Asked => f.write_str("your answer"),
        }
    }
}

/// A required key that nobody has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The key, as `metric.name`.
    pub key: &'static str,
    /// The flag of `autoresearch run` that sets it.
    pub flag: &'static str,
    /// What to ask.
    pub question: &'static str,
}

/// A variable that looks like ours and sets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name.
    pub name: String,
    /// The nearest name that would set something.
    pub nearest: Option<String>,
}

/// What was said about the config, by whom.
#[derive(Clone, Debug)]
pub struct Layers {
    entries: Vec<Entry>,
    unknown: Vec<UnknownVariable>,
    /// What the repository's Python is started by.
    python: Option<&'static str>,
    /// Files are about another metric than the preset that somebody nearer names.
    files_differ: bool,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    value: Json,
    origin: Origin,
    /// Where in a file it stands.
    text: Option<(Arc<File>, Range<usize>)>,
}

impl Default for Layers {
    fn default() -> Layers {
        Layers::new()
    }
}

impl Layers {
    /// The defaults and nothing else.
    pub fn new() -> Layers {
        let mut layers =
            Layers { entries: Vec::new(), unknown: Vec::new(), python: None, files_differ: false };
        // A test holds that the defaults can be read.
        let _ =
            layers.read_file("defaults.toml", include_str!("defaults.toml"), |_| Origin::Default);
        layers
    }

    /// Adds the text of a file; `path` is how messages name it. A later file
    /// wins over an earlier one. CRLF and a byte order mark are accepted.
    ///
    /// # Errors
    /// All that is wrong with the file; nothing of it is added then.
    pub fn add_file(&mut self, path: &str, text: &str) -> Result<(), ConfigError> {
        self.read_file(path, text, |line| Origin::File { path: path.to_owned(), line })
    }

    fn read_file(
        &mut self,
        path: &str,
        text: &str,
        origin: impl Fn(usize) -> Origin,
    ) -> Result<(), ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let file = Arc::new(File { path: path.to_owned(), text });
        for Found { key, value, span } in file::values(&file)? {
            let origin = origin(file.line(span.start));
            self.entries.push(Entry { key, value, origin, text: Some((Arc::clone(&file), span)) });
        }
        self.follow_preset();
        Ok(())
    }

    /// Adds environment variables: `AUTORESEARCH_` and the key in capitals with
    /// `_` for `.`, as `AUTORESEARCH_METRIC_NAME`. Others are ignored, and so are
    /// empty ones.
    ///
    /// # Errors
    /// All values that cannot be used; the others are added.
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        for (name, value) in variables {
            if !name.starts_with(PREFIX) || value.is_empty() {
                continue;
            }
            if let Some(key) = KEYS.iter().find(|key| key.environment().as_ref() == Some(&name)) {
                let set = self.set(key.name, &value, Origin::Environment(name));
                problems.extend(set.err().into_iter().flat_map(|error| error.problems().to_vec()));
            } else {
                let key = name[PREFIX.len()..].to_lowercase();
                let nearest = KEYS
                    .iter()
                    .filter_map(keys::Key::environment)
                    .map(|known| (strsim::normalized_damerau_levenshtein(&known, &name), known))
                    .filter(|_| !key.is_empty())
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .filter(|(likeness, _)| *likeness > 0.8)
                    .map(|(_, known)| known);
                self.unknown.push(UnknownVariable { name, nearest });
            }
        }
        ConfigError::unless_empty(problems)
    }

    /// Variables named `AUTORESEARCH_…` that set nothing. Inside a trial the
    /// ones that the trial was given are among them.
    pub fn unknown_environment(&self) -> &[UnknownVariable] {
        &self.unknown
    }

    /// Sets one key from text, as a flag or an answer gives it: lists separated
    /// by commas or as TOML (`["a,b.py"]`), commands split as by a shell,
    /// `unlimited` for iterations, `search.NAME` and `run.env.NAME` for what has
    /// names of the user's own.
    ///
    /// # Errors
    /// When there is no such key, or it cannot hold the value.
    pub fn set(&mut self, key: &str, value: &str, origin: Origin) -> Result<(), ConfigError> {
        let place = || Place::Given(origin.clone());
        let value = parse(key, value).map_err(|refused| match refused {
            Refusal::Unknown => {
                let problem = Problem::new(What::UnknownKey(key.to_owned()), place());
                let field = key.strip_prefix("agent.").and_then(agent::split);
                let field = field.and_then(|(name, field)| {
                    Some(format!("agent.{name}.{}", agent::nearest(field)?))
                });
                match field.or_else(|| keys::nearest(key).map(str::to_owned)) {
                    Some(nearest) => problem.hint(format!("did you mean `{nearest}`?")),
                    None => problem,
                }
            }
            Refusal::Refused(refused) => file::problem(key, refused, place()),
        })?;
        self.entries.push(Entry { key: key.to_owned(), value, origin, text: None });
        self.follow_preset();
        Ok(())
    }

    /// That the repository's Python is started by these words, as
    /// `.venv/bin/python`: by commands of presets as well.
    pub fn use_python(&mut self, words: &'static str) {
        self.python = Some(words);
        self.follow_preset();
    }

    /// The required keys that nobody has set, in the order in which to ask.
    pub fn missing(&self) -> Vec<Missing> {
        KEYS.iter()
            .filter(|key| self.value(key.name).is_none())
            .filter(|key| key.name != "metric.direction" || !self.is_name_unknown())
            .filter_map(|key| {
                let keys::Required { flag, question } = key.required?;
                Some(Missing { key: key.name, flag, question })
            })
            .collect()
    }

    /// Where the value of a key comes from; `None` when it has none.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.heard(key).map(|entry| &entry.origin)
    }

    /// The value of a key as a flag would give it; `None` when it has none.
    pub fn text(&self, key: &str) -> Option<String> {
        let word = |value: &Json| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(match self.value(key)? {
            Json::Array(items) if key.ends_with("command") => {
                let words: Vec<String> = items.iter().map(word).collect();
                shlex::try_join(words.iter().map(String::as_str)).ok()?
            }
            Json::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(","),
            table @ Json::Object(_) => write::toml(table).to_string(),
            value => word(value),
        })
    }

    /// The config as meant.
    ///
    /// # Errors
    /// All that is missing, and all values that do not go together.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let mut problems: Vec<Problem> =
            self.missing().into_iter().map(|missing| self.unanswered(missing)).collect();
        problems.extend(check::conflicts(self));
        ConfigError::unless_empty(problems)?;
        serde_json::from_value(self.tree())
            .map_err(|error| Problem::new(What::Defect(error.to_string()), Place::Nowhere).into())
    }

    /// The value that is heard for a key.
    pub(crate) fn value(&self, key: &str) -> Option<&Json> {
        self.heard(key).map(|entry| &entry.value)
    }

    /// Where the value that is heard stands.
    pub(crate) fn place(&self, key: &str) -> Place {
        match self.heard(key) {
            Some(Entry { text: Some((file, span)), .. }) => {
                Place::Text(Arc::clone(file), span.clone())
            }
            Some(entry) => Place::Given(entry.origin.clone()),
            None => Place::Nowhere,
        }
    }

    /// Of two keys, the one whose value comes from the stronger origin, first.
    pub(crate) fn stronger_first<'a>(&self, one: &'a str, two: &'a str) -> (&'a str, &'a str) {
        let rank = |key| self.origin(key).map_or(0, Origin::rank);
        if rank(two) > rank(one) { (two, one) } else { (one, two) }
    }

    fn heard(&self, key: &str) -> Option<&Entry> {
        // Of equals, `max_by_key` gives the last.
        let entries = self.entries.iter().filter(|entry| entry.key == key);
        entries.filter(|entry| !self.is_set_aside(entry)).max_by_key(|entry| entry.origin.rank())
    }

    /// All values that are heard, as a file has them.
    fn tree(&self) -> Json {
        let mut tree = Map::new();
        for entry in &self.entries {
            let Some((key, own)) = keys::find(&entry.key) else {
                continue;
            };
            let Some(value) = self.value(&entry.key) else {
                continue;
            };
            let mut parts: Vec<&str> = key.name.split('.').collect();
            match own.filter(|_| key.kind == keys::Kind::Agents).and_then(agent::split) {
                Some((name, field)) => parts.extend([name, field]),
                None => parts.extend(own),
            }
            let mut table = &mut tree;
            while parts.len() > 1 {
                let inner = table.entry(parts.remove(0)).or_insert_with(|| Map::new().into());
                let Json::Object(inner) = inner else {
                    return Json::Null;
                };
                table = inner;
            }
            table.insert(parts[0].to_owned(), value.clone());
        }
        Json::Object(tree)
    }
}

/// Why a text is no value for a key.
pub(crate) enum Refusal {
    Unknown,
    Refused(crate::read::Refused),
}

/// The value that a text means for a key.
pub(crate) fn parse(key: &str, text: &str) -> Result<Json, Refusal> {
    let (key, own) = keys::find(key).ok_or(Refusal::Unknown)?;
    let field = own.filter(|_| key.kind == keys::Kind::Agents).map(agent::split);
    if field.is_some_and(|field| field.is_none_or(|(_, field)| !agent::is_field(field))) {
        return Err(Refusal::Unknown);
    }
    read(key.kind, own, Given::from_flag(key.kind, text)).map_err(Refusal::Refused)
}
