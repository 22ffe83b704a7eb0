//! `autoresearch-summary.md` (SPEC F3, I3): what a session found, with the
//! evidence behind each kept commit, what did not work, and what follows.
//!
//! It claims no more than the data does: every value is a measurement, and
//! gains that were kept because they looked good are, on average, too good.

mod failures;
mod next_steps;

use std::fmt::Write as _;

use autoresearch_core::judge::Noise;
use autoresearch_core::metric::Direction;
use autoresearch_core::stopping::Tally;
use autoresearch_core::units::Timestamp;
use autoresearch_core::verification::{Comparison, Method};
use jiff::tz::TimeZone;

use crate::costs;
use crate::history::{Best, History, Step};
use crate::noise::{keeps_words, noise_words};
use crate::numbers::{self, Precision};
use crate::progress::Progress;
use crate::words::{markdown, markdown_code, one_line, short_commit};
use autoresearch_core::experiment::Counts;

/// Kept commits that are listed.
const KEPT_SHOWN: usize = 50;
/// Suspects that are listed, the last ones.
const SUSPECTS_SHOWN: usize = 20;
/// Longest hypothesis or reason in the summary, in columns.
pub(crate) const SENTENCE: usize = 160;

/// What a summary takes from outside.
#[derive(Clone, Debug)]
pub struct SummaryOptions {
    /// Dates are given in it.
    pub zone: TimeZone,
    /// Path of the plot, from the summary's own folder, to show on top.
    pub plot: Option<String>,
}

impl Default for SummaryOptions {
    /// UTC, no plot.
    fn default() -> SummaryOptions {
        SummaryOptions { zone: TimeZone::UTC, plot: None }
    }
}

/// What the sections are written from.
pub(crate) struct Facts<'a> {
    pub(crate) history: &'a History,
    pub(crate) steps: Vec<Step<'a>>,
    /// Kept experiments by gain, largest first; those without one come last.
    pub(crate) kept: Vec<Step<'a>>,
    pub(crate) counts: Counts,
    pub(crate) baseline: Option<f64>,
    pub(crate) best: Option<Best>,
    pub(crate) precision: Precision,
}

