//! The agents that are known without being configured.

use std::collections::BTreeMap;

use autoresearch_core::agent::Table;

/// Name and table of each, as the files beside have them.
const PRESETS: [(&str, &str); 6] = [
    ("aider", include_str!("presets/aider.toml")),
    ("claude", include_str!("presets/claude.toml")),
    ("codex", include_str!("presets/codex.toml")),
    ("gemini", include_str!("presets/gemini.toml")),
    ("opencode", include_str!("presets/opencode.toml")),
    ("pi", include_str!("presets/pi.toml")),
];

/// All known agents by name: the presets with the user's tables over them, and
/// the user's own.
pub fn known(configured: &BTreeMap<String, Table>) -> BTreeMap<String, Table> {
    let mut known: BTreeMap<String, Table> = PRESETS
        .iter()
        // A test holds that the presets can be read.
        .map(|(name, text)| ((*name).to_owned(), toml::from_str(text).unwrap_or_default()))
        .collect();
    for (name, table) in configured {
        let under = known.remove(name).unwrap_or_default();
        known.insert(name.clone(), table.clone().over(under));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_complete() {
        for (name, text) in PRESETS {
            let table: Table = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(table.program(), Some(name));
            assert!(table.tested.is_some() && table.install.is_some(), "{name}");
            assert!(table.login.is_some() && table.keys.is_some(), "{name}");
            let hosts = table.hosts.unwrap();
            let has_port = |host: &String| host.rsplit_once(':').is_some_and(|(_, p)| p == "443");
            assert!(!hosts.is_empty() && hosts.iter().all(has_port), "{name}");
        }
    }

    #[test]
    fn a_users_table_overrides_single_fields_and_adds_agents() {
        let text = "[claude]\nmodel = 'opus'\nenv = { DISABLE_TELEMETRY = '0', X = '1' }\n\
                    [mine]\ncommand = ['mine', ['-m', '{model}']]\n";
        let known = known(&toml::from_str(text).unwrap());
        let claude = &known["claude"];
        assert_eq!(claude.model.as_deref(), Some("opus"));
        assert_eq!(claude.program(), Some("claude"));
        let env = claude.env.as_ref().unwrap();
        assert_eq!((env["DISABLE_TELEMETRY"].as_str(), env["X"].as_str()), ("0", "1"));
        assert!(env.contains_key("DISABLE_AUTOUPDATER"));
        assert_eq!(known["mine"].program(), Some("mine"));
        assert_eq!(known.len(), 7);
    }
}
