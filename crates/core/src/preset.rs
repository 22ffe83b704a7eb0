//! Ready-made metrics (SPEC A8): what a well-known tool reports, by name. A
//! preset says what a configuration would else have to say: the metric and its
//! direction, the command, where the tool's report lies and in which form.

mod benches;
mod keys;
mod lint;
mod retrieval;
mod sizes;
mod speed;
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
    /// None where any name will do, and its direction is asked for.
    pub measures: &'static [Measure],
    /// What runs unless the user says otherwise; empty where nobody can know.
    pub command: &'static [&'static str],
    /// How long one run may take unless the user says otherwise, as `5m`; empty
    /// where nobody can know.
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
        lint::PYLINT,
        lint::RUFF,
        lint::MYPY,
        lint::CLIPPY,
        benches::CRITERION,
        benches::HYPERFINE,
        benches::LIGHTHOUSE,
        retrieval::RETRIEVAL,
        speed::LATENCY,
        speed::THROUGHPUT,
        sizes::ARTIFACT_SIZE,
        sizes::BUILD_TIME,
        sizes::PEAK_MEMORY,
        keys::JSON,
        keys::REGEX,
        keys::COMMAND,
    ];

    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        Preset::ALL.iter().find(|preset| preset.name == name)
    }

    /// What is known of the number `name`; nothing where it has no such number.
    pub fn measure(&self, name: &str) -> Option<&'static Measure> {
        self.measures.iter().find(|measure| match measure.name.strip_suffix('*') {
            Some("") => self.format.has_kind(name),
            Some(beginning) => name.starts_with(beginning),
            None => measure.name == name,
        })
    }

    /// What numbers there are, in words.
    pub fn numbers(&self) -> String {
        let words = self.measures.iter().map(|measure| match measure.name {
            "*" => measure.about,
            name => name,
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The key of the configuration that only the user can set, and without which
    /// the preset means nothing.
    pub fn needs(&self) -> Option<&'static str> {
        match self.name {
            "json" => Some("metric.json"),
            "regex" => Some("metric.pattern"),
            "command" => Some("metric.command"),
            "artifact-size" => Some("metric.report"),
            _ => None,
        }
    }

    /// A command to begin from, where nobody but the user can know it and what runs the
    /// target is no guess: something has to measure.
    pub fn example(&self) -> Option<&'static str> {
        Some(match self.name {
            "junit" => "mvn -o -q test -Dmaven.test.failure.ignore",
            "hyperfine" => "hyperfine -N --export-json hyperfine.json 'python3 parse.py'",
            "lighthouse" => "sh measure-page.sh",
            "retrieval" => "python3 evaluate.py",
            "latency" => {
                "autoresearch measure latency --server 'python3 server.py {port}' --url http://127.0.0.1:{port}/"
            }
            "throughput" => {
                "autoresearch measure throughput --server 'python3 server.py {port}' --url http://127.0.0.1:{port}/"
            }
            "artifact-size" => "npm run build",
            _ => return None,
        })
    }

    /// Whether it stands for a key that finds the metric, and for nothing else.
    pub fn is_a_key(&self) -> bool {
        self.measures.is_empty()
    }
}

const fn up(name: &'static str, about: &'static str) -> Measure {
    Measure { name, direction: Direction::Maximize, about }
}

const fn down(name: &'static str, about: &'static str) -> Measure {
    Measure { name, direction: Direction::Minimize, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_preset_has_a_number() {
        for (at, preset) in Preset::ALL.iter().enumerate() {
            assert!(Preset::ALL[..at].iter().all(|other| other.name != preset.name));
            let Some(first) = preset.measures.first() else {
                assert!(preset.is_a_key() && preset.needs().is_some(), "{}", preset.name);
                continue;
            };
            assert_eq!(preset.measure(first.name), Some(first));
            assert!(crate::units::parse_duration(preset.budget).is_ok(), "{}", preset.name);
        }
    }

    #[test]
    fn a_number_by_kind_is_of_a_kind_that_there_can_be() {
        for (preset, kind, none) in [
            ("ruff", "F401", "violatons"),
            ("mypy", "return-value", "errorz"),
            ("clippy", "clippy::len_zero", "warnigns"),
        ] {
            let preset = Preset::named(preset).unwrap();
            assert_eq!(preset.measure(kind).map(|measure| measure.name), Some("*"));
            assert_eq!(preset.measure(none), None);
            assert!(preset.numbers().contains(&format!("as `{}", &kind[..4])), "{kind}");
        }
        assert!(Preset::named("hyperfine").unwrap().measure("any name").is_some());
    }

    /// Whatever may be the target's own: the command of a key, or one that is weighed.
    #[test]
    fn a_preset_has_a_command_or_an_example_of_one_unless_the_target_is_the_command() {
        for preset in Preset::ALL {
            let is_targets_own = preset.is_a_key() || preset.name == "peak-memory";
            let ways = [!preset.command.is_empty(), preset.example().is_some(), is_targets_own];
            assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{}", preset.name);
        }
    }
}
