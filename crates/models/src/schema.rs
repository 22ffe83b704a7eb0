//! The JSON schema of an answer. Its order matters: a model writes the
//! hypothesis before the edits, so the properties are a list and not a map.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use autoresearch_core::proposal::Category;

use crate::apply::Texts;

/// How much of JSON schema a server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `additionalProperties` must be said (OpenAI's strict mode, Anthropic).
    Strict,
    /// An own order, and nothing about additional properties (Gemini).
    Ordered,
    /// Grammars (llama.cpp, Ollama, vLLM): a small model behind them may only
    /// choose among the lines that are there.
    Grammar,
}

/// A schema, serialised in the order of its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Schema {
    /// Anything without an order of its own.
    Plain(Value),
    List {
        of: Box<Schema>,
        most: Option<usize>,
    },
    Object {
        properties: Vec<(&'static str, Schema)>,
        dialect: Dialect,
    },
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = match self {
            Schema::Plain(value) => return value.serialize(serializer),
            _ => serializer.serialize_map(None)?,
        };
        match self {
            Schema::Plain(_) => {}
            Schema::List { of, most } => {
                map.serialize_entry("type", "array")?;
                map.serialize_entry("items", of)?;
                if let Some(most) = most {
                    map.serialize_entry("minItems", &1)?;
                    map.serialize_entry("maxItems", most)?;
                }
            }
            Schema::Object { properties, dialect } => {
                let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
                map.serialize_entry("type", "object")?;
                map.serialize_entry("properties", &Properties(properties))?;
                map.serialize_entry("required", &names)?;
                match dialect {
                    Dialect::Ordered => map.serialize_entry("propertyOrdering", &names)?,
                    _ => map.serialize_entry("additionalProperties", &false)?,
                }
            }
        }
        map.end()
    }
}

struct Properties<'a>(&'a [(&'static str, Schema)]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, schema)))
    }
}

/// Targets of more different lines than this are searched freely: a grammar
/// of all of them would be slow.
const LINES: usize = 400;

/// The schema of an answer about these targets.
pub(crate) fn of(targets: &Texts, dialect: Dialect) -> Schema {
    let is_grammar = dialect == Dialect::Grammar;
    // No `maxLength`: it makes a grammar long, and a server died while it had one.
    let text = |about: &str| Schema::Plain(json!({ "type": "string", "description": about }));
    let paths: Vec<&str> = targets.keys().map(String::as_str).collect();
    let search = match is_grammar.then(|| lines_found_once(targets)).flatten() {
        Some(lines) => Schema::Plain(json!({ "type": "string", "enum": lines })),
        None => text("whole lines as they are now, found exactly once in the file"),
    };
    let edit = Schema::Object {
        properties: vec![
            ("path", Schema::Plain(json!({ "type": "string", "enum": paths }))),
            ("search", search),
            ("replace", text("the lines that come in their place")),
        ],
        dialect,
    };
    let categories = Category::ALL.map(|category| category.to_string());
    Schema::Object {
        properties: vec![
            ("hypothesis", text("one sentence: what changes, and why it should help")),
            ("category", Schema::Plain(json!({ "type": "string", "enum": categories }))),
            ("expected", text("what the metric will do")),
            ("edits", Schema::List { of: Box::new(edit), most: is_grammar.then_some(3) }),
        ],
        dialect,
    }
}

/// The lines of the targets that a search may be: not blank, and found once in
/// their file. None with a quote or a backslash: llama-cpp-python escapes those
/// wrongly, and llama.cpp then dies of its grammar. `None` where there are none
/// or too many.
fn lines_found_once(targets: &Texts) -> Option<Vec<String>> {
    let mut once = Vec::new();
    for text in targets.values() {
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let in_order = lines.clone();
        lines.sort_unstable();
        let is_once = |line: &&str| {
            let from = lines.partition_point(|other| other < line);
            lines.get(from + 1) != Some(line)
        };
        let is_safe = |line: &&str| !line.contains(['"', '\\']);
        let safe = in_order.into_iter().filter(|line| is_once(line) && is_safe(line));
        once.extend(safe.map(str::to_owned));
    }
    (!once.is_empty() && once.len() <= LINES).then_some(once)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hypothesis_comes_before_the_edits_and_a_grammar_offers_lines_found_once() {
        let targets =
            Texts::from([("t.py".to_owned(), "a = 1\nb = 2\n\nb = 2\nc = \"\"\n".to_owned())]);
        let text = serde_json::to_string(&of(&targets, Dialect::Grammar)).unwrap();
        let at = |name: &str| text.find(name).unwrap();
        assert!(at("\"hypothesis\":{") < at("\"edits\":{"));
        assert!(text.contains(r#""enum":["a = 1"]"#) && !text.contains("b = 2"), "{text}");
        assert!(text.contains(r#""minItems":1,"maxItems":3"#), "{text}");

        let text = serde_json::to_string(&of(&targets, Dialect::Ordered)).unwrap();
        assert!(!text.contains("additionalProperties") && !text.contains("maxItems"), "{text}");
        let text = serde_json::to_string(&of(&targets, Dialect::Strict)).unwrap();
        assert_eq!(text.matches("\"additionalProperties\":false").count(), 2);
    }
}
