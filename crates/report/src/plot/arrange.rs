//! Which kept points are labelled, with how many words, and in which order the
//! places are given out.
//!
//! No order is best for every plot: the largest gain first may wall off a point
//! on the left, right to left may crowd out a large gain. So a few orders are
//! tried, and the one that shows most of what was gained is taken.

use autoresearch_core::metric::Direction;

use super::chart::{Chart, LABEL, Mark, minus};
use super::labels::{Crowd, Place, Placer, Rect};
use super::text;
use crate::history::History;
use crate::numbers::Precision;
use crate::words::one_line;

/// Height of a label.
const LINE: f64 = 15.0;
/// Kept points that a label is tried for, the largest gains first.
const MOST: usize = 60;
/// So many of the largest gains are placed from right to left before the others,
/// one way of ordering after the other.
const RIGHT_TO_LEFT: [usize; 5] = [0, 4, 8, 16, 30];
/// Widest hypotheses, tried one after the other.
const WIDTHS: [f64; 3] = [300.0, 200.0, 110.0];

/// A label of a kept point.
pub(crate) struct Label {
    pub(crate) place: Place,
    pub(crate) words: String,
    pub(crate) gain: String,
}

/// A label that has no place yet.
struct Wanted {
    mark: Mark,
    /// The hypothesis, longest first, each with the width of the whole label.
    variants: Vec<(String, f64)>,
    gain: String,
    /// How much of what was gained it tells about.
    worth: f64,
}

/// Labels for as much of what was gained as there is room for.
pub(crate) fn labels(chart: &Chart, history: &History) -> Vec<Label> {
    let wanted = wanted(chart, history);
    let placer = placer(chart, history);
    let mut best: (f64, Vec<Label>) = (0.0, Vec::new());
    for (i, count) in RIGHT_TO_LEFT.into_iter().enumerate() {
        if i > 0 && RIGHT_TO_LEFT[i - 1] >= wanted.len() {
            break;
        }
        let mut order: Vec<&Wanted> = wanted.iter().collect();
        order[..count.min(wanted.len())].sort_by(|a, b| b.mark.x.total_cmp(&a.mark.x));
        let arrangement = arrange(placer.clone(), &order);
        if arrangement.0 > best.0 {
            best = arrangement;
        }
    }
    best.1
}

/// Gives out places in this order; a label that is cut short is worth less.
fn arrange(mut placer: Placer, order: &[&Wanted]) -> (f64, Vec<Label>) {
    let (mut worth, mut labels) = (0.0, Vec::new());
    for wanted in order {
        let Mark { x, y, .. } = wanted.mark;
        let found = wanted.variants.iter().enumerate().find_map(|(i, (words, width))| {
            Some((placer.place(x, y, *width, LINE)?, words, 1.0 - 0.1 * i as f64))
        });
        if let Some((place, words, share)) = found {
            worth += wanted.worth * share;
            labels.push(Label { place, words: words.clone(), gain: wanted.gain.clone() });
        }
    }
    (worth, labels)
}

/// The best, then the largest gains.
fn wanted(chart: &Chart, history: &History) -> Vec<Wanted> {
    let direction = history.session.direction;
    let gains = history.gains();
    let gain = |m: &Mark| gains[m.index].unwrap_or(0.0);
    let best = history.best().map(|b| b.number);
    let is_best = |m: &Mark| Some(history.points[m.index].number) == best;
    let mut marks: Vec<Mark> =
        chart.kept.iter().copied().filter(|m| history.points[m.index].is_gain()).collect();
    marks.sort_by(|a, b| is_best(b).cmp(&is_best(a)).then(gain(b).total_cmp(&gain(a))));
    marks.truncate(MOST);
    let values = marks.iter().filter_map(|m| history.points[m.index].value());
    let precision = Precision::of(values, marks.iter().map(gain));
    let largest = marks.iter().map(gain).fold(f64::MIN_POSITIVE, f64::max);
    marks
        .into_iter()
        .map(|mark| {
            let sentence = one_line(&history.points[mark.index].hypothesis);
            let size = gain(&mark);
            let change = if direction == Direction::Minimize { -size } else { size };
            let gain = if size == 0.0 { String::new() } else { minus(&precision.signed(change)) };
            let gain_width =
                if gain.is_empty() { 0.0 } else { text::bold_width(&gain, LABEL) + 6.0 };
            let mut variants: Vec<(String, f64)> = WIDTHS
                .into_iter()
                .map(|most| text::cut(&sentence, LABEL, most.min(chart.area.width * 0.45)))
                .map(|words| {
                    let width = text::width(&words, LABEL) + gain_width;
                    (words, width)
                })
                .collect();
            variants.dedup();
            let worth = if is_best(&mark) { 1.0 } else { 0.1 + 0.9 * (size / largest).max(0.0) };
            Wanted { mark, variants, gain, worth }
        })
        .collect()
}

/// Everything that labels must keep clear of.
fn placer(chart: &Chart, history: &History) -> Placer {
    let area = chart.area;
    let radius = chart.kept_radius() + 1.5;
    let discs = chart.kept.iter().map(|m| Rect {
        x: m.x - radius,
        y: m.y - radius,
        width: 2.0 * radius,
        height: 2.0 * radius,
    });
    let segments = chart.best_line.windows(2).map(|w| {
        let ((x0, y0), (x1, y1)) = (w[0], w[1]);
        let (x, y) = (x0.min(x1) - 2.0, y0.min(y1) - 2.0);
        Rect { x, y, width: (x1 - x0).abs() + 4.0, height: (y1 - y0).abs() + 4.0 }
    });
    let baseline =
        chart.baseline_y.map(|y| Rect { x: area.x, y: y - 1.5, width: area.width, height: 3.0 });
    let points = chart.discarded.iter().chain(&chart.beyond).map(|m| (m.x - area.x, m.y - area.y));
    Placer {
        bounds: Rect {
            x: area.x + 4.0,
            y: area.y + 2.0,
            width: area.width + 6.0,
            height: area.height - 4.0,
        },
        taken: discs.chain(segments).chain(baseline).collect(),
        crowd: Crowd::new(area.width, area.height, points),
        clearance: radius + 1.0,
        empty_side: if history.session.direction == Direction::Minimize { 1.0 } else { -1.0 },
    }
}
