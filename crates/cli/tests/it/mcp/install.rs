//! `autoresearch mcp install`: our entry in other programs' files.

use crate::toy::place;

/// Client and the file that it gets.
const CLIENTS: [(&str, &str); 4] = [
    ("claude", "repo/.mcp.json"),
    ("codex", "home/.codex/config.toml"),
    ("opencode", "repo/opencode.json"),
    ("gemini", "repo/.gemini/settings.json"),
];

#[test]
fn every_client_gets_its_entry_once_and_loses_it_again() {
    let place = place().repository();
    for (client, file) in CLIENTS {
        let path = place.base().join(file);
        let shown = place.run(["mcp", "install", client, "--dry-run"]).expect(0).stdout;
        assert!(shown.contains('+') && shown.contains("autoresearch"), "{shown}");
        assert!(!path.exists(), "a dry run touches nothing");
        place.run(["mcp", "install", client]).expect(0);
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.contains("\"mcp\""), "{written}");
        let again = place.run(["mcp", "install", client]).expect(0).stdout;
        assert!(again.contains("as it should be"), "{again}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
        place.run(["mcp", "uninstall", client]).expect(0);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("\"mcp\"]"));
        place.run(["mcp", "uninstall", client]).expect(0);
    }
}

#[test]
fn a_broken_file_is_never_written_and_the_snippet_is_shown() {
    let place = place().repository();
    for (client, file) in CLIENTS {
        let path = place.base().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "{ \"a\": \n").unwrap();
        let told = place.run(["mcp", "install", client]).expect(2);
        told.says(&["left as it is", "\"mcp\""]);
        place.run(["mcp", "uninstall", client]).expect(2);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{ \"a\": \n");
    }
}

/// Dotfiles are often links, and some are their owner's alone.
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place().repository();
    let real = place.base().join("dotfiles.toml");
    std::fs::write(&real, "model = \"m\" # mine\n").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
    let folder = place.base().join("home/.codex");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(&real, folder.join("config.toml")).unwrap();
    place.run(["mcp", "install", "codex"]).expect(0);
    assert!(std::fs::symlink_metadata(folder.join("config.toml")).unwrap().is_symlink());
    let text = std::fs::read_to_string(&real).unwrap();
    assert!(
        text.starts_with("model = \"m\" # mine\n") && text.contains("[mcp_servers.autoresearch]")
    );
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_snippet_is_printed_for_anybody() {
    let place = place().repository();
    let snippet = place.run(["mcp", "install", "--print"]).expect(0).stdout;
    assert!(snippet.contains("\"mcpServers\""), "{snippet}");
    let toml = place.run(["mcp", "install", "codex", "--print"]).expect(0).stdout;
    assert!(toml.contains("[mcp_servers.autoresearch]"), "{toml}");
    place.run(["mcp", "install"]).expect(2);
    place.run(["mcp", "install", "claude", "--user"]).expect(2).says(&["claude mcp add"]);
    assert!(place.git(&["status", "--porcelain"]).is_empty());
}
