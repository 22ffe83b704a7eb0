//! Findings counted by kind: those that are frequent, and the one asked for.

use std::collections::BTreeMap;

/// Kinds that become secondary numbers, at most: the most frequent.
const MOST: usize = 20;

/// How many there are of each kind.
#[derive(Default)]
pub(super) struct Kinds(BTreeMap<String, u32>);

impl Kinds {
    pub(super) fn count(&mut self, kind: &str) {
        let count = self.0.entry(kind.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// The most frequent, and `asked` however many there are of it: a report does
    /// not tell of a kind of which there is none.
    pub(super) fn numbers(self, asked: Option<&str>) -> Vec<(String, f64)> {
        let asked = asked.map(|asked| {
            let count = self.0.get(asked).copied().unwrap_or_default();
            (asked.to_owned(), f64::from(count))
        });
        let mut kinds: Vec<(String, u32)> = self.0.into_iter().collect();
        // Stable: of equals the first by name stays first.
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kinds.truncate(MOST);
        kinds.into_iter().map(|(kind, count)| (kind, f64::from(count))).chain(asked).collect()
    }
}
