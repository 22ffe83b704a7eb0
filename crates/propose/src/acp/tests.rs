//! What real agents said (`OpenCode` 1.18.33 and Gemini CLI 0.61.0, recorded
//! with a scripted model), and what we answer.

use std::path::PathBuf;

use autoresearch_core::spent::Spent;
use serde_json::{Value, json};

use super::Who;
use super::client::{Client, Fault};
use super::files::Files;
use crate::{Heard, Listener as _, ProposeError};

const WHO: Who<'_> = Who { name: "agent", login: "log in" };

/// A desk with a target, and an agent that says recorded lines.
struct Scene {
    place: tempfile::TempDir,
}

/// What came of them.
struct Played {
    /// Our lines, the first among them.
    answers: Vec<Value>,
    spent: Spent,
    doing: Vec<String>,
    done: bool,
}

impl Scene {
    fn new() -> Scene {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("train.py"), "LR = 0.1\nprint(LR)\n").unwrap();
        Scene { place }
    }

    fn files(&self) -> Files {
        Files::new(self.desk(), ["train.py".to_owned()])
    }

    fn desk(&self) -> PathBuf {
        self.place.path().to_owned()
    }

    fn target(&self) -> String {
        std::fs::read_to_string(self.place.path().join("train.py")).unwrap()
    }

    fn play(&self, client: &mut Client<'_>, lines: &str) -> Played {
        let first = serde_json::from_str(&client.first()).unwrap();
        let mut played = Played {
            answers: vec![first],
            spent: Spent::default(),
            doing: Vec::new(),
            done: false,
        };
        for line in lines.lines() {
            assert!(!played.done, "it was done before `{line}`");
            let line = line.replace("/desk", self.place.path().to_str().unwrap());
            let Heard { spent, doing, answer, done } = client.hear(&line);
            played.spent += spent;
            played.doing.extend(doing);
            played.answers.extend(answer.iter().map(|line| serde_json::from_str(line).unwrap()));
            played.done = done;
        }
        played
    }
}

impl Played {
    /// Our requests' methods, and for answers to the agent's what they say.
    fn words(&self) -> Vec<String> {
        let word = |answer: &Value| match answer["method"].as_str() {
            Some(method) => method.to_owned(),
            None if answer["error"].is_object() => format!("error {}", answer["error"]["code"]),
            None => match answer["result"]["outcome"]["optionId"].as_str() {
                Some(option) => option.to_owned(),
                None if answer["result"]["content"].is_string() => "text".to_owned(),
                None => "fine".to_owned(),
            },
        };
        self.answers.iter().map(word).collect()
    }
}

#[test]
fn opencode_edits_the_target_and_tells_what_it_cost() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "the brief".to_owned(), None);
    let played = scene.play(&mut client, include_str!("recorded/opencode.jsonl"));
    assert_eq!(played.words(), ["initialize", "session/new", "session/prompt"]);
    let prompt = &played.answers[2]["params"]["prompt"];
    assert_eq!(*prompt, json!([{ "type": "text", "text": "the brief" }]));
    assert_eq!(played.answers[1]["params"]["cwd"], json!(scene.desk()));
    assert_eq!(client.outcome(), Some(Ok(())));
    assert!(played.done && client.can_load());
    assert_eq!((played.spent.input_tokens, played.spent.output_tokens), (1000, 50));
    assert!((played.spent.dollars - 0.01125).abs() < 1e-9, "{:?}", played.spent);
    assert_eq!(client.fullness(), Some(0.01));
    let said = client.said();
    let answer = "I doubled the rate.\nHYPOTHESIS: a higher learning rate converges sooner";
    assert_eq!(said.answer, answer);
    assert!(played.doing.contains(&"train.py".to_owned()), "{:?}", played.doing);
}

