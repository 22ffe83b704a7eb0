//! Plots and summaries of whole sessions: valid for anything, bounded for many.

use autoresearch_core::experiment::Verdict;
use autoresearch_core::metric::Direction;
use autoresearch_report::{
    History, Point, Progress, Session, Size, Style, SummaryOptions, experiment_line, plot_png,
    plot_svg, progress, summary_markdown,
};
use proptest::prelude::*;
use resvg::usvg::roxmltree::Document;

mod cases;

const MANY: u64 = 100_000;

fn texts<'a>(document: &'a Document<'_>) -> Vec<String> {
    let is_text = |n: &resvg::usvg::roxmltree::Node<'_, '_>| n.has_tag_name("text");
    let words = |n: resvg::usvg::roxmltree::Node<'a, '_>| {
        n.descendants()
            .filter(resvg::usvg::roxmltree::Node::is_text)
            .filter_map(|d| d.text())
            .collect()
    };
    document.descendants().filter(is_text).map(words).collect()
}

#[test]
fn every_case_gives_a_valid_plot_and_picture() {
    for (name, history) in cases::gallery() {
        let svg = plot_svg(&history, Size::default());
        let document = Document::parse(&svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(document.root_element().attribute("width"), Some("1200"), "{name}");
        let png = plot_png(&svg, 1.0).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{name}");
    }
}

#[test]
fn a_kept_change_is_labelled_with_its_hypothesis_and_gain() {
    let svg = plot_svg(&cases::session(12, 3, Direction::Minimize), Size::default());
    let document = Document::parse(&svg).unwrap();
    let texts = texts(&document);
    for expected in [
        "val_bpb, lower is better · mar8",
        "lower WEIGHT_DECAY from 0.1 to 0.05−0.0063",
        "0.9979 baseline",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected} in {texts:#?}");
    }
    assert!(texts.iter().any(|t| t.starts_with("12 experiments, 3 kept, 1 crashed, best ")));
}

#[test]
fn a_hundred_thousand_experiments_give_a_bounded_report() {
    for keeps in [300, 20_000] {
        let history = cases::session(MANY, keeps, Direction::Minimize);
        assert!(plot_svg(&history, Size::default()).len() < 2_000_000);
        assert!(summary_markdown(&history, &SummaryOptions::default()).len() < 40_000);
    }
}

/// Corners of the step line, from the SVG.
fn running_best(history: &History) -> Vec<(f64, f64)> {
    let svg = plot_svg(history, Size::default());
    let line = svg.lines().find(|l| l.contains(r#"stroke-width="2""#)).unwrap_or_default();
    let path = line.split('"').nth(1).unwrap_or_default();
    let corner =
        |c: &str| c.split_once(' ').and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)));
    path.split(['M', 'L']).filter_map(corner).collect()
}

#[test]
fn the_running_best_only_ever_improves() {
    for (direction, downwards) in [(Direction::Minimize, 1.0), (Direction::Maximize, -1.0)] {
        let mut history = cases::session(50, 9, direction);
        // Kept for another reason than its metric.
        let worse = history.points[0].metric.map(|m| m + downwards * 0.001);
        history.points.push(Point::new(51, Verdict::Keep, worse, "simpler"));
        let corners = running_best(&history);
        assert_eq!(corners.len(), 2 * (9 + 1), "one step for each gain");
        assert!(
            corners.windows(2).all(|w| w[0].0 <= w[1].0 && downwards * (w[1].1 - w[0].1) >= 0.0)
        );
    }
}

#[test]
fn the_order_of_the_rows_does_not_change_the_running_best() {
    let mut history = cases::session(50, 9, Direction::Minimize);
    let before = running_best(&history);
    history.points.reverse();
    assert_eq!(running_best(&history), before);
}

#[test]
fn huge_numbers_of_experiments_have_a_place() {
    for number in [1 << 53, u64::MAX] {
        let mut history = cases::bare(&[(Verdict::Keep, Some(1.0), "x")]);
        history.points[0].number = number;
        let svg = plot_svg(&history, Size::default());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        Just(None),
        any::<f64>().prop_map(Some),
        (0.9..1.1_f64).prop_map(Some),
        prop::sample::select(vec![0.0, 1.0, f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 5e-324])
            .prop_map(Some),
    ]
}

fn point() -> impl Strategy<Value = Point> {
    let verdict = prop::sample::select(vec![Verdict::Keep, Verdict::Discard, Verdict::Crash]);
    let number = prop_oneof![0_u64..40, any::<u64>()];
    (number, verdict, value(), any::<String>(), value(), value(), prop::option::of(any::<String>()))
        .prop_map(|(number, verdict, metric, hypothesis, gain, seconds, reason)| {
            let mut point = Point::new(number, verdict, metric, hypothesis);
            point.commit.clone_from(&reason);
            (point.gain, point.at_seconds, point.wall_seconds, point.reason) =
                (gain, seconds, seconds, reason);
            point
        })
}

fn history() -> impl Strategy<Value = History> {
    let direction = prop::sample::select(vec![Direction::Minimize, Direction::Maximize]);
    let text = prop::option::of(any::<String>());
    (
        any::<String>(),
        direction,
        prop::collection::vec(point(), 0..25),
        text,
        value(),
        any::<[i64; 2]>(),
    )
        .prop_map(|(metric, direction, points, text, budget, [started, ended])| {
            let mut session = Session::new(metric, direction);
            (session.tag, session.branch, session.command) = (text.clone(), text.clone(), text);
            session.budget_seconds = budget;
            session.iterations_max = Some(started.unsigned_abs());
            session.started = Some(autoresearch_core::units::Timestamp(started));
            session.ended = Some(autoresearch_core::units::Timestamp(ended));
            History { session, points }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_gives_a_report(history in history(), width in 0_u32..2000, height in 0_u32..2000) {
        let svg = plot_svg(&history, Size { width, height });
        let document = Document::parse(&svg);
        prop_assert!(document.is_ok(), "{:?}\n{svg}", document.err());
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let summary = summary_markdown(&history, &SummaryOptions::default());
        prop_assert!(summary.starts_with("# AutoResearch summary"));
        let now = history.session.ended.unwrap_or_default();
        let report = progress(&Progress::of(&history), now, Style::Plain);
        prop_assert!(report.lines().count() <= 10, "{report}");
        for point in &history.points {
            let line = experiment_line(point, history.session.direction, Style::Plain);
            prop_assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line:?}");
        }
    }
}
