//! Blocks onto targets: every search must be found exactly once, as whole
//! lines. Nothing is guessed; what does not fit is described.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use autoresearch_core::proposal::FileEdit;

use crate::answer::Block;
use crate::nearest::nearest;

/// A file of more lines is not replaced as a whole: what a model does not mean
/// to change it should not have to repeat.
pub(crate) const WHOLE: usize = 100;

/// The targets by path, with their text at the incumbent.
pub(crate) type Texts = BTreeMap<String, String>;

/// The files that the blocks change, whole.
///
/// # Errors
/// What is wrong with each block that does not fit, in words for the model.
pub(crate) fn apply(targets: &Texts, blocks: &[Block]) -> Result<Vec<FileEdit>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut spots: BTreeMap<&str, Vec<(Range<usize>, usize)>> = BTreeMap::new();
    for (at, block) in blocks.iter().enumerate() {
        let number = at + 1;
        let place = target_of(targets, block)
            .and_then(|path| Ok((path, find(path, &File::of(&targets[path]), block)?)));
        match place {
            Ok((path, spot)) => spots.entry(path).or_default().push((spot, at)),
            Err(why) => wrong.push(format!("block {number}: {why}")),
        }
    }
    for (path, spots) in &mut spots {
        spots.sort_by_key(|(spot, at)| (spot.start, *at));
        for pair in spots.windows(2) {
            let [(one, first), (two, second)] = pair else { continue };
            if two.start < one.end || one.start == two.start {
                wrong.push(format!(
                    "blocks {} and {} overlap in `{path}`: make one of them",
                    first.min(second) + 1,
                    first.max(second) + 1,
                ));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let edits: Vec<FileEdit> = spots
        .into_iter()
        .filter_map(|(path, spots)| {
            let before = &targets[path];
            let after = File::of(before).with(&spots, blocks);
            (after != *before)
                .then(|| FileEdit { path: path.to_owned(), content: Some(after.into_bytes()) })
        })
        .collect();
    if edits.is_empty() {
        return Err(vec![
            "the edit changes nothing: what is replaced is what was there".to_owned(),
        ]);
    }
    Ok(edits)
}

/// The target that a block means.
fn target_of<'a>(targets: &'a Texts, block: &Block) -> Result<&'a str, String> {
    let names = || {
        let names: Vec<String> = targets.keys().map(|path| format!("`{path}`")).collect();
        names.join(", ")
    };
    match &block.path {
        Some(path) => targets
            .get_key_value(path)
            .map(|(path, _)| path.as_str())
            .ok_or_else(|| format!("`{path}` is not a target; only these may change: {}", names())),
        None => match targets.keys().next() {
            Some(path) if targets.len() == 1 => Ok(path),
            _ => Err(format!("it does not say which file it changes, of {}", names())),
        },
    }
}

/// The lines of `file` that a block replaces.
fn find(path: &str, file: &File<'_>, block: &Block) -> Result<Range<usize>, String> {
    let lines = &file.lines;
    if block.search.iter().all(|line| line.trim().is_empty()) {
        let is_blank = lines.iter().all(|line| line.trim().is_empty());
        return if is_blank || lines.len() <= WHOLE {
            Ok(0..lines.len())
        } else {
            Err(format!(
                "its search is empty, which replaces the whole of `{path}`; that is for files of up \
                 to {WHOLE} lines, and this one has {}: search for the lines that change",
                lines.len()
            ))
        };
    }
    let length = block.search.len();
    let found: Vec<usize> = (0..lines.len().saturating_sub(length - 1))
        .filter(|&at| lines[at..at + length].iter().zip(&block.search).all(|(l, s)| *l == s))
        .collect();
    match found[..] {
        [at] => Ok(at..at + length),
        [] => Err(missing(path, lines, &block.search)),
        _ => {
            let at: Vec<String> = found.iter().take(8).map(|at| (at + 1).to_string()).collect();
            Err(format!(
                "its search is found {} times in `{path}` (at lines {}): add a line above or below, \
                 so that it is found once",
                found.len(),
                at.join(", ")
            ))
        }
    }
}

/// Says that lines are not in a file, and shows what is nearest to them.
fn missing(path: &str, lines: &[&str], search: &[String]) -> String {
    let mut text = format!("its search is not in `{path}`.");
    if lines.len() < search.len() && lines.is_empty() {
        text.push_str(" That file is empty: search for nothing to write it.");
        return text;
    }
    let Some(near) = nearest(lines, search) else {
        text.push_str(" Nothing there is like it: copy the lines from the file as it is above.");
        return text;
    };
    let there = &lines[near.clone()];
    let is_space = there.len() == search.len()
        && there.iter().zip(search).all(|(l, s)| l.split_whitespace().eq(s.split_whitespace()));
    if is_space {
        text.push_str(" It differs only in spaces or tabs.");
    } else if search.len() == 1 && there[0].contains(search[0].as_str()) {
        text.push_str(" A search is of whole lines, and this is a part of one.");
    }
    let _ = writeln!(text, " The nearest lines there, from line {}, are:", near.start + 1);
    for line in there {
        let _ = writeln!(text, "{line}");
    }
    text.push_str("(end of the lines)");
    text
}

/// A text as lines, and what is needed to put it together again.
struct File<'a> {
    lines: Vec<&'a str>,
    /// Every line ends with a carriage return and a line feed.
    is_dos: bool,
    /// The last line has an end, too.
    is_ended: bool,
}

impl File<'_> {
    fn of(text: &str) -> File<'_> {
        let feeds = text.matches('\n').count();
        let is_dos = feeds > 0
            && text.matches("\r\n").count() == feeds
            && text.matches('\r').count() == feeds;
        let is_ended = text.is_empty() || text.ends_with('\n');
        let body = text.strip_suffix('\n').unwrap_or(text);
        let lines = if text.is_empty() {
            Vec::new()
        } else if is_dos {
            body.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
        } else {
            body.split('\n').collect()
        };
        File { lines, is_dos, is_ended }
    }

    /// The text with the lines at these spots replaced by those of their
    /// blocks; the spots are in order and apart.
    fn with(&self, spots: &[(Range<usize>, usize)], blocks: &[Block]) -> String {
        let mut lines: Vec<&str> = Vec::new();
        let mut done = 0;
        for (spot, block) in spots {
            lines.extend(&self.lines[done..spot.start]);
            lines.extend(blocks[*block].replace.iter().map(String::as_str));
            done = spot.end;
        }
        lines.extend(&self.lines[done..]);
        let end = if self.is_dos { "\r\n" } else { "\n" };
        let mut text = lines.join(end);
        if self.is_ended && !lines.is_empty() {
            text.push_str(end);
        }
        text
    }
}

#[cfg(test)]
mod tests;
