//! A file to its values: syntax, unknown keys and every value on its own.

use std::ops::Range;
use std::sync::Arc;

use autoresearch_core::agent::Table;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::agent;
use crate::error::{ConfigError, File, Place, Problem, What};
use crate::keys::{self, KEYS, Kind};
use crate::read::{Given, Refused, read};

/// A value with the place where it stands.
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) value: Json,
    pub(crate) span: Range<usize>,
}

/// All values of a file, or all that is wrong with it.
pub(crate) fn values(file: &Arc<File>) -> Result<Vec<Found>, ConfigError> {
    let table = DeTable::parse(&file.text).map_err(|error| {
        let what = What::Syntax(error.message().replace('\n', ", "));
        Problem::new(what, Place::Text(Arc::clone(file), in_bounds(&file.text, error.span())))
    })?;
    let mut reader = Reader { file, found: Vec::new(), problems: Vec::new() };
    reader.table("", table.get_ref());
    reader.problems.sort_by_key(Problem::offset);
    ConfigError::unless_empty(reader.problems)?;
    Ok(reader.found)
}

/// A range that a snippet can show: within the text, between characters.
fn in_bounds(text: &str, span: Option<Range<usize>>) -> Range<usize> {
    let span = span.unwrap_or_default();
    let end = text.ceil_char_boundary(span.end.min(text.len()));
    text.floor_char_boundary(span.start.min(end))..end
}

struct Reader<'a> {
    file: &'a Arc<File>,
    found: Vec<Found>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place::Text(Arc::clone(self.file), in_bounds(&self.file.text, Some(span)))
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let (own, span) = (key.get_ref(), key.span());
            let name = if prefix.is_empty() { own.to_string() } else { format!("{prefix}.{own}") };
            if keys::is_table(&name) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(&name, inner),
                    other => self.not_a_table(&name, value.span(), other),
                }
            } else if let Some((key, own)) = keys::find(&name) {
                match value.get_ref() {
                    // The fields of an agent are read whole, with all below them.
                    _ if key.kind == Kind::Agents
                        && own.is_some_and(|own| agent::split(own).is_some()) =>
                    {
                        self.field(&name, key, own.unwrap_or_default(), value, span);
                    }
                    DeValue::Table(inner) if key.kind == Kind::Agents => self.table(&name, inner),
                    other if key.kind == Kind::Agents => {
                        self.not_a_table(&name, value.span(), other);
                    }
                    // `model.lr = "…"` in an open table is the setting `model.lr`.
                    DeValue::Table(inner) if key.kind.is_open() => self.table(&name, inner),
                    _ => self.value(&name, key, own, value),
                }
            } else {
                self.unknown(prefix, &name, key.span());
            }
        }
    }

    /// A field of an agent's table.
    fn field(
        &mut self,
        name: &str,
        key: &keys::Key,
        own: &str,
        value: &Spanned<DeValue<'_>>,
        at: Range<usize>,
    ) {
        let field = agent::split(own).map_or("", |(_, field)| field);
        if agent::is_field(field) {
            match read(key.kind, Some(own), Given::Any(json(value.get_ref()))) {
                Ok(value) => self.found.push(Found { key: name.to_owned(), value, span: at }),
                Err(refused) => {
                    self.problems.push(problem(name, refused, self.place(value.span())));
                }
            }
            return;
        }
        let hint = agent::nearest(field).map_or_else(
            || format!("an agent has {}", Table::FIELDS.join(", ")),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        let what = What::UnknownKey(name.to_owned());
        self.problems.push(Problem::new(what, self.place(at)).hint(hint));
    }

    fn value(
        &mut self,
        name: &str,
        key: &keys::Key,
        own: Option<&str>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let span = value.span();
        let refused = match read(key.kind, own, given(value.get_ref())) {
            Ok(value) => {
                self.found.push(Found { key: name.to_owned(), value, span });
                return;
            }
            Err(refused) => refused,
        };
        let span = match &refused {
            Refused::Unusable { item: Some(n), .. } => {
                let item = value.get_ref().as_array().and_then(|items| items.get(*n));
                item.map_or(span, Spanned::span)
            }
            _ => span,
        };
        self.problems.push(problem(name, refused, self.place(span)));
    }

    fn not_a_table(&mut self, name: &str, span: Range<usize>, value: &DeValue<'_>) {
        let what =
            What::WrongType { key: name.to_owned(), expected: "a table", found: type_name(value) };
        let first = KEYS
            .iter()
            .find_map(|key| key.name.strip_prefix(name)?.strip_prefix('.'))
            .or_else(|| name.starts_with("agent.").then_some("model"))
            .map_or_else(|| format!("{name}.NAME"), |first| format!("{name}.{first}"));
        self.problems
            .push(Problem::new(what, self.place(span)).hint(format!("write `{first} = …`")));
    }

    fn unknown(&mut self, prefix: &str, name: &str, span: Range<usize>) {
        let hint = match keys::nearest(name) {
            Some(nearest) if keys::is_table(nearest) => format!("did you mean `[{nearest}]`?"),
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                let mut siblings: Vec<&str> = KEYS
                    .iter()
                    .filter_map(|key| match prefix {
                        "" => key.name.split('.').next(),
                        _ => key.name.strip_prefix(prefix)?.strip_prefix('.'),
                    })
                    .collect();
                siblings.dedup();
                format!("the keys here are {}", siblings.join(", "))
            }
        };
        let what = What::UnknownKey(name.to_owned());
        self.problems.push(Problem::new(what, self.place(span)).hint(hint));
    }
}

/// A refusal as a problem.
pub(crate) fn problem(key: &str, refused: Refused, place: Place) -> Problem {
    let key = key.to_owned();
    let what = match refused {
        Refused::Type { expected, found } => What::WrongType { key, expected, found },
        Refused::Unusable { why, .. } => What::Unusable { key, why },
    };
    Problem::new(what, place)
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value as it is read.
pub(crate) fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .map_or(Given::Other("an integer beyond 64 bits"), Given::Integer),
        DeValue::Float(n) => Given::Float(n.as_str().to_owned()),
        DeValue::Boolean(value) => Given::Boolean(*value),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map_or(Given::Other("a list of other things"), Given::Texts),
        DeValue::Table(table) => {
            let field = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                (key.get_ref().to_string(), given(value.get_ref()))
            };
            Given::Table(table.iter().map(field).collect())
        }
        DeValue::Datetime(_) => Given::Other(type_name(value)),
    }
}

/// A value of any form; a date is its text.
fn json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().into(),
        DeValue::Float(n) => n.as_str().parse::<f64>().ok().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let fields = table.iter().map(|(k, v)| (k.get_ref().to_string(), json(v.get_ref())));
            Json::Object(fields.collect())
        }
        DeValue::Datetime(date) => date.to_string().into(),
    }
}
