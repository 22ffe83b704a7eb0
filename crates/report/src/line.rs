//! One line of a terminal: for an experiment that settled, and for what is
//! going on right now.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style as Ansi};
use autoresearch_core::experiment::Verdict;
use autoresearch_core::judge::Rule;
use autoresearch_core::metric::{Direction, significant};
use autoresearch_core::trial::{Purpose, Trial};
use autoresearch_core::units::{Timestamp, human_duration};

use crate::history::Point;
use crate::numbers::{self, Precision};
use crate::progress::Progress;
use crate::words;

/// Longest reason or hypothesis in a line, in columns.
const SENTENCE: usize = 100;

/// Whether text may be coloured. Colour never carries meaning alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Characters only.
    #[default]
    Plain,
    /// With ANSI escapes.
    Colour,
}

impl Style {
    pub(crate) fn paint(self, style: Ansi, text: &str) -> String {
        match self {
            Style::Plain => text.to_owned(),
            Style::Colour => format!("{style}{text}{style:#}"),
        }
    }
}

/// What became of an experiment, in one line without a line end:
/// `✓ #7 keep 0.9821 (-0.0158) ReLU² activation`.
///
/// What follows the metric in brackets is the change against the incumbent.
pub fn experiment_line(point: &Point, direction: Direction, style: Style) -> String {
    let (mark, colour) = match point.verdict {
        Verdict::Keep => ('✓', Ansi::new().fg_color(Some(AnsiColor::Green.into())).bold()),
        Verdict::Discard => ('·', Ansi::new().dimmed()),
        Verdict::Crash => ('✗', Ansi::new().fg_color(Some(AnsiColor::Red.into()))),
    };
    let outcome = format!("{mark} #{} {}", point.number, point.verdict);
    let mut line = style.paint(colour, &outcome);
    if let Some(value) = point.value() {
        let gain = point.gain.filter(|g| g.is_finite() && !point.is_baseline());
        let precision = Precision::of([value], gain);
        line.push(' ');
        line.push_str(&precision.value(value));
        if let Some(gain) = gain {
            let change = match direction {
                Direction::Minimize => -gain,
                Direction::Maximize => gain,
            };
            let _ = write!(line, " ({})", precision.signed(change));
        }
    }
    line.push(' ');
    line.push_str(&words::truncated(&words::one_line(&point.hypothesis), SENTENCE));
    let needs_words =
        matches!(point.rule, Some(Rule::Suspect | Rule::Unrepeated | Rule::Constraint));
    if point.verdict == Verdict::Crash || needs_words {
        let kind = point.crash_kind.map(|k| k.to_string());
        if let Some(reason) = point.reason.clone().or(kind) {
            let reason = words::truncated(&words::one_line(&reason), SENTENCE);
            line.push_str(&style.paint(Ansi::new().dimmed(), &format!(" — {reason}")));
        }
    }
    line
}

/// What an experiment that is not settled is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its change is being written.
    Proposing,
    /// It runs.
    Running,
    /// Its checks run, since it would be kept.
    Checking,
    /// It is settled, and runs again.
    Again(Purpose),
}

/// An experiment that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its number.
    pub number: u64,
    /// What it is waiting for.
    pub stage: Stage,
    /// For how long this stage has lasted.
    pub elapsed: Duration,
    /// How long it may last.
    pub limit: Option<Duration>,
    /// What is tried, once known.
    pub hypothesis: Option<String>,
    /// What its proposer does, or one that writes the next proposal beside it.
    pub doing: Option<String>,
}

/// What runs again, as `again: the incumbent #7`.
fn again(number: u64, purpose: Purpose) -> String {
    match (purpose, number) {
        (_, 0) => "again: the baseline".to_owned(),
        (Purpose::Incumbent, _) => format!("again: the incumbent #{number}"),
        (Purpose::Verification | Purpose::Candidate, _) => format!("again: #{number}"),
    }
}

