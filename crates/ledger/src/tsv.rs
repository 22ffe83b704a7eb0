//! `results.tsv`: written exactly as SPEC H says, read in every form that
//! SPEC H names (Karpathy's `memory_gb`, crashes as `0.000000`, extra columns).

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use autoresearch_core::experiment::Verdict;
use autoresearch_core::metric::significant;

/// What stands for a missing number.
const ABSENT: &str = "—";

/// One experiment as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Seven digits of the commit, or `baseline`.
    pub commit: String,
    /// The metric; `None` for a crash.
    pub metric: Option<f64>,
    /// Peak memory in GiB.
    pub memory_gb: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// The hypothesis and what came of it.
    pub description: String,
}

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Name of the metric, from the header.
    pub metric: String,
    /// The rows in order; the first is the baseline.
    pub rows: Vec<Row>,
}

/// Why a file is no results table.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the results: {what}")]
pub struct TsvError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what belongs there.
    pub what: String,
}

impl Row {
    /// The line without its end.
    fn line(&self) -> String {
        let metric = self.metric.map_or_else(|| ABSENT.to_owned(), |m| m.to_string());
        let memory = self.memory_gb.map_or_else(|| ABSENT.to_owned(), gib);
        format!(
            "{}\t{metric}\t{memory}\t{}\t{}",
            self.commit,
            self.verdict,
            escape(&self.description)
        )
    }
}

impl Table {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = header(&self.metric);
        for row in &self.rows {
            let _ = writeln!(text, "{}", row.line());
        }
        text
    }

    /// Reads a file in any of the accepted forms. The header decides which
    /// column is which; the metric is the column after the commit.
    ///
    /// # Errors
    /// Names the line and what belongs there.
    pub fn parse(text: &str) -> Result<Table, TsvError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let error = |line: usize, what: String| TsvError { line: line + 1, what };
        let Some((at, head)) = lines.next() else {
            return Err(error(0, "the file is empty; a header belongs there".into()));
        };
        let columns: Vec<&str> = head.split('\t').map(str::trim).collect();
        let place = |names: &[&str]| {
            columns.iter().position(|column| names.iter().any(|n| column.eq_ignore_ascii_case(n)))
        };
        let needed = |found: Option<usize>, name: &str| {
            found.ok_or_else(|| {
                error(at, format!("no column `{name}`; the header is `commit <metric> mem_gb status description`, separated by tabs"))
            })
        };
        let commit = needed(place(&["commit"]), "commit")?;
        let status = needed(place(&["status"]), "status")?;
        let memory = place(&["mem_gb", "memory_gb"]);
        let description = place(&["description"]);
        let known = [Some(commit), Some(status), memory, description];
        let metric = (0..columns.len())
            .find(|column| !known.contains(&Some(*column)) && !columns[*column].is_empty())
            .ok_or_else(|| error(at, "no column for the metric after `commit`".into()))?;

        let mut rows = Vec::new();
        for (at, line) in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let field = |column: usize| fields.get(column).map_or("", |text| text.trim());
            let verdict = match field(status).to_lowercase().as_str() {
                "keep" | "kept" => Verdict::Keep,
                "discard" | "discarded" => Verdict::Discard,
                "crash" | "crashed" => Verdict::Crash,
                other => {
                    let what =
                        format!("status `{other}`; `keep`, `discard` or `crash` belongs there");
                    return Err(error(at, what));
                }
            };
            let number = |column: usize, name: &str| -> Result<Option<f64>, TsvError> {
                match field(column) {
                    "" | ABSENT | "-" | "–" | "nan" | "NaN" => Ok(None),
                    text => text.parse::<f64>().map(|n| Some(n).filter(|n| n.is_finite())).map_err(
                        |_| error(at, format!("`{text}` is no number; the column is `{name}`")),
                    ),
                }
            };
            let crashed = verdict == Verdict::Crash;
            // Whoever crashed measured nothing, whatever the cell says.
            let value = if crashed { None } else { number(metric, columns[metric])? };
            if !crashed && value.is_none() {
                return Err(error(
                    at,
                    format!("`{verdict}` without a value of `{}`", columns[metric]),
                ));
            }
            let memory = memory.map_or(Ok(None), |column| number(column, columns[column]))?;
            rows.push(Row {
                commit: field(commit).to_owned(),
                metric: value,
                memory_gb: memory.filter(|gb| !crashed || *gb != 0.0),
                verdict,
                // A description may itself hold tabs in foreign files.
                description: description.map_or_else(String::new, |column| {
                    let last = column + 1 == columns.len();
                    let cells = fields.get(column..).unwrap_or_default();
                    unescape(if last { cells.join(" ") } else { field(column).to_owned() }.trim())
                }),
            });
        }
        Ok(Table { metric: columns[metric].to_owned(), rows })
    }
}

fn header(metric: &str) -> String {
    format!("commit\t{}\tmem_gb\tstatus\tdescription\n", escape(metric))
}

