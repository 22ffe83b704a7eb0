//! From a stream of output to readings, in constant memory and at the speed of
//! a search for the name.

use std::ops::Range;

use memchr::memmem::Finder;
use memchr::{memchr2, memchr2_iter, memrchr2};
use regex::bytes::Regex;

use super::ansi::Stripper;
use super::printed::{self, Rank};
use super::secondary::Table;
use super::take::Taken;
use super::{Readings, Source, Take};

/// Bytes of a line that are looked at together.
const PIECE: usize = 64 * 1024;
/// A value within this many bytes of the cut between two pieces is read whole:
/// both pieces hold this much of one another.
const MARGIN: usize = 1024;
/// Bytes at the end of the output that are searched for secondary metrics.
const SUMMARY: usize = 64 * 1024;
/// Bytes of a metric's name.
const LONGEST_NAME: usize = 256;

/// Starts a line that `autoresearch measure` passes on from the server that it
/// measures: what is measured does not say how fast it is.
pub const SERVER_MARK: &str = "server| ";

/// A source of the metric that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadPattern {
    /// The expression does not compile.
    #[error(
        "pattern for metric '{name}' is no regular expression (Rust's regex syntax: no look-around, no back-references): {source}"
    )]
    Invalid {
        /// The metric's name.
        name: String,
        /// Where it fails.
        source: Box<regex::Error>,
    },
    /// The expression has no capture group.
    #[error(
        "pattern '{pattern}' has no group: put parentheses around the number, as in 'loss: ([0-9.]+)'"
    )]
    NoGroup {
        /// The expression.
        pattern: String,
    },
    /// The name cannot stand in a line of output.
    #[error(
        "metric name {name:?} cannot be searched for: give it 1 to 256 bytes without line breaks"
    )]
    Name {
        /// The name.
        name: String,
    },
}

/// Reads the metric from the output of one run, chunk by chunk; how the output
/// was cut into chunks makes no difference.
///
/// A line ends with `\n`, `\r` or both. Terminal escapes are removed first; bytes
/// that are not UTF-8 are let pass.
///
/// **Printed.** The name is compared exactly, case included, and must not be a
/// part of a longer one (`val_bpb_ema`, `best/val_bpb`, `--val_bpb`). The number
/// stands behind it after `:`, `=`, `|` or spaces. The last finite value counts, or
/// the one that [`Extractor::taking`] says; but one whose name starts its field (`val_bpb: 1`, `step 3 | val_bpb: 1`,
/// `METRIC val_bpb=1`) outranks one with a word before it (`best val_bpb: 1`).
/// Names that start with that word are read by giving the whole of it.
///
/// **Pattern.** For output of any other form, as criterion's `time: [1.2 ms 1.3
/// ms 1.4 ms]`: the first group of the expression, line by line, where a number
/// starts it.
///
/// **Json** and **Report.** The metric is elsewhere: see
/// [`read_json`](super::read_json) and [`read_report`](super::read_report). Here
/// only the secondary metrics are read.
///
/// Numbers: thousands separators, `%` (97.3% is 97.3), a unit, `8.52/10` are
/// understood, units are not converted; what may be something else, as `0,99`, is
/// not read.
///
/// **Secondary** metrics are pairs of a name and a number in the last 64 KiB of
/// the output, in lines that hold the metric, and in `METRIC name=number` lines:
/// at most 64, the newest. Names that are wanted are read from any line, and others
/// do not push them out.
///
/// Lines that start with [`SERVER_MARK`] are not read.
///
/// A line of more than 64 KiB is read in pieces that overlap, so that a value is
/// found anywhere in it; there `^` and `$` of a pattern also match where a piece
/// starts and ends.
#[derive(Clone, Debug)]
pub struct Extractor {
    metric: String,
    search: Search,
    stripper: Stripper,
    /// What came of the line that has not ended; at most a piece of it.
    pending: Vec<u8>,
    /// Whether `pending` starts within its line.
    is_continued: bool,
    ending: Ending,
    found: Found,
}

#[derive(Clone, Debug)]
enum Search {
    /// Lines that match `lines` are looked at: for the name, if there is one, and
    /// for secondary metrics.
    Named { lines: Regex, name: Option<Box<Finder<'static>>> },
    /// Every line is looked at.
    Pattern(Regex),
}

/// What has been read so far.
#[derive(Clone, Debug, Default)]
struct Found {
    take: Take,
    in_field: Taken,
    in_phrase: Taken,
    saw_non_finite: bool,
    /// Finite values so far.
    values: u64,
    secondary: Table,
}

impl Extractor {
    /// An extractor for the output of one run.
    ///
    /// # Errors
    /// A pattern that is no regular expression or has no group, and a name that
    /// no line can hold.
    pub fn new(source: &Source) -> Result<Extractor, BadPattern> {
        Extractor::wanting(source, &[])
    }

