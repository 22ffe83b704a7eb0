//! What differs between two modules, and which of it belongs together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::unit::{Kind, Leaf, Module, Unit};

/// Statements of a unit that is short enough for everything in it to be one thing.
const SHORT: usize = 40;

/// Words in names that say nothing of what they are about.
const GENERIC: &[&str] = &[
    "size",
    "dim",
    "num",
    "max",
    "min",
    "use",
    "rate",
    "is",
    "no",
    "of",
    "the",
    "default",
    "per",
    "get",
    "set",
    "init",
    "forward",
    "call",
    "main",
    "setup",
    "build",
    "make",
    "apply",
    "compute",
    "model",
    "train",
    "update",
    "run",
    "step",
    "configure",
];

/// Parts of names that are about the same thing.
const SAME: &[(&str, &str)] =
    &[("learning_rate", "lr"), ("gradient_accumulation", "batch"), ("grad_accum", "batch")];

/// Names that anything may use.
const COMMON: &[&str] = &[
    "self",
    "cls",
    "super",
    "range",
    "len",
    "int",
    "float",
    "str",
    "list",
    "dict",
    "tuple",
    "print",
    "isinstance",
    "enumerate",
    "zip",
    "min",
    "max",
    "sum",
    "forward",
    "__init__",
    "return",
];

/// A unit that differs.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) label: String,
    kind: Kind,
    /// Whether it is only there before, or only after.
    is_whole: bool,
    /// Names that mean something else now.
    changes: BTreeSet<String>,
    /// Names in what changed.
    touches: BTreeSet<String>,
    /// Names that it uses, where it is short.
    uses: BTreeSet<String>,
    /// Names that it used before and not after, or the other way round.
    fresh: BTreeSet<String>,
    /// What is set to another value.
    slots: BTreeSet<String>,
    /// Literals that came and went.
    literals: (BTreeSet<String>, BTreeSet<String>),
    /// The words of its name, and of the functions in it that changed.
    words: BTreeSet<String>,
    /// Settings: names beside it in a calculation or a short function.
    beside: BTreeSet<String>,
}

impl Piece {
    /// Whether the two are one change.
    pub(super) fn belongs_to(&self, other: &Piece) -> bool {
        let meets = |a: &BTreeSet<String>, b: &BTreeSet<String>| !a.is_disjoint(b);
        let uses =
            |a: &Piece, b: &Piece| meets(&a.touches, &b.changes) || meets(&a.uses, &b.changes);
        let are_settings = self.kind == Kind::Constant && other.kind == Kind::Constant;
        let has_literals = !self.literals.0.is_empty() && !self.literals.1.is_empty();
        uses(self, other)
            || uses(other, self)
            || meets(&self.fresh, &other.fresh)
            || meets(&self.slots, &other.slots)
            || meets(&self.slots, &other.touches)
            || meets(&self.touches, &other.slots)
            || (!are_settings && has_literals && self.literals == other.literals)
            || meets(&self.words, &other.words)
            || (are_settings && meets(&self.beside, &other.changes))
    }

    /// Whether it is a definition that came or went, and that nothing else changed
    /// for.
    pub(super) fn is_unused(&self) -> bool {
        self.is_whole && self.kind != Kind::Statement
    }

