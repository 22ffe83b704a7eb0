//! Findings counted by kind: those that are frequent, and the one asked for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::metric::Readings;

/// Kinds that become secondary numbers, at most: the most frequent.
const MOST: usize = 20;

/// Kinds that are named where the one asked for is not there.
const NAMED: usize = 5;

/// How many there are of each kind.
#[derive(Default)]
pub(super) struct Kinds(BTreeMap<String, u32>);

impl Kinds {
    pub(super) fn count(&mut self, kind: &str) {
        let count = self.0.entry(kind.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// The most frequent, beside the numbers that a tool always has. The metric
    /// `name` may be a kind of which there is none, since a report does not tell of
    /// such; but it must be one, as `is_kind` knows or the report shows.
    pub(super) fn readings(
        self,
        name: &str,
        always: &[(&str, u32)],
        is_kind: fn(&str) -> bool,
    ) -> Readings {
        let is_own = always.iter().any(|(own, _)| *own == name);
        let count = self.0.get(name).copied();
        let mut kinds: Vec<(String, u32)> = self.0.into_iter().collect();
        // Stable: of equals the first by name stays first.
        kinds.sort_by_key(|(_, count)| Reverse(*count));
        let none = || {
            let most: Vec<&str> = kinds.iter().take(NAMED).map(|(kind, _)| kind.as_str()).collect();
            match &most[..] {
                [] => format!("there is no `{name}`, nor any other"),
                most => format!("there is no `{name}`; there are `{}`", most.join("`, `")),
            }
        };
        if !is_own && count.is_none() && !is_kind(name) {
            return Readings::troubled(none());
        }
        let remark = (!is_own && count.is_none()).then(none);
        let asked = (!is_own).then(|| (name.to_owned(), count.unwrap_or_default()));
        kinds.truncate(MOST);
        let always = always.iter().map(|(own, count)| ((*own).to_owned(), *count));
        let numbers = kinds.into_iter().chain(always).chain(asked);
        let numbers = numbers.map(|(name, count)| (name, f64::from(count)));
        Readings { remark, ..Readings::of(name, numbers) }
    }
}