    /// One that also finds the secondary metrics of these names, wherever they
    /// are reported and however many others there are.
    ///
    /// # Errors
    /// As [`Extractor::new`].
    pub fn wanting(source: &Source, wanted: &[String]) -> Result<Extractor, BadPattern> {
        let lines: Vec<String> = std::iter::once("METRIC ".to_owned())
            .chain(wanted.iter().map(|name| regex::escape(name)))
            .collect();
        let lines = lines.join("|");
        let (metric, search) = match source {
            Source::Printed { name } => {
                let name = name.trim();
                if name.is_empty()
                    || name.len() > LONGEST_NAME
                    || name.contains(['\n', '\r', '\x1b'])
                {
                    return Err(BadPattern::Name { name: name.to_owned() });
                }
                let lines = compile(name, &format!("{}|{lines}", regex::escape(name)))?;
                (
                    name,
                    Search::Named { lines, name: Some(Box::new(Finder::new(name).into_owned())) },
                )
            }
            Source::Pattern { name, pattern } => {
                let compiled = compile(name, pattern)?;
                if compiled.captures_len() < 2 {
                    return Err(BadPattern::NoGroup { pattern: pattern.clone() });
                }
                (name.as_str(), Search::Pattern(compiled))
            }
            Source::Json { name, .. } | Source::Report { name, .. } => {
                (name.as_str(), Search::Named { lines: compile(name, &lines)?, name: None })
            }
        };
        Ok(Extractor {
            metric: metric.to_owned(),
            search,
            stripper: Stripper::default(),
            pending: Vec::new(),
            is_continued: false,
            ending: Ending::default(),
            found: Found { secondary: Table::wanting(wanted), ..Found::default() },
        })
    }

    /// Which of the values counts; the last unless told. To be said before
    /// anything is fed.
    #[must_use]
    pub fn taking(mut self, take: Take) -> Extractor {
        self.found.take = take;
        self
    }

    /// The metric as far as it was read: of lines that have ended.
    pub fn so_far(&self) -> Option<f64> {
        self.found.metric()
    }

    /// Takes the next bytes of the output.
    pub fn feed(&mut self, chunk: &[u8]) {
        // Parts bound what the stripper copies.
        for part in chunk.chunks(PIECE) {
            let mut stripper = std::mem::take(&mut self.stripper);
            self.feed_plain(stripper.strip(part));
            self.stripper = stripper;
        }
    }

    fn feed_plain(&mut self, mut text: &[u8]) {
        self.ending.push(text);
        if !self.pending.is_empty() {
            let Some(end) = memchr2(b'\n', b'\r', text) else {
                self.hold(text);
                return;
            };
            self.hold(&text[..end]);
            self.end_line();
            text = &text[end + 1..];
        }
        // The line break belongs to the lines, since a match may start there.
        let lines = memrchr2(b'\n', b'\r', text).map_or(0, |last| last + 1);
        self.search.lines(&text[..lines], &mut self.found);
        self.hold(&text[lines..]);
    }

    /// Keeps a part of a line that has not ended, and reads it where it fills a
    /// piece.
    fn hold(&mut self, part: &[u8]) {
        self.pending.extend_from_slice(part);
        while self.pending.len() > PIECE {
            let owned = owned(PIECE, self.is_continued, false);
            self.search.piece(&self.pending[..PIECE], &owned, &mut self.found);
            self.pending.drain(..PIECE - 2 * MARGIN);
            self.is_continued = true;
        }
    }

    fn end_line(&mut self) {
        let owned = owned(self.pending.len(), self.is_continued, true);
        self.search.piece(&self.pending, &owned, &mut self.found);
        self.pending.clear();
        self.is_continued = false;
    }

    /// How many finite values of the metric there have been in lines that have
    /// ended, and what it would be if this were all.
    pub fn newest(&self) -> Option<(u64, f64)> {
        self.found.metric().map(|value| (self.found.values, value))
    }

