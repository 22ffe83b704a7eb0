//! Whether an edit tests one idea, or several that have nothing to do with one
//! another (SPEC E2).
//!
//! The definitions and statements at the top level of Python that differ are the
//! pieces of a change. Pieces belong together when one uses a name that the other
//! changes, when both bring in or take out the same name, or set the same argument;
//! what is left unconnected are independent parts. A refusal of a good change costs
//! more than a bundle that passes: where it is not clear, it is one change.

mod pieces;
mod unit;

use super::{Language, python, unix_lines};
use pieces::Piece;
use unit::Module;

/// A file before and after an edit.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Path from the root of the repository.
    pub path: &'a str,
    /// Its text before.
    pub before: &'a str,
    /// Its text after.
    pub after: &'a str,
}

/// Names that a part is described by.
const SHOWN: usize = 3;

/// A longer text is no program that one idea is tried on; nor is it compared.
const MAX_BYTES: usize = 1 << 20;

/// An edit in more places is a new program.
const MAX_PIECES: usize = 300;

/// The independent parts of an edit in words, as `` `LR` ``, in the order of their
/// places; at most one where the edit is one change, is not all Python, or does not
/// parse.
pub fn parts(changes: &[Change<'_>]) -> Vec<String> {
    pieces_of(changes).map(|pieces| independent(&pieces)).unwrap_or_default()
}

/// `None` where it cannot be told.
fn pieces_of(changes: &[Change<'_>]) -> Option<Vec<Piece>> {
    let mut all = Vec::new();
    for change in changes {
        if Language::of(change.path) != Language::Python {
            return None;
        }
        let (before, after) = (unix_lines(change.before), unix_lines(change.after));
        all.extend(pieces::between(&module(&before)?, &module(&after)?));
    }
    (all.len() <= MAX_PIECES).then_some(all)
}

fn module(text: &str) -> Option<Module> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let tree = python::tree(text)?;
    (!tree.root_node().has_error()).then(|| Module::of(tree.root_node(), text))
}

fn independent(pieces: &[Piece]) -> Vec<String> {
    let mut group: Vec<usize> = (0..pieces.len()).collect();
    let mut is_alone = vec![true; pieces.len()];
    for one in 0..pieces.len() {
        for other in 0..one {
            if pieces[one].belongs_to(&pieces[other]) {
                (is_alone[one], is_alone[other]) = (false, false);
                let (from, to) = (group[one], group[other]);
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
        }
    }
    let mut parts: Vec<(usize, Vec<&Piece>)> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        // What nobody uses comes and goes with whatever else happens.
        if is_alone[at] && piece.is_unused() {
            continue;
        }
        match parts.iter_mut().find(|(g, _)| *g == group[at]) {
            Some((_, members)) => members.push(piece),
            None => parts.push((group[at], vec![piece])),
        }
    }
    parts.iter().map(|(_, members)| described(members)).collect()
}

fn described(members: &[&Piece]) -> String {
    let mut names: Vec<&str> = members.iter().map(|piece| piece.label.as_str()).collect();
    names.dedup();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let names = names.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

#[cfg(test)]
mod tests;
