//! The learning curve of a run, drawn while the output arrives, and told to the
//! engine as it grows.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use autoresearch_core::curve::{Curve, Point};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Between two points that the engine is told.
const BETWEEN: Duration = Duration::from_millis(200);

/// Draws the curve of one run.
pub(crate) struct Plotter {
    started: Instant,
    told_at: Option<Instant>,
    heard: u64,
    curve: Curve,
}

impl Plotter {
    /// For a run that started then.
    pub(crate) fn since(started: Instant) -> Plotter {
        Plotter { started, told_at: None, heard: 0, curve: Curve::default() }
    }

    /// Takes in the newest value of the series, and how many there have been.
    pub(crate) fn plot(&mut self, newest: Option<(u64, f64)>) {
        let Some((heard, value)) = newest.filter(|(heard, _)| *heard > self.heard) else {
            return;
        };
        self.heard = heard;
        let now = Instant::now();
        let point = Point { seconds: (now - self.started).as_secs_f64(), value };
        self.curve.push(point);
        if self.told_at.is_none_or(|told| now - told >= BETWEEN) {
            self.told_at = Some(now);
            tell(point);
        }
    }

    /// The whole of it.
    pub(crate) fn finish(self) -> Curve {
        self.curve
    }
}

/// One line, as `[1.5,0.25]`. A point is passed over when nobody reads: a
/// supervisor that waits for its engine would hold no deadline. What a pipe
/// takes at all, it takes a line of.
fn tell(point: Point) {
    let out = io::stdout();
    let is_heard = {
        let mut fds = [PollFd::new(&out, PollFlags::OUT)];
        let at_once = Timespec::try_from(Duration::ZERO).ok();
        poll(&mut fds, at_once.as_ref()).is_ok() && fds[0].revents().contains(PollFlags::OUT)
    };
    if is_heard && let Ok(mut line) = serde_json::to_vec(&point) {
        line.push(b'\n');
        let mut out = out.lock();
        // The engine may be gone: its life line says so.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}
