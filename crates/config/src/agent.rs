//! `[agent.NAME]`: the user's own tables about coding agents. The form is
//! [`Table`]'s; here it is read field by field, so that an error stands where
//! the field does.

use autoresearch_core::agent::Table;
use serde_json::{Map, Value as Json, json};

use crate::read::Refused;

/// Splits `claude.model` into agent and field; `None` without a field.
pub(crate) fn split(own: &str) -> Option<(&str, &str)> {
    own.split_once('.')
}

/// Whether an agent has this field.
pub(crate) fn is_field(field: &str) -> bool {
    Table::FIELDS.contains(&field)
}

/// The field nearest to `unknown`.
pub(crate) fn nearest(unknown: &str) -> Option<&'static str> {
    let likeness = |field: &&str| strsim::normalized_damerau_levenshtein(field, unknown);
    let best = Table::FIELDS.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) >= 0.5).then_some(best)
}

/// A value as a flag gives it: TOML where it begins a list or a table, and
/// else a text.
pub(crate) fn from_flag(text: &str) -> Json {
    let value = text.starts_with(['[', '{']).then(|| toml::from_str(&format!("x = {text}")));
    match value {
        Some(Ok(Json::Object(mut table))) => table.remove("x").unwrap_or_default(),
        _ => text.into(),
    }
}

/// Reads a field, as `claude.model`.
pub(crate) fn read(own: &str, value: Json) -> Result<Json, Refused> {
    let (name, field) = split(own).unwrap_or((own, ""));
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if name.is_empty() || !name.chars().all(is_part) {
        let why = format!("`{name}` is no name; names have small letters, digits, `-` and `_`");
        return Err(why.into());
    }
    let fields = Map::from_iter([(field.to_owned(), value.clone())]);
    let table: Table = serde_json::from_value(fields.into()).map_err(|error| {
        let error = error.to_string();
        if error.contains("untagged enum") {
            return "it is a list of words and of groups of words, as [\"agent\", [\"-m\", \"{model}\"]]".to_owned();
        }
        error
    })?;
    sound(&table)?;
    Ok(value)
}

/// What only its meaning forbids.
fn sound(table: &Table) -> Result<(), String> {
    if table.command.is_some() && table.program().is_none_or(|program| program.trim().is_empty()) {
        return Err("a command needs a program".to_owned());
    }
    if let Some(url) = &table.base_url
        && (!url.starts_with("http://") && !url.starts_with("https://")
            || url.contains(|c: char| c.is_control() || c.is_whitespace() || "\"'\\".contains(c)))
    {
        return Err(format!("`{url}` is no URL; write it as `http://127.0.0.1:8080/v1`"));
    }
    if let Some(model) = &table.model {
        model_name(model)?;
    }
    for host in table.hosts.iter().flatten() {
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
        if !has_port {
            return Err(format!("`{host}` has no port; write it as `{host}:443`"));
        }
    }
    if let Some(price) = &table.price
        && [Some(price.input), price.cached, Some(price.output)]
            .into_iter()
            .flatten()
            .any(|dollars| !dollars.is_finite() || dollars < 0.0)
    {
        return Err("a price is a number of at least zero".to_owned());
    }
    for name in table.env.iter().flat_map(|env| env.keys()) {
        crate::read::variable_name(name)?;
    }
    Ok(())
}

/// A model's name can stand in a command, in JSON and in TOML as it is.
pub(crate) fn model_name(text: &str) -> Result<&str, String> {
    let is_sound = |c: char| !c.is_control() && !c.is_whitespace() && !"\"'\\{}".contains(c);
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        name if name.chars().all(is_sound) && !name.starts_with('-') => Ok(name),
        name => Err(format!("`{name}` is no model's name")),
    }
}

/// The JSON schema of the tables.
pub(crate) fn schema() -> Json {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let map = json!({ "type": "object", "additionalProperties": text });
    let mut fields = Map::new();
    for field in Table::FIELDS {
        let form = match field {
            "command" => {
                json!({ "type": "array", "minItems": 1, "items": { "anyOf": [text, texts] } })
            }
            "protocol" => json!({ "enum": ["stream", "acp"] }),
            "keys" | "pass" | "hosts" | "credentials" => texts.clone(),
            "env" | "files" => map.clone(),
            "price" => json!({
                "type": "object",
                "properties": {
                    "input": { "type": "number", "minimum": 0 },
                    "cached": { "type": "number", "minimum": 0 },
                    "output": { "type": "number", "minimum": 0 },
                },
                "additionalProperties": false,
            }),
            "events" => json!({ "type": "array", "items": { "type": "object" } }),
            _ => text.clone(),
        };
        fields.insert(field.to_owned(), form);
    }
    json!({
        "type": "object",
        "propertyNames": { "pattern": "^[a-z0-9_-]+$" },
        "additionalProperties": {
            "type": "object",
            "properties": fields,
            "additionalProperties": false,
        },
    })
}

