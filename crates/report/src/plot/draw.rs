//! The layout as SVG. Attributes only, no style sheet, so that the document can
//! stand inside a web page without touching it.

use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;

use super::chart::{Chart, LABEL, Mark};
use super::text;
use crate::history::History;
use crate::numbers::Precision;
use crate::words::{truncated, xml};

const INK: &str = "#1f2328";
const MUTED: &str = "#59636e";
const GRID: &str = "#eaeef2";
const AXIS: &str = "#d1d9e0";
/// Bluish green and vermilion of Okabe and Ito, darker: told apart with any
/// colour vision, readable as text.
const KEEP: &str = "#007a5a";
const CRASH: &str = "#c04a00";
const DISCARD: &str = "#8c959f";

/// Points up to this number are drawn one by one.
const SINGLE: usize = 3000;
/// Points up to this number have a tooltip.
const TIPS: usize = 1500;
/// Side of the squares that more points are gathered in, in pixels.
const BIN: f64 = 3.0;
/// Room that a cross takes, in pixels.
const CROSS: f64 = 9.0;

pub(crate) fn document(chart: &Chart, history: &History) -> String {
    let (width, height) = (chart.width, chart.height);
    let mut svg = String::with_capacity(64 * 1024);
    let summary = xml(&format!("{}{}: {}", chart.title.0, chart.title.1, chart.subtitle));
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{summary}" font-family="Inter, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" font-size="{LABEL}">"#
    );
    let _ = writeln!(svg, r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##);
    axes(&mut svg, chart);
    lines_below(&mut svg, chart);
    discards(&mut svg, chart, history);
    beyond(&mut svg, chart, history);
    crashes(&mut svg, chart, history);
    best_line(&mut svg, chart);
    keeps(&mut svg, chart, history);
    labels(&mut svg, chart);
    headings(&mut svg, chart, history);
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, chart: &Chart) {
    let area = chart.area;
    let (left, right) = (area.x, area.x + area.width);
    let floor = chart.strip.map_or(area.y + area.height, |s| s.y + s.height);
    let _ = writeln!(svg, r#"<g stroke="{GRID}">"#);
    for (y, _) in &chart.y_ticks {
        let _ = writeln!(svg, r#"<path d="M{left:.1} {y:.1}H{right:.1}"/>"#);
    }
    svg.push_str("</g>\n");
    let _ = writeln!(svg, r#"<g fill="{MUTED}">"#);
    for (y, label) in &chart.y_ticks {
        let (x, y, label) = (left - 10.0, y + 4.2, label.replace('-', "−"));
        let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="end">{label}</text>"#);
    }
    for (x, label) in &chart.x_ticks {
        let y = floor + 19.0;
        let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{label}</text>"#);
    }
    if let Some(strip) = chart.strip {
        let (x, y) = (left - 10.0, strip.y + strip.height / 2.0 + 4.2);
        let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="end">crash</text>"#);
    }
    let _ = writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">experiment</text>"#,
        area.x + area.width / 2.0,
        floor + 39.0
    );
    svg.push_str("</g>\n");
    let _ = writeln!(svg, r#"<path d="M{left:.1} {floor:.1}H{right:.1}" stroke="{AXIS}"/>"#);
    if let Some(strip) = chart.strip {
        let _ =
            writeln!(svg, r#"<path d="M{left:.1} {:.1}H{right:.1}" stroke="{GRID}"/>"#, strip.y);
    }
    if chart.kept.is_empty() && chart.discarded.is_empty() && chart.beyond.is_empty() {
        let message = if chart.crashed.is_empty() {
            "no experiment yet"
        } else {
            "no experiment reported the metric"
        };
        let (x, y) = (area.x + area.width / 2.0, area.y + area.height / 2.0);
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle" font-size="16" fill="{MUTED}">{message}</text>"#
        );
    }
}

fn lines_below(svg: &mut String, chart: &Chart) {
    let right = chart.area.x + chart.area.width;
    if let Some(y) = chart.baseline_y {
        let _ = writeln!(
            svg,
            r#"<path d="M{:.1} {y:.1}H{right:.1}" stroke="{MUTED}" stroke-dasharray="2 4" stroke-linecap="round"/>"#,
            chart.area.x
        );
    }
    for label in &chart.end_labels {
        let (x, y) = (right + 8.0, label.y + 4.2);
        let colour = if label.is_best { KEEP } else { MUTED };
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{y:.1}" fill="{colour}"><tspan font-weight="600">{}</tspan>{}</text>"#,
            label.value, label.name
        );
    }
}

fn discards(svg: &mut String, chart: &Chart, history: &History) {
    if chart.discarded.len() > SINGLE {
        gathered(svg, chart, &chart.discarded);
        return;
    }
    let radius = if chart.discarded.len() > 400 { 2.2 } else { 3.2 };
    let _ = writeln!(
        svg,
        r##"<g fill="#ffffff" fill-opacity="0.6" stroke="{DISCARD}" stroke-width="1.2">"##
    );
    for mark in &chart.discarded {
        let tip =
            if chart.discarded.len() <= TIPS { tooltip(history, mark) } else { String::new() };
        let _ = writeln!(
            svg,
            r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}">{tip}</circle>"#,
            mark.x, mark.y
        );
    }
    svg.push_str("</g>\n");
}

/// Points by how many lie in the same square: four shades, one path each, in
/// which neighbours are one stroke.
fn gathered(svg: &mut String, chart: &Chart, marks: &[Mark]) {
    let (left, top) = (chart.area.x.round(), chart.area.y.round());
    let columns = (chart.area.width / BIN) as usize + 1;
    let rows = (chart.area.height / BIN) as usize + 1;
    let mut counts = vec![0_u32; columns * rows];
    for mark in marks {
        let column = ((mark.x - left).max(0.0) / BIN) as usize;
        let row = ((mark.y - top).max(0.0) / BIN) as usize;
        counts[row.min(rows - 1) * columns + column.min(columns - 1)] += 1;
    }
    let filled = counts.iter().filter(|c| **c > 0).count().max(1);
    let mean = (marks.len() as f64 / filled as f64).max(1.0);
    let shade = |count: u32| match f64::from(count) / mean {
        0.0 => 0,
        ..0.6 => 1,
        ..1.2 => 2,
        ..2.5 => 3,
        _ => 4,
    };
    for (wanted, opacity) in [(1, 0.25), (2, 0.45), (3, 0.7), (4, 1.0)] {
        let mut path = String::new();
        for (row, counts) in counts.chunks(columns).enumerate() {
            let mut column = 0;
            for run in counts.chunk_by(|a, b| shade(*a) == shade(*b)) {
                if run.first().is_some_and(|c| shade(*c) == wanted) {
                    let (x, y) = (left + column as f64 * BIN, top + (row as f64 + 0.5) * BIN);
                    let _ = write!(path, "M{x} {y}h{}", run.len() as f64 * BIN);
                }
                column += run.len();
            }
        }
        if !path.is_empty() {
            let _ = writeln!(
                svg,
                r#"<path d="{path}" stroke="{DISCARD}" stroke-opacity="{opacity}" stroke-width="{BIN}" shape-rendering="crispEdges"/>"#
            );
        }
    }
}

/// One mark of several that lie within `distance` pixels of one another.
fn thinned(marks: &[Mark], distance: f64) -> Vec<Mark> {
    let mut kept: Vec<Mark> = Vec::new();
    // The edge above and the edge below.
    let mut last: [Option<(f64, f64)>; 2] = [None; 2];
    for mark in marks {
        let same = |l: &Option<(f64, f64)>| {
            l.is_some_and(|(x, y)| (y - mark.y).abs() < 1.0 && mark.x - x < distance)
        };
        if last.iter().any(same) {
            continue;
        }
        let slot = usize::from(!last[0].is_none_or(|(_, y)| (y - mark.y).abs() < 1.0));
        last[slot] = Some((mark.x, mark.y));
        kept.push(*mark);
    }
    kept
}

fn beyond(svg: &mut String, chart: &Chart, history: &History) {
    let middle = chart.area.y + chart.area.height / 2.0;
    for mark in thinned(&chart.beyond, 3.0) {
        let (x, up) = (mark.x, mark.y < middle);
        let (tip_y, base) = if up {
            (chart.area.y - 1.0, 8.0)
        } else {
            (chart.area.y + chart.area.height + 1.0, -8.0)
        };
        let is_kept = history.points[mark.index].verdict == Verdict::Keep;
        let colour = if is_kept { KEEP } else { DISCARD };
        let tip = tooltip(history, &mark);
        let _ = writeln!(
            svg,
            r#"<path d="M{x:.1} {tip_y:.1}l4.5 {base}h-9z" fill="{colour}">{tip}</path>"#
        );
    }
}

fn crashes(svg: &mut String, chart: &Chart, history: &History) {
    let marks = &chart.crashed;
    if marks.is_empty() {
        return;
    }
    let _ = writeln!(
        svg,
        r#"<g stroke="{CRASH}" stroke-width="1.6" stroke-linecap="round" fill="none">"#
    );
    let mut cross = |x: f64, y: f64, rest: &str| {
        let _ = writeln!(
            svg,
            r#"<path d="M{:.1} {:.1}l6.4 6.4m0-6.4l-6.4 6.4"{rest}"#,
            x - 3.2,
            y - 3.2
        );
    };
    if marks.len() as f64 * CROSS < chart.area.width {
        for mark in marks {
            cross(mark.x, mark.y, &format!(">{}</path>", tooltip(history, mark)));
        }
    } else {
        // One cross for all that would touch, the paler the fewer they are.
        let mut counts = vec![0_u32; (chart.area.width / CROSS) as usize + 1];
        for mark in marks {
            let column = ((mark.x - chart.area.x).max(0.0) / CROSS) as usize;
            if let Some(count) = counts.get_mut(column) {
                *count += 1;
            }
        }
        let most = f64::from(counts.iter().copied().max().unwrap_or(1)).max(1.0);
        for (column, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let x = chart.area.x + (column as f64 + 0.5) * CROSS;
            cross(
                x,
                marks[0].y,
                &format!(r#" stroke-opacity="{:.2}"/>"#, 0.15 + 0.85 * f64::from(*count) / most),
            );
        }
    }
    svg.push_str("</g>\n");
}

fn best_line(svg: &mut String, chart: &Chart) {
    let mut path = String::new();
    for (i, (x, y)) in chart.best_line.iter().enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
    }
    if !path.is_empty() {
        let _ = writeln!(
            svg,
            r#"<path d="{path}" fill="none" stroke="{KEEP}" stroke-width="2" stroke-linejoin="round"/>"#
        );
    }
}

fn keeps(svg: &mut String, chart: &Chart, history: &History) {
    let radius = chart.kept_radius();
    let has_tips = chart.kept.len() <= TIPS;
    let ring = radius * 0.3;
    let _ = writeln!(svg, r##"<g fill="{KEEP}" stroke="#ffffff" stroke-width="{ring:.1}">"##);
    for mark in &chart.kept {
        let tip = if has_tips { tooltip(history, mark) } else { String::new() };
        // The baseline is where it began, not a gain: a square.
        if history.points[mark.index].is_baseline() {
            let (x, y, side) = (mark.x - radius, mark.y - radius, 2.0 * radius);
            let _ = writeln!(
                svg,
                r#"<rect x="{x:.1}" y="{y:.1}" width="{side}" height="{side}" fill="{MUTED}">{tip}</rect>"#
            );
        } else {
            let _ = writeln!(
                svg,
                r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}">{tip}</circle>"#,
                mark.x, mark.y
            );
        }
    }
    svg.push_str("</g>\n");
}

fn labels(svg: &mut String, chart: &Chart) {
    for leader in chart.labels.iter().filter_map(|l| l.place.leader) {
        let (x, y, height) = (leader.x + 0.5, leader.y, leader.height);
        let _ = writeln!(
            svg,
            r#"<path d="M{x:.1} {y:.1}v{height:.1}" stroke="{DISCARD}" stroke-width="0.8"/>"#
        );
    }
    let _ = writeln!(
        svg,
        r##"<g fill="{INK}" stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke">"##
    );
    for label in &chart.labels {
        let rect = label.place.rect;
        let (x, anchor) =
            if label.place.ends_there { (rect.x + rect.width, "end") } else { (rect.x, "start") };
        let y = rect.y + rect.height * 0.75;
        let _ = write!(
            svg,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}"#,
            xml(&label.words)
        );
        if !label.gain.is_empty() {
            let _ = write!(
                svg,
                r#"<tspan dx="6" font-weight="600" fill="{KEEP}">{}</tspan>"#,
                label.gain
            );
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</g>\n");
}

fn headings(svg: &mut String, chart: &Chart, history: &History) {
    let _ = writeln!(
        svg,
        r#"<text x="24" y="36" font-size="20" fill="{MUTED}"><tspan font-weight="600" fill="{INK}">{}</tspan>{}</text>"#,
        xml(&chart.title.0),
        xml(&chart.title.1)
    );
    let subtitle = xml(&text::cut(&chart.subtitle, 14.0, chart.width - 48.0));
    let _ = writeln!(svg, r#"<text x="24" y="59" font-size="14" fill="{MUTED}">{subtitle}</text>"#);
    legend(svg, chart, history);
}

/// Only what the plot has.
fn legend(svg: &mut String, chart: &Chart, history: &History) {
    let items = [
        (
            chart.kept.iter().any(|m| history.points[m.index].is_gain()),
            "kept",
            format!(r#"<circle r="4.5" fill="{KEEP}"/>"#),
        ),
        (
            !chart.discarded.is_empty(),
            "discarded",
            format!(r##"<circle r="3.4" fill="#ffffff" stroke="{DISCARD}" stroke-width="1.2"/>"##),
        ),
        (
            !chart.crashed.is_empty(),
            "crashed",
            format!(
                r#"<path d="M-3.2-3.2l6.4 6.4m0-6.4l-6.4 6.4" stroke="{CRASH}" stroke-width="1.6" stroke-linecap="round"/>"#
            ),
        ),
        (
            !chart.beyond.is_empty(),
            "off the scale",
            format!(r#"<path d="M0-4.5l4.5 8h-9z" fill="{DISCARD}"/>"#),
        ),
    ];
    let width = |name: &str| 12.0 + text::width(name, LABEL) + 18.0;
    let total: f64 = items.iter().filter(|i| i.0).map(|i| width(i.1)).sum();
    let (mut x, y) =
        if chart.legend_below { (30.0, 82.0) } else { (chart.width - 6.0 - total, 32.0) };
    for (_, name, shape) in items.iter().filter(|i| i.0) {
        let _ = writeln!(
            svg,
            r#"<g transform="translate({x:.1} {y:.1})" fill="{MUTED}">{shape}<text x="10" y="4.2">{name}</text></g>"#
        );
        x += width(name);
    }
}

/// What a browser shows when the mouse rests on a point.
fn tooltip(history: &History, mark: &Mark) -> String {
    let point = &history.points[mark.index];
    let value = point
        .value()
        .map_or_else(String::new, |v| format!(" {}", Precision::of([v], point.gain).value(v)));
    let text = truncated(&point.hypothesis.chars().take(120).collect::<String>(), 100);
    format!("<title>{}</title>", xml(&format!("#{} {}{value} {text}", point.number, point.verdict)))
}
