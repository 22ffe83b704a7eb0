//! Our entry in a client's configuration. Everything else in the file stays
//! byte for byte, comments included. Pure.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use toml_edit::{DocumentMut, Item, Table};

use super::client::Client;

/// What our entry is called.
const NAME: &str = "autoresearch";

/// A run may take longer than clients let tools take, but no tool here does.
const TIMEOUT_MS: u32 = 660_000;

/// Why a file is not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("cannot be read: {0}")]
    Syntax(String),
    #[error("has something else than a table where `{0}` belongs")]
    NoTable(&'static str),
}

/// The file with our entry. What the user added to the entry stays.
pub(crate) fn with(client: Client, program: &str, text: &str) -> Result<String, Broken> {
    match client {
        Client::Codex => {
            let mut document = toml(text)?;
            let is_new = !document.contains_key("mcp_servers");
            let servers =
                document.entry("mcp_servers").or_insert_with(|| Item::Table(Table::new()));
            let servers = servers.as_table_like_mut().ok_or(Broken::NoTable("mcp_servers"))?;
            let entry = servers.entry(NAME).or_insert_with(|| Item::Table(Table::new()));
            let entry = entry.as_table_like_mut().ok_or(Broken::NoTable(NAME))?;
            set(entry, "command", program.into());
            set(entry, "args", toml_edit::Array::from_iter(["mcp"]).into());
            if !entry.contains_key("tool_timeout_sec") {
                entry.insert("tool_timeout_sec", toml_edit::value(i64::from(TIMEOUT_MS / 1000)));
            }
            if is_new && let Some(servers) = document["mcp_servers"].as_table_mut() {
                servers.set_implicit(true);
            }
            Ok(document.to_string())
        }
        _ => with_json(client, program, text),
    }
}

/// The file without our entry.
pub(crate) fn without(client: Client, text: &str) -> Result<String, Broken> {
    if client == Client::Codex {
        let mut document = toml(text)?;
        if let Some(servers) = document.get_mut("mcp_servers").and_then(Item::as_table_like_mut)
            && servers.remove(NAME).is_none()
        {
            return Ok(text.to_owned());
        }
        return Ok(document.to_string());
    }
    if text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let root = json(text)?;
    let servers = root.object_value().and_then(|root| root.object_value(table(client)));
    let Some(entry) = servers.and_then(|servers| servers.get(NAME)) else {
        return Ok(text.to_owned());
    };
    entry.remove();
    Ok(root.to_string())
}

/// A file with nothing but our entry.
pub(crate) fn fresh(client: Client, program: &str) -> Result<String, Broken> {
    with(client, program, "")
}

fn toml(text: &str) -> Result<DocumentMut, Broken> {
    text.parse().map_err(|error: toml_edit::TomlError| Broken::Syntax(error.message().to_owned()))
}

fn set(entry: &mut dyn toml_edit::TableLike, key: &str, value: toml_edit::Value) {
    let is_it = |item: &Item| {
        item.as_value().is_some_and(|old| old.to_string().trim() == value.to_string().trim())
    };
    if !entry.get(key).is_some_and(is_it) {
        entry.insert(key, Item::Value(value));
    }
}

fn json(text: &str) -> Result<CstRootNode, Broken> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    CstRootNode::parse(text, &options).map_err(|error| Broken::Syntax(error.to_string()))
}

/// Where a client's servers stand.
fn table(client: Client) -> &'static str {
    if client == Client::Opencode { "mcp" } else { "mcpServers" }
}