#[cfg(test)]
mod tests {
    use crate::{Layers, Origin, to_toml};

    const SESSION: &str = "target = 'train.py'\nbudget = '5m'\nmetric.name = 'loss'\n\
                           metric.direction = 'minimize'\nrun.command = 'python train.py'\n";

    fn layers(text: &str) -> Result<Layers, String> {
        let mut layers = Layers::new();
        let text = format!("{SESSION}{text}");
        layers.add_file("autoresearch.toml", &text).map_err(|error| error.render(false))?;
        Ok(layers)
    }

    #[test]
    fn tables_of_agents_survive_writing_and_reading() {
        let text = r#"
[agent.claude]
model = "opus"
price = { input = 3.5, output = 15 }
env.DISABLE_TELEMETRY = "1"

[agent.mine]
command = ["mine", "run", ["--model", "{model}"]]
hosts = ["127.0.0.1:8080"]
files = { ".mine/settings.json" = '{"telemetry":false}' }

[[agent.mine.events]]
when = { type = "text", final = true }
text = "part.text"
"#;
        let config = layers(text).unwrap().resolve().unwrap();
        assert_eq!(config.agent["claude"].model.as_deref(), Some("opus"));
        assert_eq!(config.agent["mine"].events.as_ref().unwrap().len(), 1);
        let written = to_toml(&config);
        let mut again = Layers::new();
        again.add_file("again.toml", &written).unwrap_or_else(|e| panic!("{written}\n{e}"));
        assert_eq!(again.resolve().unwrap(), config);
    }

    #[test]
    fn a_flag_sets_a_single_field() {
        let mut layers = layers("[agent.mine]\ncommand = ['mine']\n").unwrap();
        let flag = || Origin::Flag("--set".to_owned());
        layers.set("agent.mine.command", "['mine', ['-m', '{model}']]", flag()).unwrap();
        layers.set("agent.mine.base_url", "http://127.0.0.1:1/v1", flag()).unwrap();
        let table = &layers.resolve().unwrap().agent["mine"];
        assert_eq!(table.command.as_ref().unwrap().len(), 2);
        assert_eq!(table.base_url.as_deref(), Some("http://127.0.0.1:1/v1"));
        let error = layers.set("agent.mine.modle", "x", flag()).unwrap_err();
        assert!(error.to_string().contains("did you mean `agent.mine.model`?"), "{error}");
    }

    #[test]
    fn errors_stand_where_the_field_does() {
        let text = "[agent.mine]\ncomand = ['mine']\nhosts = ['api.example.com']\n\
                    protocol = 'smtp'\nenv = { A = 1 }\n[agent]\nother = 3\n[agent.My]\nmodel = 'm'\n";
        insta::assert_snapshot!(layers(text).unwrap_err(), @r"
        error: unknown key `agent.mine.comand`
         --> autoresearch.toml:7:1
          |
        7 | comand = ['mine']
          | ^^^^^^ did you mean `command`?

        error: `agent.mine.hosts`: `api.example.com` has no port; write it as `api.example.com:443`
         --> autoresearch.toml:8:9
          |
        8 | hosts = ['api.example.com']
          |         ^^^^^^^^^^^^^^^^^^^

        error: `agent.mine.protocol`: unknown variant `smtp`, expected `stream` or `acp`
         --> autoresearch.toml:9:12
          |
        9 | protocol = 'smtp'
          |            ^^^^^^

        error: `agent.mine.env`: invalid type: integer `1`, expected a string
          --> autoresearch.toml:10:7
           |
        10 | env = { A = 1 }
           |       ^^^^^^^^^

        error: `agent.other` must be a table, not an integer
          --> autoresearch.toml:12:9
           |
        12 | other = 3
           |         ^ write `agent.other.model = …`

        error: `agent.My.model`: `My` is no name; names have small letters, digits, `-` and `_`
          --> autoresearch.toml:14:9
           |
        14 | model = 'm'
           |         ^^^
        ");
    }
}
