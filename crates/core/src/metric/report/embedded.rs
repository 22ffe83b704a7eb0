//! JSON in the midst of what else a command prints.

use serde::de::DeserializeOwned;
use serde_json::Deserializer;

/// Places where a value is looked for, at most: each may cost a pass.
const MOST_PLACES: usize = 100;

/// The value in `text` that can be read as a `T`: all of the text, or the first
/// that starts a line.
pub(super) fn value<T: DeserializeOwned>(text: &str) -> Option<T> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut at = 0;
    let starts = text.split_inclusive('\n').filter_map(|line| {
        let start = at;
        at += line.len();
        line.starts_with(['{', '[']).then_some(start)
    });
    starts
        .take(MOST_PLACES)
        .find_map(|start| Deserializer::from_str(&text[start..]).into_iter().next()?.ok())
}

/// The lines of `text` that are each a `T`.
pub(super) fn lines<T: DeserializeOwned>(text: &str) -> impl Iterator<Item = T> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.filter_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_between_other_lines() {
        let text = "warning: {x}\n[1, \"a\"]\n[note]\n[\n 1,\n 2\n]\ndone\n";
        assert_eq!(value::<Vec<u8>>(text), Some(vec![1, 2]));
        assert_eq!(value::<Vec<u8>>(" [3] "), Some(vec![3]));
        assert_eq!(value::<Vec<u8>>("done"), None);
    }
}
