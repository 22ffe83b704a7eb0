//! The knobs of a Python target: the literals that a person would tune, each
//! with the values worth trying, and how to write a new one in its place.
//!
//! What a literal is called and where it stands is found in `collect`, what
//! its name means in `words`, what values are worth trying in `range`. A
//! comment `# search: …` or an override from the config has the last word
//! (`spec`).

mod calls;
mod collect;
mod literal;
mod range;
mod spec;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use autoresearch_core::proposal::{Category, Value};
use autoresearch_core::source;

use autoresearch_core::space::Domain;
use collect::{Candidate, Place};
pub use literal::Style;
pub use spec::{Spec, SpecError};
use words::Meaning;
pub(crate) use words::{has_any, words as words_of};

/// More are not returned: no budget of experiments could tell them apart.
pub const MAX_KNOBS: usize = 64;

/// A knob where it stands in its file: a literal, or a construct that can be
/// swapped (see [`rewrites`](crate::rewrites)).
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// `LEARNING_RATE`, `Adam(lr)`, `BETAS[0]`, `Config.depth`, `--lr`,
    /// `config["lr"]`, `rbm.n_iter`; with `#2` from the second of a name on.
    /// It does not depend on any value.
    pub name: String,
    /// Path of the file, as given.
    pub path: String,
    /// Line of the literal, counted from 1.
    pub line: usize,
    /// What it holds now.
    pub current: Value,
    /// What it may hold. It follows from the current value: take the domains
    /// once, from the first version of a target, and search for the places
    /// again whenever the text has changed.
    pub domain: Domain,
    /// What sort of change it is to turn it.
    pub category: Category,
    /// Bytes of the literal, or of the first part of a construct.
    pub range: Range<usize>,
    pub(crate) writing: Writing,
}

/// What to put in place of which bytes.
pub(crate) type Pieces = Vec<(Range<usize>, String)>;

/// How another value is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Writing {
    /// In the style of the literal.
    Literal(Style),
    /// The pieces to replace, for each value.
    Pieces(Vec<(Value, Pieces)>),
}

impl Found {
    /// The value as [`rewrite`] writes it: inside the domain, a multiple of
    /// what it must be, and no more digits than a person would write.
    pub fn settled(&self, value: &Value) -> Value {
        range::settled(value, &self.domain)
    }
}

