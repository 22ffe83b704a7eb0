//! Fills in names in braces: see [`Table`](autoresearch_core::agent::Table)
//! for what they mean. Braces around anything else stay as they are.

use std::collections::BTreeMap;

use autoresearch_core::agent::Words;

/// Values by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    texts: BTreeMap<&'static str, String>,
    /// One word each.
    targets: Vec<String>,
}

/// All names. A name without a value is known, and what needs it is left out.
const NAMES: [&str; 8] = [
    "prompt",
    "brief",
    "model",
    "base_url",
    "max_dollars",
    "key",
    "confined",
    // Only as a word of its own.
    TARGETS,
];
const TARGETS: &str = "targets";

impl Values {
    pub(super) fn set(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.texts.insert(name, value);
        }
    }

    pub(super) fn set_targets(&mut self, targets: Vec<String>) {
        self.targets = targets;
    }

    /// A text with its values; `None` when one is missing.
    pub(super) fn fill(&self, text: &str) -> Option<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, after) = rest.split_at(start);
            filled.push_str(before);
            let Some((sign, name, length)) = name_at(after) else {
                filled.push('{');
                rest = &after[1..];
                continue;
            };
            match (sign, self.texts.get(name)) {
                (None, Some(value)) => filled.push_str(value),
                (Some('?'), Some(_)) | (Some('!'), None) => {}
                _ => return None,
            }
            rest = &after[length..];
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// A command with its values.
    pub(super) fn command(&self, words: &[Words]) -> Vec<String> {
        let mut command = Vec::new();
        for words in words {
            let group = match words {
                Words::One(word) => std::slice::from_ref(word),
                Words::Group(words) => words,
            };
            let filled: Option<Vec<Vec<String>>> = group
                .iter()
                .map(|word| match word.as_str() {
                    "{targets}" => Some(self.targets.clone()),
                    word => self.fill(word).map(|word| vec![word]),
                })
                .collect();
            command.extend(filled.into_iter().flatten().flatten());
        }
        command
    }
}

/// Whether a command uses a name.
pub(super) fn uses(words: &[Words], name: &str) -> bool {
    let has = |word: &String| word.contains(&format!("{{{name}}}"));
    words.iter().any(|words| match words {
        Words::One(word) => has(word),
        Words::Group(words) => words.iter().any(has),
    })
}

/// The name in braces that a text begins with: its sign, the name, and how
/// long it is with its braces.
fn name_at(text: &str) -> Option<(Option<char>, &'static str, usize)> {
    let inner = text.strip_prefix('{')?;
    let inner = &inner[..inner.find('}')?];
    let sign = inner.chars().next().filter(|c| matches!(c, '?' | '!'));
    let name = inner.strip_prefix(['?', '!']).unwrap_or(inner);
    let known = NAMES.into_iter().find(|known| *known == name)?;
    Some((sign, known, inner.len() + 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> Values {
        let mut values = Values::default();
        values.set("model", Some("m-1".to_owned()));
        values.set_targets(vec!["a.py".to_owned(), "b.py".to_owned()]);
        values
    }

    fn group(words: &[&str]) -> Words {
        Words::Group(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_group_whose_value_is_missing_is_left_out() {
        let command = [
            Words::One("agent".to_owned()),
            group(&["--model", "{model}"]),
            group(&["--url", "{base_url}"]),
            group(&["--local{!base_url}"]),
            group(&["--named{?model}"]),
            Words::One("{targets}".to_owned()),
        ];
        assert_eq!(
            values().command(&command),
            ["agent", "--model", "m-1", "--local", "--named", "a.py", "b.py"]
        );
        assert!(uses(&command, "base_url") && !uses(&command, "prompt"));
    }

    #[test]
    fn json_and_unknown_names_stay_as_they_are() {
        let json = r#"{"a":{"{model}":"{env:KEY}"}}"#;
        assert_eq!(values().fill(json).unwrap(), r#"{"a":{"m-1":"{env:KEY}"}}"#);
        assert_eq!(values().fill("{"), Some("{".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_can_be_filled(text in "[{}?!a-z]{0,40}") {
            let _ = values().fill(&text);
        }
    }
}
