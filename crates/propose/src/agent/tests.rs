//! What the agents print, recorded with the versions that the presets name,
//! and what is made of it. They end through real processes elsewhere
//! (`crates/cli/tests/agents`).

use std::collections::BTreeMap;
use std::time::Duration;

use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::{Category, FileEdit};
use autoresearch_core::spent::Spent;

use super::*;
use crate::{Listener, Text};

fn brief() -> Brief {
    Brief {
        number: 1,
        budget_seconds: 60.0,
        command: vec!["sh".to_owned(), "train.sh".to_owned()],
        targets: vec![Text { path: "train.py".to_owned(), text: "LR = 0.1\n".to_owned() }],
        seed: 1,
        ..Brief::about("loss", Direction::Minimize)
    }
}

/// A desk on which an agent prints what was recorded.
struct Replay {
    folder: tempfile::TempDir,
    printed: String,
    edits: bool,
    success: bool,
    /// The errand, as far as it matters.
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    hosts: Vec<String>,
    stdin: bool,
    spent: Spent,
    doing: Vec<String>,
}

impl Replay {
    fn of(printed: &str, edits: bool, success: bool) -> Replay {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train.py"), "LR = 0.1\n").unwrap();
        Replay {
            folder,
            printed: printed.to_owned(),
            edits,
            success,
            command: Vec::new(),
            environment: BTreeMap::new(),
            hosts: Vec::new(),
            stdin: false,
            spent: Spent::default(),
            doing: Vec::new(),
        }
    }
}

impl Desk for Replay {
    fn folder(&mut self) -> Result<PathBuf, ProposeError> {
        Ok(self.folder.path().to_owned())
    }

    fn run(
        &mut self,
        errand: &Errand<'_>,
        listener: &mut dyn Listener,
    ) -> Result<Finished, ProposeError> {
        self.command = errand.command.to_vec();
        self.environment = errand.environment.iter().cloned().collect();
        self.hosts = errand.hosts.to_vec();
        self.stdin = matches!(errand.input, Input::File(_));
        if self.edits {
            std::fs::write(self.folder.path().join("train.py"), "LR = 0.2\n").unwrap();
        }
        for line in self.printed.lines() {
            let heard = listener.hear(line);
            self.spent += heard.spent;
            self.doing.extend(heard.doing);
        }
        let how = if self.success { "ended by itself" } else { "status 1" }.to_owned();
        Ok(Finished { success: self.success, how, tail: self.printed.clone() })
    }

    fn tried(&self, _edits: &[FileEdit]) -> Option<u64> {
        None
    }

    fn spend(&mut self, _spent: Spent) -> Result<(), ProposeError> {
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        false
    }

    fn time_left(&self) -> Duration {
        Duration::MAX
    }

    fn say(&mut self, _doing: &str) {}
}

fn agent(name: &str, home: &Path) -> Agent {
    let table = known(&BTreeMap::new()).remove(name).unwrap();
    let around = Surroundings {
        home: home.join("home"),
        scratch: home.to_owned(),
        confined: true,
        ..Surroundings::default()
    };
    Agent::new(name, table, around)
}

fn replay(
    name: &str,
    printed: &str,
    edits: bool,
    success: bool,
) -> (Replay, Result<Proposal, ProposeError>) {
    let temp = tempfile::tempdir().unwrap();
    let mut desk = Replay::of(printed, edits, success);
    let outcome = agent(name, temp.path()).propose(&brief(), &mut desk);
    (desk, outcome)
}

const EDITS: [(&str, &str); 5] = [
    ("claude", include_str!("recorded/claude-edit.jsonl")),
    ("codex", include_str!("recorded/codex-edit.jsonl")),
    ("gemini", include_str!("recorded/gemini-edit.jsonl")),
    ("opencode", include_str!("recorded/opencode-edit.jsonl")),
    ("pi", include_str!("recorded/pi-edit.jsonl")),
];

