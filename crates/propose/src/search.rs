//! The embedded proposer: needs no key, no network and no model. It finds the
//! knobs of the targets, asks `core::space` what to try next, and writes the
//! edit with a hypothesis that a person would understand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::metric::{Direction, significant};
use autoresearch_core::proposal::{Category, Edit, FileEdit, Proposal, Scope, Settings, Value};
use autoresearch_core::space::{Domain, Knob, Observation, Space, suggest};

use crate::knobs::{self, Found};
use crate::rewrites;
use crate::{Brief, Desk, ProposeError, Proposer, Text};

/// The embedded search. What it keeps between calls follows from the brief.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The targets as the session found them, and what their knobs may hold.
    /// Ranges are those of the beginning: they must not drift with the values.
    origin: Option<(Vec<Text>, Domains)>,
}

type Domains = BTreeMap<String, Domain>;

impl Proposer for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn propose(&mut self, brief: &Brief, desk: &mut dyn Desk) -> Result<Proposal, ProposeError> {
        let dials = Dials::of(brief, self.domains(brief));
        if dials.found.is_empty() {
            return Err(ProposeError::Exhausted(
                "no constant was found that could be changed; mark some with `# search: 1e-4..1e-1 log`"
                    .to_owned(),
            ));
        }
        let now = dials.settings();
        let settings = if let Some(sentence) = &brief.hypothesis {
            dials.asked_for(sentence).ok_or_else(|| {
            ProposeError::CannotAnswer(
                "the search only understands `set NAME to VALUE`; give a patch, or use another proposer"
                    .to_owned(),
            )
        })?
        } else {
            let tried = |settings: &Settings| desk.tried(&dials.edits(brief, settings)).is_some();
            let observations = observations(brief, &now);
            let space = dials.space();
            suggest(&space, &now, &observations, &tried, brief.seed)
                .ok_or_else(|| ProposeError::Exhausted("every setting was tried".to_owned()))?
                .settings
        };
        let settings = dials.settled(settings);
        let changes = dials.changes(&now, &settings);
        Ok(Proposal {
            hypothesis: sentence(&changes),
            category: category(&changes),
            edit: Edit::Files(dials.edits(brief, &settings)),
            settings: Some(settings),
            expected: None,
        })
    }
}

impl Search {
    fn domains(&mut self, brief: &Brief) -> &Domains {
        if self.origin.as_ref().is_none_or(|(texts, _)| *texts != brief.origin) {
            let found = found_in(&brief.origin, &brief.ranges);
            let domains = found.into_iter().map(|found| (found.name, found.domain)).collect();
            self.origin = Some((brief.origin.clone(), domains));
        }
        &self.origin.get_or_insert_default().1
    }
}

/// Constants and constructs of all targets, with unique names.
pub(crate) fn found_in(targets: &[Text], ranges: &BTreeMap<String, String>) -> Vec<Found> {
    let mut all = Vec::new();
    for target in targets {
        all.extend(knobs::find(&target.path, &target.text, ranges));
        all.extend(rewrites::find(&target.path, &target.text));
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for found in &mut all {
        let count = seen.entry(found.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            found.name = format!("{} in {}", found.name, found.path);
        }
    }
    all
}

/// The knobs that may be turned now.
struct Dials {
    found: Vec<Found>,
}

struct Change<'a> {
    found: &'a Found,
    from: &'a Value,
    to: &'a Value,
}

impl Dials {
    fn of(brief: &Brief, domains: &Domains) -> Dials {
        let mut found = found_in(&brief.targets, &brief.ranges);
        // A scope narrows the search to its category.
        found.retain(|found| match brief.scope {
            Scope::Architecture => found.category == Category::Architecture,
            Scope::Optimizer => found.category == Category::Optimizer,
            Scope::Hyperparameters | Scope::All => true,
        });
        for found in &mut found {
            if let Some(domain) = domains.get(&found.name)
                && domain.contains(&found.current)
            {
                found.domain = domain.clone();
            }
        }
        Dials { found }
    }

    fn settings(&self) -> Settings {
        self.found.iter().map(|found| (found.name.clone(), found.current.clone())).collect()
    }

    /// The settings as they will be written.
    fn settled(&self, mut settings: Settings) -> Settings {
        for found in &self.found {
            if let Some(value) = settings.get_mut(&found.name)
                && *value != found.current
            {
                *value = found.settled(value);
            }
        }
        settings
    }

    fn space(&self) -> Space {
        let knob = |found: &Found| Knob { name: found.name.clone(), domain: found.domain.clone() };
        Space { knobs: self.found.iter().map(knob).collect() }
    }