impl<'a> Facts<'a> {
    fn of(history: &'a History) -> Facts<'a> {
        let steps: Vec<Step<'a>> = history.steps().collect();
        let mut kept: Vec<Step<'a>> = steps.iter().copied().filter(|s| s.point.is_gain()).collect();
        let gain = |s: &Step<'_>| s.gain.unwrap_or(f64::NEG_INFINITY);
        kept.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
        let baseline = history.baseline();
        let best = history.best();
        let values = kept.iter().filter_map(|s| s.point.value()).chain(baseline);
        // The smallest gains of a long list may be noise in the last digit.
        let gains = kept.iter().take(KEPT_SHOWN).filter_map(|s| s.gain);
        let precision = Precision::of(values, gains);
        Facts { history, steps, kept, counts: history.counts(), baseline, best, precision }
    }

    /// Baseline and best measured again, if it is this best.
    pub(crate) fn comparison(&self) -> Option<&Comparison> {
        let best = self.best.as_ref()?.number;
        self.history.session.comparison.as_ref().filter(|comparison| comparison.best.number == best)
    }

    /// A gain as a change of the metric, with its sign.
    pub(crate) fn change(&self, gain: f64) -> String {
        self.precision.signed(match self.history.session.direction {
            Direction::Minimize => -gain,
            Direction::Maximize => gain,
        })
    }
}

/// What follows from a session: three to five next steps in Markdown, each with the
/// numbers that it follows from.
pub fn next_steps(history: &History) -> Vec<String> {
    next_steps::steps(&Facts::of(history))
}

/// The summary of a session as Markdown (GFM), of bounded length.
pub fn summary_markdown(history: &History, options: &SummaryOptions) -> String {
    let facts = Facts::of(history);
    let session = &history.session;
    let mut text = match session.tag.as_deref() {
        Some(tag) => format!("# AutoResearch summary: {}\n\n", markdown(tag)),
        None => "# AutoResearch summary\n\n".to_owned(),
    };
    if let Some(plot) = &options.plot {
        let path = one_line(plot).replace(' ', "%20").replace(['(', ')', '<', '>'], "");
        let _ = writeln!(text, "![Every experiment and the running best]({path})\n");
    }
    suspects_section(&mut text, &facts);
    session_section(&mut text, &facts, &options.zone);
    result_section(&mut text, &facts);
    if facts.counts.total() > 0 {
        kept_section(&mut text, &facts);
        failures::discarded_section(&mut text, &facts);
        failures::crashed_section(&mut text, &facts);
    }
    costs::section(&mut text, &session.proposers, &|gain| facts.change(gain));
    next_steps::section(&mut text, &facts);
    text
}

/// Results that a person should judge before anything else is believed.
fn suspects_section(text: &mut String, facts: &Facts<'_>) {
    let suspects: Vec<&Step<'_>> = facts.steps.iter().filter(|s| s.point.is_suspect()).collect();
    if suspects.is_empty() {
        return;
    }
    text.push_str("## Look at these first\n\nToo good to be true, perhaps: a person should read the change.\n\n");
    let skip = suspects.len().saturating_sub(SUSPECTS_SHOWN);
    for step in &suspects[skip..] {
        let point = step.point;
        let _ = writeln!(
            text,
            "- #{} {} ({}): {}  \n  {}",
            point.number,
            sentence(&point.hypothesis),
            point.value().map_or_else(|| "–".to_owned(), |value| facts.precision.value(value)),
            sentence(point.reason.as_deref().unwrap_or_default()),
            crate::words::remedy(point),
        );
    }
    if skip > 0 {
        let _ = writeln!(text, "- and {} before", numbers::count(skip as u64, "suspect"));
    }
    text.push('\n');
}

fn session_section(text: &mut String, facts: &Facts<'_>, zone: &TimeZone) {
    let session = &facts.history.session;
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut row = |name, value: Option<String>| rows.extend(value.map(|v| (name, v)));
    row("Branch", session.branch.as_deref().map(markdown_code));
    row("Metric", Some(format!("{}, {}", markdown_code(&session.metric), session.direction)));
    let targets: Vec<String> = session.targets.iter().map(|t| markdown_code(t)).collect();
    row("Target", (!targets.is_empty()).then(|| targets.join(", ")));
    row("Command", session.command.as_deref().map(markdown_code));
    row("Platform", session.platform.as_deref().map(markdown));
    row("Dates", dates(session.started, session.ended, zone));
    let done = numbers::grouped(facts.counts.total());
    let of =
        session.iterations_max.map_or_else(String::new, |m| format!(" of {}", numbers::grouped(m)));
    row("Iterations", Some(format!("{done}{of}")));
    row(
        "Budget",
        session
            .quota
            .clone()
            .or_else(|| session.budget_seconds.and_then(numbers::seconds))
            .map(|budget| format!("{budget} an experiment")),
    );
    row("Pace", Progress::of(facts.history).hourly().map(|hourly| hourly.to_string()));
    row("Protection", session.protection.map(|protection| protection.to_string()));
    row("Stopped", session.stopped.as_deref().map(markdown));
    text.push_str("| Session | |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text.push('\n');
    for (number, what) in &session.environment_changes {
        let _ = writeln!(
            text,
            "The environment changed at experiment {number}: {}; results before and after do not compare.\n",
            sentence(what)
        );
    }
}

/// `2026-03-08 22:10 to 2026-03-09 06:41 UTC (8h 31m)`.
fn dates(started: Option<Timestamp>, ended: Option<Timestamp>, zone: &TimeZone) -> Option<String> {
    let started = started?;
    let date = |time: Timestamp, format: &str| {
        let time = jiff::Timestamp::from_millisecond(time.0).ok()?.to_zoned(zone.clone());
        Some(time.strftime(format).to_string())
    };
    let Some(ended) = ended.filter(|e| *e > started) else {
        return date(started, "%Y-%m-%d %H:%M %Z");
    };
    let length = autoresearch_core::units::human_duration(ended.since(started));
    Some(format!(
        "{} to {} ({length})",
        date(started, "%Y-%m-%d %H:%M")?,
        date(ended, "%Y-%m-%d %H:%M %Z")?
    ))
}

fn result_section(text: &mut String, facts: &Facts<'_>) {
    let Facts { counts, precision, .. } = facts;
    text.push_str("## Result\n\n");
    if counts.total() == 0 && facts.baseline.is_none() {
        let ran = if facts.history.points.is_empty() {
            "No experiment has run."
        } else {
            "Only the baseline has run, and it reported no metric."
        };
        let _ = writeln!(text, "{ran}\n");
        return;
    }
    let _ = writeln!(
        text,
        "- Baseline: {}",
        facts.baseline.map_or_else(|| "not measured".to_owned(), |b| precision.value(b))
    );
    match &facts.best {
        Some(best) if best.number > 0 => {
            let commit = best
                .commit
                .as_deref()
                .map_or_else(String::new, |c| format!(", commit `{}`", short_commit(c)));
            let _ = writeln!(
                text,
                "- Best: **{}** at #{}{commit}",
                precision.value(best.metric),
                best.number
            );
            if let Some(baseline) = facts.baseline {
                let change = best.metric - baseline;
                let percent = numbers::percent(change, baseline)
                    .map_or_else(String::new, |p| format!(" ({p})"));
                let _ = writeln!(
                    text,
                    "- Improvement: **{}{percent}** against the baseline",
                    precision.signed(change)
                );
            }
            compared(text, facts);
            if let Some(keeps) = facts.history.session.noise.as_ref().and_then(keeps_words) {
                let _ = writeln!(text, "- The kept changes together: {keeps}");
            }
        }
        Some(_) if counts.total() == 0 => {
            text.push_str("- Best: the baseline; no change has been tried\n");
        }
        Some(_) => text.push_str("- Best: the baseline; no change was better\n"),
        None => text.push_str("- Best: none; nothing that ran was kept\n"),
    }
    if let Some(noise) = &facts.history.session.noise {
        let _ = writeln!(text, "- Noise: {}", noise_words(noise));
    }
    let total = counts.total();
    if total > 0 {
        let share = 100.0 * counts.keep as f64 / total as f64;
        let _ = writeln!(
            text,
            "- {}: {} kept ({share:.0}%), {} discarded, {} crashed",
            numbers::count(total, "experiment"),
            numbers::grouped(counts.keep),
            numbers::grouped(counts.discard),
            numbers::grouped(counts.crash),
        );
    }
    if let Some(words) = stopped_early(&facts.history.session.stopped_early) {
        let _ = writeln!(text, "- {words}");
    }
    if counts.keep > 0 {
        let _ = writeln!(text, "\n{}", caution(facts.history.session.noise.as_ref()));
        if facts.comparison().is_some() {
            text.push_str(
                "\nWhat was measured again is free of that luck: the runs were made after the best was chosen, in turn \
                 with the baseline. It is the number to quote.\n",
            );
        }
    }
    text.push('\n');
}

/// How far the values may be believed, by how they were judged.
fn caution(noise: Option<&Noise>) -> &'static str {
    match noise {
        None | Some(Noise::Ignored) => {
            "These are measurements, one run each unless a reason says otherwise. A change was kept because its \
             measurement was good, and a good measurement is partly luck: where runs vary, the true improvement is \
             likely smaller, and some kept changes may do nothing."
        }
        Some(Noise::Unseen) => {
            "These are measurements, one run each unless a reason says otherwise: runs of the same code gave the same \
             value whenever that was tried, so that every difference is what the change does here. On other data or \
             another machine it may do something else."
        }
        Some(Noise::Seen(_)) => {
            "These are measurements, the mean where a change ran more than once. A change ran again while the evidence \
             was open, and was kept once it was strong enough for the mode of the session; what was kept is still \
             partly luck, and the true improvement is likely smaller than the values say."
        }
    }
}

/// Whether the best was measured again beside the baseline, and what came of it.
fn compared(text: &mut String, facts: &Facts<'_>) {
    match (facts.comparison(), &facts.history.session.not_compared) {
        (Some(comparison), _) => {
            let how = match comparison.method {
                Method::Paired => "paired by seed, Student's t",
                Method::Welch => "Welch's t",
            };
            let _ = writeln!(
                text,
                "- Measured again: **{}**, {comparison}; {how}",
                comparison.conclusion()
            );
        }
        (None, Some(why)) => {
            let _ = writeln!(text, "- Not measured again: {}", markdown(why));
        }
        (None, None) => {}
    }
}

/// What early stopping saved, and how often it was wrong.
fn stopped_early(tally: &Tally) -> Option<String> {
    let Tally { stopped, checked, mistaken, saved_seconds } = *tally;
    if stopped + checked == 0 {
        return None;
    }
    let saved = numbers::seconds(saved_seconds).unwrap_or_else(|| "0s".to_owned());
    let known = match checked {
        0 => "no hopeless run has been finished yet to see what would have come of it".to_owned(),
        _ => format!(
            "of {} finished all the same {} would have been kept (at most {:.0}% of such runs, at 95% confidence)",
            numbers::count(checked, "hopeless run"),
            numbers::grouped(mistaken),
            100.0 * tally.most_mistaken(),
        ),
    };
    Some(format!("Stopped early: {}, which saved {saved}; {known}", numbers::count(stopped, "run")))
}

fn kept_section(text: &mut String, facts: &Facts<'_>) {
    text.push_str("## What worked\n\n");
    if facts.kept.is_empty() {
        text.push_str("Nothing was kept.\n\n");
        return;
    }
    let shown = &facts.kept[..facts.kept.len().min(KEPT_SHOWN)];
    // Columns that a bare ledger does not fill are left out.
    let has_memory = shown.iter().any(|s| s.point.memory.is_some());
    let has_time = shown.iter().any(|s| s.point.wall_seconds.is_some());
    let has_expected = shown.iter().any(|s| s.point.expected.is_some());
    text.push_str("Kept changes by what each brought over the incumbent of its time.\n\n");
    let metric = markdown(&facts.history.session.metric);
    let _ = write!(text, "| rank | # | commit | change | before | {metric} | difference |");
    let mut rule = "|---:|---:|---|---|---:|---:|---:|".to_owned();
    for (has, name) in [(has_memory, "memory"), (has_time, "time")] {
        if has {
            let _ = write!(text, " {name} |");
            rule.push_str("---:|");
        }
    }
    if has_expected {
        text.push_str(" expected |");
        rule.push_str("---|");
    }
    let _ = writeln!(text, "\n{rule}");
    let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    for (i, step) in shown.iter().enumerate() {
        let point = step.point;
        let _ = write!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            i + 1,
            point.number,
            cell(point.commit.as_deref().map(|c| format!("`{}`", short_commit(c)))),
            sentence(&point.hypothesis),
            cell(step.incumbent.map(|v| facts.precision.value(v))),
            cell(point.value().map(|v| facts.precision.value(v))),
            cell(step.gain.map(|g| match point.reason.as_deref().filter(|_| g == 0.0) {
                // Kept for another reason than the metric.
                Some(reason) => markdown(reason),
                None => facts.change(g),
            })),
        );
        if has_memory {
            let _ = write!(text, " {} |", cell(point.memory.map(|m| m.to_string())));
        }
        if has_time {
            let _ = write!(text, " {} |", cell(point.wall_seconds.and_then(numbers::seconds)));
        }
        if has_expected {
            let _ = write!(text, " {} |", cell(point.expected.as_deref().map(sentence)));
        }
        text.push('\n');
    }
    if let Some(rest) = facts.kept.get(KEPT_SHOWN..).filter(|r| !r.is_empty()) {
        let sum: f64 = rest.iter().filter_map(|s| s.gain).sum();
        let _ = writeln!(
            text,
            "\nAnd {} with smaller gains, {} in all.",
            numbers::count(rest.len() as u64, "kept change"),
            facts.change(sum)
        );
    }
    text.push('\n');
}

/// Someone's words, cut and escaped.
pub(crate) fn sentence(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        "(no description)".to_owned()
    } else {
        markdown(&crate::words::truncated(&line, SENTENCE))
    }
}
