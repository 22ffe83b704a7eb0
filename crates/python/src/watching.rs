//! Tells Python what happens, and lets it see to its signals a few times a second.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use autoresearch::core::units::Timestamp;
use autoresearch::report::{Style, experiment_line, live_line, progress, rerun_line};
use autoresearch::{Direction, News, Observer};
use pyo3::prelude::*;

use crate::measuring::Shared;

/// Between two live lines.
const REDRAW: Duration = Duration::from_millis(250);

/// An observer in Python.
pub(crate) struct Watcher {
    /// Called with an event as JSON, and lines for a person: one that stays, and
    /// one that is drawn over.
    pub(crate) tell: Py<PyAny>,
    pub(crate) shared: Shared,
    /// Columns of a live line; none where it is not wanted.
    pub(crate) width: Option<usize>,
    pub(crate) direction: Direction,
    pub(crate) drawn_at: Option<Instant>,
}

impl Watcher {
    fn live(&mut self, news: &News<'_>) -> Option<String> {
        let News::Working { activity, progress } = news else { return None };
        let width = self.width?;
        if self.drawn_at.is_some_and(|at| at.elapsed() < REDRAW) {
            return None;
        }
        self.drawn_at = Some(Instant::now());
        Some(live_line(progress, std::slice::from_ref(*activity), now(), width))
    }

    fn line(&mut self, news: &News<'_>) -> Option<String> {
        Some(match news {
            News::Begun { plan, resumed, .. } => {
                self.direction = plan.direction;
                let how = if *resumed { "going on with" } else { "session" };
                format!("{how} {}; Ctrl-C ends it and loses nothing", plan.tag)
            }
            News::Note(text) => format!("note: {text}"),
            News::Refused { hypothesis, reason } => format!("refused: {hypothesis}: {reason}"),
            News::Again { number, purpose, trial } => {
                rerun_line(*number, *purpose, trial, Style::Plain)
            }
            News::Settled { point, .. } => experiment_line(point, self.direction, Style::Plain),
            News::Progress(report) => {
                format!("\n{}\n", progress(report, now(), Style::Plain).trim_end())
            }
            News::Stopped { reason, .. } => format!("stopped: {reason}"),
            // What is drawn over, and whatever is new.
            _ => return None,
        })
    }
}

impl Observer for Watcher {
    fn tell(&mut self, news: &News<'_>) {
        let drawn = self.live(news);
        let line = self.line(news);
        let event = autoresearch_cli::event(news).map(|event| event.to_string());
        Python::attach(|py| {
            let told = py.check_signals().and_then(|()| {
                if drawn.is_some() || line.is_some() || event.is_some() {
                    self.tell.call1(py, (event, line, drawn))?;
                }
                Ok(())
            });
            if let Err(error) = told {
                self.shared.end_by(error);
            }
        });
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
