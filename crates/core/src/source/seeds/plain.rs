//! Seeds in what is no Python, by a few patterns, line by line.

use std::sync::LazyLock;

use regex::Regex;

use super::{Seed, Seeds, VARIABLE, names, quoted};
use crate::source::comment_marks;

/// Each with the number as its group `n`, and a name as `name` where it must
/// be one of a seed. Sources: the documentation of base R, Julia's Random, Go's
/// math/rand, Java's and MATLAB's generators, C and C++'s <random>, Rust's
/// rand, Lua's and Ruby's own.
static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let number = r"(?P<n>[0-9]{1,30})";
    [
        // `SEED=1`, `seed <- 1`, `const SEED: u64 = 1;`, `"seed": 1`.
        format!(
            r#"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)["']?\s*(?::\s*[A-Za-z_][A-Za-z0-9_]*\s*=|:=|<-|=|:)\s*{number}"#
        ),
        format!(r"#define\s+(?P<name>\w+)\s+{number}"),
        format!(r"(?P<name>--[A-Za-z0-9_-]+)\s+{number}"),
        format!(
            r"(?:\bset\.seed|\bRandom\.seed!|\bsrand|\bsrand48|\bsrandom|\bseed_from_u64|\bset_seed|\bmanual_seed|\brandomseed|\bMersenneTwister|\bXoshiro|\brand\.NewSource|\brand\.Seed|\bnew Random|\brng)\s*\(\s*{number}"
        ),
        format!(r"\bmt19937(?:_64)?\s*(?:\w+\s*)?[({{]\s*{number}"),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

pub(super) fn find(path: &str, text: &str) -> Seeds {
    let mut seeds = Seeds::default();
    if text.len() > crate::source::MAX_BYTES {
        return seeds;
    }
    let marks = comment_marks(path);
    let mut start = 0;
    for (line, at) in text.split_inclusive('\n').zip(1_usize..) {
        let code = code_of(line, marks);
        seeds.reads_variable |= code.contains(VARIABLE);
        for pattern in PATTERNS.iter() {
            for found in pattern.captures_iter(code) {
                let Some(number) = found.name("n") else { continue };
                let name = found.name("name").map(|name| name.as_str());
                if name.is_some_and(|name| !names::is_seed(name)) || !ends(code, number.end()) {
                    continue;
                }
                let seed = Seed {
                    range: start + number.start()..start + number.end(),
                    value: number.as_str().parse().ok(),
                    line: at,
                    words: quoted(code),
                };
                let is_fixed = name.map_or_else(|| names::splits_data(code), names::is_of_data);
                if is_fixed { &mut seeds.fixed } else { &mut seeds.varied }.push(seed);
            }
        }
        start += line.len();
    }
    seeds
}

/// A line without its comment.
fn code_of<'l>(line: &'l str, marks: &[&str]) -> &'l str {
    let is_define = line.trim_start().starts_with("#define");
    let end = marks
        .iter()
        .filter(|mark| !(is_define && **mark == "#"))
        .filter_map(|mark| {
            // `$#`, `${x#y}`, `http://` are no comments.
            line.match_indices(*mark)
                .map(|(at, _)| at)
                .find(|at| line[..*at].chars().next_back().is_none_or(char::is_whitespace))
        })
        .min();
    &line[..end.unwrap_or(line.len())]
}

/// Whether a number ends here, but for a suffix that says its type (`1L`,
/// `1u64`): `1.5`, `1e3` and `0x1f` are no seeds.
fn ends(code: &str, at: usize) -> bool {
    let rest = code.get(at..).unwrap_or_default();
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let suffix = rest[..end].trim_start_matches('_').to_ascii_lowercase();
    matches!(suffix.as_str(), "" | "l" | "u" | "ul" | "ull" | "u32" | "u64" | "i32" | "i64")
}
