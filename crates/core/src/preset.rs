//! Ready-made metrics (SPEC A8): what a well-known tool reports, by name. A
//! preset says what a configuration would else have to say: the metric and its
//! direction, the command, where the tool's report lies and in which form.

mod testing;

use std::ops::RangeInclusive;

use crate::metric::{Direction, Format};

/// A ready-made metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called in `metric.preset`.
    pub name: &'static str,
    /// What it measures, in one line.
    pub about: &'static str,
    /// The numbers that it yields; the first is the metric unless another is named.
    pub measures: &'static [Measure],
    /// What runs unless the user says otherwise; empty where nobody can know.
    pub command: &'static [&'static str],
    /// How long one run may take unless the user says otherwise, as `5m`.
    pub budget: &'static str,
    /// The form of the tool's report.
    pub format: Format,
    /// Where the report lies, as patterns from the root of the repository; empty
    /// where it is the output of the command.
    pub files: &'static [&'static str],
    /// Exit codes with which the tool has done its work, as pytest's 1 for tests
    /// that fail.
    pub codes: RangeInclusive<i32>,
}

/// One number of a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// As in `metric.name`. One that ends with `*` stands for all that begin so.
    pub name: &'static str,
    /// Which way is better.
    pub direction: Direction,
    /// What it is, with its unit.
    pub about: &'static str,
}

impl Preset {
    /// All of them, by family.
    pub const ALL: &'static [Preset] = &[
        testing::PYTEST,
        testing::CARGO_TEST,
        testing::NEXTEST,
        testing::JUNIT,
        testing::COVERAGE,
        PYLINT,
    ];

    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        Preset::ALL.iter().find(|preset| preset.name == name)
    }

    /// What is known of the number `name`; nothing where it has no such number.
    pub fn measure(&self, name: &str) -> Option<&'static Measure> {
        self.measures.iter().find(|measure| match measure.name.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => measure.name == name,
        })
    }
}

const fn up(name: &'static str, about: &'static str) -> Measure {
    Measure { name, direction: Direction::Maximize, about }
}

const fn down(name: &'static str, about: &'static str) -> Measure {
    Measure { name, direction: Direction::Minimize, about }
}

const PYLINT: Preset = Preset {
    name: "pylint",
    about: "pylint's score of the code",
    measures: &[
        up("score", "pylint's own score, at most 10"),
        down("messages", "messages of all kinds"),
        down("errors", "messages of the kinds error and fatal"),
        down("warnings", "messages of the kind warning"),
        down("refactors", "messages of the kind refactor"),
        down("conventions", "messages of the kind convention"),
    ],
    command: &["pylint", "--recursive=y", "."],
    budget: "5m",
    format: Format::Pylint,
    files: &[],
    // A bit for each kind of message; 32 is a usage error.
    codes: 0..=31,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_preset_has_a_number() {
        for (at, preset) in Preset::ALL.iter().enumerate() {
            assert!(Preset::ALL[..at].iter().all(|other| other.name != preset.name));
            let first = preset.measures.first().expect(preset.name);
            assert_eq!(preset.measure(first.name), Some(first));
            assert!(crate::units::parse_duration(preset.budget).is_ok(), "{}", preset.name);
        }
    }
}
