//! What criterion leaves in `target/criterion/BENCHMARK/new/`: the files
//! `benchmark.json`, `sample.json` and `estimates.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::timings::{Timing, numbers};
use crate::metric::{Part, Readings};

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    /// Nanoseconds of all iterations of a sample together.
    times: Vec<f64>,
}

#[derive(Deserialize)]
struct Estimates {
    mean: Estimate,
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Nanoseconds per iteration: the fastest sample, median and mean. The fastest
/// is the default: what disturbs a run only ever slows it down.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut folders: BTreeMap<&str, [Option<&str>; 3]> = BTreeMap::new();
    for Part { path, text, .. } in parts {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let files = ["benchmark.json", "sample.json", "estimates.json"];
        if let Some(at) = files.iter().position(|known| *known == file) {
            folders.entry(folder).or_default()[at] = Some(text);
        }
    }
    let mut timings = Vec::new();
    for (folder, files) in folders {
        let Some(timing) = timing(files) else {
            return Readings::troubled(format!(
                "`{folder}` is not what criterion leaves: benchmark.json, sample.json and estimates.json"
            ));
        };
        timings.push(timing);
    }
    let numbers = numbers(name, "ns", "benchmarks", timings);
    numbers.map_or_else(Readings::troubled, |numbers| Readings::of(name, numbers))
}

fn timing([benchmark, sample, estimates]: [Option<&str>; 3]) -> Option<Timing> {
    let Benchmark { full_id: id } = serde_json::from_str(benchmark?).ok()?;
    let Sample { iters, times } = serde_json::from_str(sample?).ok()?;
    let Estimates { mean, median } = serde_json::from_str(estimates?).ok()?;
    let min = times.iter().zip(&iters).map(|(time, iters)| time / iters).min_by(f64::total_cmp)?;
    Some(Timing { id, min, median: median.point_estimate, mean: mean.point_estimate })
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    /// criterion 0.7, as it wrote it.
    fn parts() -> Vec<Part> {
        let folder = "target/criterion/fib 20/new";
        let other = "target/criterion/group/fib/5/new";
        vec![
            part(
                &format!("{folder}/benchmark.json"),
                include_str!("recorded/criterion/benchmark.json"),
            ),
            part(
                &format!("{folder}/estimates.json"),
                include_str!("recorded/criterion/estimates.json"),
            ),
            part(&format!("{folder}/sample.json"), include_str!("recorded/criterion/sample.json")),
            part(
                &format!("{other}/benchmark.json"),
                r#"{"group_id":"group","function_id":"fib","value_str":"5","full_id":"group/fib/5"}"#,
            ),
            part(&format!("{other}/sample.json"), r#"{"iters":[1.0,2.0],"times":[40.0,50.0]}"#),
            part(
                &format!("{other}/estimates.json"),
                r#"{"mean":{"point_estimate":30.0},"median":{"point_estimate":32.5}}"#,
            ),
        ]
    }

    #[test]
    fn the_fastest_sample_is_the_time_of_a_benchmark() {
        // 2111749 ns in 163 iterations.
        assert_eq!(read("fib 20", &parts()).metric, Some(2_111_749.0 / 163.0));
        let one = read("median_ns", &parts()[..3]);
        assert_eq!(one.metric, Some(25_903.531_186_094_07));
        assert_eq!(one.secondary.get("min_ns"), Some(&(2_111_749.0 / 163.0)));
    }

    #[test]
    fn several_benchmarks_make_a_geometric_mean() {
        let readings = read("min_ns", &parts());
        let mean = (2_111_749.0_f64 / 163.0 * 25.0).sqrt();
        assert!((readings.metric.unwrap() - mean).abs() < 1e-9);
        assert_eq!(readings.secondary.get("benchmarks"), Some(&2.0));
        assert_eq!(readings.secondary.get("group/fib/5"), Some(&25.0));
    }

    #[test]
    fn a_benchmark_that_is_not_there_is_named_with_those_that_are() {
        let why = read("fib 30", &parts()).trouble.unwrap();
        assert_eq!(why, "there is no `fib 30` among the benchmarks: `fib 20`, `group/fib/5`");
        assert!(read("min_ns", &parts()[..2]).trouble.unwrap().contains("fib 20/new"));
        assert!(read("min_ns", &[]).trouble.unwrap().contains("no benchmarks"));
    }
}
