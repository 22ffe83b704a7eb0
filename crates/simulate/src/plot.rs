//! Gain against precision as SVG: a panel for each noise, every rule a labelled
//! point. Hand-made, for the direct labels.

use std::fmt::Write as _;

use autoresearch_core::judge::Mode;

use crate::comparison::{Row, Table};
use crate::rounds::Landing;
use crate::rules::Rule;
use crate::table::Cell;

const INK: &str = "#1f2328";
const MUTED: &str = "#59636e";
const GRID: &str = "#eaeef2";
const AXIS: &str = "#d1d9e0";
/// Bluish green and blue of Okabe and Ito, darker.
const OURS: &str = "#007a5a";
const POSSIBLE: &str = "#0a5a9c";

/// A panel with its margins, in pixels.
const PANEL: (f64, f64) = (380.0, 330.0);
/// Margins inside a panel: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (44.0, 34.0, 22.0, 40.0);
const COLUMNS: usize = 3;
/// Of labels.
const FONT: f64 = 11.0;
/// Width of a character, about, in pixels.
const ADVANCE: f64 = 6.0;

/// The plot of tables as an SVG document.
pub fn plot(tables: &[Table]) -> String {
    let panels: Vec<(&Table, usize)> = tables
        .iter()
        .flat_map(|table| (0..table.comparison.nus.len()).map(move |at| (table, at)))
        .collect();
    let columns = panels.len().clamp(1, COLUMNS);
    let width = PANEL.0 * columns as f64;
    let height = PANEL.1 * panels.len().div_ceil(columns) as f64;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="gain against precision of rules that judge changes" font-family="Inter, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" font-size="{FONT}">
<rect width="{width}" height="{height}" fill="{}"/>
"#,
        "#ffffff"
    );
    for (place, (table, at)) in panels.iter().enumerate() {
        let (column, row) = (place % columns, place / columns);
        let _ = writeln!(
            svg,
            r#"<g transform="translate({} {})">"#,
            PANEL.0 * column as f64,
            PANEL.1 * row as f64
        );
        panel(&mut svg, table, *at, tables.len() > 1);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// From shares to pixels.
struct Scale {
    least: (f64, f64),
    most: (f64, f64),
}

impl Scale {
    fn of(cells: &[(&Row, Cell)]) -> Scale {
        let gains = || cells.iter().map(|(_, cell)| cell.gain);
        let lowest = cells.iter().map(|(_, cell)| cell.precision).fold(1.0, f64::min);
        let deepest = gains().fold(0.0, f64::min);
        let least = (0.1 * (10.0 * lowest - 0.4).floor().max(0.0), 0.1 * (10.0 * deepest).floor());
        let highest = gains().fold(0.1, f64::max);
        Scale { least, most: (1.0, 0.1 * (10.0 * highest + 0.3).ceil()) }
    }

    fn x(&self, precision: f64) -> f64 {
        let share = (precision - self.least.0) / (self.most.0 - self.least.0);
        MARGIN.0 + share * (PANEL.0 - MARGIN.0 - MARGIN.2)
    }

    fn y(&self, gain: f64) -> f64 {
        let share = (gain - self.least.1) / (self.most.1 - self.least.1);
        PANEL.1 - MARGIN.3 - share * (PANEL.1 - MARGIN.1 - MARGIN.3)
    }
}

fn panel(svg: &mut String, table: &Table, at: usize, is_named: bool) {
    let cells: Vec<(&Row, Cell)> = table
        .rows
        .iter()
        .map(|row| (row, row.cells[at]))
        .filter(|(_, cell)| cell.precision.is_finite() && cell.gain.is_finite())
        .collect();
    let scale = Scale::of(&cells);
    let nu = table.comparison.nus[at];
    let of = if is_named { format!(", {}", table.title()) } else { String::new() };
    let _ = writeln!(
        svg,
        r#"<text x="{}" y="20" font-size="13" fill="{INK}"><tspan font-weight="600">noise ν = {nu}</tspan>{of}</text>"#,
        MARGIN.0
    );
    axes(svg, &scale);
    let crossed = lines(svg, &scale, &cells);
    let mut taken: Vec<Rect> = cells
        .iter()
        .map(|(_, cell)| {
            let (x, y) = (scale.x(cell.precision), scale.y(cell.gain));
            Rect { left: x - 4.0, top: y - 4.0, right: x + 4.0, bottom: y + 4.0 }
        })
        .collect();
    for (row, cell) in &cells {
        let (x, y) = (scale.x(cell.precision), scale.y(cell.gain));
        let colour = colour(row.rule);
        let _ = match row.landing {
            // Colour never carries meaning alone: the label says it, too.
            Some(Landing::Best) => writeln!(
                svg,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="#ffffff" stroke="{colour}"/>"##
            ),
            _ => writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#),
        };
        let label = row.id();
        let Some((place, anchor)) = place(&taken, &crossed, x, y, label.chars().count()) else {
            continue;
        };
        let at = match anchor {
            "end" => place.right,
            "middle" => 0.5 * (place.left + place.right),
            _ => place.left,
        };
        let weight = if matches!(row.rule, Rule::Ours(_)) { "600" } else { "400" };
        let _ = writeln!(
            svg,
            r##"<text x="{at:.1}" y="{:.1}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}" stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke">{label}</text>"##,
            place.bottom - 2.5
        );
        taken.push(place);
    }
}

fn axes(svg: &mut String, scale: &Scale) {
    let (left, right) = (scale.x(scale.least.0), scale.x(1.0));
    let (floor, top) = (scale.y(scale.least.1), scale.y(scale.most.1));
    let ticks = |from: f64, to: f64| {
        let step = if to - from > 0.65 { 0.2 } else { 0.1 };
        (0..=20)
            .map(move |i| step * f64::from(i))
            .filter(move |t| *t > from - 1e-9 && *t < to + 1e-9)
    };
    for gain in ticks(scale.least.1, scale.most.1) {
        let y = scale.y(gain);
        let _ = writeln!(
            svg,
            r#"<path d="M{left:.1} {y:.1}H{right:.1}" stroke="{GRID}"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="{MUTED}">{gain:.1}</text>"#,
            left - 7.0,
            y + 4.0
        );
    }
    for precision in ticks(scale.least.0, 1.0) {
        let x = scale.x(precision);
        let _ = writeln!(
            svg,
            r#"<path d="M{x:.1} {floor:.1}V{top:.1}" stroke="{GRID}"/><text x="{x:.1}" y="{:.1}" text-anchor="middle" fill="{MUTED}">{:.0}%</text>"#,
            floor + 16.0,
            100.0 * precision
        );
    }
    let _ = writeln!(
        svg,
        r#"<path d="M{left:.1} {floor:.1}H{right:.1}" stroke="{AXIS}"/><text x="{:.1}" y="{:.1}" text-anchor="middle" fill="{MUTED}">kept changes that truly help</text><text x="{:.1}" y="{:.1}" text-anchor="middle" fill="{MUTED}" transform="rotate(-90 {2:.1} {3:.1})">true gain</text>"#,
        0.5 * (left + right),
        floor + 32.0,
        left - 32.0,
        0.5 * (floor + top)
    );
}

/// What belongs together: our modes, and the frontier of what is possible.
/// Returns points along the lines.
fn lines(svg: &mut String, scale: &Scale, cells: &[(&Row, Cell)]) -> Vec<(f64, f64)> {
    let mut along = Vec::new();
    for is_ours in [false, true] {
        let points: Vec<(f64, f64)> = cells
            .iter()
            .filter(|(row, _)| match row.rule {
                Rule::Ours(mode) => is_ours && mode != Mode::Greedy,
                Rule::Best(_) => !is_ours,
                _ => false,
            })
            .map(|(_, cell)| (scale.x(cell.precision), scale.y(cell.gain)))
            .collect();
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            along.extend((0..=40).map(|i| {
                let share = f64::from(i) / 40.0;
                (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
            }));
        }
        if points.len() > 1 {
            let colour = if is_ours { OURS } else { POSSIBLE };
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = writeln!(
                svg,
                r#"<path d="M{}" fill="none" stroke="{colour}" stroke-opacity="0.35" stroke-width="1.5"/>"#,
                path.join("L")
            );
        }
    }
    along
}

fn colour(rule: Rule) -> &'static str {
    match rule {
        Rule::Ours(_) => OURS,
        Rule::Best(_) => POSSIBLE,
        _ => INK,
    }
}