/// One decimal, as Karpathy's, or more where that would be nothing.
fn gib(value: f64) -> String {
    if value >= 1.0 { format!("{value:.1}") } else { significant(value, 2) }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('t' | 'n' | 'r' | '\\'))) => {
                out.push(match next {
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                });
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// The file on disk, a projection of the journal.
#[derive(Clone, Debug)]
pub struct TsvFile {
    path: PathBuf,
}

impl TsvFile {
    /// The file at `path`, which need not exist.
    pub fn at(path: &Path) -> TsvFile {
        TsvFile { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one row; makes the file with its header when it is missing.
    ///
    /// # Errors
    /// What the system reports.
    pub fn append(&self, metric: &str, row: &Row) -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let head = if file.metadata()?.len() == 0 { header(metric) } else { String::new() };
        file.write_all(format!("{head}{}\n", row.line()).as_bytes())
    }

    /// Makes the file say exactly what `table` says, in one step. A different
    /// file that was there is kept beside it, unless `is_known` says that it can be
    /// written again; its new path is returned.
    ///
    /// # Errors
    /// What the system reports; then the file is as it was.
    pub fn restore(
        &self,
        table: &Table,
        is_known: impl FnOnce(&[u8]) -> bool,
    ) -> std::io::Result<Option<PathBuf>> {
        let text = table.to_text();
        let there = match std::fs::read(&self.path) {
            Ok(bytes) if bytes == text.as_bytes() => return Ok(None),
            Ok(bytes) => Some(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        // Rows that are missing at the end, or half a row, are our own crash.
        let is_ours = |bytes: &[u8]| text.as_bytes().starts_with(bytes) || is_known(bytes);
        let kept =
            if there.as_deref().is_none_or(is_ours) { None } else { Some(self.set_aside()?) };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = self.path.with_file_name(format!(".{name}.new"));
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        Ok(kept)
    }

    /// Copies the file to the first free name of `<name>.edited-N`.
    fn set_aside(&self) -> std::io::Result<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut n = 1;
        loop {
            let path = self.path.with_file_name(format!("{name}.edited-{n}"));
            match File::create_new(&path) {
                Ok(mut file) => {
                    std::io::copy(&mut File::open(&self.path)?, &mut file)?;
                    file.sync_all()?;
                    return Ok(path);
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => n += 1,
                Err(e) => return Err(e),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// SPEC H, to the letter.
    const SPEC: &str = "commit\tval_bpb\tmem_gb\tstatus\tdescription
baseline\t0.9979\t44.0\tkeep\tBaseline — no modifications
a3f12bc\t0.9821\t43.2\tkeep\tReLU² activation: -0.0158 improvement
d9e44a1\t1.0023\t44.1\tdiscard\tDeeper MLP: regression
c0011f2\t—\t—\tcrash\tOOM: doubled batch size without accumulation fix
";

    #[test]
    fn the_table_of_the_specification_reads_and_writes_back_unchanged() {
        let table = Table::parse(SPEC).unwrap();
        assert_eq!(table.metric, "val_bpb");
        assert_eq!(table.rows[3].metric, None);
        assert_eq!(table.to_text(), SPEC);
    }

    #[test]
    fn karpathys_columns_are_read() {
        let text = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\textra\r\n\
            a1b2c3d\t0.997900\t44.0\tKEEP\tbaseline\tx\r\n\
            d4e5f6g\t0.000000\t0.0\tcrash\tdouble model width (OOM)\r\n\
            d4e5f60\t\t\tCrash\tempty\r\n";
        let table = Table::parse(text).unwrap();
        assert_eq!(table.rows.len(), 3);
        assert_eq!(table.rows[0].metric, Some(0.9979));
        assert_eq!(table.rows[0].description, "baseline");
        assert_eq!((table.rows[1].metric, table.rows[1].memory_gb), (None, None));
        assert_eq!(table.rows[2].verdict, Verdict::Crash);
    }

    #[test]
    fn a_bad_table_is_an_error_with_its_line() {
        for (text, line, part) in [
            ("", 1, "empty"),
            ("a\tb\n", 1, "no column `commit`"),
            ("commit\tstatus\n", 1, "no column for the metric"),
            ("commit\tm\tstatus\nx\t1\tmaybe\n", 2, "status `maybe`"),
            ("commit\tm\tstatus\n\nx\tabc\tkeep\n", 3, "`abc` is no number"),
            ("commit\tm\tstatus\nx\t\tkeep\n", 2, "without a value"),
        ] {
            let error = Table::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.what.contains(part), "{error}");
        }
    }

    #[test]
    fn an_edited_file_is_kept_beside_the_restored_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = TsvFile::at(&folder.path().join("results.tsv"));
        let table = Table::parse(SPEC).unwrap();
        for row in &table.rows[..2] {
            file.append(&table.metric, row).unwrap();
        }
        let unknown = |_: &[u8]| false;
        let restored = file.restore(&table, unknown).unwrap();
        assert_eq!(restored, None, "a shorter file is our own");
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), SPEC);
        std::fs::write(file.path(), "mine").unwrap();
        let kept = file.restore(&table, unknown).unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "mine");
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), SPEC);
        std::fs::write(file.path(), "theirs").unwrap();
        assert_eq!(file.restore(&table, |bytes| bytes == b"theirs").unwrap(), None);
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), SPEC);
    }

    proptest! {
        #[test]
        fn any_description_survives(description in "\\PC*|[\\t\\n\\r\\\\tnr ]{0,9}", metric in -1e9..1e9_f64) {
            let description = description.trim().to_owned();
            let row = Row { commit: "abc1234".into(), metric: Some(metric), memory_gb: None, verdict: Verdict::Keep, description };
            let table = Table { metric: "m".into(), rows: vec![row] };
            prop_assert_eq!(Table::parse(&table.to_text()).unwrap(), table);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[\\PC\\t\\n]{0,200}") {
            let _ = Table::parse(&text);
        }
    }
}
