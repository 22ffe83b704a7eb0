//! What a person sees of a running session: one line for every experiment, a
//! live line below them, a report every ten. For machines, JSON a line.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use autoresearch::core::metric::Direction;
use autoresearch::core::units::Timestamp;
use autoresearch::report::{Style, experiment_line, live_line, progress, rerun_line};
use autoresearch::{News, Observer};
use serde_json::json;

use crate::output;

/// Between two redraws of the live line.
const REDRAW: Duration = Duration::from_millis(200);

/// Watches a session for a person or a machine.
pub(crate) struct Watch {
    json: bool,
    is_terminal: bool,
    direction: Direction,
    /// Whether a live line is on the screen.
    is_drawn: bool,
    drawn_at: Option<Instant>,
}

impl Watch {
    pub(crate) fn new(json: bool) -> Watch {
        Watch {
            json,
            is_terminal: !json && std::io::stderr().is_terminal(),
            direction: Direction::Minimize,
            is_drawn: false,
            drawn_at: None,
        }
    }

    fn say(&mut self, text: &str) {
        self.clear();
        // Nobody reads any more; the session goes on all the same.
        let _ = output::line(text);
    }

    fn clear(&mut self) {
        if self.is_drawn {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
            self.is_drawn = false;
        }
    }

    fn draw(&mut self, line: &str) {
        let mut screen = std::io::stderr().lock();
        let _ = write!(screen, "\r\x1b[K{line}").and_then(|()| screen.flush());
        self.is_drawn = true;
        self.drawn_at = Some(Instant::now());
    }

    fn tell_machine(news: &News<'_>) {
        let value = match news {
            News::Begun { plan, folder, resumed } => json!({
                "event": "begun", "tag": plan.tag, "base": plan.base, "metric": plan.metric,
                "direction": plan.direction, "folder": folder.to_string_lossy(), "resumed": resumed,
            }),
            News::Note(text) => json!({ "event": "note", "text": text }),
            News::Refused { hypothesis, reason } => {
                json!({ "event": "refused", "hypothesis": hypothesis, "reason": reason })
            }
            News::Again { number, purpose, trial } => json!({
                "event": "again", "number": number, "purpose": purpose, "trial": trial,
            }),
            News::Settled { point, .. } => json!({ "event": "settled", "experiment": point }),
            News::Stopped { reason, active } => json!({
                "event": "stopped", "reason": reason, "active_seconds": active.as_secs_f64(),
            }),
            // What a person watches live, and whatever is new.
            _ => return,
        };
        let _ = output::json(&value);
    }

    fn tell_person(&mut self, news: &News<'_>) {
        match news {
            News::Begun { plan, folder, resumed } => {
                self.direction = plan.direction;
                let how = if *resumed { "going on with" } else { "session" };
                self.say(&format!(
                    "{how} {} in {}\nwatch it with `autoresearch status`; Ctrl-C ends it and loses nothing\n",
                    plan.tag,
                    folder.display()
                ));
            }
            News::Note(text) => {
                self.clear();
                output::note(text);
            }
            News::Refused { hypothesis, reason } => {
                self.clear();
                output::note(&format!("refused: {hypothesis}: {reason}"));
            }
            News::Working { activity, progress } => {
                let is_due = self.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW);
                if self.is_terminal && is_due {
                    let width = usize::from(terminal_width());
                    let activities = std::slice::from_ref(*activity);
                    self.draw(&live_line(progress, activities, now(), width.saturating_sub(1)));
                }
            }
            News::Again { number, purpose, trial } => {
                self.say(&rerun_line(*number, *purpose, trial, Style::Colour));
            }
            News::Settled { point, .. } => {
                self.say(&experiment_line(point, self.direction, Style::Colour));
            }
            News::Progress(report) => {
                let text = progress(report, now(), Style::Colour);
                self.say(&format!("\n{}\n", text.trim_end()));
            }
            News::Stopped { reason, .. } => self.say(&format!("\nstopped: {reason}")),
            _ => {}
        }
    }
}

impl Observer for Watch {
    fn tell(&mut self, news: &News<'_>) {
        if self.json {
            Watch::tell_machine(news);
        } else {
            self.tell_person(news);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Now, for what is printed.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn terminal_width() -> u16 {
    crossterm::terminal::size().map_or(80, |(width, _)| width.max(20))
}
