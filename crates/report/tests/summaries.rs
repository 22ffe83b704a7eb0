//! What summaries say, whole (SPEC F3).

use autoresearch_core::experiment::Verdict::{Crash, Discard, Keep};
use autoresearch_core::metric::Direction;
use autoresearch_report::{History, SummaryOptions, summary_markdown};
use insta::assert_snapshot;

mod cases;

fn summary(history: &History) -> String {
    summary_markdown(history, &SummaryOptions::default())
}

/// SPEC F3.
#[test]
fn a_session_is_summed_up_with_evidence_and_next_steps() {
    assert_snapshot!(summary(&cases::session(24, 5, Direction::Minimize)), @"");
}

/// SPEC G5.
#[test]
fn a_bare_ledger_gives_a_summary() {
    let history = cases::bare(&[
        (Keep, Some(0.9979), "Baseline — no modifications"),
        (Keep, Some(0.9821), "ReLU² activation: -0.0158 improvement"),
        (
            Discard,
            Some(1.0023),
            "Deeper MLP | `mlp_ratio`: regression",
        ),
        (
            Crash,
            None,
            "OOM: doubled batch size <without> accumulation fix",
        ),
    ]);
    assert_snapshot!(summary(&history), @"");
}

#[test]
fn nothing_is_claimed_where_nothing_ran() {
    assert_snapshot!(summary(&cases::bare(&[])), @"");
    assert_snapshot!(summary(&cases::bare(&[(Keep, Some(0.5), "baseline")])), @"");
}

#[test]
fn a_session_that_only_crashed_says_what_to_fix() {
    let mut history = cases::bare(&[
        (Crash, None, "baseline"),
        (Crash, None, "a"),
        (Crash, None, "b"),
    ]);
    history.points[0].reason = Some("ModuleNotFoundError: No module named 'torch'".to_owned());
    assert_snapshot!(summary(&history), @"");
}

#[test]
fn a_metric_that_never_moves_is_noticed() {
    let rows: Vec<_> = (0..15)
        .map(|i| (if i == 0 { Keep } else { Discard }, Some(0.5), "x"))
        .collect();
    let text = summary(&cases::bare(&rows));
    assert!(
        text.contains("14 of 14 experiments gave exactly the value of the incumbent"),
        "{text}"
    );
}

#[test]
fn a_zone_that_is_handed_in_dates_the_session() {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let options = SummaryOptions {
        zone,
        plot: Some("progress.svg".to_owned()),
    };
    let text = summary_markdown(&cases::session(3, 1, Direction::Maximize), &options);
    assert!(
        text.contains("2026-03-08 12:10 to 2026-03-08 12:30 +02 (20m 40s)"),
        "{text}"
    );
    assert!(text.contains("(progress.svg)"), "{text}");
}

#[test]
fn a_long_session_gets_three_to_five_next_steps() {
    for (_, history) in cases::gallery()
        .into_iter()
        .filter(|(_, h)| h.points.len() > 12)
    {
        let text = summary(&history);
        let steps = text.split("## Next steps").nth(1).unwrap_or_default();
        let count = steps
            .lines()
            .filter(|l| l.starts_with(|c: char| c.is_ascii_digit()))
            .count();
        assert!((3..=5).contains(&count), "{steps}");
    }
}
