//! The ways to find a metric that have a key of their own, under the names by
//! which people look for them: they say which key that is, and no more.

use super::Preset;
use crate::metric::Format;

const KEY: Preset = Preset {
    name: "",
    about: "",
    measures: &[],
    command: &[],
    budget: "",
    format: Format::Printed,
    files: &[],
    codes: 0..=0,
};

pub(super) const JSON: Preset = Preset {
    name: "json",
    about: "a number in a JSON file that the command writes: `metric.json`, and `metric.key`",
    ..KEY
};

pub(super) const REGEX: Preset = Preset {
    name: "regex",
    about: "a number that the command prints, by a regular expression: `metric.pattern`",
    ..KEY
};

pub(super) const COMMAND: Preset = Preset {
    name: "command",
    about: "a number that a second command prints, which the run cannot touch: `metric.command`",
    ..KEY
};
