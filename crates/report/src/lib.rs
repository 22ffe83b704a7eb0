//! What a person reads: progress, live lines, the summary and the plot.
//!
//! Pure functions from values to text, SVG and PNG. Nothing here has a clock,
//! reads a file or prints: the time, the width of the terminal and whether it
//! has colour are handed in. Everything is linear in the number of experiments,
//! and what is asked for during a session ([`Progress`]) costs the same after
//! 100,000 experiments as after ten.
//!
//! A [`History`] is filled from a journal, or from a bare `results.tsv`, in
//! which case most of its optional fields are absent and the report says less.

mod costs;
mod history;
mod line;
mod noise;
mod numbers;
mod plot;
mod progress;
mod summary;
mod words;

pub use autoresearch_core::experiment::Counts;
pub use costs::{Proposers, spent_words};
pub use history::{Best, History, Point, Session};
pub use line::{Activity, Stage, Style, experiment_line, live_line, rerun_line};
pub use noise::{keeps_words, noise_words, weighed_words};
pub use plot::{PngError, Size, plot_png, plot_svg};
pub use progress::{Hourly, Progress, progress};
pub use summary::{SummaryOptions, next_steps, summary_markdown};
