//! The skill (SPEC I5): valid by the Agent Skills convention, and true.

use std::path::Path;

use crate::toy::place;

fn skill() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skills/autoresearch/SKILL.md");
    std::fs::read_to_string(path).unwrap()
}

/// Front matter by key, and the body.
fn parts(skill: &str) -> (Vec<(&str, &str)>, &str) {
    let rest = skill.strip_prefix("---\n").expect("front matter comes first");
    let (front, body) = rest.split_once("\n---\n").expect("front matter ends");
    let fields = front.lines().map(|line| line.split_once(": ").expect(line)).collect();
    (fields, body)
}

/// The specification of agentskills.io.
#[test]
fn the_skill_is_valid_by_the_convention() {
    let skill = skill();
    let (fields, body) = parts(&skill);
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    assert_eq!(field("name"), Some("autoresearch"), "the name is the folder's");
    let description = field("description").unwrap();
    assert!((100..=1024).contains(&description.chars().count()));
    assert!(description.contains("Use when"), "it says what for and when");
    // Plain YAML: nothing in it means anything to YAML.
    assert!(!description.contains(": ") && !description.contains(" #"), "{description}");
    assert!(field("compatibility").unwrap().chars().count() <= 500);
    let known = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];
    assert!(fields.iter().all(|(key, _)| known.contains(key)), "{fields:?}");
    assert!(body.lines().count() < 500);
    for link in body.match_indices("](").map(|(at, _)| &body[at + 2..]) {
        let target = link.split(')').next().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skills/autoresearch");
        assert!(folder.join(target).exists(), "{target}");
    }
}

/// Every command that it mentions is one: the program takes its words.
#[test]
fn every_command_of_the_skill_is_understood() {
    let place = place();
    let skill = skill();
    let mut commands: Vec<Vec<String>> = Vec::new();
    let is_fenced = |at: usize| skill[..at].matches("```").count() % 2 == 1;
    for (at, _) in skill.match_indices("autoresearch ") {
        let before = skill[..at].chars().next_back();
        let end = match before {
            Some('`') => '`',
            Some('\n') if is_fenced(at) => '\n',
            _ => continue,
        };
        let line = skill[at..].split(end).next().unwrap();
        commands.push(words(line));
    }
    assert!(commands.len() >= 25, "{commands:?}");
    for command in commands {
        // Read by clap, and then only help is shown.
        let ended = place.run(command[1..].iter().map(String::as_str).chain(["--help"]));
        assert_eq!(ended.code, Some(0), "{command:?}: {}", ended.stderr);
    }
}

/// As a shell splits them, without escapes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.trim().chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

#[test]
fn the_skill_goes_into_the_folders_of_agents_and_never_over_another_version() {
    let place = place().repository();
    let shown = place.run(["skill", "show"]).expect(0).stdout;
    assert_eq!(shown, skill());
    let dry = place.run(["skill", "install", "--dry-run"]).expect(0).stdout;
    assert!(dry.contains("+name: autoresearch"), "{dry}");
    assert!(place.git(&["status", "--porcelain"]).is_empty());
    place.run(["skill", "install"]).expect(0);
    for folder in [".agents", ".claude"] {
        let path = format!("{folder}/skills/autoresearch/SKILL.md");
        assert_eq!(place.read(&path), shown);
        place.write(&path, "mine");
    }
    place.run(["skill", "install"]).expect(2).says(&["--force"]);
    assert_eq!(place.read(".claude/skills/autoresearch/SKILL.md"), "mine");
    place.run(["skill", "install", "--force"]).expect(0);
    assert!(place.run(["skill", "install"]).expect(0).stdout.contains("as it should be"));
    for (agent, path) in [
        ("claude", ".claude/skills"),
        ("codex", ".agents/skills"),
        ("opencode", ".config/opencode/skills"),
        ("gemini", ".gemini/skills"),
        ("pi", ".pi/agent/skills"),
    ] {
        place.run(["skill", "install", "--user", "--agent", agent]).expect(0);
        let file = place.base().join("home").join(path).join("autoresearch/SKILL.md");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), shown, "{agent}");
    }
    let config = place.base().join("settings");
    let place = place.variable("XDG_CONFIG_HOME", &config);
    place.run(["skill", "install", "--user", "--agent", "opencode"]).expect(0);
    let file = config.join("opencode/skills/autoresearch/SKILL.md");
    assert_eq!(std::fs::read_to_string(file).unwrap(), shown);
}
