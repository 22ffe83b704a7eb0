//! `hyperfine --export-json FILE`
//! (<https://github.com/sharkdp/hyperfine#json>).

use serde::Deserialize;

use super::embedded;
use super::timings::{Timing, numbers};
use crate::metric::{Part, Readings};

#[derive(Deserialize)]
struct Export {
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    command: String,
    min: f64,
    median: f64,
    mean: f64,
    stddev: Option<f64>,
}

/// The fastest run, median, mean and standard deviation in seconds: of one
/// command, or geometric means over several (the deviation of one alone).
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut timings = Vec::new();
    let mut stddev = None;
    for Part { path, text, .. } in parts {
        let Some(export) = embedded::value::<Export>(text) else {
            return Readings::troubled(format!("`{path}` is not what `--export-json` writes"));
        };
        for Row { command, min, median, mean, stddev: its } in export.results {
            stddev = its.filter(|_| timings.is_empty());
            timings.push(Timing { id: command, min, median, mean });
        }
    }
    let numbers = numbers(name, "s", "commands", timings).map(|mut numbers| {
        numbers.extend(stddev.map(|stddev| ("stddev_s".to_owned(), stddev)));
        numbers
    });
    numbers.map_or_else(Readings::troubled, |numbers| Readings::of(name, numbers))
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    /// hyperfine 1.15, as it wrote it.
    const FILE: &str = include_str!("recorded/hyperfine.json");

    fn read(name: &str) -> Readings {
        super::read(name, &[part("hyperfine.json", FILE)])
    }

    #[test]
    fn several_commands_are_read_each_by_name_and_together() {
        assert_eq!(read("two").metric, Some(0.010_884_123));
        assert_eq!(read("sleep 0.02").metric, Some(0.021_001_223_000_000_003));
        let both = read("min_s").metric.unwrap();
        assert!((both - (0.010_884_123_f64 * 0.021_001_223).sqrt()).abs() < 1e-12, "{both}");
        assert_eq!(read("min_s").secondary.get("commands"), Some(&2.0));
        assert!(!read("min_s").secondary.contains_key("stddev_s"));
        let why = read("three").trouble.unwrap();
        assert_eq!(why, "there is no `three` among the commands: `sleep 0.02`, `two`");
    }

    #[test]
    fn the_deviation_is_that_of_one_command() {
        let one =
            r#"{"results": [{"command": "a", "mean": 2.0, "stddev": 0.5, "median": 2, "min": 1}]}"#;
        let readings = super::read("stddev_s", &[part("hyperfine.json", one)]);
        assert_eq!((readings.metric, readings.secondary["median_s"]), (Some(0.5), 2.0));
        assert!(super::read("min_s", &[part("a", "{}")]).trouble.is_some());
    }
}