    fn changes<'a>(&'a self, from: &'a Settings, to: &'a Settings) -> Vec<Change<'a>> {
        self.found
            .iter()
            .filter_map(|found| {
                let (from, to) = (from.get(&found.name)?, to.get(&found.name)?);
                (from != to).then_some(Change { found, from, to })
            })
            .collect()
    }

    /// The targets with these settings written into them.
    fn edits(&self, brief: &Brief, settings: &Settings) -> Vec<FileEdit> {
        let mut edits = Vec::new();
        for target in &brief.targets {
            let wanted: Vec<(&Found, &Value)> = self
                .found
                .iter()
                .filter(|found| found.path == target.path)
                .filter_map(|found| {
                    let value = settings.get(&found.name)?;
                    (*value != found.current).then_some((found, value))
                })
                .collect();
            if !wanted.is_empty() {
                let content = knobs::rewrite(&target.text, &wanted).into_bytes();
                edits.push(FileEdit { path: target.path.clone(), content: Some(content) });
            }
        }
        edits
    }

    /// Settings that a sentence asks for: `set LR to 0.01`, `LR = 0.01`,
    /// `raise LR from 0.003 to 0.006`.
    fn asked_for(&self, sentence: &str) -> Option<Settings> {
        let found = self
            .found
            .iter()
            .filter(|found| mentions(sentence, &found.name))
            .max_by_key(|found| found.name.len())?;
        let (_, after) = sentence
            .rsplit_once(" to ")
            .or_else(|| sentence.rsplit_once('='))
            .or_else(|| sentence.rsplit_once(':'))?;
        let word = after.split_whitespace().next()?.trim_end_matches([',', ';']);
        let value = like(&found.current, word.trim_matches(['"', '\'', '`']))?;
        let mut settings = self.settings();
        settings.insert(found.name.clone(), value);
        Some(settings)
    }
}

/// Whether `name` stands in `sentence` as a word of its own.
fn mentions(sentence: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    sentence.match_indices(name).any(|(at, _)| {
        let before = sentence[..at].chars().next_back();
        let after = sentence[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// `word` as a value of the same kind as `current`.
fn like(current: &Value, word: &str) -> Option<Value> {
    match current {
        Value::Bool(_) => match word.to_lowercase().as_str() {
            "true" | "on" => Some(Value::Bool(true)),
            "false" | "off" => Some(Value::Bool(false)),
            _ => None,
        },
        Value::Int(_) => word.trim_end_matches('.').replace('_', "").parse().ok().map(Value::Int),
        Value::Float(_) => {
            let number: f64 = word.trim_end_matches('.').parse().ok()?;
            number.is_finite().then_some(Value::Float(number))
        }
        Value::Text(_) => Some(Value::Text(word.trim_end_matches('.').to_owned())),
    }
}

/// What the search learns from. An experiment that others proposed has no
/// settings and says nothing here; the incumbent always does.
fn observations(brief: &Brief, now: &Settings) -> Vec<Observation> {
    let oriented = |metric: f64| match brief.direction {
        Direction::Minimize => -metric,
        Direction::Maximize => metric,
    };
    let incumbent = brief.incumbent.as_ref().map(|mark| mark.number);
    brief
        .history
        .iter()
        .filter_map(|past| {
            let settings = match &past.settings {
                Some(settings) => settings.clone(),
                None if Some(past.number) == incumbent => now.clone(),
                None => return None,
            };
            let outcome = past.metric.filter(|_| past.verdict != Verdict::Crash).map(oriented);
            Some(Observation { settings, outcome })
        })
        .collect()
}

/// Longest hypothesis, in bytes; what does not fit is counted.
const SENTENCE: usize = 150;

/// One sentence for a person: `raise LEARNING_RATE from 0.003 to 0.006`.
fn sentence(changes: &[Change<'_>]) -> String {
    let one = |change: &Change<'_>| {
        let (verb, from, to) =
            (verb(change.from, change.to), written(change.from), written(change.to));
        format!("{verb} {} from {from} to {to}", change.found.name)
    };
    match changes {
        [] => "change nothing".to_owned(),
        [change] => one(change),
        many => {
            let mut text = format!("re-tune {} settings together: ", many.len());
            for (n, change) in many.iter().enumerate() {
                let next = format!(
                    "{} {}→{}",
                    change.found.name,
                    written(change.from),
                    written(change.to)
                );
                if text.len() + next.len() > SENTENCE {
                    let _ = write!(text, "and {} more", many.len() - n);
                    return text;
                }
                text.push_str(&next);
                text.push_str(if n + 1 < many.len() { ", " } else { "" });
            }
            text
        }
    }
}

fn verb(from: &Value, to: &Value) -> &'static str {
    let numbers = match (from, to) {
        (Value::Int(a), Value::Int(b)) => Some((*a as f64, *b as f64)),
        (Value::Float(a), Value::Float(b)) => Some((*a, *b)),
        _ => None,
    };
    match (numbers, to) {
        (Some((a, b)), _) if b > a => "raise",
        (Some(_), _) => "lower",
        (None, _) => "change",
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => significant(*number, 6),
        Value::Text(text) => text.clone(),
    }
}

fn category(changes: &[Change<'_>]) -> Category {
    let first = changes.first().map_or(Category::Other, |change| change.found.category);
    if changes.iter().all(|change| change.found.category == first) {
        first
    } else {
        Category::Other
    }
}
