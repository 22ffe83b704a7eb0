//! What a ready-made metric brings into a config, and what is not heard beside it.

use autoresearch_core::metric::Direction;
use autoresearch_core::preset::{Measure, Preset};
use serde_json::Value as Json;

use super::{Entry, Layers, Missing, Origin};
use crate::error::{Place, Problem, What};

impl Layers {
    /// The preset that is heard.
    pub(crate) fn preset(&self) -> Option<&'static Preset> {
        self.value("metric.preset").and_then(Json::as_str).and_then(Preset::named)
    }

    /// What the preset that is heard comes with, instead of what another came with.
    pub(super) fn follow_preset(&mut self) {
        self.entries.retain(|entry| !matches!(entry.origin, Origin::Preset(_)));
        self.files_differ = false;
        let Some(preset) = self.preset() else { return };
        self.files_differ = self.files_differ_from(preset);
        let mut add = |key: &str, value: Json| {
            let origin = Origin::Preset(preset.name.to_owned());
            self.entries.push(Entry { key: key.to_owned(), value, origin, text: None });
        };
        if preset.format.has_a_best() {
            add("judge.suspects", "keep".into());
        }
        if !preset.budget.is_empty() {
            add("budget", preset.budget.into());
        }
        if !preset.files.is_empty() {
            add("metric.report", preset.files.into());
        }
        if !preset.command.is_empty() {
            add("run.command", command_of(preset, self.python));
        }
        if let Some(first) = preset.measures.first() {
            add("metric.name", first.name.into());
        }
        let name = self.value("metric.name").and_then(Json::as_str);
        if let Some(measure) = name.and_then(|name| preset.measure(name)) {
            let origin = Origin::Preset(preset.name.to_owned());
            let (key, value) = ("metric.direction".to_owned(), word(measure.direction).into());
            self.entries.push(Entry { key, value, origin, text: None });
        }
    }

    /// Whether the preset is named by somebody nearer than files, and these are about
    /// another metric: a preset, a name or a direction that is not this one's.
    fn files_differ_from(&self, preset: &'static Preset) -> bool {
        if matches!(
            self.origin("metric.preset"),
            Some(Origin::Default | Origin::Detected(_) | Origin::File { .. }) | None
        ) {
            return false;
        }
        let in_files = |key: &str| {
            let is_one =
                |entry: &&Entry| entry.key == key && matches!(entry.origin, Origin::File { .. });
            self.entries.iter().rev().find(is_one).and_then(|entry| entry.value.as_str())
        };
        if let Some(other) = in_files("metric.preset") {
            return other != preset.name;
        }
        if preset.is_a_key() {
            return false;
        }
        if in_files("metric.name").is_some_and(|name| exact(preset, name).is_none()) {
            return true;
        }
        let name = self.value("metric.name").and_then(Json::as_str);
        let measure = match name {
            Some(name) => exact(preset, name),
            None => preset.measures.first(),
        };
        let way = in_files("metric.direction");
        measure.zip(way).is_some_and(|(measure, way)| way != word(measure.direction))
    }

    /// Whether a value is about something else than the preset that is heard.
    pub(super) fn is_set_aside(&self, entry: &Entry) -> bool {
        let key = entry.key.as_str();
        match entry.origin {
            Origin::File { .. } => {
                self.files_differ
                    && (key.starts_with("metric.") || matches!(key, "run.command" | "budget"))
            }
            // What runs the target is no guess at what measures it.
            Origin::Detected(_) if key == "run.command" => {
                self.preset().is_some_and(|preset| preset.example().is_some())
            }
            _ => false,
        }
    }

    /// Keys that files set and that are not heard, since a preset was named by a flag
    /// or variable, and the files are about another metric.
    pub fn set_aside(&self) -> Vec<&str> {
        let from_files = |entry: &&Entry| matches!(entry.origin, Origin::File { .. });
        let entries = self.entries.iter().filter(from_files);
        entries.filter(|entry| self.is_set_aside(entry)).map(|entry| entry.key.as_str()).collect()
    }

    /// Whether the metric is none that the preset has.
    pub(crate) fn is_name_unknown(&self) -> bool {
        let name = self.value("metric.name").and_then(Json::as_str);
        self.preset()
            .filter(|preset| !preset.is_a_key())
            .zip(name)
            .is_some_and(|(preset, name)| preset.measure(name).is_none())
    }

    /// The direction that the preset has for the metric, where it knows that number.
    pub(crate) fn known_direction(&self) -> Option<Direction> {
        let name = self.value("metric.name").and_then(Json::as_str)?;
        Some(exact(self.preset()?, name)?.direction)
    }

    /// That a required key is missing; a command, with one to begin from.
    pub(super) fn unanswered(&self, missing: Missing) -> Problem {
        let preset = self.preset().filter(|_| missing.key == "run.command");
        match preset.and_then(|preset| Some((preset, preset.example()?))) {
            Some((preset, example)) => {
                let why =
                    format!("the preset `{}` needs `run.command`: {}", preset.name, preset.about);
                Problem::new(What::Conflict(why), self.place("metric.preset")).hint(format!(
                    "give one, as `--command \"{example}\"`, or set it in autoresearch.toml"
                ))
            }
            None => Problem::new(What::Missing(missing), Place::Nowhere),
        }
    }
}

/// The number of this name, unless the preset takes any.
fn exact(preset: &'static Preset, name: &str) -> Option<&'static Measure> {
    preset.measure(name).filter(|measure| measure.name != "*")
}

/// As in `metric.direction`.
pub(crate) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Minimize => "minimize",
        Direction::Maximize => "maximize",
    }
}

/// A preset's command, with the repository's own Python in the place of `python3`.
fn command_of(preset: &Preset, python: Option<&str>) -> Json {
    let Some(python) = python else { return preset.command.into() };
    let mut words = Vec::new();
    for word in preset.command {
        match *word {
            "python3" => words.extend(python.split(' ').map(str::to_owned)),
            // Within what a shell gets.
            word => words.push(word.replace("python3 -m", &format!("{python} -m"))),
        }
    }
    words.into()
}
