//! Tables as text.

use std::fmt::Write as _;

use crate::comparison::Table;
use crate::table::Cell;

/// Columns of a terminal that a table needs at most.
const WIDTH: usize = 100;
/// Columns of a cell.
const CELL: usize = 16;

/// A table for a terminal, at most 100 columns wide: rules down, noise across;
/// where it does not fit beside, below.
pub fn terminal(table: &Table) -> String {
    let names: Vec<String> = table.rows.iter().map(crate::comparison::Row::id).collect();
    let name = names.iter().map(String::len).max().unwrap_or(0).max(4);
    let beside = (WIDTH.saturating_sub(name) / CELL).max(1);
    let nus = &table.comparison.nus;
    let mut text = format!("{}\n", table.title());
    for from in (0..nus.len()).step_by(beside) {
        let columns = from..(from + beside).min(nus.len());
        let _ = write!(text, "\n{:name$}", "");
        for nu in &nus[columns.clone()] {
            let _ = write!(text, "{:>CELL$}", format!("noise {nu}"));
        }
        let _ = write!(text, "\n{:name$}", "rule");
        for _ in columns.clone() {
            let _ = write!(text, "{:>6}{:>5}{:>5}", "gain", "true", "over");
        }
        text.push('\n');
        for (row, id) in table.rows.iter().zip(&names) {
            let _ = write!(text, "{id:name$}");
            for cell in &row.cells[columns.clone()] {
                let _ = write!(
                    text,
                    "{:>6}{:>5}{:>5}",
                    thousandths(cell.gain),
                    percent(cell.precision),
                    tenths(cell.excess)
                );
            }
            text.push('\n');
        }
    }
    let errors = table.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.gain_error);
    let most = errors.fold(0.0, f64::max);
    let _ = writeln!(text, "\nstandard error of gain: {} at most", thousandths(most));
    text
}

/// A table in Markdown; a cell is `gain ± error / precision ± error / claimed
/// beyond the truth`.
pub fn markdown<'a>(
    columns: impl IntoIterator<Item = String>,
    rows: impl IntoIterator<Item = (String, &'a [Cell])>,
) -> String {
    let columns: Vec<String> = columns.into_iter().collect();
    let mut text =
        format!("| rule | {} |\n|---|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for (name, cells) in rows {
        let cells: Vec<String> = cells.iter().map(words).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}

impl Table {
    /// The table in Markdown: rules down, noise across.
    pub fn markdown(&self) -> String {
        markdown(
            self.comparison.nus.iter().map(|nu| format!("ν = {nu}")),
            self.rows.iter().map(|row| (row.name(), &row.cells[..])),
        )
    }
}

/// As `.915 ± .004 / 93.1 ± 0.4% / +0.2`.
fn words(cell: &Cell) -> String {
    let precision = if cell.precision.is_nan() {
        "–".to_owned()
    } else {
        format!("{:.1} ± {:.1}%", 100.0 * cell.precision, 100.0 * cell.precision_error)
    };
    format!(
        "{} ± {} / {precision} / {}",
        thousandths(cell.gain),
        thousandths(cell.gain_error),
        tenths(cell.excess)
    )
}

/// As `.915`; the zero before the point says nothing.
fn thousandths(value: f64) -> String {
    // Nothing is below zero by nothing.
    let value = if value.abs() < 0.000_5 { 0.0 } else { value };
    let text = format!("{value:.3}");
    match text.strip_prefix("0.") {
        Some(rest) => format!(".{rest}"),
        None => text.replacen("-0.", "-.", 1),
    }
}

fn percent(share: f64) -> String {
    if share.is_nan() { "–".to_owned() } else { format!("{:.0}%", 100.0 * share) }
}

/// With its sign; from ten on without a fraction.
fn tenths(value: f64) -> String {
    match value {
        _ if value.is_nan() => "–".to_owned(),
        _ if value.abs() < 0.05 => "0.0".to_owned(),
        _ if value.abs() < 9.95 => format!("{value:+.1}"),
        _ => format!("{value:+.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Comparison, Rule, World};

    fn cell(gain: f64, precision: f64, excess: f64) -> Cell {
        let (gain_error, precision_error) = (0.004_4, 0.012);
        Cell {
            gain,
            gain_error,
            precision,
            precision_error,
            excess,
            excess_share: excess / gain,
            kept: 10.0,
        }
    }

    fn table(nus: &[f64]) -> Table {
        let comparison = Comparison {
            world: World::Plain,
            runs: 100,
            sessions: 600,
            slots: 1,
            seed: 1,
            rules: vec![Rule::Greedy, Rule::Best(0.5)],
            nus: nus.to_vec(),
        };
        let cells = [cell(0.976, 0.58, 0.12), cell(1.002, 1.0, -12.3), cell(-0.04, f64::NAN, 0.04)];
        comparison.table(&mut cells.into_iter().cycle())
    }

    #[test]
    fn a_table_says_its_numbers_in_a_hundred_columns() {
        assert_eq!(
            terminal(&table(&[0.1, 1.0])),
            "\
plain world, 100 runs, 600 sessions

               noise 0.1         noise 1
rule      gain true over  gain true over
greedy    .976  58% +0.1 1.002 100%  -12
best:0.5 -.040    –  0.0  .976  58% +0.1

standard error of gain: .004 at most
"
        );
        let wide = terminal(&table(&[0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]));
        assert!(wide.lines().all(|line| line.chars().count() <= WIDTH), "{wide}");
        assert_eq!(wide.matches("greedy").count(), 2);
    }

    #[test]
    fn markdown_shows_the_standard_errors() {
        assert_eq!(
            table(&[0.1, 1.0]).markdown(),
            "\
| rule | ν = 0.1 | ν = 1 |
|---|---|---|
| greedy (Karpathy and most others) | .976 ± .004 / 58.0 ± 1.2% / +0.1 | 1.002 ± .004 / 100.0 ± 1.2% / -12 |
| best possible, a false keep costs 0.5 gains | -.040 ± .004 / – / 0.0 | .976 ± .004 / 58.0 ± 1.2% / +0.1 |
"
        );
    }
}
