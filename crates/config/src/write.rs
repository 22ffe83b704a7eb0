//! Writing `autoresearch.toml`: a new one with a comment at every key, or one
//! value into a file that a person wrote, whose comments stay.

use std::sync::Arc;

use serde_json::Value as Json;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Key, Table, TableLike, Value};

use crate::config::Config;
use crate::error::{ConfigError, File, Place, Problem, What};
use crate::file;
use crate::keys::{self, KEYS};
use crate::layers::{Layers, Origin, Refusal, parse};

const NAME: &str = "autoresearch.toml";

/// The config as a commented file: what differs from the defaults, and what is
/// required. Reads back as the same config.
pub fn to_toml(config: &Config) -> String {
    let mut defaults = Layers::new();
    if let Some(preset) = &config.metric.preset {
        // What a preset comes with need not be said, and anything else must be.
        let _ = defaults.set("metric.preset", preset, Origin::Asked);
    }
    let nothing = Json::Array(Vec::new());
    let tree = serde_json::to_value(config).unwrap_or_default();
    let mut lines =
        vec!["# What this research session is about. Flags win over this file.".to_owned()];
    let mut section = "";
    for key in KEYS {
        let value =
            tree.pointer(&format!("/{}", key.name.replace('.', "/"))).unwrap_or(&Json::Null);
        let told = defaults.value(key.name).filter(|_| key.name != "metric.preset");
        // A list that is empty may not be in the tree.
        let value = match told {
            Some(Json::Array(_)) if value.is_null() => &nothing,
            _ => value,
        };
        if value.is_null() || (key.required.is_none() && told == Some(value)) {
            continue;
        }
        let about = format!("# {}", key.about);
        lines.push(String::new());
        if let Json::Object(own) = value
            && key.kind.is_open()
        {
            lines.extend([about, format!("[{}]", key.name)]);
            let line =
                |(name, value)| format!("{} = {}", Key::new(name).display_repr(), toml(value));
            lines.extend(own.iter().map(line));
            continue;
        }
        let (table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if table != section {
            section = table;
            lines.push(format!("[{table}]"));
        }
        lines.extend([about, format!("{name} = {}", toml(value))]);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The text of a file with one value set, given as to [`Layers::set`]. All
/// comments, the order and the line endings stay; a file that says so already
/// is returned as it is.
///
/// # Errors
/// When the file has errors, or the key cannot hold the value.
pub fn update(text: &str, key: &str, value: &str) -> Result<String, ConfigError> {
    let value = parse(key, value).map_err(|refusal| match refusal {
        Refusal::Unknown => Problem::new(What::UnknownKey(key.to_owned()), Place::Nowhere),
        Refusal::Refused(refused) => file::problem(key, refused, Place::Nowhere),
    })?;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = Arc::new(File { path: NAME.to_owned(), text: body.to_owned() });
    if file::values(&file)?.iter().any(|found| found.key == key && found.value == value) {
        return Ok(text.to_owned());
    }

    // toml_edit writes bare newlines.
    let has_crlf = body.contains("\r\n");
    let mut document: DocumentMut = body.replace("\r\n", "\n").parse().map_err(|e| syntax(&e))?;
    put(document.as_table_mut(), key, toml(&value));
    let mut updated = document.to_string();
    if has_crlf {
        updated = updated.replace('\n', "\r\n");
    }
    Ok(text[..text.len() - body.len()].to_owned() + &updated)
}

fn syntax(error: &toml_edit::TomlError) -> Problem {
    Problem::new(What::Syntax(error.message().to_owned()), Place::Nowhere)
}

/// Replaces the value, or adds it where a person would.
fn put(root: &mut dyn TableLike, name: &str, value: Value) {
    let path = locate(root, name).unwrap_or_else(|| match keys::find(name) {
        Some((key, Some(own))) => key.name.split('.').chain([own]).map(str::to_owned).collect(),
        _ => name.split('.').map(str::to_owned).collect(),
    });
    let Some((leaf, tables)) = path.split_last() else {
        return;
    };
    let mut table: &mut dyn TableLike = root;
    for (depth, part) in tables.iter().enumerate() {
        let item = table.entry(part).or_insert_with(|| {
            let mut new = Table::new();
            // `[run.env]` needs no `[run]` before it.
            new.set_implicit(depth + 1 < tables.len());
            Item::Table(new)
        });
        if !item.is_table_like() {
            *item = Item::Value(InlineTable::new().into());
        }
        match item.as_table_like_mut() {
            Some(inner) => table = inner,
            None => return,
        }
    }
    match table.get_mut(leaf).and_then(Item::as_value_mut) {
        Some(old) => {
            // Assigning alone would drop the comment behind the value.
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(leaf, Item::Value(value));
        }
    }
}

/// The path of an existing value, however its key was written: names of the
/// user's own may have dots, quoted or not.
fn locate(table: &dyn TableLike, name: &str) -> Option<Vec<String>> {
    if table.get(name).is_some_and(Item::is_value) {
        return Some(vec![name.to_owned()]);
    }
    name.match_indices('.').find_map(|(dot, _)| {
        let inner = table.get(&name[..dot])?.as_table_like()?;
        let mut path = locate(inner, &name[dot + 1..])?;
        path.insert(0, name[..dot].to_owned());
        Some(path)
    })
}

/// A value as a file has it.
pub(crate) fn toml(value: &Json) -> Value {
    match value {
        Json::String(text) => text.as_str().into(),
        Json::Bool(value) => (*value).into(),
        Json::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().into(),
        Json::Number(number) => number.as_i64().unwrap_or(i64::MAX).into(),
        Json::Array(items) => items.iter().map(toml).collect::<Array>().into(),
        Json::Null => "unlimited".into(),
        Json::Object(fields) => {
            fields.iter().map(|(name, value)| (name, toml(value))).collect::<InlineTable>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_HAND: &str = "\
# my experiment
target = 'train.py'   # the model

# five minutes is enough
budget = '5m' # per run
metric.name = 'val_bpb'

[run] # how
command = 'python train.py'
  # the end
";

    #[test]
    fn a_file_written_by_hand_keeps_its_comments() {
        let text = update(BY_HAND, "budget", "90s").unwrap();
        let text = update(&text, "metric.direction", "minimize").unwrap();
        let text = update(&text, "iterations", "20").unwrap();
        let text = update(&text, "run.env.OMP_NUM_THREADS", "1").unwrap();
        let text = update(&text, "search.model.lr", "1e-4..1e-1 log").unwrap();
        let text = update(&text, "stop.when", "no keep in 20,val_bpb <= 0.9").unwrap();
        insta::assert_snapshot!(text, @r#"
        # my experiment
        target = 'train.py'   # the model

        # five minutes is enough
        budget = "1m30s" # per run
        metric.name = 'val_bpb'
        metric.direction = "minimize"
        iterations = 20

        [run] # how
        command = 'python train.py'

        [run.env]
        OMP_NUM_THREADS = "1"

        [search]
        "model.lr" = "1e-4..1e-1 log"

        [stop]
        when = ["no keep in 20", "val_bpb <= 0.9"]
          # the end
        "#);
    }

    #[test]
    fn an_update_that_changes_nothing_returns_the_text_as_it_is() {
        assert_eq!(update(BY_HAND, "budget", "300").unwrap(), BY_HAND);
        assert_eq!(update(BY_HAND, "run.command", "python  train.py").unwrap(), BY_HAND);
    }

    #[test]
    fn line_endings_and_the_byte_order_mark_stay() {
        let text = "\u{feff}budget = '5m' # a\r\ntag = 'x'\r\n";
        assert_eq!(
            update(text, "tag", "y").unwrap(),
            "\u{feff}budget = '5m' # a\r\ntag = \"y\"\r\n"
        );
    }

    #[test]
    fn a_dotted_name_of_the_users_own_is_found_however_it_is_written() {
        for text in [
            "[search]\nmodel.lr = '1..2'\n",
            "[search]\n\"model.lr\" = '1..2'\n",
            "search = { model = { lr = '1..2' } }\n",
        ] {
            let updated = update(text, "search.model.lr", "1..3").unwrap();
            assert_eq!(updated, text.replace("'1..2'", "\"1..3\""));
        }
    }

    #[test]
    fn a_broken_file_is_not_updated() {
        let error = update("budget = \n", "tag", "x").unwrap_err();
        assert!(error.to_string().starts_with("autoresearch.toml:1: this is not TOML"), "{error}");
        assert!(update("bugdet = 5\n", "tag", "x").is_err());
        assert!(update("", "tag", "x y").is_err());
        assert!(update("", "tga", "x").is_err());
    }
}