/// What came of a run of a settled experiment, in one line without a line end:
/// `↻ again: the incumbent #7 0.9821`.
pub fn rerun_line(number: u64, purpose: Purpose, trial: &Trial, style: Style) -> String {
    let came_of_it = match (trial.metric, &trial.crash) {
        (Some(value), _) => significant(value, 6),
        (None, Some(crash)) => words::truncated(&words::one_line(&crash.reason), SENTENCE),
        (None, None) => trial.exit.to_string(),
    };
    style.paint(Ansi::new().dimmed(), &format!("↻ {} {came_of_it}", again(number, purpose)))
}

/// What is going on, in one line of at most `width` columns:
/// `#12 running 0:34 of 5:00 · best 0.9821 (-1.6%) at #7 · 3 keep 7 discard 1
/// crash · about 6h 20m left · raise LR from 0.003 to 0.006`.
///
/// With several activities the first is told in full and the others are
/// counted.
pub fn live_line(
    progress: &Progress,
    activities: &[Activity],
    now: Timestamp,
    width: usize,
) -> String {
    let mut parts = Vec::new();
    if let Some(first) = activities.first() {
        let what = match first.stage {
            Stage::Proposing => format!("#{} proposing", first.number),
            Stage::Running => format!("#{} running", first.number),
            Stage::Checking => format!("#{} checking", first.number),
            Stage::Again(purpose) => again(first.number, purpose),
        };
        let mut part = format!("{what} {}", numbers::clock(first.elapsed));
        if let Some(limit) = first.limit {
            let _ = write!(part, " of {}", numbers::clock(limit));
        }
        if activities.len() > 1 {
            let _ = write!(part, " and {} more", activities.len() - 1);
        }
        parts.push(part);
    }
    if let Some(best) = &progress.best {
        let precision = progress.precision();
        let change = progress.change_in_percent().map_or_else(String::new, |p| format!(" ({p})"));
        let place =
            if best.number == 0 { "the baseline".to_owned() } else { format!("#{}", best.number) };
        parts.push(format!("best {}{change} at {place}", precision.value(best.metric)));
    }
    if progress.counts.total() > 0 {
        parts.push(progress.outcomes(" "));
    }
    if let Some(left) = progress.left(now) {
        parts.push(format!("about {} left", human_duration(coarse(left))));
    }
    let first = activities.first();
    parts.extend(first.and_then(|a| a.hypothesis.as_deref()).map(words::one_line));
    parts.extend(first.and_then(|a| a.doing.as_deref()).map(words::one_line));
    words::truncated(&parts.join(" · "), width)
}