    /// What the output said.
    pub fn finish(mut self) -> Readings {
        if !self.pending.is_empty() {
            self.end_line();
        }
        for line in self.ending.lines().filter(|line| !is_a_servers(line)) {
            self.found.secondary.read(line);
        }
        Readings {
            metric: self.found.metric(),
            saw_non_finite: self.found.saw_non_finite,
            secondary: self.found.secondary.without(&self.metric),
            ..Readings::default()
        }
    }
}

fn compile(name: &str, pattern: &str) -> Result<Regex, BadPattern> {
    Regex::new(pattern)
        .map_err(|source| BadPattern::Invalid { name: name.to_owned(), source: Box::new(source) })
}

fn is_a_servers(line: &[u8]) -> bool {
    line.starts_with(SERVER_MARK.as_bytes())
}

/// Where a value must start to belong to a piece of `length` bytes, so that what
/// is in the overlap of two pieces is read once, with its surroundings.
fn owned(length: usize, is_continued: bool, is_last: bool) -> Range<usize> {
    let start = if is_continued { MARGIN } else { 0 };
    // `+ 1`, so that an empty group at the end of a line counts.
    let end = if is_last { length + 1 } else { length - MARGIN };
    start..end
}

impl Search {
    /// Reads whole lines; the part of a chunk that they come from is no longer
    /// than a piece, so neither is a line.
    fn lines(&self, text: &[u8], found: &mut Found) {
        match self {
            Search::Named { lines, .. } => {
                let mut from = 0;
                while let Some(hit) = lines.find_at(text, from) {
                    let start = memrchr2(b'\n', b'\r', &text[..hit.start()]).map_or(0, |at| at + 1);
                    let end = memchr2(b'\n', b'\r', &text[hit.end()..])
                        .map_or(text.len(), |at| hit.end() + at);
                    self.piece(&text[start..end], &(0..end - start + 1), found);
                    from = end;
                }
            }
            Search::Pattern(_) => {
                let mut start = 0;
                for end in memchr2_iter(b'\n', b'\r', text) {
                    self.piece(&text[start..end], &(0..end - start + 1), found);
                    start = end + 1;
                }
            }
        }
    }

    /// Reads a line, or of a long line the piece that owns the values which start
    /// within `owned`.
    fn piece(&self, text: &[u8], owned: &Range<usize>, found: &mut Found) {
        if is_a_servers(text) {
            return;
        }
        match self {
            Search::Named { name, .. } => {
                let mut has_name = false;
                if let Some(name) = name {
                    printed::values(text, name, owned, |rank, value| {
                        has_name = true;
                        found.take(rank, value);
                    });
                }
                if has_name || text.starts_with(b"METRIC ") || found.secondary.wants(text) {
                    found.secondary.read(text);
                }
            }
            Search::Pattern(pattern) => {
                if text.starts_with(b"METRIC ") || found.secondary.wants(text) {
                    found.secondary.read(text);
                }
                if found.is_settled() || !pattern.is_match(text) {
                    return;
                }
                let values = pattern
                    .captures_iter(text)
                    .filter_map(|captures| captures.get(1))
                    .filter(|group| owned.contains(&group.start()))
                    .filter_map(|group| super::number::prefix(group.as_bytes().trim_ascii()));
                for (value, _) in values {
                    found.take(Rank::Field, value);
                }
            }
        }
    }
}

impl Found {
    fn take(&mut self, rank: Rank, value: f64) {
        if !value.is_finite() {
            self.saw_non_finite = true;
            return;
        }
        self.values += 1;
        match rank {
            Rank::Field => self.in_field.push(self.take, value),
            Rank::Phrase => self.in_phrase.push(self.take, value),
        }
    }

    fn metric(&self) -> Option<f64> {
        self.in_field.get(self.take).or_else(|| self.in_phrase.get(self.take))
    }

    /// Whether nothing that is still to come can count.
    fn is_settled(&self) -> bool {
        self.take == Take::First && self.in_field.is_some()
    }
}

/// The last [`SUMMARY`] bytes of the output.
#[derive(Clone, Debug, Default)]
struct Ending {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Ending {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        // Rarely, so that moving bytes to the front costs little.
        if self.bytes.len() > 4 * SUMMARY {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if let Some(excess) = self.bytes.len().checked_sub(SUMMARY).filter(|&excess| excess > 0) {
            self.bytes.drain(..excess);
            self.is_cut = true;
        }
    }

    /// Its lines, without the one that was cut.
    fn lines(&mut self) -> impl Iterator<Item = &[u8]> {
        self.cut();
        self.bytes.split(|&byte| byte == b'\n' || byte == b'\r').skip(usize::from(self.is_cut))
    }
}

#[cfg(test)]
mod tests;
