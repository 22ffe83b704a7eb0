//! How far a session is (SPEC F1), from an aggregate of fixed size: telling it
//! costs the same after ten experiments as after 100,000.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::time::Duration;

use autoresearch_core::judge::Noise;
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::Category;
use autoresearch_core::units::{Timestamp, human_duration};
use autoresearch_core::verification::Comparison;
use serde::Serialize;

use crate::costs::{self, Proposers};
use crate::history::{Best, History, Point, Session};
use crate::line::{Style, coarse, experiment_line};
use crate::noise::{keeps_words, noise_words};
use crate::numbers::{self, Precision};
use crate::words;
use autoresearch_core::experiment::Counts;

/// Experiments that say where the search is.
const RECENT: usize = 10;
/// Experiments that are shown.
const SHOWN: usize = 5;
/// Intervals that the pace is taken from.
const PACE: usize = 20;

/// All that a progress report tells, kept up to date by [`record`](Progress::record).
#[derive(Clone, Debug)]
pub struct Progress {
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Metric of the baseline.
    pub baseline: Option<f64>,
    /// The best that was kept, the baseline included.
    pub best: Option<Best>,
    /// What became of the experiments, the baseline apart.
    pub counts: Counts,
    /// How many experiments were asked for.
    pub iterations_max: Option<u64>,
    /// When the session began.
    pub started: Option<Timestamp>,
    /// What the metric's noise means.
    pub noise: Option<Noise>,
    /// Who proposed, and what came of it.
    pub proposers: Proposers,
    /// Baseline and best, measured again.
    comparison: Option<Comparison>,
    /// Why they were not.
    not_compared: Option<String>,
    budget: Option<Duration>,
    /// Suspects that nobody has trusted yet, the last few.
    suspects: VecDeque<Point>,
    recent: VecDeque<Point>,
    intervals: VecDeque<f64>,
    /// Number and time of what settled last.
    last: Option<(u64, f64)>,
}

/// Experiments an hour (SPEC A10).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hourly {
    /// As measured.
    pub rate: f64,
    /// With one run of the whole budget each: 12 at 5 minutes.
    pub goal: f64,
}

impl fmt::Display for Hourly {
    /// `11.8 experiments an hour (goal 12)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: f64| match format!("{value:.0}").parse() {
            Ok(whole @ 100..) => numbers::grouped(whole),
            _ => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        };
        write!(f, "{} experiments an hour (goal {})", number(self.rate), number(self.goal))
    }
}

