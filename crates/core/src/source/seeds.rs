//! Where a target seeds its randomness with a whole number of its own, so that
//! a replicate of a trial can run with another one.
//!
//! A seed that decides what data the metric is measured on is told apart and
//! left alone: with another one a replicate would measure something else. Such
//! are the seeds
//!
//! - in the arguments of whatever splits, folds, samples, generates or loads
//!   data (`train_test_split`, `KFold`, `random_split`, `make_moons`,
//!   `load_…`, `….sample(random_state=…)`), whatever a variable is called that
//!   brings them there;
//! - of a generator used on the spot to shuffle, as
//!   `RandomState(0).permutation(n)`;
//! - in functions, and in variables, whose names speak of data, splits,
//!   validation or tests.
//!
//! Where one constant seeds both, it stays and what else uses it is varied.

mod names;
mod plain;
mod python;

use std::borrow::Cow;
use std::ops::Range;

use super::Language;

/// What the environment of every run holds.
pub const VARIABLE: &str = "AUTORESEARCH_SEED";

/// Seeds are kept below this, 2³¹: what every generator takes (R's, the
/// narrowest, takes signed numbers of 32 bits).
const LIMIT: u128 = 1 << 31;

/// A place where randomness is seeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Bytes of the number, or of the name that stands for it.
    pub range: Range<usize>,
    /// The number; `None` for the name of a constant that must stay.
    pub value: Option<u128>,
    /// Counted from 1.
    pub line: usize,
    /// As a person would quote it: `SEED = 42`, `manual_seed(1337)`.
    pub words: String,
}

impl Seed {
    /// As `` `SEED = 42` in line 3 ``.
    pub fn place(&self) -> String {
        format!("`{}` in line {}", self.words, self.line)
    }
}

/// All seeds of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// Those that a replicate varies, in the order of the text, apart from one
    /// another.
    pub varied: Vec<Seed>,
    /// Those that decide what is measured, and stay.
    pub fixed: Vec<Seed>,
    /// Whether the text asks for [`VARIABLE`]: then it needs no help.
    pub reads_variable: bool,
}

impl Seeds {
    /// All that are numbers, those that stay included, in the order of the text.
    pub fn numbers(&self) -> Vec<Seed> {
        let mut all: Vec<Seed> = self.varied.iter().chain(&self.fixed).cloned().collect();
        all.retain(|seed| seed.value.is_some());
        all.sort_by_key(|seed| seed.range.start);
        all
    }
}

/// The seeds of the text of the file `path`. Python is read as a syntax tree,
/// anything else by a few patterns that err on the side of finding nothing.
pub fn find(path: &str, text: &str) -> Seeds {
    let mut seeds = match Language::of(path) {
        Language::Python => python::find(text),
        Language::Other => plain::find(path, text),
    };
    for list in [&mut seeds.varied, &mut seeds.fixed] {
        list.sort_by_key(|seed| (seed.range.start, seed.range.end));
        list.dedup_by(|later, earlier| later.range.start < earlier.range.end);
    }
    let Seeds { varied, fixed, .. } = &mut seeds;
    varied.retain(|seed| !fixed.iter().any(|fixed| fixed.range == seed.range));
    seeds
}

/// The text with `by` added to every one of `seeds`, which must be its own, and
/// all else byte for byte as it was; the same text for 0. Numbers wrap around
/// at 2³¹.
pub fn shifted(text: &str, seeds: &[Seed], by: u64) -> String {
    let by = u128::from(by) % LIMIT;
    if by == 0 {
        return text.to_owned();
    }
    written(text, seeds, |seed, old| match seed.value {
        Some(value) => ((value % LIMIT + by) % LIMIT).to_string(),
        None => format!("({old} + {by})"),
    })
}

/// The text with every seed the same, those that stay included: two texts that
/// are equal then differ in nothing but luck.
pub(super) fn masked<'t>(path: &str, text: &'t str) -> Cow<'t, str> {
    let numbers = find(path, text).numbers();
    if numbers.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(written(text, &numbers, |_, _| "0".to_owned()))
}

/// The seeds that differ between two texts whose programs are otherwise the
/// same, as `` `SEED = 42` became `SEED = 43` ``; `None` where more differs, or
/// nothing.
pub fn only_change(path: &str, before: &str, after: &str) -> Option<String> {
    if super::normalised(path, before) != super::normalised(path, after) {
        return None;
    }
    let (old, new) = (find(path, before).numbers(), find(path, after).numbers());
    let pairs = old.iter().zip(&new).filter(|(old, new)| old.value != new.value);
    let changes: Vec<String> =
        pairs.map(|(old, new)| format!("`{}` became `{}`", old.words, new.words)).collect();
    (!changes.is_empty()).then(|| changes.join(", "))
}

/// The text with other words in place of seeds, which lie in order.
fn written(text: &str, seeds: &[Seed], word: impl Fn(&Seed, &str) -> String) -> String {
    let mut written = String::with_capacity(text.len() + 8 * seeds.len());
    let mut done = 0;
    for seed in seeds {
        // Of another text, or one over another: left alone.
        let (Some(kept), Some(old)) =
            (text.get(done..seed.range.start), text.get(seed.range.clone()))
        else {
            continue;
        };
        written.push_str(kept);
        written.push_str(&word(seed, old));
        done = seed.range.end;
    }
    written.push_str(text.get(done..).unwrap_or_default());
    written
}

/// Code as a person would quote it: one line, not a long one.
fn quoted(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