/// The knobs of a Python text, the most promising first; none of another
/// language. `overrides` are the words of `# search:` comments by the name of
/// the knob; one that cannot be read counts as absent (check with
/// [`Spec::parse`]). A seed is no knob.
pub fn find(path: &str, text: &str, overrides: &BTreeMap<String, String>) -> Vec<Found> {
    let Some(tree) = tree_of(path, text) else { return Vec::new() };
    let collected = collect::candidates(tree.root_node(), text);
    let heads = collected.candidates.iter().find_map(|candidate| match candidate.literal.value {
        Value::Int(heads) if meaning_of(candidate) == Meaning::Heads => Some(heads),
        _ => None,
    });
    let unknown = collected.candidates.iter().filter(|candidate| is_unknown_constant(candidate));
    let unknown_rows: BTreeSet<usize> = unknown.map(|candidate| candidate.literal.row).collect();
    let mut found: Vec<(u8, Found)> = Vec::new();
    // Turned, a seed changes luck and nothing else, whatever a comment says.
    let seeds = source::seeds::find(path, text).numbers();
    let is_seed =
        |candidate: &&Candidate| seeds.iter().any(|seed| seed.range == candidate.literal.range);
    for candidate in collected.candidates.iter().filter(|candidate| !is_seed(candidate)) {
        let said = overrides
            .get(&candidate.name)
            .and_then(|spec| Spec::parse(spec).ok())
            .or_else(|| collected.spec_at(candidate.literal.row).cloned());
        let domain = match &said {
            Some(spec) => spec.domain(&candidate.literal.value),
            None if is_enumerated(candidate, &unknown_rows) => None,
            None => default_domain(candidate, heads),
        };
        let Some(domain) = domain else { continue };
        let current = match (&domain, &candidate.literal.value) {
            (Domain::Float { .. }, Value::Int(value)) => Value::Float(*value as f64),
            (_, value) => value.clone(),
        };
        let rank = if said.is_some() { 0 } else { rank(candidate) };
        found.push((
            rank,
            Found {
                category: category(candidate),
                name: candidate.name.clone(),
                path: path.to_owned(),
                line: candidate.literal.row + 1,
                current,
                domain,
                range: candidate.literal.range.clone(),
                writing: Writing::Literal(candidate.literal.style.clone()),
            },
        ));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.truncate(MAX_KNOBS);
    found.into_iter().map(|(_, found)| found).collect()
}

/// The text with knobs set to values, all else byte for byte as it was. Values
/// are settled first (see [`Found::settled`]). The knobs must be those of this
/// very text; one that does not fit, overlaps another or cannot hold the
/// value is left alone.
pub fn rewrite(text: &str, changes: &[(&Found, &Value)]) -> String {
    let mut pieces: Pieces = Vec::new();
    // What stands there may have more digits than what is proposed.
    for (found, value) in changes.iter().filter(|(found, value)| **value != found.current) {
        let value = found.settled(value);
        match &found.writing {
            _ if value == found.current => {}
            Writing::Literal(style) => {
                pieces.extend(
                    literal::write(&value, style).map(|written| (found.range.clone(), written)),
                );
            }
            Writing::Pieces(values) => {
                let edits = values
                    .iter()
                    .find(|(option, _)| *option == value)
                    .map(|(_, edits)| edits.clone());
                pieces.extend(edits.unwrap_or_default());
            }
        }
    }
    replaced(text, pieces)
}

/// The text with pieces of it replaced; one that overlaps another is left.
pub(crate) fn replaced(text: &str, mut pieces: Pieces) -> String {
    pieces.sort_by_key(|(range, _)| (range.start, range.end));
    let mut rewritten = String::with_capacity(text.len() + 16);
    let mut done = 0;
    for (range, written) in pieces {
        if let Some(kept) = text
            .get(done..range.start)
            .filter(|_| text.is_char_boundary(range.end) && range.start <= range.end)
        {
            rewritten.push_str(kept);
            rewritten.push_str(&written);
            done = range.end;
        }
    }
    rewritten.push_str(text.get(done..).unwrap_or_default());
    rewritten
}

/// Any literal that stands where a setting could stand, whether or not a
/// search would turn it.
pub(crate) struct Setting {
    /// As [`Found::name`].
    pub(crate) name: String,
    /// The identifier that says what it is.
    pub(crate) identifier: String,
    pub(crate) value: Value,
    pub(crate) range: Range<usize>,
    /// Whether it stands among the settings of a program, rather than within it.
    pub(crate) is_gathered: bool,
    style: Style,
}

impl Setting {
    /// Another value as its author would write it.
    pub(crate) fn write(&self, value: &Value) -> Option<String> {
        literal::write(value, &self.style)
    }
}

/// Every literal of a Python text that decides something, in its order.
pub(crate) fn settings(path: &str, text: &str) -> Vec<Setting> {
    let Some(tree) = tree_of(path, text) else { return Vec::new() };
    let setting = |candidate: Candidate| Setting {
        name: candidate.name,
        identifier: candidate.setting,
        value: candidate.literal.value,
        range: candidate.literal.range,
        is_gathered: candidate.place == Place::Setting,
        style: candidate.literal.style,
    };
    let collected = collect::candidates(tree.root_node(), text);
    collected.candidates.into_iter().map(setting).collect()
}

/// The syntax tree of Python; `None` for anything else.
pub(crate) fn tree_of(path: &str, text: &str) -> Option<tree_sitter::Tree> {
    (source::Language::of(path) == source::Language::Python).then(|| source::tree(text))?
}

fn meaning_of(candidate: &Candidate) -> Meaning {
    let whole = matches!(candidate.literal.value, Value::Int(_)) && !candidate.real;
    let switch = matches!(candidate.literal.value, Value::Bool(_));
    words::meaning(&candidate.setting, whole, switch)
}

fn is_unknown_constant(candidate: &Candidate) -> bool {
    candidate.place == Place::Setting
        && matches!(candidate.literal.value, Value::Int(_))
        && meaning_of(candidate) == Meaning::Unknown
}

/// `DEBUG = 10`, `INFO = 20`, `WARNING = 30`: three whole numbers in a row whose
/// names say nothing are names for numbers, not settings.
fn is_enumerated(candidate: &Candidate, rows: &BTreeSet<usize>) -> bool {
    let row = candidate.literal.row;
    let first = row.saturating_sub(2);
    is_unknown_constant(candidate)
        && (first..=row).any(|start| (start..start + 3).all(|row| rows.contains(&row)))
}

fn default_domain(candidate: &Candidate, heads: Option<i64>) -> Option<Domain> {
    let meaning = meaning_of(candidate);
    if meaning == Meaning::Never {
        return None;
    }
    let current = &candidate.literal.value;
    if let Some(options) = &candidate.choices {
        let options: Vec<Value> = options.clone();
        return (options.len() >= 2 && options.contains(current))
            .then_some(Domain::Choice { options });
    }
    if let Value::Text(text) = current {
        let options = words::alternatives(&candidate.setting, candidate.callee.as_deref(), text)?;
        let options = options.iter().map(|option| Value::Text((*option).to_owned())).collect();
        return Some(Domain::Choice { options });
    }
    if candidate.place == Place::Inside && !words::is_strong(&candidate.setting, meaning) {
        return None;
    }
    let words = words::words(&candidate.setting);
    let per_device = words::has_any(&words, "device micro mini per");
    let setting = range::Setting {
        meaning,
        style: &candidate.literal.style,
        real: candidate.real,
        place: candidate.place,
        per_device,
    };
    let domain = range::domain(&setting, current)?;
    let holds_heads = words::has_any(&words, "embd embed hidden model dmodel dim")
        && !words::has_any(&words, "head heads");
    match (heads, current) {
        (Some(heads), Value::Int(value)) if meaning == Meaning::Size && holds_heads => {
            Some(range::divisible_by(heads, domain, *value))
        }
        _ => Some(domain),
    }
}

/// Settings that a person gathers in one place come first, then arguments of
/// calls, then what stands within functions; in each, known words first.
fn rank(candidate: &Candidate) -> u8 {
    let known = meaning_of(candidate) != Meaning::Unknown
        || matches!(candidate.literal.value, Value::Text(_));
    match (candidate.place, known) {
        (Place::Setting, true) => 1,
        (Place::Keyword { .. }, true) => 2,
        (Place::Inside, true) => 3,
        (Place::Setting, false) => 4,
        (Place::Keyword { .. } | Place::Inside, false) => 5,
    }
}

/// By the words of the name; where they say nothing, by what it means.
fn category(candidate: &Candidate) -> Category {
    let words = words::words(&candidate.setting);
    let by_words = Category::of(&words.join(" "));
    if candidate.name.contains("clip") {
        return Category::Optimizer;
    }
    if by_words != Category::Other {
        return by_words;
    }
    match meaning_of(candidate) {
        Meaning::LearningRate
        | Meaning::Tolerance
        | Meaning::Decay
        | Meaning::Rate
        | Meaning::NearOne => Category::Optimizer,
        Meaning::Dropout | Meaning::Count => Category::Training,
        Meaning::Heads | Meaning::Size | Meaning::Kernel => Category::Architecture,
        _ if words::has_any(&words, "act nonlinearity bias tie tied") => Category::Architecture,
        _ if words::has_any(&words, "solver nesterov amsgrad") => Category::Optimizer,
        _ => Category::of(&words::words(&candidate.name).join(" ")),
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Bool(_) | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests;