impl Progress {
    /// Nothing has settled.
    pub fn new(session: &Session) -> Progress {
        Progress {
            metric: session.metric.clone(),
            direction: session.direction,
            baseline: None,
            best: None,
            counts: Counts::default(),
            iterations_max: session.iterations_max,
            started: session.started,
            noise: session.noise,
            proposers: session.proposers.clone(),
            budget: session.budget_seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()),
            comparison: session.comparison.clone(),
            not_compared: session.not_compared.clone(),
            suspects: VecDeque::new(),
            recent: VecDeque::with_capacity(RECENT),
            intervals: VecDeque::with_capacity(PACE),
            last: None,
        }
    }

    /// Of everything so far.
    pub fn of(history: &History) -> Progress {
        let mut progress = Progress::new(&history.session);
        history.points.iter().for_each(|p| progress.record(p));
        progress
    }

    /// Takes in an experiment that settled.
    pub fn record(&mut self, point: &Point) {
        Best::update(&mut self.best, self.direction, point);
        let interval = match (point.at_seconds, self.last) {
            // Not where those between are unknown.
            (Some(at), Some((number, last))) if point.number == number + 1 => Some(at - last),
            _ => point.wall_seconds,
        };
        self.last = point.at_seconds.map(|at| (point.number, at)).or(self.last);
        // Its runs are repeated to learn the noise: no experiment takes as long.
        if !point.is_baseline() && self.counts.total() == 0 {
            self.intervals.clear();
        }
        if let Some(interval) = interval.filter(|i| i.is_finite() && *i >= 0.0) {
            let interval = interval.min(self.longest_interval());
            push(&mut self.intervals, interval, PACE);
        }
        if point.is_baseline() {
            self.baseline = self.baseline.or(point.value());
        } else {
            self.counts.add(point.verdict);
            push(&mut self.recent, point.clone(), RECENT);
        }
        if point.is_suspect() {
            self.suspect(point.clone());
        }
    }

    /// Takes in a suspect that is shown before all else.
    pub fn suspect(&mut self, point: Point) {
        if self.suspects.iter().all(|known| known.number != point.number) {
            push(&mut self.suspects, point, SHOWN);
        }
    }

    /// A person trusts the suspect `number`: it is not shown any more.
    pub fn trust(&mut self, number: u64) {
        self.suspects.retain(|point| point.number != number);
    }

    /// Time until the number of experiments that was asked for is reached, at
    /// the pace of the last 20; `None` without a limit or a pace.
    pub fn left(&self, now: Timestamp) -> Option<Duration> {
        let remaining = self.iterations_max?.saturating_sub(self.counts.total());
        let pace = if self.intervals.is_empty() {
            self.budget?
        } else {
            let mean = self.intervals.iter().sum::<f64>() / self.intervals.len() as f64;
            Duration::try_from_secs_f64(mean).ok()?
        };
        let all = Duration::try_from_secs_f64(pace.as_secs_f64() * remaining as f64).ok()?;
        // What the experiment under way has already used is no longer left.
        let since_last = match (self.started, self.last) {
            (Some(started), Some((_, last))) => now.since(started).as_secs_f64() - last,
            _ => 0.0,
        };
        let used = Duration::try_from_secs_f64(since_last).unwrap_or_default().min(pace);
        Some(all.saturating_sub(used))
    }

    /// How many experiments an hour it makes, at the pace of the last 20, and how
    /// many it would make if each were one run of the whole budget; `None` before
    /// the first experiment, and where a run is not bound by time.
    pub fn hourly(&self) -> Option<Hourly> {
        let budget = self.budget?.as_secs_f64();
        if self.counts.total() == 0 || self.intervals.is_empty() {
            return None;
        }
        let mean = self.intervals.iter().sum::<f64>() / self.intervals.len() as f64;
        let hourly = Hourly { rate: 3600.0 / mean, goal: 3600.0 / budget };
        (hourly.rate.is_finite() && hourly.goal.is_finite()).then_some(hourly)
    }

    /// A night between `stop` and `resume` says nothing about the pace, minutes
    /// of a slow proposer do.
    fn longest_interval(&self) -> f64 {
        self.budget.map_or(f64::INFINITY, |b| 2.0 * b.as_secs_f64() + 900.0)
    }

    pub(crate) fn precision(&self) -> Precision {
        let best = self.best.as_ref().map(|b| b.metric);
        let change = self.baseline.zip(best).map(|(from, to)| to - from);
        Precision::of(self.baseline.into_iter().chain(best), change)
    }

    /// Of the best against the baseline; `None` while the baseline is the best.
    pub(crate) fn change_in_percent(&self) -> Option<String> {
        let (baseline, best) = (self.baseline?, self.best.as_ref()?);
        if best.number == 0 {
            return None;
        }
        numbers::percent(best.metric - baseline, baseline)
    }

    /// What measuring the best again beside the baseline says of it.
    fn again(&self) -> Option<String> {
        let best = self.best.as_ref().filter(|best| best.number > 0)?;
        let comparison = self.comparison.as_ref().filter(|c| c.best.number == best.number);
        match (comparison, &self.not_compared) {
            (Some(comparison), _) => Some(format!("{}: {comparison}", comparison.conclusion())),
            (None, Some(why)) => Some(format!("not measured again: {}", words::one_line(why))),
            (None, None) => None,
        }
    }

    /// `3 keep 7 discard 1 crash`, without what never happened.
    pub(crate) fn outcomes(&self, separator: &str) -> String {
        let counts = self.counts;
        [(counts.keep, "keep"), (counts.discard, "discard"), (counts.crash, "crash")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", numbers::grouped(n)))
            .collect::<Vec<_>>()
            .join(separator)
    }

    /// `optimizer (7 of the last 10), then training (3)`.
    fn explored(&self) -> Option<String> {
        let mut tried: Vec<(Category, usize)> = Vec::new();
        for point in self.recent.iter().rev() {
            match tried.iter_mut().find(|(c, _)| *c == point.category) {
                Some((_, n)) => *n += 1,
                None => tried.push((point.category, 1)),
            }
        }
        // Stable: of equals the one that was tried last comes first.
        tried.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let ((category, n), others) = tried.split_first()?;
        let mut text = format!("{category} ({n} of the last {})", self.recent.len());
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|(c, n)| format!("{c} ({n})")).collect();
            let _ = write!(text, ", then {}", words::listed(&others));
        }
        Some(text)
    }
}

fn push<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(item);
}