#[test]
fn an_edit_is_a_proposal_with_what_the_agent_stated_and_spent() {
    for (name, printed) in EDITS {
        let (desk, outcome) = replay(name, printed, true, true);
        let proposal = outcome.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(proposal.hypothesis, "a higher LR helps", "{name}");
        assert_eq!(proposal.category, Category::Optimizer, "{name}");
        // Three requests of 1000 tokens, 200 of them cached, and 50 written.
        let tokens = (desk.spent.input_tokens, desk.spent.cached_tokens, desk.spent.output_tokens);
        assert_eq!(tokens, (3000, 600, 150), "{name}");
        let tells_dollars = ["claude", "opencode", "pi"].contains(&name);
        assert_eq!(desk.spent.dollars > 0.0, tells_dollars, "{name}: {}", desk.spent.dollars);
        assert!(desk.doing.len() >= 3, "{name}: {:?}", desk.doing);
        assert!(desk.stdin, "{name} is told on its standard input");
    }
}

#[test]
fn configured_prices_count_where_the_agent_tells_no_dollars() {
    let temp = tempfile::tempdir().unwrap();
    let mut agent = agent("codex", temp.path());
    let price = "input = 1000\ncached = 100\noutput = 10000";
    agent.table.price = Some(toml::from_str(price).unwrap());
    let mut desk = Replay::of(EDITS[1].1, true, true);
    agent.propose(&brief(), &mut desk).unwrap();
    assert!((desk.spent.dollars - (2.4 + 0.06 + 1.5)).abs() < 1e-9, "{}", desk.spent.dollars);
}