#[derive(Clone, Copy, Debug)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Rect {
    fn overlaps(&self, other: &Rect) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// Where a label stands: near its point, inside the panel, on no other label or
/// point, and on none of the lines if that is possible nearby.
fn place(
    taken: &[Rect],
    crossed: &[(f64, f64)],
    x: f64,
    y: f64,
    characters: usize,
) -> Option<(Rect, &'static str)> {
    let width = ADVANCE * characters as f64;
    let beside = (-12_i32..=12).flat_map(|step| {
        let shift = 3.0 * f64::from(step);
        let (top, bottom) = (y + shift - 7.0, y + shift + 6.0);
        [
            (shift.abs(), Rect { left: x + 7.0, right: x + 7.0 + width, top, bottom }, "start"),
            (shift.abs(), Rect { left: x - 7.0 - width, right: x - 7.0, top, bottom }, "end"),
        ]
    });
    let over = [-12.0, 12.0].map(|shift| {
        let (left, right) = (x - 0.5 * width, x + 0.5 * width);
        (5.0, Rect { left, right, top: y + shift - 7.0, bottom: y + shift + 6.0 }, "middle")
    });
    let is_free = |place: &Rect| {
        place.left >= MARGIN.0
            && place.right <= PANEL.0 - 2.0
            && place.top >= MARGIN.1 - 8.0
            && place.bottom <= PANEL.1 - MARGIN.3
            && !taken.iter().any(|other| other.overlaps(place))
    };
    let crossing = |place: &Rect| {
        let is_inside = |(x, y): &&(f64, f64)| {
            *x > place.left && *x < place.right && *y > place.top && *y < place.bottom
        };
        if crossed.iter().any(|point| is_inside(&point)) { 15.0 } else { 0.0 }
    };
    beside
        .chain(over)
        .filter(|(_, place, _)| is_free(place))
        .map(|(distance, place, anchor)| (distance + crossing(&place), place, anchor))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, place, anchor)| (place, anchor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_beside_their_points_and_not_on_one_another() {
        let mut taken = Vec::new();
        for _ in 0..8 {
            let (place, _) = place(&taken, &[], 200.0, 150.0, 12).unwrap();
            assert!(taken.iter().all(|other: &Rect| !other.overlaps(&place)));
            assert!((place.top - 143.0).abs() < 60.0);
            taken.push(place);
        }
    }
}
