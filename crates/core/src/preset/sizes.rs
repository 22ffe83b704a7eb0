//! What a build costs: bytes, seconds, memory.

use super::{Measure, Preset, down};
use crate::metric::Format;

pub(super) const ARTIFACT_SIZE: Preset = Preset {
    name: "artifact-size",
    about: "size of the files that `metric.report` names",
    measures: &[
        down("bytes", "bytes of all of them together"),
        down("gzip_bytes", "the same, each compressed by gzip at its best"),
        down("largest_bytes", "bytes of the largest"),
        down("files", "how many there are"),
    ],
    command: &[],
    budget: "10m",
    format: Format::Sizes,
    files: &[],
    codes: 0..=0,
};

const WALL: Measure = down("seconds", "how long the command took, in seconds");
const CPU: Measure = down("cpu_seconds", "CPU time of all its processes, in seconds");
const MEMORY: Measure =
    down("peak_mem_gb", "highest memory of all its processes at one instant, in GiB");

pub(super) const BUILD_TIME: Preset = Preset {
    name: "build-time",
    about: "how long the command takes that builds",
    measures: &[WALL, CPU, MEMORY],
    command: &["cargo", "build"],
    budget: "15m",
    format: Format::Usage,
    files: &[],
    codes: 0..=0,
};

pub(super) const PEAK_MEMORY: Preset = Preset {
    name: "peak-memory",
    about: "how much memory the command takes",
    measures: &[MEMORY, WALL, CPU],
    command: &[],
    budget: "5m",
    format: Format::Usage,
    files: &[],
    codes: 0..=0,
};
