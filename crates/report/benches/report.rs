//! What a report of 100, 10,000 and 100,000 experiments costs.

use autoresearch_core::metric::Direction;
use autoresearch_core::units::Timestamp;
use autoresearch_report::{
    Progress, Size, Style, SummaryOptions, plot_png, plot_svg, progress, summary_markdown,
};
use divan::Bencher;

#[path = "../tests/cases/mod.rs"]
mod cases;

const COUNTS: [u64; 3] = [100, 10_000, 100_000];

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = COUNTS)]
fn summary(bencher: Bencher<'_, '_>, count: u64) {
    let history = cases::session(count, count / 10, Direction::Minimize);
    bencher.bench(|| summary_markdown(&history, &SummaryOptions::default()));
}

#[divan::bench(args = COUNTS)]
fn svg(bencher: Bencher<'_, '_>, count: u64) {
    let history = cases::session(count, count / 10, Direction::Minimize);
    bencher.bench(|| plot_svg(&history, Size::default()));
}

#[divan::bench(args = COUNTS)]
fn png(bencher: Bencher<'_, '_>, count: u64) {
    let svg = plot_svg(&cases::session(count, count / 10, Direction::Minimize), Size::default());
    bencher.bench(|| plot_png(&svg, 2.0).map(|png| png.len()));
}

#[divan::bench(args = COUNTS)]
fn record_and_report(bencher: Bencher<'_, '_>, count: u64) {
    let history = cases::session(count, count / 10, Direction::Minimize);
    let aggregate = Progress::of(&history);
    let last = &history.points[history.points.len() - 1];
    bencher.with_inputs(|| aggregate.clone()).bench_local_values(|mut aggregate| {
        aggregate.record(last);
        progress(&aggregate, Timestamp(0), Style::Plain)
    });
}