fn with_json(client: Client, program: &str, text: &str) -> Result<String, Broken> {
    let is_new = text.trim().is_empty();
    let root = json(if is_new { "{}\n" } else { text })?;
    let object = root.object_value_or_create().ok_or(Broken::NoTable("the whole file"))?;
    let name = table(client);
    let servers = object.object_value_or_create(name).ok_or(Broken::NoTable(name))?;
    let entry = servers.object_value_or_create(NAME).ok_or(Broken::NoTable(NAME))?;
    let words = |words: &[&str]| {
        CstInputValue::Array(words.iter().map(|word| CstInputValue::from(*word)).collect())
    };
    match client {
        Client::Opencode => {
            settle(&entry, "type", "local".into(), true);
            settle(&entry, "command", words(&[program, "mcp"]), true);
            settle(&entry, "enabled", true.into(), false);
        }
        Client::Claude => {
            settle(&entry, "type", "stdio".into(), true);
            settle(&entry, "command", program.into(), true);
            settle(&entry, "args", words(&["mcp"]), true);
        }
        Client::Gemini | Client::Codex => {
            settle(&entry, "command", program.into(), true);
            settle(&entry, "args", words(&["mcp"]), true);
            settle(&entry, "timeout", CstInputValue::Number(TIMEOUT_MS.to_string()), false);
        }
    }
    Ok(root.to_string())
}

/// Sets a key; one that is there and is the user's business stays.
fn settle(entry: &CstObject, key: &str, value: CstInputValue, is_ours: bool) {
    match entry.get(key) {
        None => {
            entry.append(key, value);
        }
        Some(property) if is_ours => {
            let before = property.value().map(|old| squeezed(&old.to_string()));
            let probe = CstRootNode::parse("null", &ParseOptions::default());
            let after = probe.ok().map(|root| {
                root.set_value(value.clone());
                squeezed(&root.to_string())
            });
            if before != after {
                property.set_value(value);
            }
        }
        Some(_) => {}
    }
}

/// Without white space: two arrays that differ by their lines alone are one.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Client; 4] = [Client::Claude, Client::Codex, Client::Opencode, Client::Gemini];

    #[test]
    fn a_second_install_changes_nothing_and_uninstall_takes_it_out() {
        for client in ALL {
            let once = fresh(client, "/bin/x").unwrap();
            assert!(once.contains("/bin/x") && once.contains("mcp"), "{once}");
            assert_eq!(with(client, "/bin/x", &once).unwrap(), once);
            assert!(with(client, "/bin/y", &once).unwrap().contains("/bin/y"));
            assert!(!without(client, &once).unwrap().contains("/bin/x"));
        }
    }

    #[test]
    fn what_else_is_in_the_file_stays_byte_for_byte() {
        let json = "{\n    // mine\n    \"theme\":   \"dark\",\n    \"mcpServers\": {\n        \"other\": { \"command\": \"o\" }\n    }\n}\n";
        let after = with(Client::Gemini, "x", json).unwrap();
        assert!(after.starts_with("{\n    // mine\n    \"theme\":   \"dark\",\n    \"mcpServers\": {\n        \"other\": { \"command\": \"o\" },\n        \"autoresearch\": {"), "{after}");
        assert_eq!(without(Client::Gemini, &after).unwrap(), json);
        let toml = "# mine\nmodel   = 'x' # why\n\n[mcp_servers.other]\ncommand = \"o\"\n";
        let after = with(Client::Codex, "x", toml).unwrap();
        assert!(after.starts_with(toml), "{after}");
        assert_eq!(without(Client::Codex, &after).unwrap(), toml);
    }

    #[test]
    fn what_the_user_added_to_our_entry_stays() {
        let json =
            "{\"mcp\": {\"autoresearch\": {\"enabled\": false, \"environment\": {\"A\": \"b\"}}}}";
        let after = with(Client::Opencode, "x", json).unwrap();
        assert!(after.contains("\"enabled\": false") && after.contains("\"A\": \"b\""), "{after}");
        assert!(after.contains("\"local\""), "{after}");
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        for broken in ["{\"a\": 1", "{a: 1}", "{\"a\": 1 \"b\": 2}", "[]", "{\"mcpServers\": 3}"] {
            assert!(with(Client::Claude, "x", broken).is_err(), "{broken}");
        }
        for broken in ["a = ", "mcp_servers = 3", "[mcp_servers]\nautoresearch = 1"] {
            assert!(with(Client::Codex, "x", broken).is_err(), "{broken}");
        }
        assert!(without(Client::Claude, "{").is_err());
    }
}
