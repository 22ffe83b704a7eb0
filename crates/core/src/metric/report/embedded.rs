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

/// The values in `text` that can be read as a `T`, each from a line that starts
/// with `opening`, and the lines outside of them.
pub(super) fn values<T: DeserializeOwned>(text: &str, opening: char) -> (Vec<T>, Vec<&str>) {
    let (mut values, mut rest) = (Vec::new(), Vec::new());
    let (mut at, mut read_to, mut misses) = (0, 0, 0);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if start < read_to {
            continue;
        }
        if line.starts_with(opening) && misses < MOST_PLACES {
            let mut stream = Deserializer::from_str(&text[start..]).into_iter();
            if let Some(Ok(value)) = stream.next() {
                values.push(value);
                read_to = start + stream.byte_offset();
                continue;
            }
            misses += 1;
        }
        rest.push(line.trim_end_matches(['\r', '\n']));
    }
    (values, rest)
}

/// The lines of `text` that start with `beginning`, each as a `T`; or, as an error,
/// one that is none.
pub(super) fn lines<'a, T: DeserializeOwned>(
    text: &'a str,
    beginning: &str,
) -> Result<Vec<T>, &'a str> {
    let lines = text.lines().filter(|line| line.starts_with(beginning));
    lines.map(|line| serde_json::from_str(line).map_err(|_| line)).collect()
}

/// That `line` of what `tool` printed cannot be read.
pub(super) fn unread(tool: &str, line: &str) -> String {
    let line: String = line.chars().take(60).collect();
    format!("a line of {tool}'s JSON cannot be read: `{line}`; is it cut, or another form?")
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
    #[test]
    fn all_values_are_found_and_what_is_none_is_left() {
        let text = "[1,\n2]\nnote\n[3]\n[x]\n[4,\n";
        assert_eq!(
            values::<Vec<u8>>(text, '['),
            (vec![vec![1, 2], vec![3]], vec!["note", "[x]", "[4,"])
        );
        assert_eq!(lines::<Vec<u8>>(text, "[3"), Ok(vec![vec![3]]));
        assert_eq!(lines::<Vec<u8>>(text, "[").unwrap_err(), "[1,");
    }
}
