//! The layout: which point goes where, what is said around it. Positions are in
//! pixels of the document.

use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::metric::Direction;

use super::arrange::{self, Label};
use super::labels::Rect;
use super::scale::{self, Range};
use super::text;
use crate::history::History;
use crate::numbers::{self, Precision};
use crate::words::one_line;

/// Size of the text on labels.
pub(crate) const LABEL: f64 = 12.0;
/// Height of the row that crashes are in.
const STRIP: f64 = 26.0;
/// How large a plot is, in pixels at scale 1; at least 480 by 320 and at most
/// 8192 by 8192, whatever is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Default for Size {
    /// 1200 by 640.
    fn default() -> Size {
        Size { width: 1200, height: 640 }
    }
}

/// A point of the plot.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Its index in the history.
    pub(crate) index: usize,
}

/// A text at the right end of a line.
pub(crate) struct EndLabel {
    pub(crate) y: f64,
    pub(crate) value: String,
    pub(crate) name: &'static str,
    pub(crate) is_best: bool,
}

/// Everything that is drawn, with its position.
pub(crate) struct Chart {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Where metrics are.
    pub(crate) area: Rect,
    /// Where crashes are.
    pub(crate) strip: Option<Rect>,
    pub(crate) title: (String, String),
    pub(crate) subtitle: String,
    pub(crate) kept: Vec<Mark>,
    pub(crate) discarded: Vec<Mark>,
    /// Off the scale; `y` is the edge.
    pub(crate) beyond: Vec<Mark>,
    pub(crate) crashed: Vec<Mark>,
    /// Corners of the running best.
    pub(crate) best_line: Vec<(f64, f64)>,
    pub(crate) baseline_y: Option<f64>,
    pub(crate) end_labels: Vec<EndLabel>,
    pub(crate) labels: Vec<Label>,
    pub(crate) x_ticks: Vec<(f64, String)>,
    pub(crate) y_ticks: Vec<(f64, String)>,
    /// Whether the legend has a row of its own.
    pub(crate) legend_below: bool,
}

impl Chart {
    pub(crate) fn of(history: &History, size: Size) -> Chart {
        let width = f64::from(size.width.clamp(480, 8192));
        let height = f64::from(size.height.clamp(320, 8192));
        let range = value_range(history);
        let y_ticks = range.map_or_else(Vec::new, |r| scale::ticks(r, (height / 90.0) as usize));
        let numbers = (
            history.points.iter().map(|p| p.number).min().unwrap_or(0) as f64,
            history.points.iter().map(|p| p.number).max().unwrap_or(0) as f64,
        );
        let pad = ((numbers.1 - numbers.0) * 0.015).max(0.5).max(numbers.1 * 1e-12);
        let x_range = Range { low: numbers.0 - pad, high: numbers.1 + pad };

        let (title, subtitle) = headings(history);
        let title_width = text::bold_width(&title.0, 20.0) + text::width(&title.1, 20.0);
        let legend_below = title_width > width - 470.0;
        let ends = end_texts(history);
        let end_width = |(value, name): &(String, &str)| {
            text::bold_width(value, LABEL) + text::width(name, LABEL)
        };
        let right = 26.0 + ends.iter().map(|e| end_width(&e.1)).fold(0.0, f64::max);
        let left = 30.0 + y_ticks.iter().map(|t| text::width(&t.1, LABEL)).fold(34.0, f64::max);
        let top = if legend_below { 104.0 } else { 80.0 };
        let bottom = 50.0;
        let has_strip = history.points.iter().any(|p| p.value().is_none());
        let strip_height = if has_strip { STRIP } else { 0.0 };
        let area = Rect {
            x: left,
            y: top,
            width: width - left - right,
            height: height - top - bottom - strip_height,
        };
        let strip = has_strip.then_some(Rect {
            x: left,
            y: area.y + area.height,
            width: area.width,
            height: STRIP,
        });

        let at_x = |number: f64| area.x + area.width * x_range.share(number);
        let at_y = |value: f64| {
            let share = range.map_or(0.5, |r| r.share(value)).clamp(0.0, 1.0);
            area.y + area.height * (1.0 - share)
        };
        let mut chart = Chart {
            width,
            height,
            area,
            strip,
            title,
            subtitle,
            kept: Vec::new(),
            discarded: Vec::new(),
            beyond: Vec::new(),
            crashed: Vec::new(),
            best_line: Vec::new(),
            baseline_y: history.baseline().filter(|b| range.is_some_and(|r| r.has(*b))).map(at_y),
            end_labels: Vec::new(),
            labels: Vec::new(),
            x_ticks: scale::whole_ticks(x_range, (area.width / 110.0) as usize)
                .into_iter()
                .map(|(n, label)| (at_x(n), label))
                .collect(),
            y_ticks: y_ticks.into_iter().map(|(v, label)| (at_y(v), label)).collect(),
            legend_below,
        };
        chart.put_points(history, range, at_x, at_y);
        chart.end_labels = spread(ends, at_y);
        chart.labels = arrange::labels(&chart, history);
        chart
    }