/// The progress report: several lines, each ended by `\n`.
pub fn progress(progress: &Progress, now: Timestamp, style: Style) -> String {
    let done = progress.counts.total();
    let mut text = match progress.iterations_max {
        Some(max) => format!("{} of {}", numbers::grouped(done), numbers::count(max, "experiment")),
        None => numbers::count(done, "experiment"),
    };
    if let Some(started) = progress.started {
        let _ = write!(text, " · {} elapsed", human_duration(now.since(started)));
    }
    if let Some(left) = progress.left(now).filter(|_| progress.iterations_max != Some(done)) {
        let _ = write!(text, " · about {} left", human_duration(coarse(left)));
    }
    text.push('\n');
    for (i, point) in progress.suspects.iter().enumerate() {
        let label = if i == 0 { "look first" } else { "" };
        let line = experiment_line(point, progress.direction, style);
        let _ = writeln!(text, "  {label:<11}{line}");
        let _ = writeln!(text, "  {:<11}  {}", "", words::remedy(point));
    }

    let precision = progress.precision();
    let metric = words::one_line(&progress.metric);
    match (&progress.best, progress.baseline) {
        (None, _) => {
            let _ = writeln!(text, "  best       none: nothing has reported {metric} yet");
        }
        (Some(best), _) if best.number == 0 => {
            let value = precision.value(best.metric);
            let _ = writeln!(text, "  best       {metric} {value}, the baseline");
        }
        (Some(best), baseline) => {
            let value = precision.value(best.metric);
            let _ = write!(text, "  best       {metric} {value} at #{}", best.number);
            if let Some(commit) = best.commit.as_deref() {
                let _ = write!(text, " ({})", words::short_commit(commit));
            }
            if let Some(baseline) = baseline {
                let change = precision.signed(best.metric - baseline);
                let percent =
                    progress.change_in_percent().map_or_else(String::new, |p| format!(" ({p})"));
                let against = precision.value(baseline);
                let _ = write!(text, ", {change}{percent} against the baseline of {against}");
            }
            text.push('\n');
        }
    }
    if let Some(again) = progress.again() {
        let _ = writeln!(text, "  again      {again}");
    }
    if let Some(noise) = &progress.noise {
        let _ = writeln!(text, "  noise      {}", noise_words(noise));
        if let Some(keeps) = keeps_words(noise) {
            let _ = writeln!(text, "  kept       together {keeps}");
        }
    }
    if let Some(spent) = costs::spent_words(&costs::spent(&progress.proposers)) {
        let _ = writeln!(text, "  spent      {spent}");
    }
    if let Some(hourly) = progress.hourly() {
        let _ = writeln!(text, "  pace       {hourly}");
    }
    if done > 0 {
        let _ = writeln!(text, "  outcomes   {}", progress.outcomes(", "));
    }
    if let Some(explored) = progress.explored() {
        let _ = writeln!(text, "  exploring  {explored}");
    }
    for (i, point) in progress.recent.iter().rev().take(SHOWN).rev().enumerate() {
        let label = if i == 0 { "last" } else { "" };
        let _ =
            writeln!(text, "  {label:<11}{}", experiment_line(point, progress.direction, style));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use autoresearch_core::experiment::Verdict;
    use insta::assert_snapshot;

    fn session() -> Session {
        let mut session = Session::new("val_bpb", Direction::Minimize);
        session.budget_seconds = Some(300.0);
        session.iterations_max = Some(100);
        session.started = Some(Timestamp(0));
        session
    }

    fn point(number: u64, verdict: Verdict, metric: f64, hypothesis: &str) -> Point {
        let mut point = Point::new(number, verdict, Some(metric), hypothesis);
        point.at_seconds = Some(310.0 * (number + 1) as f64);
        point.commit = Some(format!("a3f12bc{number:033}"));
        point
    }

    fn some() -> Progress {
        let mut progress = Progress::new(&session());
        progress.record(&point(0, Verdict::Keep, 0.9979, "baseline"));
        progress.record(&point(1, Verdict::Discard, 1.0023, "deeper MLP, 2 layers more"));
        progress.record(&point(2, Verdict::Keep, 0.9821, "ReLU² activation"));
        progress.record(&point(3, Verdict::Crash, f64::NAN, "double the batch"));
        for number in 4..8 {
            progress.record(&point(number, Verdict::Discard, 0.99, "raise learning rate"));
        }
        progress
    }

    /// SPEC F1.
    #[test]
    fn a_report_tells_where_the_session_is() {
        assert_snapshot!(progress(&some(), Timestamp(8 * 310_000), Style::Plain), @"
        7 of 100 experiments · 41m 20s elapsed · about 8h 10m left
          best       val_bpb 0.9821 at #2 (a3f12bc), -0.0158 (-1.6%) against the baseline of 0.9979
          pace       11.6 experiments an hour (goal 12)
          outcomes   1 keep, 5 discard, 1 crash
          exploring  optimizer (4 of the last 7), then architecture (2) and training (1)
          last       ✗ #3 crash double the batch
                     · #4 discard 0.9900 raise learning rate
                     · #5 discard 0.9900 raise learning rate
                     · #6 discard 0.9900 raise learning rate
                     · #7 discard 0.9900 raise learning rate
        ");
    }

    /// SPEC A10.
    #[test]
    fn the_pace_is_held_against_the_budget_and_is_that_of_the_experiments() {
        let at = |number: u64, at: f64| {
            let mut point = point(number, Verdict::Discard, 1.0, "a change");
            (point.at_seconds, point.wall_seconds) = (Some(at), Some(20.0));
            point
        };
        let mut progress = Progress::new(&session());
        progress.record(&at(0, 3000.0));
        assert_eq!(progress.hourly(), None, "a baseline that ran ten times is no pace");
        progress.record(&at(1, 3300.0));
        assert_eq!(progress.hourly().unwrap().to_string(), "12 experiments an hour (goal 12)");
        // What lies between is not known: it counts with its own runs.
        progress.record(&at(90, 30_000.0));
        assert_eq!(progress.hourly().unwrap().to_string(), "22.5 experiments an hour (goal 12)");
        progress.budget = Some(Duration::from_millis(500));
        assert_eq!(progress.hourly().unwrap().to_string(), "22.5 experiments an hour (goal 7,200)");
        progress.budget = None;
        assert_eq!(progress.hourly(), None, "steps are no time");
    }

    #[test]
    fn a_suspect_is_shown_before_all_else_until_a_person_trusts_it() {
        let mut progress_of = some();
        let mut suspect = point(8, Verdict::Discard, 0.0, "print 0");
        suspect.rule = Some(autoresearch_core::judge::Rule::Suspect);
        suspect.reason = Some("suspect: a perfect 0, reached by a jump".to_owned());
        progress_of.record(&suspect);
        progress_of.suspect(suspect);
        let text = progress(&progress_of, Timestamp(9 * 310_000), Style::Plain);
        let head: Vec<&str> = text.lines().skip(1).take(3).collect();
        assert_eq!(
            head,
            [
                "  look first · #8 discard 0 print 0 — suspect: a perfect 0, reached by a jump",
                "               see `autoresearch diff 8`; `autoresearch trust 8` if you believe it",
                "  best       val_bpb 0.9821 at #2 (a3f12bc), -0.0158 (-1.6%) against the baseline of 0.9979",
            ]
        );
        progress_of.trust(8);
        assert!(!progress(&progress_of, Timestamp(0), Style::Plain).contains("look first"));
    }

    #[test]
    fn before_the_first_result_it_says_so() {
        assert_snapshot!(progress(&Progress::new(&session()), Timestamp(61_000), Style::Plain), @"
        0 of 100 experiments · 1m 1s elapsed · about 8h 20m left
          best       none: nothing has reported val_bpb yet
        ");
        let mut baseline = Progress::new(&session());
        baseline.record(&point(0, Verdict::Keep, 0.9979, "baseline"));
        assert_snapshot!(progress(&baseline, Timestamp(400_000), Style::Plain), @"
        0 of 100 experiments · 6m 40s elapsed · about 8h 20m left
          best       val_bpb 0.9979, the baseline
        ");
    }

    #[test]
    fn a_bare_ledger_gives_a_report_without_times() {
        let mut bare = Progress::new(&Session::new("acc", Direction::Maximize));
        bare.record(&Point::new(1, Verdict::Keep, Some(0.5), "first"));
        assert_snapshot!(progress(&bare, Timestamp(0), Style::Plain), @"
        1 experiment
          best       acc 0.5000 at #1
          outcomes   1 keep
          exploring  other (1 of the last 1)
          last       ✓ #1 keep 0.5000 first
        ");
    }

    #[test]
    fn the_time_left_follows_the_pace_and_forgets_a_night_off() {
        let mut progress = some();
        assert_eq!(progress.left(Timestamp(8 * 310_000)), Some(Duration::from_secs(93 * 310)));
        let mut late = point(8, Verdict::Discard, 0.99, "after the night");
        late.at_seconds = Some(40_000.0);
        progress.record(&late);
        let left = progress.left(Timestamp(40_000_000)).unwrap();
        assert!(left < Duration::from_mins(920), "{left:?}");
    }

    #[test]
    fn an_aggregate_does_not_grow() {
        let mut progress = some();
        for number in 8..2000 {
            progress.record(&point(number, Verdict::Discard, 1.0, "x"));
        }
        assert_eq!((progress.recent.len(), progress.intervals.len()), (RECENT, PACE));
        assert_eq!(progress.counts.total(), 1999);
    }
    #[test]
    fn noise_is_told_beside_the_best() {
        let mut progress = some();
        progress.noise = Some(Noise::Unseen);
        let text = super::progress(&progress, Timestamp(0), Style::Plain);
        assert!(text.contains("\n  noise      none was seen"), "{text}");
    }
}