    fn of<'a>(
        before: Option<&'a Unit>,
        after: Option<&'a Unit>,
        modules: [&Module; 2],
    ) -> Option<Piece> {
        let shown = after.or(before)?;
        let leaves = |unit: Option<&'a Unit>| unit.into_iter().flat_map(|u| &u.leaves).collect();
        let (old, new): (Vec<&Leaf>, Vec<&Leaf>) = (leaves(before), leaves(after));
        let (gone, come) = difference(&old, &new);
        if gone.is_empty() && come.is_empty() {
            return None;
        }
        let both = || gone.iter().chain(&come);
        let names = |unit: Option<&Unit>| -> BTreeSet<String> {
            unit.into_iter().flat_map(Unit::names).cloned().collect()
        };
        let is_telling = |name: &String| {
            name.chars().count() > 1
                && !COMMON.contains(&name.as_str())
                && !modules[0].imported.contains(name)
        };
        let (used, uses_now) = (names(before), names(after));
        let fresh = used.symmetric_difference(&uses_now).cloned();
        let mut changes: BTreeSet<String> = both().flat_map(|leaf| leaf.assigned.clone()).collect();
        changes.extend(before.into_iter().chain(after).filter_map(|unit| unit.name.clone()));
        let is_short = before.into_iter().chain(after).all(|unit| unit.leaves.len() <= SHORT);
        let plain = before.into_iter().chain(after).filter(|_| is_short).flat_map(Unit::plain);
        let literals = |leaves: &[&Leaf]| -> BTreeSet<String> {
            leaves.iter().flat_map(|leaf| leaf.literals.clone()).collect()
        };
        let (old, new) = (literals(&gone), literals(&come));
        let slots = |leaves: &[&Leaf]| -> BTreeSet<(String, String)> {
            leaves.iter().flat_map(|leaf| leaf.slots.clone()).collect()
        };
        let slots: BTreeSet<String> = slots(&gone)
            .symmetric_difference(&slots(&come))
            .map(|(name, _)| name.clone())
            .filter(is_telling)
            .collect();
        let is_setting = shown.kind == Kind::Constant;
        let name = shown.name.clone().filter(|_| is_setting).unwrap_or_default();
        let functions = both().map(|leaf| &leaf.within);
        let words = functions.chain(&shown.name).flat_map(|name| words(name)).collect();
        let beside = modules.iter().flat_map(|module| &module.company);
        Some(Piece {
            label: shown.label.clone(),
            kind: shown.kind,
            is_whole: before.is_none() || after.is_none(),
            touches: both().flat_map(|leaf| leaf.names.clone()).collect(),
            uses: plain.cloned().collect(),
            fresh: fresh.filter(is_telling).collect(),
            slots,
            literals: (
                old.difference(&new).cloned().collect(),
                new.difference(&old).cloned().collect(),
            ),
            words,
            beside: beside.filter(|names| names.contains(&name)).flatten().cloned().collect(),
            changes,
        })
    }
}

/// What differs between two modules, in the order of their units.
pub(super) fn between(before: &Module, after: &Module) -> Vec<Piece> {
    let mut pieces: Vec<(usize, Piece)> = Vec::new();
    let mut old: BTreeMap<Option<&String>, VecDeque<&Unit>> = BTreeMap::new();
    for unit in &before.units {
        old.entry(unit.name.as_ref()).or_default().push_back(unit);
    }
    let mut loose: Vec<(usize, &Unit)> = Vec::new();
    for (at, unit) in after.units.iter().enumerate() {
        let found = old.get_mut(&unit.name.as_ref()).and_then(|units| match unit.name {
            Some(_) => units.pop_front(),
            // What has no name is found by being the same.
            None => units
                .iter()
                .position(|old| old.leaves == unit.leaves)
                .and_then(|place| units.remove(place)),
        });
        match (found, &unit.name) {
            (None, None) => loose.push((at, unit)),
            (found, _) => {
                pieces.extend(Piece::of(found, Some(unit), [before, after]).map(|p| (at, p)));
            }
        }
    }
    let mut gone: Vec<&Unit> = old.remove(&None).unwrap_or_default().into();
    for (at, unit) in loose {
        let its: BTreeSet<&Leaf> = unit.leaves.iter().collect();
        let alike = |old: &Unit| old.leaves.iter().filter(|leaf| its.contains(leaf)).count();
        let best = (0..gone.len()).max_by_key(|place| (alike(gone[*place]), gone.len() - place));
        let found = best
            .filter(|place| gone.len() == 1 || alike(gone[*place]) > 0 || unit.leaves.len() == 1)
            .map(|place| gone.remove(place));
        pieces.extend(Piece::of(found, Some(unit), [before, after]).map(|p| (at, p)));
    }
    let rest = old.into_values().flatten().chain(gone);
    pieces.extend(
        rest.filter_map(|unit| Some((usize::MAX, Piece::of(Some(unit), None, [before, after])?))),
    );
    pieces.sort_by_key(|(at, _)| *at);
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

/// What only one of two lists has.
fn difference<'a>(before: &[&'a Leaf], after: &[&'a Leaf]) -> (Vec<&'a Leaf>, Vec<&'a Leaf>) {
    let without = |these: &[&'a Leaf], those: &[&'a Leaf]| {
        let mut counts: BTreeMap<&Leaf, usize> = BTreeMap::new();
        for leaf in those {
            *counts.entry(leaf).or_default() += 1;
        }
        let is_left = |leaf: &&&'a Leaf| match counts.get_mut(**leaf) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        these.iter().filter(is_left).copied().collect()
    };
    (without(before, after), without(after, before))
}

/// The telling words of a name: `embedding` and `lr` of `EMBEDDING_LR`.
fn words(name: &str) -> BTreeSet<String> {
    let mut name = name.to_lowercase();
    for (from, to) in SAME {
        name = name.replace(from, to);
    }
    name.split(|c: char| !c.is_alphabetic())
        .map(|word| word.strip_suffix('s').unwrap_or(word))
        .filter(|word| word.len() > 1 && !GENERIC.contains(word))
        .map(str::to_owned)
        .collect()
}