/// An estimate is not known to the second.
pub(crate) fn coarse(duration: Duration) -> Duration {
    let seconds = duration.as_secs();
    let step = match seconds {
        0..60 => 5,
        60..3600 => 60,
        3600..36_000 => 600,
        _ => 3600,
    };
    Duration::from_secs(seconds.div_ceil(step).saturating_mul(step).max(5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Session;
    use autoresearch_core::trial::{CrashKind, Exit};
    use insta::assert_snapshot;

    fn progress() -> Progress {
        let mut session = Session::new("val_bpb", Direction::Minimize);
        session.budget_seconds = Some(300.0);
        session.iterations_max = Some(100);
        session.started = Some(Timestamp(0));
        let mut progress = Progress::new(&session);
        progress.record(&Point::new(0, Verdict::Keep, Some(0.9979), "baseline"));
        progress.record(&Point::new(1, Verdict::Keep, Some(0.9821), "ReLU²"));
        progress.record(&Point::new(2, Verdict::Crash, None, "batch 512"));
        progress
    }

    #[test]
    fn a_settled_experiment_is_one_line_that_needs_no_colour() {
        let mut point = Point::new(7, Verdict::Keep, Some(0.9821), "ReLU² activation\nin the MLP");
        point.gain = Some(0.0158);
        assert_snapshot!(experiment_line(&point, Direction::Minimize, Style::Plain), @"✓ #7 keep 0.9821 (-0.0158) ReLU² activation in the MLP");
        point.verdict = Verdict::Discard;
        point.gain = Some(-0.002);
        assert_snapshot!(experiment_line(&point, Direction::Minimize, Style::Plain), @"· #7 discard 0.9821 (+0.0020) ReLU² activation in the MLP");
        point.verdict = Verdict::Crash;
        point.crash_kind = Some(CrashKind::Oom);
        assert_snapshot!(experiment_line(&point, Direction::Minimize, Style::Plain), @"✗ #7 crash ReLU² activation in the MLP — oom");
        point.reason = Some("oom: CUDA out of memory. Tried to allocate 2 GiB".to_owned());
        assert_snapshot!(experiment_line(&point, Direction::Minimize, Style::Plain), @"✗ #7 crash ReLU² activation in the MLP — oom: CUDA out of memory. Tried to allocate 2 GiB");
        assert!(experiment_line(&point, Direction::Minimize, Style::Colour).contains("\u{1b}["));
        (point.verdict, point.rule) = (Verdict::Discard, Some(Rule::Constraint));
        point.reason = Some("`mem <= 40` is broken: 43.2".to_owned());
        assert!(experiment_line(&point, Direction::Minimize, Style::Plain).ends_with("43.2"));
    }

    #[test]
    fn the_live_line_fits_the_terminal() {
        let running = Activity {
            number: 3,
            stage: Stage::Running,
            elapsed: Duration::from_secs(34),
            limit: Some(Duration::from_mins(5)),
            hypothesis: Some("raise LR from 0.003 to 0.006".to_owned()),
            doing: None,
        };
        let proposing = Activity {
            number: 4,
            stage: Stage::Proposing,
            elapsed: Duration::from_secs(3),
            limit: None,
            hypothesis: None,
            doing: None,
        };
        let progress = progress();
        let line =
            |activities: &[Activity], width| live_line(&progress, activities, Timestamp(0), width);
        assert_snapshot!(line(std::slice::from_ref(&running), 200), @"#3 running 0:34 of 5:00 · best 0.9821 (-1.6%) at #1 · 1 keep 1 crash · about 8h 10m left · raise LR from 0.003 to 0.006");
        assert_snapshot!(line(std::slice::from_ref(&running), 40), @"#3 running 0:34 of 5:00 · best 0.9821 (…");
        let checking = Activity { stage: Stage::Checking, ..running.clone() };
        assert!(line(&[checking], 200).starts_with("#3 checking 0:34 of 5:00 · "));
        assert_snapshot!(line(&[proposing, running], 60), @"#4 proposing 0:03 and 1 more · best 0.9821 (-1.6%) at #1 ·…");
        assert_snapshot!(line(&[], 200), @"best 0.9821 (-1.6%) at #1 · 1 keep 1 crash · about 8h 10m left");
    }

    #[test]
    fn what_runs_again_says_what_it_is() {
        let mut trial = Trial { metric: Some(0.982_1), ..Trial::ended(0, Exit::Code(0)) };
        let line =
            |number, purpose, trial: &Trial| rerun_line(number, purpose, trial, Style::Plain);
        assert_snapshot!(line(7, Purpose::Incumbent, &trial), @"↻ again: the incumbent #7 0.9821");
        assert_snapshot!(line(0, Purpose::Verification, &trial), @"↻ again: the baseline 0.9821");
        trial.metric = None;
        assert_snapshot!(line(7, Purpose::Verification, &trial), @"↻ again: #7 exit 0");
        let activity = Activity {
            number: 7,
            stage: Stage::Again(Purpose::Incumbent),
            elapsed: Duration::from_secs(3),
            limit: None,
            hypothesis: None,
            doing: None,
        };
        let nothing = Progress::new(&Session::new("loss", Direction::Minimize));
        assert_snapshot!(live_line(&nothing, &[activity], Timestamp(0), 80), @"again: the incumbent #7 0:03");
    }

    #[test]
    fn before_anything_is_known_the_live_line_is_empty() {
        let progress = Progress::new(&Session::new("loss", Direction::Minimize));
        assert_eq!(live_line(&progress, &[], Timestamp(0), 80), "");
    }
}
