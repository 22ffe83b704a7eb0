//! Claude Code, OpenCode and Gemini CLI in the driving seat (SPEC K5): each finds our tools by what
//! `autoresearch mcp install` writes, and runs a session with them.

use autoresearch_testkit::{Place, Running};
use serde_json::{Value, json};

use crate::lab::{Agent, TAG, lab, log, verdicts};
use crate::model::{Model, Turn};

/// A keep, a refusal, a discard.
fn script() -> Vec<Turn> {
    let call = |name, arguments: Value| Turn::Tool(name, arguments);
    let propose = |from: &str, to: &str| {
        let passage = json!({ "path": "train.sh", "old": from, "new": to });
        call("propose", json!({ "hypothesis": format!("{to} is better"), "replace": [passage] }))
    };
    vec![
        call("context", json!({})),
        call("start", json!({ "tag": TAG, "iterations": 3 })),
        call("wait", json!({ "experiment": 0 })),
        call("brief", json!({})),
        propose("x=50", "x=40"),
        call("wait", json!({ "experiment": 1 })),
        propose("x=40", "x=50"),
        propose("x=40", "x=60"),
        call("wait", json!({ "experiment": 2 })),
        call("stop", json!({ "now": true })),
        call("wait", json!({})),
        Turn::Say("done".to_owned()),
    ]
}

/// Lets the agent drive, started with these words and variables.
fn drives(
    agent: Agent,
    prepare: impl Fn(&Place),
    words: &[&str],
    variables: impl Fn(&Model) -> Vec<(&'static str, String)>,
) {
    if !agent.is_here() {
        return;
    }
    let model = Model::playing(script());
    let place = lab(agent, &model, "");
    let branch = place.git(&["rev-parse", "main"]);
    place.run(["mcp", "install", agent.name()]).expect(0);
    prepare(&place);
    let mut command = place.other(agent.name());
    command.args(words).envs(variables(&model));
    let ended = Running::start(command).wait();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(model.taken(), script().len(), "{}", ended.stdout);
    place.assert_deserted();
    assert_eq!(verdicts(&place), ["keep", "keep", "discard"], "{}", ended.stdout);
    assert_eq!(log(&place)[1]["hypothesis"], "x=40 is better");
    let proposer = place.run(["show", "1", "--json"]).expect(0).json()["proposer"].clone();
    assert!(proposer.as_str().unwrap().starts_with("mcp"), "{proposer}");
    assert_eq!(place.git(&["rev-parse", "main"]), branch);
    assert_eq!(place.read("train.sh"), "x=50\necho \"loss: $x\"\n", "the checkout is not touched");
}

#[test]
fn claude_drives() {
    drives(
        Agent::Claude,
        |_| {},
        &[
            "-p",
            "improve it",
            "--output-format",
            "json",
            "--mcp-config",
            ".mcp.json",
            "--strict-mcp-config",
            "--allowedTools",
            "mcp__autoresearch",
            "--max-turns",
            "30",
            "--no-session-persistence",
        ],
        |model| {
            vec![
                ("ANTHROPIC_BASE_URL", model.url()),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
                ("DISABLE_AUTOUPDATER", "1".to_owned()),
                // Else it looks our tools up before it calls them.
                ("ENABLE_TOOL_SEARCH", "false".to_owned()),
            ]
        },
    );
}

#[test]
fn opencode_drives() {
    let provider = |model: &Model| {
        json!({
            "autoupdate": false, "share": "disabled",
            "model": "scripted/scripted", "small_model": "scripted/scripted",
            "enabled_providers": ["scripted"],
            "provider": { "scripted": {
                "npm": "@ai-sdk/openai-compatible",
                "options": { "baseURL": format!("{}/v1", model.url()), "apiKey": "scripted" },
                "models": { "scripted": { "name": "S", "limit": { "context": 100_000, "output": 8000 } } },
            } },
        })
    };
    drives(
        Agent::Opencode,
        |_| {},
        &["run", "--format", "json", "--title", "loop", "improve it"],
        |model| {
            let mut all = vec![("OPENCODE_CONFIG_CONTENT", provider(model).to_string())];
            let offline = [
                "OPENCODE_PURE",
                "OPENCODE_DISABLE_MODELS_FETCH",
                "OPENCODE_DISABLE_AUTOUPDATE",
                "OPENCODE_DISABLE_LSP_DOWNLOAD",
                "OPENCODE_DISABLE_DEFAULT_PLUGINS",
            ];
            all.extend(offline.map(|name| (name, "1".to_owned())));
            all
        },
    );
}

#[test]
fn gemini_drives() {
    drives(
        Agent::Gemini,
        |place| {
            // Without somebody to ask it wants to be told that it may.
            let settings = place.read(".gemini/settings.json");
            let trusted = settings.replacen("\"command\"", "\"trust\": true,\n\"command\"", 1);
            place.write(".gemini/settings.json", trusted);
            let home = place.base().join("home/.gemini");
            std::fs::create_dir_all(&home).unwrap();
            let own = json!({
                "general": { "disableAutoUpdate": true }, "telemetry": { "enabled": false },
                "privacy": { "usageStatisticsEnabled": false },
                "security": { "auth": { "selectedType": "gemini-api-key" } },
            });
            std::fs::write(home.join("settings.json"), own.to_string()).unwrap();
        },
        &["--approval-mode", "auto_edit", "-m", "gemini-2.5-flash", "-p", "improve it"],
        |model| {
            vec![
                ("GOOGLE_GEMINI_BASE_URL", model.url()),
                ("GEMINI_CLI_TRUST_WORKSPACE", "true".to_owned()),
            ]
        },
    );
}