#[test]
fn a_wrong_key_ends_it_with_the_remedy_whatever_the_exit_code() {
    for (name, printed) in [
        ("claude", include_str!("recorded/claude-401.jsonl")),
        ("codex", include_str!("recorded/codex-401.jsonl")),
        ("gemini", include_str!("recorded/gemini-401.jsonl")),
        ("opencode", include_str!("recorded/opencode-401.jsonl")),
        ("pi", include_str!("recorded/pi-401.jsonl")),
        ("aider", include_str!("recorded/aider-401.txt")),
    ] {
        for success in [true, false] {
            match replay(name, printed, false, success).1 {
                Err(ProposeError::Unusable(why)) => {
                    assert!(why.contains("KEY"), "{why}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_empty_list_of_events_is_none() {
    let temp = tempfile::tempdir().unwrap();
    let mut desk = Replay::of(include_str!("recorded/aider-401.txt"), false, true);
    let mut aider = agent("aider", temp.path());
    aider.table.events = Some(Vec::new());
    let outcome = aider.propose(&brief(), &mut desk);
    assert!(matches!(outcome, Err(ProposeError::Unusable(_))), "{outcome:?}");
}

#[test]
fn a_server_that_fails_is_asked_again_later() {
    for (name, printed) in [
        ("claude", include_str!("recorded/claude-500.jsonl")),
        ("codex", include_str!("recorded/codex-500.jsonl")),
        ("gemini", include_str!("recorded/gemini-500.jsonl")),
        ("opencode", include_str!("recorded/opencode-500.jsonl")),
        ("pi", include_str!("recorded/pi-500.jsonl")),
        ("aider", include_str!("recorded/aider-500.txt")),
    ] {
        let outcome = replay(name, printed, false, true).1;
        assert!(matches!(outcome, Err(ProposeError::Unavailable { .. })), "{name}: {outcome:?}");
    }
}

#[test]
fn an_error_that_the_agent_got_over_is_none() {
    let retried = r#"{"type":"error","message":"Reconnecting... 1/5 (unexpected status 429)"}"#;
    let printed = format!("{retried}\n{}", EDITS[1].1);
    assert!(replay("codex", &printed, true, true).1.is_ok());
}

#[test]
fn an_agent_that_was_killed_has_failed_even_with_half_an_edit() {
    for (name, printed) in EDITS {
        // All but its last word.
        let lines: Vec<&str> = printed.lines().collect();
        let first = lines[..lines.len() - 1].join("\n");
        let outcome = replay(name, &first, true, false).1;
        assert!(matches!(outcome, Err(ProposeError::Failed(_))), "{name}: {outcome:?}");
    }
}

#[test]
fn an_agent_that_has_done_its_work_may_end_as_it_likes() {
    for (name, printed) in EDITS {
        let printed = format!("{printed}{{\"type\":\"agent_end\"}}\n");
        assert!(replay(name, &printed, true, false).1.is_ok(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_named_pipe_in_place_of_a_target_is_an_edit_and_does_not_hang() {
    let desk = Replay::of("", false, true);
    let target = desk.folder.path().join("train.py");
    let before = contents(desk.folder.path(), &brief());
    std::fs::remove_file(&target).unwrap();
    autoresearch_testkit::pipe(&target);
    assert_ne!(contents(desk.folder.path(), &brief()), before);
}

#[test]
fn no_edit_at_exit_0_is_for_the_guard_to_refuse() {
    assert!(replay("claude", EDITS[0].1, false, true).1.is_ok());
}

#[test]
fn only_its_own_keys_are_handed_on_and_a_base_url_replaces_its_hosts() {
    let temp = tempfile::tempdir().unwrap();
    let mut agent = agent("claude", temp.path());
    let variables = [
        ("ANTHROPIC_API_KEY", "k"),
        ("OPENAI_API_KEY", "other"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8080/v1"),
    ];
    agent.around.variables =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    agent.around.model = Some("opus".to_owned());
    let mut desk = Replay::of(EDITS[0].1, true, true);
    agent.propose(&brief(), &mut desk).unwrap();
    assert_eq!(desk.environment["ANTHROPIC_API_KEY"], "k");
    assert!(!desk.environment.contains_key("OPENAI_API_KEY"));
    assert_eq!(desk.hosts, ["127.0.0.1:8080"]);
    assert!(desk.command.windows(2).any(|two| two == ["--model", "opus"]), "{:?}", desk.command);
    assert!(!desk.command.iter().any(|word| word == "--max-budget-usd"));
}

#[test]
fn hosts_of_urls_have_ports() {
    for (url, host) in [
        ("https://api.example.com/v1", Some("api.example.com:443")),
        ("http://localhost:11434", Some("localhost:11434")),
        ("http://user:pw@host/x", Some("host:80")),
        ("http://[::1]:8080/v1", Some("[::1]:8080")),
        ("http://[::1]/v1", Some("[::1]:80")),
        ("api.example.com", None),
        ("file:///etc/passwd", None),
        ("https://", None),
    ] {
        assert_eq!(host_of(url).as_deref(), host, "{url}");
    }
}

proptest::proptest! {
    #[test]
    fn no_line_is_too_strange(line in "(?s).{0,200}", name in "claude|codex|opencode|gemini|pi|aider") {
        let table = known(&BTreeMap::new()).remove(&name).unwrap();
        let mut stream = Stream::new(table.events.as_deref().unwrap_or_default(), None);
        let spent = stream.hear(&line).spent;
        assert!(spent.dollars >= 0.0);
    }

    #[test]
    fn numbers_of_any_kind_are_never_negative(number in "-?[0-9]{1,30}(\\.[0-9]{1,5})?(e[0-9]{1,3})?|null|\"x\"|\\[\\]") {
        let table = known(&BTreeMap::new()).remove("claude").unwrap();
        let mut stream = Stream::new(table.events.as_deref().unwrap_or_default(), None);
        let line = format!("{{\"type\":\"result\",\"total_cost_usd\":{number},\"usage\":{{\"input_tokens\":{number}}}}}");
        let spent = stream.hear(&line).spent;
        assert!(spent.dollars >= 0.0 && spent.dollars.is_finite());
    }
}
