//! The place in a file that lines were most likely meant for; only ever shown,
//! never edited.

use std::collections::HashSet;
use std::ops::Range;

/// More lines than this say no more about the place.
const COMPARED: usize = 24;

/// The lines of `file` that are most like `search`, unless none is.
pub(crate) fn nearest(file: &[&str], search: &[String]) -> Option<Range<usize>> {
    let search: Vec<&str> = search.iter().map(String::as_str).take(COMPARED).collect();
    let wanted: Vec<HashSet<&str>> = search.iter().map(|line| words(line)).collect();
    let found: Vec<HashSet<&str>> = file.iter().map(|line| words(line)).collect();
    let score = |start: usize| -> f64 {
        (0..search.len())
            .map(|at| match file.get(start + at) {
                Some(line) if line.trim() == search[at].trim() => {
                    if line.trim().is_empty() {
                        0.1
                    } else {
                        1.0
                    }
                }
                Some(_) => 0.9 * likeness(&wanted[at], &found[start + at]),
                None => 0.0,
            })
            .sum()
    };
    let (start, best) = (0..file.len())
        .map(|start| (start, score(start)))
        .max_by(|one, two| one.1.total_cmp(&two.1).then(two.0.cmp(&one.0)))?;
    (best >= 0.3).then(|| start..(start + search.len()).min(file.len()))
}

/// Shared words over all words (Jaccard, 1912).
fn likeness(one: &HashSet<&str>, two: &HashSet<&str>) -> f64 {
    let shared = one.intersection(two).count();
    let all = one.len() + two.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

fn words(line: &str) -> HashSet<&str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_place_is_found_and_none_where_nothing_is_alike() {
        let file = ["import os", "", "def train(model):", "    lr = 0.1", "    return lr"];
        let at = |search: &[&str]| {
            let search: Vec<String> = search.iter().map(|&line| line.to_owned()).collect();
            nearest(&file, &search)
        };
        assert_eq!(at(&["def train(net):", "    lr = 0.2"]), Some(2..4));
        assert_eq!(at(&["lr = 0.1"]), Some(3..4));
        assert_eq!(at(&["class Zebra:"]), None);
        assert_eq!(at(&[]), None);
    }
}