#[test]
fn a_session_is_gone_on_with_and_only_the_new_turn_counts() {
    let scene = Scene::new();
    let files = scene.files();
    let resumed = Some(("ses_e006899c4ffesOdRjI0KR15eXm", 0.01125));
    let mut client = Client::new(&files, "another".to_owned(), resumed);
    let played = scene.play(&mut client, include_str!("recorded/opencode-goes-on.jsonl"));
    let expected = ["initialize", "session/load", "session/prompt", "once", "fine"];
    assert_eq!(played.words(), expected);
    assert_eq!(client.session(), Some("ses_e006899c4ffesOdRjI0KR15eXm"));
    assert!((played.spent.dollars - 0.01125).abs() < 1e-9, "{:?}", played.spent);
    // Not twice, as it was told again.
    assert_eq!(client.said().text.matches("HYPOTHESIS").count(), 1);
    assert_eq!(scene.target(), "LR = 0.2\nprint(LR)\n");
}

#[test]
fn a_session_that_is_gone_is_a_new_one() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "another".to_owned(), Some(("gone", 3.0)));
    let played = scene.play(&mut client, include_str!("recorded/gemini-forgot.jsonl"));
    assert_eq!(played.words(), ["initialize", "session/load", "session/new"]);
    assert!(client.dollars() < 1e-9 && client.session().is_none());
}

#[test]
fn to_run_something_is_refused_and_to_edit_a_target_is_allowed() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "the brief".to_owned(), None);
    let played = scene.play(&mut client, include_str!("recorded/opencode-asks.jsonl"));
    let expected = ["initialize", "session/new", "session/prompt", "reject", "once", "fine"];
    assert_eq!(played.words(), expected);
    assert_eq!(scene.target(), "LR = 0.2\nprint(LR)\n");
}

#[test]
fn gemini_is_set_to_edit_and_reads_and_writes_through_us() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "the brief".to_owned(), None);
    let played = scene.play(&mut client, include_str!("recorded/gemini.jsonl"));
    let expected =
        ["initialize", "session/new", "session/set_mode", "session/prompt", "text", "fine"];
    assert_eq!(played.words(), expected);
    assert_eq!(played.answers[2]["params"]["modeId"], json!("autoEdit"));
    assert_eq!(scene.target(), "LR = 0.2\nprint(LR)\n");
    assert_eq!((played.spent.input_tokens, played.spent.output_tokens), (3000, 150));
    assert!(client.said().text.contains("HYPOTHESIS: a higher learning rate"));
}

#[test]
fn who_is_not_logged_in_tries_the_key_and_is_told_what_to_do() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "the brief".to_owned(), None);
    let played = scene.play(&mut client, include_str!("recorded/gemini-no-key.jsonl"));
    assert_eq!(played.words(), ["initialize", "session/new", "authenticate"]);
    assert_eq!(played.answers[2]["params"]["methodId"], json!("gemini-api-key"));
    let refused = r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"no key"}}"#;
    assert!(client.hear(refused).done);
    let fault = client.outcome().unwrap().unwrap_err();
    let expected = ProposeError::Unusable("agent: no key; log in".to_owned());
    assert_eq!(fault.told(WHO, false), expected);
}

#[test]
fn a_wrong_key_is_no_failure_to_be_tried_again() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "the brief".to_owned(), None);
    let played = scene.play(&mut client, include_str!("recorded/opencode-401.jsonl"));
    assert!(played.done);
    let told = client.outcome().unwrap().unwrap_err().told(WHO, false);
    let expected = "agent: Internal error: invalid api key; log in".to_owned();
    assert_eq!(told, ProposeError::Unusable(expected));
}

/// A client that has asked its prompt.
fn prompted(files: &Files) -> Client<'_> {
    let mut client = Client::new(files, "the brief".to_owned(), None);
    client.first();
    client.hear(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}"#);
    client.hear(r#"{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s"}}"#);
    client
}

