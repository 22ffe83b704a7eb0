//! What benchmark tools report.

use super::{Preset, down, up};
use crate::metric::Format;

pub(super) const CRITERION: Preset = Preset {
    name: "criterion",
    about: "time per iteration of criterion's benchmarks",
    measures: &[
        down(
            "min_ns",
            "fastest sample, in nanoseconds; over several benchmarks the geometric mean",
        ),
        down("median_ns", "median of the samples, in nanoseconds; much noisier than the fastest"),
        down("mean_ns", "mean of the samples, in nanoseconds"),
        down("*", "fastest sample of one benchmark, as `fib 20`, in nanoseconds"),
    ],
    command: &["cargo", "bench"],
    budget: "15m",
    format: Format::Criterion,
    files: &["target/criterion/**/new/{benchmark,sample,estimates}.json"],
    codes: 0..=0,
};

pub(super) const HYPERFINE: Preset = Preset {
    name: "hyperfine",
    about: "time of commands by `hyperfine --export-json hyperfine.json`",
    measures: &[
        down("min_s", "fastest run, in seconds; over several commands the geometric mean"),
        down("median_s", "median of the runs, in seconds"),
        down("mean_s", "mean of the runs, in seconds"),
        down("stddev_s", "standard deviation of the runs, in seconds"),
        down("*", "fastest run of one command, by its name (`-n`), in seconds"),
    ],
    command: &[],
    budget: "10m",
    format: Format::Hyperfine,
    files: &["hyperfine.json"],
    codes: 0..=0,
};

pub(super) const LIGHTHOUSE: Preset = Preset {
    name: "lighthouse",
    about: "a web page by `lighthouse --output=json --output-path=lighthouse.json`",
    measures: &[
        up("performance", "score of the category, from 0 to 1"),
        up("accessibility", "score of the category, from 0 to 1"),
        up("best-practices", "score of the category, from 0 to 1"),
        up("seo", "score of the category, from 0 to 1"),
        down("first-contentful-paint", "milliseconds"),
        down("largest-contentful-paint", "milliseconds"),
        down("speed-index", "milliseconds"),
        down("total-blocking-time", "milliseconds"),
        down("interactive", "milliseconds"),
        down("server-response-time", "milliseconds"),
        down("cumulative-layout-shift", "no unit"),
        down("total-byte-weight", "bytes"),
    ],
    command: &[],
    budget: "5m",
    format: Format::Lighthouse,
    files: &["lighthouse*.json"],
    codes: 0..=0,
};
