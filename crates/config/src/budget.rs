//! How a file writes a budget: `"5m"`, `{ cpu = "5m" }`, `{ steps = 1000,
//! pattern = 'step (\d+)' }`, the latter two with a `wall` if need be.

use std::time::Duration;

use autoresearch_core::budget::{Budget, Quota};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::read::{Given, Refused, pattern};
use crate::text::{self, optional_duration_text, read_duration};

/// What it must be, as in "must be …".
pub(crate) const EXPECTED: &str = "a time, as \"5m\" or a number of seconds, or a table, as { cpu = \"5m\" } or { steps = 1000, pattern = 'step (\\d+)' }";

/// A budget as it is written, whole: the names of its fields are the file's.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Wall(String),
    Table(Table),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default, with = "optional_duration_text", skip_serializing_if = "Option::is_none")]
    cpu: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(default, with = "optional_duration_text", skip_serializing_if = "Option::is_none")]
    wall: Option<Duration>,
}

impl Table {
    fn budget(self) -> Result<Budget, String> {
        let Table { cpu, steps, pattern, wall } = self;
        let quota = match (cpu, steps, pattern) {
            (Some(cpu), None, None) => Quota::Cpu(cpu),
            (None, Some(steps), Some(pattern)) => Quota::Steps { steps, pattern },
            (Some(_), Some(_), _) => {
                return Err("`cpu` and `steps` exclude each other; keep one".to_owned());
            }
            (None, Some(_), None) => {
                return Err(
                    "`steps` needs `pattern`, whose group finds the number of the step in the output, as 'step (\\d+)'"
                        .to_owned(),
                );
            }
            (_, None, Some(_)) => return Err("`pattern` means nothing without `steps`".to_owned()),
            (None, None, None) => {
                let of_wall = if wall.is_some() {
                    "; for wall-clock time alone write it as \"5m\""
                } else {
                    ""
                };
                return Err(format!("it needs `cpu` or `steps`{of_wall}"));
            }
        };
        Ok(Budget::Quota { quota, wall })
    }
}

/// The text, the seconds or the table that a budget may be, in its shortest
/// exact form.
pub(crate) fn read(given: Given) -> Result<Json, Refused> {
    let fields = match given {
        Given::Text(text) => match table_in(&text) {
            Some(fields) => fields?,
            None => return time(&text),
        },
        Given::Integer(seconds) => return time(&seconds.to_string()),
        Given::Table(fields) => fields,
        other => {
            return Err(Refused::Type { expected: EXPECTED, found: other.type_name() });
        }
    };
    let mut table = Map::new();
    for (name, given) in fields {
        let value = match (name.as_str(), given) {
            ("cpu" | "wall", Given::Text(text)) => time(&text).map_err(|why| within(&name, why))?,
            ("cpu" | "wall", Given::Integer(n)) => {
                time(&n.to_string()).map_err(|why| within(&name, why))?
            }
            ("steps", Given::Integer(n)) if n >= 1 => json!(n),
            ("pattern", Given::Text(text)) => {
                pattern(&text).map_err(|why| within(&name, why.into()))?.into()
            }
            ("cpu" | "wall", _) => return Err(format!("`{name}` must be a time, as \"5m\"").into()),
            ("steps", _) => {
                return Err("`steps` must be a whole number of at least 1".to_owned().into());
            }
            ("pattern", _) => {
                return Err("`pattern` must be a regular expression".to_owned().into());
            }
            _ => {
                return Err(format!("`{name}` is none of `cpu`, `steps`, `pattern`, `wall`").into());
            }
        };
        table.insert(name, value);
    }
    let table = Json::Object(table);
    let read: Table = serde_json::from_value(table.clone()).map_err(|error| error.to_string())?;
    read.budget()?;
    Ok(table)
}

/// A table as a flag gives it.
fn table_in(text: &str) -> Option<Result<Vec<(String, Given)>, Refused>> {
    let text = text.trim();
    text.starts_with('{').then(|| {
        let value: toml::Spanned<toml::de::DeValue<'_>> = toml::de::DeValue::parse(text)
            .map_err(|error| format!("`{text}` is not TOML: {}", error.message()))?;
        match crate::file::given(value.get_ref()) {
            Given::Table(fields) => Ok(fields),
            other => Err(Refused::Type { expected: EXPECTED, found: other.type_name() }),
        }
    })
}

fn time(text: &str) -> Result<Json, Refused> {
    let time = read_duration(text)?;
    if time.is_zero() {
        return Err("it must be more than zero".to_owned().into());
    }
    Ok(text::duration(time).into())
}

fn within(name: &str, why: Refused) -> Refused {
    match why {
        Refused::Unusable { why, item } => {
            Refused::Unusable { why: format!("`{name}`: {why}"), item }
        }
        wrong @ Refused::Type { .. } => wrong,
    }
}

/// For `#[serde(with = …)]`.
pub(crate) mod as_written {
    use serde::{Deserializer, Serializer, de};

    use super::{
        Budget, Deserialize as _, Quota, Serialize as _, Table, Written, read_duration, text,
    };

    pub(crate) fn serialize<S: Serializer>(budget: &Budget, to: S) -> Result<S::Ok, S::Error> {
        match budget {
            Budget::Wall(wall) => Written::Wall(text::duration(*wall)),
            Budget::Quota { quota, wall } => Written::Table(match quota.clone() {
                Quota::Cpu(cpu) => Table { cpu: Some(cpu), wall: *wall, ..Table::default() },
                Quota::Steps { steps, pattern } => Table {
                    steps: Some(steps),
                    pattern: Some(pattern),
                    wall: *wall,
                    ..Table::default()
                },
            }),
        }
        .serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Budget, D::Error> {
        match Written::deserialize(from)? {
            Written::Wall(text) => read_duration(&text).map(Budget::Wall),
            Written::Table(table) => table.budget(),
        }
        .map_err(de::Error::custom)
    }
}