#[test]
fn a_turn_that_did_not_come_to_its_end_is_a_failure_that_says_why() {
    let scene = Scene::new();
    let files = scene.files();
    for (reason, word) in [
        ("refusal", "refused"),
        ("max_tokens", "too long"),
        ("max_turn_requests", "as often as it may"),
        ("something_new", "something_new"),
    ] {
        let mut client = prompted(&files);
        let end = json!({ "jsonrpc": "2.0", "id": 3, "result": { "stopReason": reason } });
        assert!(client.hear(&end.to_string()).done);
        match client.outcome().unwrap().unwrap_err().told(WHO, false) {
            ProposeError::Failed(why) => assert!(why.contains(word), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Its own words tell what went wrong, and never ours.
#[test]
fn an_agent_that_ended_without_an_answer_has_failed_unless_it_says_otherwise() {
    let how = "status 1 (it had no network; `propose.network = true` gives it all)".to_owned();
    let gone = |last: Option<&str>| {
        Fault::Gone { how: how.clone(), last: last.map(str::to_owned) }.told(WHO, false)
    };
    for last in [None, Some("cannot find module `x`")] {
        assert!(matches!(gone(last), ProposeError::Failed(why) if why.contains("propose.network")));
    }
    let out_of_reach = gone(Some("TypeError: fetch failed"));
    assert!(matches!(out_of_reach, ProposeError::Unavailable { .. }), "{out_of_reach:?}");
    assert!(matches!(gone(Some("Not logged in")), ProposeError::Unusable(_)));
}

#[test]
fn one_that_has_to_end_is_told_to_cancel_and_was_interrupted_then() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = prompted(&files);
    let words = client.farewell();
    assert!(words[0].contains(r#""method":"session/cancel""#), "{words:?}");
    let end = r#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"cancelled"}}"#;
    assert!(client.hear(end).done);
    let fault = client.outcome().unwrap().unwrap_err();
    assert_eq!(fault, Fault::Cancelled);
    assert_eq!(fault.told(WHO, true), ProposeError::Interrupted);
}

#[test]
fn another_version_of_the_protocol_is_unusable() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = Client::new(&files, "the brief".to_owned(), None);
    client.first();
    assert!(client.hear(r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":2}}"#).done);
    let told = client.outcome().unwrap().unwrap_err().told(WHO, false);
    assert!(matches!(told, ProposeError::Unusable(why) if why.contains("version 2")));
}

#[test]
fn what_is_asked_outside_of_the_desk_or_for_a_terminal_is_an_error() {
    let scene = Scene::new();
    let files = scene.files();
    let mut client = prompted(&files);
    let mut ask = |method: &str, params: Value| -> i64 {
        let line = json!({ "jsonrpc": "2.0", "id": "a", "method": method, "params": params });
        let heard = client.hear(&line.to_string());
        let answer: Value = serde_json::from_str(&heard.answer[0]).unwrap();
        assert_eq!(answer["id"], "a");
        answer["error"]["code"].as_i64().unwrap_or(0)
    };
    let read = |path: &str| json!({ "sessionId": "s", "path": path });
    assert_eq!(ask("fs/read_text_file", read("/etc/passwd")), -32602);
    assert_eq!(ask("fs/read_text_file", read("missing.py")), -32002);
    assert_eq!(ask("fs/read_text_file", read("train.py")), 0);
    let write = json!({ "sessionId": "s", "path": "evaluate.py", "content": "" });
    assert_eq!(ask("fs/write_text_file", write), -32602);
    assert_eq!(ask("terminal/create", json!({ "sessionId": "s", "command": "sh" })), -32601);
    assert_eq!(ask("fs/read_text_file", json!({})), -32602);
}

proptest::proptest! {
    #[test]
    fn no_line_is_too_strange(cut in 0_usize..4000, with in ".{0,8}") {
        let scene = Scene::new();
        let files = scene.files();
        let mut client = prompted(&files);
        let lines = include_str!("recorded/opencode-asks.jsonl");
        for line in lines.lines() {
            let at = line.ceil_char_boundary(cut.min(line.len()));
            let _ = client.hear(&format!("{}{with}{}", &line[..at], &line[at..]));
        }
    }
}
