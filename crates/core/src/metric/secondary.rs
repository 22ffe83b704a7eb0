//! Everything else in the output that looks like a metric.

use std::collections::BTreeMap;

use super::number;

/// Names that are kept; those updated longest ago go first.
pub(super) const MOST_NAMES: usize = 64;
/// Bytes of a line beyond which it is no line of metrics.
const LONGEST_LINE: usize = 4096;
/// Bytes of a name beyond which it is none.
const LONGEST_NAME: usize = 64;

/// Last finite value by name, at most [`MOST_NAMES`] of them, and those that
/// are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Names that others do not push out.
    wanted: Vec<String>,
    /// Least recently updated first.
    rows: Vec<(String, f64)>,
}

impl Table {
    pub(super) fn wanting(wanted: &[String]) -> Table {
        Table { wanted: wanted.to_vec(), rows: Vec::new() }
    }

    /// Whether a line may hold a wanted name.
    pub(super) fn wants(&self, line: &[u8]) -> bool {
        self.wanted.iter().any(|name| memchr::memmem::find(line, name.as_bytes()).is_some())
    }

    /// Takes over what looks like `name: number` in `line`.
    pub(super) fn read(&mut self, line: &[u8]) {
        if line.len() > LONGEST_LINE || !line.iter().any(u8::is_ascii_digit) {
            return;
        }
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        let line = line.strip_prefix("METRIC ").unwrap_or(line);
        let mut name_before = None;
        for field in line
            .split(['|', '\u{2502}', '\u{2503}', '\u{2551}', ';', '\t'])
            .flat_map(|part| part.split(", "))
        {
            let field = field.trim_matches(|c: char| c.is_whitespace() || "\"'`*{},".contains(c));
            if field.is_empty() {
                continue;
            }
            if let Some((name, value)) = pair(field) {
                self.set(name, value);
            } else if let (Some(name), Some(value)) = (name_before, whole_number(field)) {
                self.set(name, value);
            } else {
                // `step=10 loss=0.5`
                for (name, value) in
                    field.split_whitespace().filter(|word| word.contains('=')).filter_map(pair)
                {
                    self.set(name, value);
                }
            }
            name_before = Some(field).filter(|field| is_name(field));
        }
    }

    fn set(&mut self, name: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        let row = match self.rows.iter().rposition(|(known, _)| known == name) {
            Some(at) => (self.rows.remove(at).0, value),
            None => (name.to_owned(), value),
        };
        self.rows.push(row);
        let is_other = |(name, _): &(String, f64)| !self.wanted.contains(name);
        if self.rows.iter().filter(|row| is_other(row)).count() > MOST_NAMES
            && let Some(oldest) = self.rows.iter().position(is_other)
        {
            self.rows.remove(oldest);
        }
    }

    /// All but the metric itself.
    pub(super) fn without(self, metric: &str) -> BTreeMap<String, f64> {
        self.rows.into_iter().filter(|(name, _)| name != metric).collect()
    }
}

/// `name: number` or `name = number`, where nothing but a unit follows. A prefix
/// as in `INFO:root:loss: 1` is no part of the name.
fn pair(field: &str) -> Option<(&str, f64)> {
    let mut start = 0;
    for (at, separator) in field.match_indices([':', '=']) {
        let name =
            field[start..at].trim_matches(|c: char| c.is_whitespace() || "\"'`*-".contains(c));
        let value = field[at + separator.len()..]
            .trim_start_matches(|c: char| c.is_whitespace() || "\"'`*".contains(c));
        if is_name(name)
            && let Some(value) = whole_number(value)
        {
            return Some((name, value));
        }
        start = at + separator.len();
    }
    None
}

/// The number that `text` is, but for a unit: `44.0 GB`, `12.5ms`, `8.52/10`.
fn whole_number(text: &str) -> Option<f64> {
    let (value, rest) = number::prefix(text.as_bytes())?;
    let unit = rest.trim_ascii();
    let is_unit = unit.len() <= 6 && !unit.contains(&b' ') && !unit.contains(&b':');
    is_unit.then_some(value)
}

fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || "_./-@ ()%[]".contains(c))
        && text.split(' ').count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, f64)> {
        let mut table = Table::default();
        text.lines().for_each(|line| table.read(line.as_bytes()));
        table.rows
    }

    #[track_caller]
    fn reads(text: &str, expected: &[(&str, f64)]) {
        let expected: Vec<_> =
            expected.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(read(text), expected, "{text}");
    }

    #[test]
    fn a_summary_block_is_read() {
        reads(
            "---\nval_bpb:          0.997900\npeak_vram_mb:     45060.2\nnum_steps:        953\ndepth:            8\n",
            &[("val_bpb", 0.9979), ("peak_vram_mb", 45060.2), ("num_steps", 953.0), ("depth", 8.0)],
        );
    }

    #[test]
    fn pairs_tables_units_and_prefixes_are_read() {
        reads("METRIC time=12.5ms", &[("time", 12.5)]);
        reads("Test accuracy: 97.3%", &[("Test accuracy", 97.3)]);
        reads("memory: 44.0 GB", &[("memory", 44.0)]);
        reads("| f1 | 0.5 |", &[("f1", 0.5)]);
        reads("{\"a\": 1, \"b\": 2.5}", &[("a", 1.0), ("b", 2.5)]);
        reads("step=10 loss=0.5", &[("step", 10.0), ("loss", 0.5)]);
        reads("INFO:root:loss: 0.5", &[("loss", 0.5)]);
    }

    #[test]
    fn prose_times_and_non_finite_values_are_not() {
        reads("warning: 3 unused variables", &[]);
        reads("started at: 2024-05-01 10:30:00", &[]);
        reads("  File \"train.py\", line 3, in main", &[]);
        reads("loss: nan", &[]);
        reads("see http://localhost:8080/x", &[]);
    }

    #[test]
    fn the_newest_names_stay() {
        let lines: Vec<_> = (0..1000).map(|i| format!("name{i}: {i}")).collect();
        let rows = read(&lines.join("\n"));
        assert_eq!(rows.len(), MOST_NAMES);
        assert_eq!(rows.last(), Some(&("name999".to_owned(), 999.0)));
    }

    #[test]
    fn a_wanted_name_stays_whatever_else_is_reported() {
        let mut table = Table::wanting(&["name3".to_owned()]);
        (0..1000).for_each(|i| table.read(format!("name{i}: {i}").as_bytes()));
        assert_eq!(table.rows.len(), MOST_NAMES + 1);
        assert_eq!(table.without("loss").get("name3"), Some(&3.0));
    }
}