    fn put_points(
        &mut self,
        history: &History,
        range: Option<Range>,
        at_x: impl Fn(f64) -> f64,
        at_y: impl Fn(f64) -> f64,
    ) {
        let direction = history.session.direction;
        let strip_y = self.strip.map_or(0.0, |s| s.y + s.height / 2.0);
        let mut order: Vec<usize> = (0..history.points.len()).collect();
        // An appended ledger may not be in order; sorting what is costs nothing.
        order.sort_by_key(|i| history.points[*i].number);
        let mut best: Option<f64> = None;
        for index in order {
            let point = &history.points[index];
            let x = at_x(point.number as f64);
            let Some(value) = point.value() else {
                self.crashed.push(Mark { x, y: strip_y, index });
                continue;
            };
            let mark = Mark { x, y: at_y(value), index };
            let is_kept = point.verdict == Verdict::Keep;
            if range.is_some_and(|r| !r.has(value)) {
                self.beyond.push(mark);
            } else if is_kept {
                self.kept.push(mark);
            } else {
                self.discarded.push(mark);
            }
            if is_kept && best.is_none_or(|b| direction.is_better(value, b)) {
                if let Some((_, y)) = self.best_line.last().copied() {
                    self.best_line.push((x, y));
                }
                self.best_line.push((x, mark.y));
                best = Some(value);
            }
        }
        match self.best_line.as_slice() {
            // A baseline that nothing has beaten has a line of its own.
            [_] if history.counts().keep == 0 => self.best_line.clear(),
            [.., (_, y)] => self.best_line.push((self.area.x + self.area.width, *y)),
            [] => {}
        }
        // What falls on one pixel is one corner, one disc.
        self.best_line.dedup_by(|a, b| (a.0 - b.0).abs() < 0.25 && (a.1 - b.1).abs() < 0.25);
        if self.kept.len() > 1000 {
            self.kept.dedup_by(|a, b| (a.x - b.x).abs() < 2.0 && (a.y - b.y).abs() < 2.0);
        }
    }

    /// Radius of a kept point.
    pub(crate) fn kept_radius(&self) -> f64 {
        match self.kept.len() {
            0..=60 => 5.0,
            61..=300 => 3.8,
            _ => 2.6,
        }
    }
}

/// What the y axis shows.
fn value_range(history: &History) -> Option<Range> {
    let sign = if history.session.direction == Direction::Minimize { 1.0 } else { -1.0 };
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    for point in &history.points {
        if let Some(value) = point.value() {
            if point.verdict == Verdict::Keep {
                kept.push(sign * value);
            } else {
                others.push(sign * value);
            }
        }
    }
    let range = scale::robust_range(&kept, &others)?;
    Some(if sign > 0.0 { range } else { Range { low: -range.high, high: -range.low } })
}

/// Title (metric and the rest of it) and subtitle.
fn headings(history: &History) -> ((String, String), String) {
    let session = &history.session;
    let metric = text::cut(&one_line(&session.metric), 20.0, 420.0);
    let tag =
        session.tag.as_deref().map(|t| format!(" · {}", text::cut(&one_line(t), 20.0, 200.0)));
    let title = (metric, format!(", {}{}", session.direction, tag.unwrap_or_default()));
    let counts = history.counts();
    if counts.total() == 0 {
        let subtitle =
            if history.points.is_empty() { "no experiment yet" } else { "only the baseline yet" };
        return (title, subtitle.to_owned());
    }
    let mut subtitle = format!(
        "{}, {} kept",
        numbers::count(counts.total(), "experiment"),
        numbers::grouped(counts.keep)
    );
    if counts.crash > 0 {
        let _ = write!(subtitle, ", {} crashed", numbers::grouped(counts.crash));
    }
    match (history.best(), history.baseline()) {
        (Some(best), baseline) if best.number > 0 => {
            let change = baseline.map(|b| best.metric - b);
            let precision = Precision::of(baseline.into_iter().chain([best.metric]), change);
            let _ = write!(
                subtitle,
                ", best {} at #{}",
                minus(&precision.value(best.metric)),
                best.number
            );
            if let Some((change, baseline)) = change.zip(baseline) {
                let change =
                    numbers::percent(change, baseline).unwrap_or_else(|| precision.signed(change));
                let _ = write!(subtitle, ", {} against the baseline", minus(&change));
            }
        }
        (Some(_), _) => subtitle.push_str(", none better than the baseline"),
        (None, _) => {}
    }
    (title, subtitle)
}

/// Values at the right ends of the lines: the metric with its text.
fn end_texts(history: &History) -> Vec<(f64, (String, &'static str))> {
    let (baseline, best) = (history.baseline(), history.best());
    let change = baseline.zip(best.as_ref()).map(|(b, best)| best.metric - b);
    let precision =
        Precision::of(baseline.into_iter().chain(best.as_ref().map(|b| b.metric)), change);
    let best = best
        .filter(|b| b.number > 0)
        .map(|b| (b.metric, (minus(&precision.value(b.metric)), " best")));
    let baseline = baseline.map(|b| (b, (minus(&precision.value(b)), " baseline")));
    best.into_iter().chain(baseline).collect()
}

/// Beside their lines, but not over one another.
fn spread(ends: Vec<(f64, (String, &'static str))>, at_y: impl Fn(f64) -> f64) -> Vec<EndLabel> {
    let mut labels: Vec<EndLabel> = ends
        .into_iter()
        .map(|(metric, (value, name))| EndLabel {
            y: at_y(metric),
            value,
            name,
            is_best: name == " best",
        })
        .collect();
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));
    if let [above, below] = labels.as_mut_slice() {
        let missing = 17.0 - (below.y - above.y);
        if missing > 0.0 {
            above.y -= missing / 2.0;
            below.y += missing / 2.0;
        }
    }
    labels
}

/// With the sign that typesetters use.
pub(crate) fn minus(text: &str) -> String {
    text.replace('-', "−")
}
