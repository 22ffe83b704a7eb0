//! The JSON schema of the file, for editors and for tools that write one.

use serde_json::{Map, Value as Json, json};

use crate::agent;
use crate::keys::{KEYS, Key, Kind};
use crate::layers::Layers;
use crate::read;

/// JSON schema (draft 2020-12) of a complete `autoresearch.toml`, one that runs
/// without a flag, with a newline at its end. Checked in as
/// `schema/autoresearch.schema.json`.
pub fn schema() -> String {
    let defaults = Layers::new();
    let mut root = object("A complete autoresearch.toml: the config of a research session");
    root.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    root.insert("title".to_owned(), "autoresearch.toml".into());
    for key in KEYS {
        let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
        let Some(within) = table_of(&mut root, table) else {
            continue;
        };
        if let Some(Json::Object(properties)) = within.get_mut("properties") {
            properties.insert(name.to_owned(), property(key, defaults.value(key.name)));
        }
        if key.required.is_some() {
            require(within, name);
            if !table.is_empty() {
                require(&mut root, table);
            }
        }
    }
    format!("{:#}\n", Json::Object(root))
}

fn object(about: &str) -> Map<String, Json> {
    let fields = [
        ("description", Json::from(about)),
        ("type", "object".into()),
        ("additionalProperties", false.into()),
        ("properties", Map::new().into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn table_of<'a>(root: &'a mut Map<String, Json>, table: &str) -> Option<&'a mut Map<String, Json>> {
    if table.is_empty() {
        return Some(root);
    }
    let properties = root.get_mut("properties")?.as_object_mut()?;
    let about = match table {
        "metric" => "what is measured",
        "run" => "how a trial is run",
        "propose" => "who proposes",
        "model" => "a model behind an API, which proposes",
        "judge" => "how results are judged",
        _ => "when the session ends",
    };
    properties.entry(table).or_insert_with(|| object(about).into()).as_object_mut()
}

fn require(table: &mut Map<String, Json>, name: &str) {
    let list = table.entry("required").or_insert_with(|| json!([]));
    if let Json::Array(names) = list
        && !names.contains(&name.into())
    {
        names.push(name.into());
    }
}

fn property(key: &Key, default: Option<&Json>) -> Json {
    let text = json!({ "type": "string", "minLength": 1 });
    let pattern = json!({ "type": "string", "format": "regex", "pattern": "\\(" });
    let texts = |least: u32| json!({ "type": "array", "items": text, "minItems": least });
    let time = |least: u32| {
        json!({
            "anyOf": [
                { "type": "string", "pattern": r"^\s*([0-9.]+\s*[a-z]*\s*)+$", "examples": ["90s", "5m", "1h30m"] },
                { "type": "integer", "minimum": least, "description": "seconds" },
            ],
        })
    };
    let mut schema = match key.kind {
        Kind::Text | Kind::MetricName | Kind::Path | Kind::ModelName => text,
        Kind::Agents => agent::schema(),
        Kind::Tag => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "maxLength": 100 })
        }
        Kind::Pattern => pattern,
        Kind::Paths { may_be_empty } => json!({
            "anyOf": [text, { "type": "array", "items": text, "uniqueItems": true, "minItems": u32::from(!may_be_empty) }],
        }),
        Kind::Duration { may_be_zero } => time(u32::from(!may_be_zero)),
        Kind::Budget => json!({
            "anyOf": [time(1)["anyOf"][0], time(1)["anyOf"][1], {
                "type": "object",
                "properties": {
                    "cpu": { "anyOf": time(1)["anyOf"], "description": "CPU time of all its processes" },
                    "wall": { "anyOf": time(1)["anyOf"], "description": "time after which it hangs" },
                },
                "required": ["cpu"],
                "additionalProperties": false,
            }, {
                "type": "object",
                "properties": {
                    "steps": { "type": "integer", "minimum": 1 },
                    "pattern": pattern,
                    "wall": { "anyOf": time(1)["anyOf"], "description": "time after which it hangs" },
                },
                "required": ["steps", "pattern"],
                "additionalProperties": false,
            }],
        }),
        Kind::Take => {
            json!({ "type": "string", "pattern": r"^\s*(last|first|min|max|median|p[0-9]{1,2}(\.[0-9])?)\s*$" })
        }
        Kind::Size => json!({
            "anyOf": [
                { "type": "string", "pattern": r"^\s*[0-9.]+\s*([kKmMgGtT]?[iI]?[bB])?\s*$", "examples": ["512KiB", "4MiB"] },
                { "type": "integer", "minimum": 0, "description": "bytes" },
            ],
        }),
        Kind::Integer { least } => json!({ "type": "integer", "minimum": least }),
        Kind::Limit => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "unlimited" }] })
        }
        Kind::Amount { may_be_zero: true } => json!({ "type": "number", "minimum": 0 }),
        Kind::Amount { may_be_zero: false } => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Preset => json!({ "enum": read::preset_names() }),
        Kind::Command => json!({
            "anyOf": [text, { "type": "array", "items": { "type": "string" }, "minItems": 1 }],
        }),
        Kind::Texts | Kind::Constraints => json!({ "anyOf": [text, texts(0)] }),
        Kind::Names => {
            let name = json!({ "type": "string", "pattern": "^[a-z0-9_-]+$" });
            json!({ "anyOf": [name, {
                "type": "array", "items": name, "minItems": 1, "uniqueItems": true,
            }] })
        }
        Kind::Variables => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        }),
        // A dotted name is a table within a table.
        Kind::Ranges => json!({
            "type": "object",
            "additionalProperties": { "anyOf": [text, { "type": "object" }] },
        }),
    };
    schema["description"] = key.about.into();
    if let Some(default) = default {
        schema["default"] = default.clone();
    }
    schema
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checked_in_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/autoresearch.schema.json");
        let checked_in = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(checked_in == super::schema(), "run `cargo xtask generate`");
    }
}
