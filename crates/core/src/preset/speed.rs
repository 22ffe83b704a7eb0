//! How fast a command or a server answers, measured by this program's own
//! `autoresearch measure`.

use super::{Preset, down, up};
use crate::metric::Format;

pub(super) const LATENCY: Preset = Preset {
    name: "latency",
    about: "how long a request or a command takes, by `autoresearch measure latency`",
    measures: &[
        down("p95_ms", "time that 95% stay below, in milliseconds"),
        down("min_ms", "fastest, in milliseconds; the least noisy"),
        down("median_ms", "median, in milliseconds"),
        down("mean_ms", "mean, in milliseconds"),
        down("p90_ms", "time that 90% stay below, in milliseconds"),
        down("p99_ms", "time that 99% stay below, in milliseconds"),
        down("*", "one of several, as `search.p95_ms`"),
    ],
    command: &[],
    budget: "5m",
    format: Format::Printed,
    files: &[],
    codes: 0..=0,
};

pub(super) const THROUGHPUT: Preset = Preset {
    name: "throughput",
    about: "requests or items a second, by `autoresearch measure throughput`",
    measures: &[up("per_second", "requests or items a second")],
    command: &[],
    budget: "5m",
    format: Format::Printed,
    files: &[],
    codes: 0..=0,
};
